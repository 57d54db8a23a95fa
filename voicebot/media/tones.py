"""Tones as 16-bit mono at 8 kHz: the beep before a message, and keys in band for peers without telephone events."""

import numpy as np
from numpy.typing import NDArray

from voicebot.media import SAMPLE_RATE

_LOW = (697.0, 770.0, 852.0, 941.0)  # ITU-T Q.23
_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
_GRID = ("123A", "456B", "789C", "*0#D")
DTMF: dict[str, tuple[float, float]] = {
    key: (_LOW[row], _HIGH[column]) for row, keys in enumerate(_GRID) for column, key in enumerate(keys)
}


def tone(frequencies: tuple[float, ...], seconds: float, level: float = 0.1) -> NDArray[np.int16]:
    """Return sines of `frequencies` in Hz, each with an amplitude of `level` of full scale, with 5 ms ramps."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum((np.sin(2 * np.pi * hertz * time) for hertz in frequencies), np.zeros(len(time)))
    edge = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.005)
    return np.round(wave * edge * level * 32767).astype(np.int16)


def beep() -> NDArray[np.int16]:
    """Return the tone after which a message is recorded: 0.25 s of 1000 Hz, then 50 ms of silence."""
    return np.concatenate([tone((1000.0,), 0.25, 0.15), np.zeros(SAMPLE_RATE // 20, np.int16)])


def dtmf(keys: str, duration_ms: int = 100, gap_ms: int = 80) -> NDArray[np.int16]:
    """Return the keys as dual tones (ITU-T Q.23), each followed by a gap. Raises KeyError for what is no key."""
    gap = np.zeros(SAMPLE_RATE * gap_ms // 1000, np.int16)
    parts = [part for key in keys for part in (tone(DTMF[key], duration_ms / 1000, 0.15), gap)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)
