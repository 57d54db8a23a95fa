"""Voice activity at 8 kHz: webrtcvad mode 3 behind an adaptive energy gate, and the segmenter that makes edges of it.

The gate is computed for all legs at once; webrtcvad (2 us a frame) runs only for frames that pass it. webrtcvad alone
holds on for about 100 ms after speech and takes steady noise for speech; the gate ends both, since steady noise
raises the floor and the energy falls at once when speech ends. The only clock is the audio that is fed.
"""

from collections import deque
from typing import NamedTuple

import numpy as np
import webrtcvad
from numpy.typing import NDArray

SAMPLE_RATE = 8000
ONSET_VOICED = 0.060  # seconds of voice within ONSET_WITHIN that begin speech
ONSET_WITHIN = 0.100
OFFSET = 0.120  # seconds without voice that end it
_MODE = 3
_OPEN_DB = 6.0  # over the floor, to begin speech
_HOLD_DB = 4.0  # over the floor, within speech
_LOWEST_FLOOR_DB = -56.0  # dBFS: what is quieter than this plus the margin is never speech
_FIRST_FLOOR_DB = -52.0
_DIGITAL_SILENCE_DB = -70.0  # A-law's own silence lies at -72
_LONGEST_GAP = 10  # frames
_SUB_WINDOW = 25  # frames: half a second
_SUB_WINDOWS = 6
_FULL_SCALE = 32768.0


def levels_dbfs(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the level of each frame in dB below full scale; `frames` has shape (legs, samples)."""
    samples = frames.astype(np.float32)
    power = np.einsum("ij,ij->i", samples, samples) / np.float32(frames.shape[1] * _FULL_SCALE**2)
    levels: NDArray[np.float32] = (10 * np.log10(power + 1e-10)).astype(np.float32)
    return levels


class EnergyGate:
    """How far each leg's frame stands out of its noise floor: minimum statistics over the last 3 s, after the first 0.5 s.

    A leg is a row. Short digital silence (a gap in the stream) tells nothing about the noise and does
    not count; longer one comes from a peer that suppresses silence.
    """

    def __init__(self, rows: int) -> None:
        self._smooth = np.full(rows, _FIRST_FLOOR_DB, np.float32)
        self._current = np.full(rows, np.inf, np.float32)
        self._minima = np.full((rows, _SUB_WINDOWS), np.inf, np.float32)
        self._lowest = np.full(rows, np.inf, np.float32)  # of each row of them
        self._age = np.zeros(rows, np.int32)  # frames that count
        self._silent = np.zeros(rows, np.int32)  # frames of digital silence in a row
        self._updates = 0

    def grow(self, rows: int) -> None:
        """Make room for so many rows in all."""
        more = rows - len(self._smooth)
        self._smooth = np.pad(self._smooth, (0, more), constant_values=_FIRST_FLOOR_DB)
        self._current = np.pad(self._current, (0, more), constant_values=np.inf)
        self._minima = np.pad(self._minima, ((0, more), (0, 0)), constant_values=np.inf)
        self._lowest = np.pad(self._lowest, (0, more), constant_values=np.inf)
        self._age = np.pad(self._age, (0, more))
        self._silent = np.pad(self._silent, (0, more))

    def reset(self, row: int) -> None:
        """A new leg begins in this row."""
        self._smooth[row] = _FIRST_FLOOR_DB
        self._current[row] = np.inf
        self._minima[row] = self._lowest[row] = np.inf
        self._age[row] = 0
        self._silent[row] = 0

    def update(self, rows: NDArray[np.intp], levels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take one frame's level in dBFS for each of `rows`; return by how many dB it exceeds the floor."""
        run = np.where(levels < _DIGITAL_SILENCE_DB, self._silent[rows] + 1, 0)
        self._silent[rows] = run
        gap = (run > 0) & (run < _LONGEST_GAP)
        before = self._smooth[rows]
        smooth = np.where(gap, before, np.where(self._age[rows] > 0, (before + levels) / 2, levels))
        self._smooth[rows] = smooth
        current = np.minimum(self._current[rows], np.where(gap, np.inf, smooth))
        self._current[rows] = current
        self._age[rows] += ~gap
        known = self._age[rows] >= _SUB_WINDOW  # before that nobody can tell noise from voice
        floor = np.where(known, np.minimum(self._lowest[rows], current), _FIRST_FLOOR_DB)
        self._updates += 1
        if self._updates % _SUB_WINDOW == 0:
            self._begin_sub_window()
        margins: NDArray[np.float32] = levels - np.maximum(floor, _LOWEST_FLOOR_DB)
        return margins

    def _begin_sub_window(self) -> None:
        oldest = self._updates // _SUB_WINDOW % _SUB_WINDOWS
        done = np.isfinite(self._current) & (self._age >= _SUB_WINDOW)
        self._minima[done, oldest] = self._current[done]
        self._lowest = self._minima.min(axis=1)
        self._current[done] = np.inf


class Edge(NamedTuple):
    """Speech began (`started`) or ended. `at`: the first voiced frame's start, or the end of the last voiced frame."""

    started: bool
    at: float


class Segmenter:
    """Frames with and without voice -> edges. `frame` is a frame's length in seconds."""

    __slots__ = ("_frame", "_last_voiced_end", "_recent", "_silence", "speaking")

    def __init__(self, frame: float = 0.02) -> None:
        self._frame = frame
        self._recent: deque[tuple[bool, float]] = deque(maxlen=round(ONSET_WITHIN / frame))
        self._silence = 0.0
        self._last_voiced_end = 0.0
        self.speaking = False

    def reset(self) -> None:
        """Begin a new turn: what was spoken before makes no edge in it."""
        self._recent.clear()
        self._silence = 0.0
        self.speaking = False

    def feed(self, voiced: bool, at: float) -> Edge | None:
        """Take the frame that begins at the instant `at`; return the edge that it completes, if any."""
        if self.speaking:
            if voiced:
                self._silence = 0.0
                self._last_voiced_end = at + self._frame
                return None
            self._silence += self._frame
            if self._silence < OFFSET - self._frame / 2:
                return None
            self.reset()
            return Edge(False, self._last_voiced_end)
        self._recent.append((voiced, at))
        if not voiced:
            return None
        starts = [start for was_voiced, start in self._recent if was_voiced]
        if len(starts) * self._frame < ONSET_VOICED - self._frame / 2:
            return None
        self.speaking = True
        self._silence = 0.0
        self._last_voiced_end = at + self._frame
        return Edge(True, starts[0])


class VoiceDetector:
    """One leg's detector: gate margin and frame in, edges out. Frames of 10, 20 or 30 ms at 8 kHz."""

    __slots__ = ("_segmenter", "_vad")

    def __init__(self, frame: float = 0.02) -> None:
        self._vad = webrtcvad.Vad(_MODE)
        self._segmenter = Segmenter(frame)

    @property
    def speaking(self) -> bool:
        return self._segmenter.speaking

    def reset(self) -> None:
        self._segmenter.reset()

    def feed(self, samples: NDArray[np.int16], margin_db: float, at: float) -> Edge | None:
        """Take one frame, shape (samples,), which stands `margin_db` over the noise and begins at `at`."""
        speaking = self._segmenter.speaking
        voiced = margin_db >= (_HOLD_DB if speaking else _OPEN_DB)
        if voiced:
            voiced = self._vad.is_speech(samples.tobytes(), SAMPLE_RATE, len(samples))
            if voiced and not speaking and is_dual_tone(samples):
                voiced = False
        return self._segmenter.feed(voiced, at)


_LOW_TONES = (697.0, 770.0, 852.0, 941.0)  # ITU-T Q.23
_HIGH_TONES = (1209.0, 1336.0, 1477.0, 1633.0)
_TONE_SHARE = 0.8  # of the frame's energy in one tone of each group
_WEAKER_TONE_SHARE = 0.05
_PROBES: dict[int, NDArray[np.complex64]] = {}


def is_dual_tone(samples: NDArray[np.int16]) -> bool:
    """Is the frame a key's dual tone, and so no speech, however loud?"""
    size = len(samples)
    probes = _PROBES.get(size)
    if probes is None:
        time = np.arange(size) / SAMPLE_RATE
        tones = np.array(_LOW_TONES + _HIGH_TONES)
        probes = _PROBES[size] = np.exp(-2j * np.pi * tones[:, None] * time).astype(np.complex64)
    signal = samples.astype(np.float32)
    energy = float(signal @ signal)
    if energy <= 0:
        return False
    shares = np.abs(probes @ signal) ** 2 * (2 / size / energy)
    low, high = float(shares[:4].max()), float(shares[4:].max())
    return low + high >= _TONE_SHARE and min(low, high) >= _WEAKER_TONE_SHARE
