"""Another sampling rate for a whole piece of audio."""

import math

import numpy as np
from numpy.typing import NDArray

_HALF_TAPS = 32  # zero crossings of the low-pass on each side, at the lower of the two rates
_PASS_BAND = 0.92  # of the lower Nyquist frequency; the transition ends just above it
_KAISER_BETA = 8.0  # stop band below -80 dB


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def resample(samples: NDArray[np.int16], source_hz: int, target_hz: int) -> NDArray[np.float32]:
    """Change the sampling rate by a polyphase Kaiser-windowed low-pass (stop band -80 dB); shape (n,) to (m,).

    Lasts exactly as long as the input, without delay.
    """
    divisor = math.gcd(source_hz, target_hz)
    up, down = target_hz // divisor, source_hz // divisor
    stretch = max(1.0, source_hz / target_hz)  # the filter is as much longer as its cutoff is lower
    half = math.ceil(_HALF_TAPS * stretch)
    total = (len(samples) * up + down - 1) // down
    padded = np.pad(samples.astype(np.float32), (half, half + down + 1))
    offsets = np.arange(-half + 1, half + 1)
    result = np.empty(total, np.float32)
    for phase in range(min(up, total)):
        start, rest = divmod(phase * down, up)
        taps = _low_pass(offsets - rest / up, stretch, half)
        count = len(range(phase, total, up))
        first = start + 1  # the window around input sample `start` begins half - 1 samples before it
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[first::down][:count]
        result[phase::up] = windows @ taps
    return result


def _low_pass(at: NDArray[np.floating], stretch: float, half: int) -> NDArray[np.float32]:
    """Return the taps for input samples that lie `at` (in input samples) from the output sample."""
    cutoff = _PASS_BAND / stretch
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (at / half) ** 2, 0, 1))) / np.i0(_KAISER_BETA)
    taps = cutoff * np.sinc(cutoff * at) * window
    normal: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return normal
