"""What speech looks like to the ear: one row of log-mel energies every 10 ms."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from voicebot.media import SAMPLE_RATE

HOP_SAMPLES = 80
HOP_SECONDS = HOP_SAMPLES / SAMPLE_RATE
BANDS = 24
_WINDOW = 256
_LOWEST_HZ, _HIGHEST_HZ = 120.0, 3700.0
_FLOOR_DB = (
    48.0  # of a band; the noise of G.711 and of silent lines lies below it, telephone speech at 70 to 95
)
_PRE_EMPHASIS = 0.9

Features = NDArray[np.float32]


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Return triangular filters, shape (bins, BANDS), equally wide in mel."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1127.0 * np.log1p(hertz / 700.0)

    lowest, highest = mel(np.array([_LOWEST_HZ, _HIGHEST_HZ]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    bins = mel(np.arange(_WINDOW // 2 + 1) * SAMPLE_RATE / _WINDOW)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights: NDArray[np.float32] = np.clip(np.minimum(rising, falling), 0.0, None).astype(np.float32)
    return weights


def features(samples: NDArray[np.int16]) -> Features:
    """Return shape (frames, BANDS): dB over the floor, never negative; all zeros is silence.

    `samples` is mono at 8 kHz. Frame i covers the 32 ms from sample i * HOP_SAMPLES on.
    """
    if len(samples) < _WINDOW:
        return np.zeros((0, BANDS), np.float32)
    audio = samples.astype(np.float32)
    audio[1:] -= np.float32(_PRE_EMPHASIS) * audio[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(audio, _WINDOW)[::HOP_SAMPLES]
    rows = []
    for start in range(0, len(windows), 4096):  # bounded memory for long calls
        spectrum = np.abs(np.fft.rfft(windows[start : start + 4096] * np.hanning(_WINDOW), axis=1)) ** 2
        rows.append(10.0 * np.log10(spectrum.astype(np.float32) @ _filters() + 1.0) - _FLOOR_DB)
    result: Features = np.clip(np.concatenate(rows), 0.0, None).astype(np.float32)
    return result
