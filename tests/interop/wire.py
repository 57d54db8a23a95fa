"""The audio of calls as somebody on the line would hear it: what RTP packets to and from a hotline carry, as it stands.

Only G.711 is read; of SRTP that gives noise.
"""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.interop.audio import FRAME, seconds_of
from tests.interop.rtp_gaps import DESTINATION_PORT, SOURCE_PORT, packets_of
from voicebot.media.g711 import PCMA, PCMU

_UDP_PAYLOAD = 42  # Ethernet, IPv4 without options, UDP
_RTP_HEADER = 12
_LONGEST = 512
_CODECS = {0: PCMU, 8: PCMA}


@dataclass
class Direction:
    """RTP packets of 20 ms of G.711, by stream."""

    streams: dict[bytes, list[bytes]] = field(default_factory=dict)

    def take(self, packet: bytes) -> None:
        if len(packet) >= _RTP_HEADER + FRAME and packet[0] >> 6 == 2 and packet[1] & 0x7F in _CODECS:
            self.streams.setdefault(packet[8:12], []).append(packet)

    @property
    def packets(self) -> int:
        return sum(map(len, self.streams.values()))

    @property
    def authenticated(self) -> int:
        """How many packets are longer than their audio: SRTP has a tag behind it."""
        return sum(len(each) > _RTP_HEADER + FRAME for some in self.streams.values() for each in some)

    def seconds_of(self, hertz: float) -> float:
        """Return for how many seconds a tone is heard by who has no keys."""
        total = 0.0
        for packets in self.streams.values():
            codec = _CODECS[packets[0][1] & 0x7F]
            audio = b"".join(each[_RTP_HEADER : _RTP_HEADER + FRAME] for each in packets)
            total += seconds_of(codec.decode(audio), hertz)
        return total


@dataclass
class Wire:
    """What passed: from the hotline, and to it."""

    sent: Direction = field(default_factory=Direction)
    received: Direction = field(default_factory=Direction)


@contextmanager
def listening(ours: tuple[int, int], theirs: tuple[int, int]) -> Iterator[Wire]:
    """Listen to what passes between two ranges of ports while the block runs."""
    wire, over = Wire(), threading.Event()
    taps = [
        threading.Thread(target=_tap, args=(SOURCE_PORT, ours, DESTINATION_PORT, theirs, wire.sent, over)),
        threading.Thread(
            target=_tap, args=(DESTINATION_PORT, ours, SOURCE_PORT, theirs, wire.received, over)
        ),
    ]
    for each in taps:
        each.start()
    try:
        yield wire
    finally:
        over.set()
        for each in taps:
            each.join()


def _tap(
    where: int,
    ours: tuple[int, int],
    other_where: int,
    theirs: tuple[int, int],
    direction: Direction,
    over: threading.Event,
) -> None:
    with packets_of(where, *ours, _LONGEST) as tap:
        while not over.is_set():
            try:
                frame = tap.recv(_LONGEST)
            except TimeoutError:
                continue
            (length,) = struct.unpack_from("!H", frame, 38)
            (other,) = struct.unpack_from("!H", frame, other_where)
            if theirs[0] <= other <= theirs[1]:
                direction.take(frame[_UDP_PAYLOAD : 34 + length])
