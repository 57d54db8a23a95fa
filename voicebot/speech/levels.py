"""How loud speech is, and where it begins and ends."""

import numpy as np
from numpy.typing import NDArray

from voicebot.speech.resample import to_int16

ACTIVE_LEVEL = (
    2750.0  # rms of active speech, int16 scale: about -21.5 dBov, where telephone speech usually lies
)
_FRAME_SECONDS = 0.010
_FADE_SECONDS = 0.002
_ACTIVE_SHARE = 0.1  # of the loud frames' level: 20 dB below it is still speech
_LARGEST_GAIN = 8.0


def frame_levels(samples: NDArray[np.int16], sample_rate: int) -> NDArray[np.float64]:
    """Return the rms of each whole 10 ms frame."""
    size = int(sample_rate * _FRAME_SECONDS)
    whole = len(samples) // size
    frames = samples[: whole * size].astype(np.float64).reshape(whole, size)
    levels: NDArray[np.float64] = np.sqrt(np.mean(frames**2, axis=1))
    return levels


def active_level(samples: NDArray[np.int16], sample_rate: int) -> float:
    """Return the rms of the frames with speech in them; 0.0 for silence."""
    levels = frame_levels(samples, sample_rate)
    if not len(levels):
        return 0.0
    active = levels[levels > max(1.0, _ACTIVE_SHARE * float(np.quantile(levels, 0.95)))]
    return float(np.sqrt(np.mean(active**2))) if len(active) else 0.0


def at_level(samples: NDArray[np.int16], sample_rate: int, level: float = ACTIVE_LEVEL) -> NDArray[np.int16]:
    """Return the clip with its active speech at `level` rms; silence stays as it is."""
    present = active_level(samples, sample_rate)
    if present < 1.0:
        return samples
    return to_int16(samples * min(level / present, _LARGEST_GAIN))


def trimmed(samples: NDArray[np.int16], sample_rate: int, margin: float = 0.040) -> NDArray[np.int16]:
    """Cut leading and trailing silence down to `margin` seconds; all silence becomes an empty clip.

    The ends are faded over 2 ms: a voice may begin in the middle of a wave, which would click.
    """
    levels = frame_levels(samples, sample_rate)
    loud = np.flatnonzero(levels > max(2.0, 0.02 * float(levels.max(initial=0.0))))
    if not len(loud):
        return samples[:0]
    size = int(sample_rate * _FRAME_SECONDS)
    keep = int(margin * sample_rate)
    kept = samples[max(0, int(loud[0]) * size - keep) : (int(loud[-1]) + 1) * size + keep].astype(np.float32)
    fade = np.linspace(0.0, 1.0, min(int(sample_rate * _FADE_SECONDS), len(kept) // 2), dtype=np.float32)
    kept[: len(fade)] *= fade
    kept[len(kept) - len(fade) :] *= fade[::-1]
    return to_int16(kept)
