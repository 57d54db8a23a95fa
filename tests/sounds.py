"""Sounds that tests are made of."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def sine(hertz: float, rate: int, seconds: float = 0.5, level: float = 8000) -> NDArray[np.int16]:
    time = np.arange(round(rate * seconds)) / rate
    samples: NDArray[np.int16] = np.rint(level * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    return samples


def write_wav(path: Path, frames: bytes = b"\x00\x10\x00\xf0" * 4000) -> None:
    """Write 16-bit mono at 8 kHz: one second of 4 kHz, if nothing else is given."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(frames)


def loudest(samples: NDArray[np.int16], rate: int) -> float:
    """Return the frequency that stands out in the second half."""
    half = samples[len(samples) // 2 :].astype(float)
    spectrum = np.abs(np.fft.rfft(half * np.hanning(len(half))))
    return float(np.argmax(spectrum) * rate / len(half))
