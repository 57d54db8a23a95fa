"""When the other party speaks, tick by tick: by level only, since a phone's far end is a clean line."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SECONDS

_LOUD = 180.0  # rms: -45 dB below full scale
_ONSET_FRAMES = 3
QUIET_SECONDS = 0.4  # without sound: speech has stopped


class SpeechEdge(NamedTuple):
    """Speech began or ended `at` (loop time). `level_db` of what was spoken, in dB below full scale."""

    begins: bool
    at: float
    level_db: float


class SpeechWatch:
    """Feed it every tick's frame."""

    def __init__(self) -> None:
        self.speaking = False
        self.last_loud_at: float | None = None  # the last frame with speech in it
        self._loud_frames = 0
        self._power = 0.0
        self._frames = 0

    def feed(self, frame: NDArray[np.int16], at: float) -> SpeechEdge | None:
        level = rms(frame)
        if level >= _LOUD:
            self._loud_frames += 1
            self._power, self._frames = self._power + level * level, self._frames + 1
            if self.speaking:
                self.last_loud_at = at
            elif self._loud_frames >= _ONSET_FRAMES:
                self.last_loud_at = at
                self.speaking = True
                return SpeechEdge(True, at - (_ONSET_FRAMES - 1) * FRAME_SECONDS, self._level_db())
            return None
        self._loud_frames = 0
        if not self.speaking:
            self._power, self._frames = 0.0, 0
        elif self.last_loud_at is not None and at - self.last_loud_at >= QUIET_SECONDS:
            self.speaking = False
            edge = SpeechEdge(False, self.last_loud_at + FRAME_SECONDS, self._level_db())
            self._power, self._frames = 0.0, 0
            return edge
        return None

    def _level_db(self) -> float:
        return decibels(float(np.sqrt(self._power / max(1, self._frames))))


def rms(samples: NDArray[np.int16]) -> float:
    if not len(samples):
        return 0.0
    wide = samples.astype(np.float32)
    return float(np.sqrt(np.dot(wide, wide) / len(wide)))


def decibels(level: float) -> float:
    """Return an rms level of the int16 scale in dB below full scale, at least -90."""
    return float(max(-90.0, 20.0 * np.log10(max(level, 1e-3) / 32768.0)))


def speech_level_db(samples: NDArray[np.int16]) -> float:
    """Return the level of the louder parts of `samples` in dB below full scale; -90 for silence."""
    frames = samples[: len(samples) // 160 * 160].astype(np.float64).reshape(-1, 160)
    power = np.mean(frames**2, axis=1) if len(frames) else np.zeros(0)
    active = power[power > 0.01 * power.max(initial=0.0)]
    return decibels(float(np.sqrt(active.mean()))) if len(active) else -90.0
