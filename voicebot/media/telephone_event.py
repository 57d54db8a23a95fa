"""Keys as telephone events (RFC 4733), both ways.

Receiving: an event is known by its timestamp, so marker, first packets and end packets may all be lost, and end packets
repeated, without a key being lost or doubled. Sending: one packet per tick with growing duration and a constant
timestamp, the marker on the first, the end packet three times (section 2.5.1.4).
"""

import struct
from collections import deque
from typing import NamedTuple

from voicebot.media import FRAME_SAMPLES

KEYS = "0123456789*#ABCD"  # event codes 0 to 15 (RFC 4733 section 3.2)
_PAYLOAD = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10  # -10 dBm0
_LONGEST_SEGMENT = 0xFFFF  # RFC 4733 section 2.5.1.3
_REMEMBERED = 16
END_PACKETS = 3


class Event(NamedTuple):
    """One event packet's payload. `duration` in timestamp units."""

    code: int
    end: bool
    volume: int
    duration: int


def parse(payload: bytes) -> Event | None:
    """Return the event, or None when the payload is too short to be one."""
    if len(payload) < _PAYLOAD.size:
        return None
    code, flags, duration = _PAYLOAD.unpack_from(payload)
    return Event(code, flags >= _END, flags & 0x3F, duration)


def build(event: Event) -> bytes:
    """Return the payload of an event."""
    return _PAYLOAD.pack(event.code, (_END if event.end else 0) | event.volume, event.duration)


def at_clock(payload: bytes, source_hz: int, target_hz: int) -> bytes:
    """Return an event payload with its duration at another clock rate (RFC 4733 section 2.1)."""
    if source_hz == target_hz or len(payload) < _PAYLOAD.size:
        return payload
    code, flags, duration = _PAYLOAD.unpack_from(payload)
    return _PAYLOAD.pack(code, flags, min(duration * target_hz // source_hz, _LONGEST_SEGMENT))


class EventReceiver:
    """Turns event packets into keys: one each, at the first packet that arrives of it."""

    __slots__ = ("_ended", "_last", "_seen", "_timestamp")

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)  # (timestamp, code)
        self._timestamp: int | None = None
        self._last = Event(0, True, 0, 0)
        self._ended = True

    def receive(self, rtp_timestamp: int, marker: bool, payload: bytes) -> str | None:
        """Return the key whose first packet this is, else None (a later packet of it, or no key at all)."""
        event = parse(payload)
        if event is None or event.code >= len(KEYS):
            return None
        known = (rtp_timestamp, event.code) in self._seen
        if not known:
            continues = self._continues(rtp_timestamp, marker, event)
            self._seen.append((rtp_timestamp, event.code))
        if self._timestamp is None or (rtp_timestamp - self._timestamp) & 0xFFFFFFFF < 0x80000000:
            if rtp_timestamp == self._timestamp and event.code == self._last.code:
                self._ended = self._ended or event.end
            else:
                self._ended = event.end
            self._timestamp, self._last = rtp_timestamp, event
        return None if known or continues else KEYS[event.code]

    def _continues(self, rtp_timestamp: int, marker: bool, event: Event) -> bool:
        """Is this the running event under another timestamp?

        So it is in the next segment of a very long event (RFC 4733 section 2.5.1.3), and from peers that let the
        timestamp grow with the duration.
        """
        if self._timestamp is None or self._ended or marker or event.code != self._last.code:
            return False
        ahead = (rtp_timestamp - self._timestamp) & 0xFFFFFFFF
        return ahead == _LONGEST_SEGMENT or 0 < ahead == event.duration - self._last.duration


class EventPacket(NamedTuple):
    payload: bytes
    marker: bool
    rtp_timestamp: int


class EventSender:
    """Sends the keys of `queue` one after the other. `next` is called once a tick and says what leaves instead of audio."""

    def __init__(self) -> None:
        self.queue: deque[tuple[int, int, int]] = deque()  # (code, duration, gap) in samples
        self._start = 0
        self._sent = -1  # samples of the running event; -1: none
        self._ends = 0
        self._gap = 0

    def __bool__(self) -> bool:
        return bool(self.queue)

    def add(self, keys: str, duration_ms: int, gap_ms: int) -> None:
        """Queue `keys`; characters that are no keys are left out."""
        duration = min(max(duration_ms * 8, 2 * FRAME_SAMPLES), _LONGEST_SEGMENT)
        for key in keys.upper():
            if key in KEYS:
                self.queue.append((KEYS.index(key), duration, max(gap_ms * 8, 0)))

    def next(self, rtp_timestamp: int) -> EventPacket | None:
        """Return the packet of this tick, whose audio would have had `rtp_timestamp`; None: send audio."""
        if not self.queue:
            return None
        if self._gap > 0:
            self._gap -= FRAME_SAMPLES
            if self._gap <= 0:
                self._finish()
            return None
        code, duration, gap = self.queue[0]
        marker = self._sent < 0
        if marker:
            self._start, self._sent, self._ends = rtp_timestamp, 0, 0
        self._sent = min(self._sent + FRAME_SAMPLES, duration)
        end = self._sent >= duration and not marker
        if end:
            self._ends += 1
        packet = EventPacket(build(Event(code, end, _VOLUME, self._sent)), marker, self._start)
        if self._ends == END_PACKETS:
            self._gap = (
                gap - (END_PACKETS - 1) * FRAME_SAMPLES
            )  # the repeated end packets are part of the gap
            if self._gap <= 0:
                self._finish()
        return packet

    def _finish(self) -> None:
        self.queue.popleft()
        self._sent, self._gap = -1, 0


class EventRelay:
    """Carries a bridged peer's events over to this leg's timeline, packet by packet."""

    __slots__ = ("_map",)

    def __init__(self) -> None:
        self._map: deque[tuple[int, int]] = deque(maxlen=4)  # (their timestamp, ours)

    def relay(self, theirs: int, payload: bytes, ours: int) -> EventPacket:
        """Return the packet to send for one that came with timestamp `theirs` while our timestamp is `ours`."""
        for known, mapped in self._map:
            if known == theirs:
                return EventPacket(payload[: _PAYLOAD.size], False, mapped)
        self._map.append((theirs, ours))
        return EventPacket(payload[: _PAYLOAD.size], True, ours)
