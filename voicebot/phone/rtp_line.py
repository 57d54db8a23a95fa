"""The media of one call of the phone: one packet out per tick, everything that comes in noted with its arrival."""

import random
import socket
import struct
import sys
import time
from asyncio import get_running_loop
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES, rtp
from voicebot.media.g711 import CODECS, PCMU, Codec
from voicebot.media.jitter import JitterBuffer
from voicebot.media.telephone_event import EventReceiver, EventSender
from voicebot.phone.hearing import rms
from voicebot.phone.signalling import bound
from voicebot.phone.ticker import Ticker
from voicebot.phone.timeline import HeardTimeline, ReceivedPacket, Timeline
from voicebot.sdp import Media

KEY_MS, KEY_GAP_MS = 120, 120
_QUIET_FRAME = 50.0  # rms
_AT_ONCE = 64
# Linux' SO_TIMESTAMPNS: the kernel notes the arrival, so that what we measure is not our own lag. The socket module
# has no name for it; the value is that of asm-generic/socket.h (x86, arm).
_STAMP: Final = 35 if sys.platform == "linux" else 0
_TIMESPEC = struct.Struct("@qq")
_SILENCE = np.zeros(FRAME_SAMPLES, np.int16)


class Wire:
    """What lies between the phone and the network. This one is honest; tests put others in its place."""

    def passes_out(self, packet: bytes) -> bool:
        return True

    def passes_in(self, packet: bytes) -> bool:
        return True


class RtpLine:
    """A bound RTP socket. `configure` starts the media, `close` ends it.

    `on_frame(frame, at)` gets every tick's audio, `on_key` every key that arrives.
    """

    def __init__(
        self,
        host: str,
        ticker: Ticker,
        wire: Wire,
        on_frame: Callable[[NDArray[np.int16], float], None],
        on_key: Callable[[str, float], None],
    ) -> None:
        self.heard = HeardTimeline()
        self.said = Timeline()
        self.dropped = 0  # datagrams that were no RTP
        self._socket = even_port(host)
        self.port: int = self._socket.getsockname()[1]
        self._loop = get_running_loop()
        self._ticker = ticker
        self._wire = wire
        self._on_frame = on_frame
        self._on_key = on_key
        self._media: Media | None = None
        self._codec: Codec = PCMU
        self._jitter = JitterBuffer(PCMU)
        self._events_in = EventReceiver()
        self._events_out = EventSender()
        rng = random.SystemRandom()
        self._ssrc = rng.getrandbits(32)
        self._sequence_number = rng.getrandbits(16)
        self._timestamp = rng.getrandbits(32)
        self._pending = bytearray()  # payload to say
        self._talking = False
        self._quiet = False
        self._started = False
        self._closed = False
        stamped(self._socket)
        self._loop.add_reader(self._socket, self._readable)

    def configure(self, media: Media) -> None:
        """Let media flow as offer and answer settled it."""
        codec = CODECS[media.codec]
        if codec is not self._codec:
            self._pending[:] = codec.encode(self._codec.decode(bytes(self._pending)))
            self._codec = codec
        self._jitter.change_codec(codec)
        self._media = media
        if not self._started and not self._closed:
            self._started = True
            self._ticker.add(self._tick)

    def say(self, samples: NDArray[np.int16]) -> None:
        """Say it after what is being said."""
        self._pending += self._codec.encode(samples)

    def speak_on(self, samples: NDArray[np.int16], at_most_frames: int) -> None:
        """Say live audio, unless `at_most_frames` are waiting to be said: a microphone may be faster than the tick."""
        if not self._closed and len(self._pending) < at_most_frames * FRAME_SAMPLES:
            self.say(samples)

    def hush(self) -> None:
        self._pending.clear()

    def send_keys(self, keys: str) -> None:
        self._events_out.add(keys, KEY_MS, KEY_GAP_MS)

    @property
    def idle(self) -> bool:
        """Nothing is left to say or to key."""
        return not self._pending and not self._events_out

    @property
    def codec(self) -> str:
        return self._codec.name

    @property
    def jitter_ms(self) -> float:
        return self._jitter.reception.jitter_ms

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._ticker.remove(self._tick)
        self._loop.remove_reader(self._socket)
        self._socket.close()

    # --- out

    def _tick(self, at: float) -> None:
        media = self._media
        if media is None or self._closed:
            return
        self._hear(at)
        if media.send:
            self._speak(media, at)
        else:
            self.said.append(at, _SILENCE)
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF

    def _speak(self, media: Media, at: float) -> None:
        event = self._events_out.next(self._timestamp) if media.event_payload_type is not None else None
        if event is not None and media.event_payload_type is not None:
            self.said.append(at, _SILENCE)
            self._send(
                media, media.event_payload_type, event.rtp_timestamp, event.payload, marker=event.marker
            )
            return
        if self._events_out or not self._pending:
            payload, talking = self._codec.quiet(FRAME_SAMPLES), False
        else:
            payload, talking = bytes(self._pending[:FRAME_SAMPLES]), True
            del self._pending[:FRAME_SAMPLES]
            payload += self._codec.quiet(FRAME_SAMPLES - len(payload))
        self.said.append(at, self._codec.decode(payload))
        self._send(media, media.payload_type, self._timestamp, payload, marker=talking and not self._talking)
        self._talking = talking

    def _send(
        self, media: Media, payload_type: int, rtp_timestamp: int, payload: bytes, *, marker: bool
    ) -> None:
        packet = rtp.build(payload_type, self._sequence_number, rtp_timestamp, self._ssrc, payload, marker)
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        if not self._wire.passes_out(packet):
            return
        try:
            self._socket.sendto(packet, (media.remote_host, media.remote_port))
        except OSError:
            return  # lost, like any other packet

    # --- in

    def _hear(self, at: float) -> None:
        concealed = self._jitter.concealed
        payload = self._jitter.pop(self._quiet)
        missing = payload is None or self._jitter.concealed > concealed
        frame = _SILENCE if payload is None else self._codec.decode(payload)
        self._quiet = payload is None or rms(frame) < _QUIET_FRAME
        self.heard.hear(at, frame, missing=missing)
        self.heard.lost = self._jitter.reception.lost
        self._on_frame(frame, at)

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(2048, 64)
            except OSError:
                return
            if self._wire.passes_in(data):
                self._received(data, arrival(ancillary))

    def _received(self, data: bytes, arrived_at: float) -> None:
        packet, media = rtp.parse(data), self._media
        if packet is None or media is None:
            self.dropped += 1
            return
        is_event = packet.payload_type == media.receive_event_payload_type
        is_audio = packet.payload_type == media.receive_payload_type
        level = rms(self._codec.decode(packet.payload)) if is_audio else -1.0
        self.heard.packets.append(
            ReceivedPacket(
                arrived_at,
                packet.sequence_number,
                packet.rtp_timestamp,
                packet.payload_type,
                packet.marker,
                len(packet.payload),
                level,
            )
        )
        if is_event:
            key = self._events_in.receive(packet.rtp_timestamp, packet.marker, packet.payload)
            # An event takes its place in the sequence: an empty payload says so to the buffer, which plays nothing.
            self._jitter.push(packet.sequence_number, packet.rtp_timestamp, packet.ssrc, b"", arrived_at)
            if key is not None:
                self._on_key(key, arrived_at)
        elif is_audio and media.receive:
            self._jitter.push(
                packet.sequence_number, packet.rtp_timestamp, packet.ssrc, packet.payload, arrived_at
            )


def even_port(host: str) -> socket.socket:
    """Return a socket on an even port (RFC 3550 section 11)."""
    odd = []
    try:
        while True:
            sock = bound(host, 0)
            if sock.getsockname()[1] % 2 == 0:
                return sock
            odd.append(sock)
    finally:
        for each in odd:
            each.close()


def stamped(sock: socket.socket) -> None:
    """Have the kernel note when packets arrive, where it can; `arrival` reads it."""
    if _STAMP:
        sock.setsockopt(socket.SOL_SOCKET, _STAMP, 1)


def arrival(ancillary: list[tuple[int, int, bytes]]) -> float:
    """Return the monotonic instant at which the kernel had the packet."""
    now = time.monotonic()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _STAMP and len(data) >= _TIMESPEC.size:
            whole, nanoseconds = _TIMESPEC.unpack_from(data)
            age = time.time() - (whole + nanoseconds / 1e9)
            return now - age if 0.0 <= age < 5.0 else now  # the wall clock was set
    return now
