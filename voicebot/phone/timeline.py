"""What a phone heard and said: audio by the tick, and each received packet with the instant of its arrival.

All instants are `time.monotonic` seconds; sample i of a timeline belongs to `started_at + i / 8000`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE


class ReceivedPacket(NamedTuple):
    """One RTP packet as it arrived. `level` is the rms of its audio on the int16 scale, -1 for a telephone event."""

    arrived_at: float
    sequence_number: int
    rtp_timestamp: int
    payload_type: int
    marker: bool
    payload_bytes: int
    level: float


class Timeline:
    """Audio in one direction, int16 mono at 8 kHz, one frame a tick; silence where nothing was heard or said."""

    def __init__(self) -> None:
        self.started_at: float | None = None
        self._audio = bytearray()

    def append(self, at: float, frame: NDArray[np.int16]) -> None:
        if self.started_at is None:
            self.started_at = at
        self._audio += frame.tobytes()

    @property
    def seconds(self) -> float:
        return len(self._audio) / 2 / SAMPLE_RATE

    @property
    def samples(self) -> NDArray[np.int16]:
        """A copy of all of it."""
        return np.frombuffer(bytes(self._audio), np.int16)

    def since(self, start: float, end: float | None = None) -> NDArray[np.int16]:
        """Return the samples between two instants."""
        if self.started_at is None:
            return np.zeros(0, np.int16)
        first = max(0, round((start - self.started_at) * SAMPLE_RATE))
        last = None if end is None else 2 * max(0, round((end - self.started_at) * SAMPLE_RATE))
        return np.frombuffer(bytes(self._audio[2 * first : last]), np.int16)


class HeardTimeline(Timeline):
    """What came in: `samples` are what the jitter buffer gave, `packets` what arrived on the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[ReceivedPacket] = []
        self.lost = 0
        self._missing = bytearray()

    def hear(self, at: float, frame: NDArray[np.int16], *, missing: bool) -> None:
        """Append a tick; `missing`: its packet had not come."""
        self.append(at, frame)
        self._missing.append(missing)

    def part(self, start: float, end: float) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Return whole ticks between two seconds of the timeline: the samples, and for each tick whether it is missing."""
        first, last = int(start / FRAME_SECONDS), round(end / FRAME_SECONDS)
        audio = bytes(self._audio[2 * FRAME_SAMPLES * first : 2 * FRAME_SAMPLES * last])
        return np.frombuffer(audio, np.int16), np.frombuffer(bytes(self._missing[first:last]), np.bool_)

    def gaps(self) -> NDArray[np.float64]:
        """Return the times between arrivals of one packet and the next, in seconds."""
        return np.diff(np.array([packet.arrived_at for packet in self.packets]))

    def first_sound_after(self, instant: float, level: float = 100.0) -> float | None:
        """Return when the first packet at or over `level` rms arrived after `instant`."""
        return next(
            (p.arrived_at for p in self.packets if p.arrived_at >= instant and p.level >= level), None
        )
