"""What the callers of a worker say, all legs at once: samples, levels, edges, pre-roll, recordings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES, FRAME_SECONDS, g711
from voicebot.media.recording import FRAME_BYTES, interleave
from voicebot.media.wide import Wideband
from voicebot.runtime.media_worker.leg import Leg
from voicebot.runtime.media_worker.turns import PREROLL, Sender
from voicebot.speech.vad import Edge, EnergyGate, VoiceDetector, levels_dbfs

_RING = 24  # frames kept of every leg: the pre-roll and the longest onset
_PREROLL_FRAMES = round(PREROLL / FRAME_SECONDS)
_QUIET_DB = 3.0  # over the floor
_FIRST_ROWS = 64
_NOTHING = g711.PCMU.quiet(FRAME_SAMPLES)  # in place of a frame that is not G.711


class LegEdge(NamedTuple):
    """An edge and the leg it belongs to."""

    leg: Leg
    edge: Edge


class Hearing:
    """The arrays of a worker. A leg has one row from `take_row` to `release_row`."""

    def __init__(self) -> None:
        self._free = list(range(_FIRST_ROWS - 1, -1, -1))
        self._size = _FIRST_ROWS
        self._ring = np.zeros((_RING, _FIRST_ROWS, FRAME_SAMPLES), np.int16)
        self._gate = EnergyGate(_FIRST_ROWS)
        self._ticks = 0
        self._legs: list[Leg] = []
        self._rows = np.zeros(0, np.intp)
        self._laws = np.zeros(0, np.uint16)
        self._wide: list[tuple[int, Wideband]] = []

    def take_row(self) -> int:
        """Return the row of a new leg, free of anything that was said in it before."""
        if not self._free:
            self._free = list(range(2 * self._size - 1, self._size - 1, -1))
            self._ring = np.pad(self._ring, ((0, 0), (0, self._size), (0, 0)))
            self._size *= 2
            self._gate.grow(self._size)
        row = self._free.pop()
        self._gate.reset(row)
        return row

    def release_row(self, row: int) -> None:
        self._ring[:, row] = 0
        self._free.append(row)

    def set_legs(self, legs: Sequence[Leg]) -> None:
        """From now on these legs are heard, in this order."""
        self._legs = list(legs)
        self._rows = np.array([leg.row for leg in legs], np.intp)
        self._laws = np.array([leg.codec.index for leg in legs], np.uint16)
        self._wide = [(index, leg.wide) for index, leg in enumerate(legs) if leg.wide is not None]

    def hear(self, now: float, channels: Mapping[int, Sender]) -> list[LegEdge]:
        """Take what every leg says (`heard`) and hears (`sent`) in the tick that ends at `now`; return the edges."""
        legs = self._legs
        frames = [leg.silence if leg.heard is None else leg.heard for leg in legs]
        for index, _ in self._wide:
            frames[index] = _NOTHING
        samples = self._decode(frames, self._laws)
        for index, wide in self._wide:
            samples[index] = wide.narrow
        margins = self._gate.update(self._rows, levels_dbfs(samples)).tolist()
        self._ticks += 1
        self._ring[self._ticks % _RING, self._rows] = samples
        edges: list[LegEdge] = []
        recorded: list[int] = []
        at = now - FRAME_SECONDS
        for index, leg in enumerate(legs):
            margin = margins[index]
            leg.quiet = margin < _QUIET_DB
            if leg.recordings:
                recorded.append(index)
            turn = leg.turn
            if turn is not None and turn.streaming:
                turn.add(at, samples[index].tobytes(), channels.get(turn.speech))
            elif turn is None and not leg.barges_in:
                continue
            if leg.detector is None:
                leg.detector = VoiceDetector(FRAME_SECONDS)
            edge = leg.detector.feed(samples[index], margin, at)
            if edge is not None:
                edges.append(LegEdge(leg, edge))
        if recorded:
            self._record(recorded, samples)
        return edges

    @staticmethod
    def _decode(frames: list[bytes], laws: NDArray[np.uint16]) -> NDArray[np.int16]:
        payloads = np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), FRAME_SAMPLES)
        return g711.decode_mixed(payloads, laws)

    def _record(self, recorded: list[int], samples: NDArray[np.int16]) -> None:
        legs = [self._legs[index] for index in recorded]
        heard = self._decode(
            [leg.sent if leg.wide is None else _NOTHING for leg in legs], self._laws[recorded]
        )
        for index, leg in enumerate(legs):
            if leg.wide is not None:
                heard[index] = leg.wide.recorded(leg.sent)
        audio = interleave(samples[recorded], heard)
        for index, leg in enumerate(legs):
            frame = audio[index * FRAME_BYTES : (index + 1) * FRAME_BYTES]
            for recording in leg.recordings.values():
                recording.buffer.append(frame)

    def before(self, leg: Leg, onset_at: float, now: float) -> tuple[float, bytes]:
        """Return the audio from PREROLL before the onset up to `now`, and the instant of its first sample."""
        since_onset = round((now - onset_at) / FRAME_SECONDS)
        count = min(_RING, max(1, since_onset) + _PREROLL_FRAMES)
        places = (self._ticks - np.arange(count - 1, -1, -1)) % _RING
        return now - count * FRAME_SECONDS, self._ring[places, leg.row].tobytes()
