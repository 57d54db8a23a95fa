"""What an audio file holds: how long it is, and how loud."""

import wave
from array import array
from dataclasses import dataclass
from pathlib import Path

ENOUGH_FRAMES = 60 * 48000  # a file that is silent for so long is silent


@dataclass(frozen=True, slots=True)
class Sound:
    """`peak` is the loudest sample, as a share of full scale."""

    seconds: float
    peak: float


def read_sound(path: Path) -> Sound | None:
    """Return the sound of a WAV file of uncompressed samples, None for a file that is no WAV."""
    try:
        with wave.open(str(path), "rb") as file:
            seconds = file.getnframes() / max(file.getframerate(), 1)
            return Sound(seconds, _peak(file.readframes(ENOUGH_FRAMES), file.getsampwidth()))
    except EOFError:
        return None
    except (OSError, wave.Error):
        return _compressed(path)


def _compressed(path: Path) -> Sound | None:
    """Take a WAV file of another format on trust: 8000 bytes a second, as G.711 has."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        return Sound(path.stat().st_size / 8000, 1.0) if head[:4] == b"RIFF" and head[8:] == b"WAVE" else None
    except OSError:
        return None


def _peak(frames: bytes, width: int) -> float:
    if width == 1:  # unsigned
        return max((abs(sample - 128) for sample in frames), default=0) / 128
    if width == 2:
        samples = array("h", frames[: len(frames) // 2 * 2])
        return max(max(samples), -min(samples)) / 32768 if samples else 0.0
    high = frames[width - 1 :: width]  # the highest byte of each sample decides
    return max((abs(byte - 256 if byte > 127 else byte) for byte in high), default=0) / 128
