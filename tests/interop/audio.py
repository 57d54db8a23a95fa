"""Test audio: a tone for each party, and how much of it arrived at the other."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicebot.media.g711 import PCMU
from voicebot.media.tones import tone
from voicebot.media.wav import encode_wav, read_wav

CALLER_HZ, AGENT_HZ = 440.0, 1000.0
FRAME = 160
LOUD = 200.0  # RMS of a frame with a tone in it


def write_wav(path: Path, samples: NDArray[np.int16]) -> Path:
    path.write_bytes(encode_wav(samples))
    return path


def tone_wav(path: Path, hertz: float, seconds: float) -> Path:
    """Write a tone, 8 kHz mono."""
    return write_wav(path, tone((hertz,), seconds))


def silence_wav(path: Path, seconds: float) -> Path:
    return write_wav(path, np.zeros(int(seconds * 8000), np.int16))


def ulaw_file(path: Path, samples: NDArray[np.int16]) -> Path:
    """Write raw G.711 mu-law, as SIPp streams it."""
    path.write_bytes(PCMU.encode(samples))
    return path


def seconds_of(samples: NDArray[np.int16], hertz: float) -> float:
    """Return for how many seconds the tone stands out: in a 20 ms frame, half of the energy and more is at `hertz`."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    phase = np.exp(-2j * np.pi * hertz * np.arange(FRAME) / 8000)
    power = np.abs(frames @ phase) ** 2 * 2 / FRAME
    energy = np.sum(frames**2, axis=1)
    heard = (energy > FRAME * LOUD**2) & (power > 0.5 * energy)
    return float(np.count_nonzero(heard)) * FRAME / 8000


def seconds_in(path: Path, hertz: float) -> float:
    """Return for how many seconds the tone is heard in a WAV file of any rate."""
    return seconds_of(read_wav(path), hertz)


def loud_seconds(samples: NDArray[np.int16]) -> float:
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    return float(np.count_nonzero(np.sqrt(np.mean(frames**2, axis=1)) > LOUD)) * FRAME / 8000
