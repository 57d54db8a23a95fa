"""The caller's level, brought to where the recogniser expects it, and which frames hold speech."""

import numpy as np
from numpy.typing import NDArray

from voicebot.speech import levels
from voicebot.speech.asr.recogniser import TELEPHONE_HZ
from voicebot.speech.resample import to_int16

_FRAME = TELEPHONE_HZ // 100
_DECIDE_AFTER = 25  # active frames: 250 ms of speech tell the level
_AT_MOST = 100  # frames held back while waiting for them
_SMALLEST, _LARGEST = 0.25, 8.0
_FLOOR = 0.1  # of the frames are quieter than the line's noise
_QUIET = 30.0  # rms of a frame below which nothing is speech: about -61 dBov


class Leveller:
    """One gain for a turn, so that it does not modulate the speech; the next turn starts from what this one told.

    The first turn's audio is held back until 250 ms of speech were heard.
    """

    def __init__(self, gain: float | None = None) -> None:
        """`gain` as an earlier one found it for this caller."""
        self.gain = 1.0 if gain is None else gain
        self.floor = 0.0  # rms of the line's noise, after the gain
        self._settled = gain is not None
        self._held: list[NDArray[np.int16]] = []
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._levels: list[NDArray[np.float64]] = []

    def start(self) -> None:
        """Begin a turn."""
        self._held, self._levels, self._rest = [], [], np.zeros(0, np.int16)

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return what is ready, at the recogniser's level: perhaps nothing yet, perhaps more than came in."""
        joined = np.concatenate([self._rest, samples])
        self._levels.append(levels.frame_levels(joined, TELEPHONE_HZ))
        self._rest = joined[len(joined) // _FRAME * _FRAME :]
        if self._settled:
            return to_int16(samples * self.gain)
        self._held.append(samples)
        seen = np.concatenate(self._levels)
        if np.count_nonzero(self._active(seen)) < _DECIDE_AFTER and len(seen) < _AT_MOST:
            return np.zeros(0, np.int16)
        return self.flush()

    def flush(self) -> NDArray[np.int16]:
        """Return what is held back; at the end of a turn."""
        self._adapt()
        held, self._held = self._held, []
        return to_int16(np.concatenate(held) * self.gain) if held else np.zeros(0, np.int16)

    def active(self) -> NDArray[np.bool_]:
        """Return for each 10 ms frame of the turn whether it is loud enough for speech."""
        return self._active(np.concatenate(self._levels)) if self._levels else np.zeros(0, np.bool_)

    def _adapt(self) -> None:
        seen = np.concatenate(self._levels) if self._levels else np.zeros(0)
        active = seen[self._active(seen)] if len(seen) else seen
        if len(active) >= _DECIDE_AFTER // 2:
            level = float(np.sqrt(np.mean(active**2)))
            self.gain = float(np.clip(levels.ACTIVE_LEVEL / level, _SMALLEST, _LARGEST))
            self._settled = True
        if len(seen):
            self.floor = float(np.quantile(seen, _FLOOR)) * self.gain

    @staticmethod
    def _active(seen: NDArray[np.float64]) -> NDArray[np.bool_]:
        if not len(seen):
            return np.zeros(0, np.bool_)
        loud = float(np.quantile(seen, 0.95))
        floor = float(np.quantile(seen, _FLOOR))
        active: NDArray[np.bool_] = seen > max(_QUIET, 0.1 * loud, min(2.0 * floor, 0.5 * loud))
        return active
