"""The doctor's media: G.711 out every 20 ms, RTCP, and every packet that comes in noted with where it came from."""

import random
import socket
from asyncio import get_running_loop
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from voicebot.doctor.evidence import Heard, Reported
from voicebot.media import FRAME_SAMPLES, rtcp, rtp
from voicebot.media.g711 import CODECS, PCMU
from voicebot.media.reception import Reception
from voicebot.media.telephone_event import EventReceiver, EventSender
from voicebot.phone.errors import PhoneError
from voicebot.phone.rtp_line import arrival, even_port, stamped
from voicebot.phone.signalling import bound
from voicebot.phone.ticker import Ticker
from voicebot.sdp import Media

KEY_MS, KEY_GAP_MS = 120, 120
_REPORT_EVERY = 100  # packets
_AT_ONCE = 64
_CNAME = "doctor"
_TRIES = 50  # for an even port whose neighbour is free, too


class Audio:
    """Bound from the start, so that early media is heard; `configure` lets audio out, `close` ends it."""

    def __init__(self, host: str, ticker: Ticker) -> None:
        self.heard: list[Heard] = []
        self.reports: list[Reported] = []
        self.keys_heard = ""
        self.sent = 0
        self.muted = False  # nothing is sent, as a phone does that has the other side on hold
        self._loop = get_running_loop()
        self._socket, self._control = _pair(host)
        self.port: int = self._socket.getsockname()[1]
        stamped(self._socket)
        self._ticker = ticker
        self._media: Media | None = None
        self._codec = PCMU
        self._events_out, self._events_in = EventSender(), EventReceiver()
        self._reception = Reception()
        rng = random.SystemRandom()
        self._ssrc, self._timestamp = rng.getrandbits(32), rng.getrandbits(32)
        self._sequence_number = rng.getrandbits(16)
        self._octets = 0
        self._pending = b""
        self._on_first: Callable[[float], None] | None = None
        self._last_sr = (0, 0.0)
        self._loop.add_reader(self._socket, self._readable)
        self._loop.add_reader(self._control, self._control_readable)

    def configure(self, media: Media) -> None:
        """Let audio flow as offer and answer settled it."""
        if self._media is None:
            self._ticker.add(self._tick)
        self._media = media
        self._codec = CODECS[media.codec]

    def play(self, samples: NDArray[np.int16], on_first: Callable[[float], None]) -> bytes:
        """Send `samples`; `on_first` hears when its first packet leaves. Returns the bytes that go out."""
        self._pending = self._codec.encode(samples)
        self._on_first = on_first
        return self._pending

    def key(self, keys: str) -> None:
        self._events_out.add(keys, KEY_MS, KEY_GAP_MS)

    def close(self) -> None:
        self._ticker.remove(self._tick)
        for each in (self._socket, self._control):
            self._loop.remove_reader(each)
            each.close()

    # --- out

    def _tick(self, at: float) -> None:
        media = self._media
        if media is None:
            return
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        if self.muted or not media.send:
            return
        event = self._events_out.next(self._timestamp) if media.event_payload_type is not None else None
        if event is not None and media.event_payload_type is not None:
            self._send(media, media.event_payload_type, event.rtp_timestamp, event.payload, event.marker)
        else:
            payload, self._pending = self._pending[:FRAME_SAMPLES], self._pending[FRAME_SAMPLES:]
            if payload and self._on_first is not None:
                self._on_first(self._loop.time())
                self._on_first = None
            payload += self._codec.quiet(FRAME_SAMPLES - len(payload))
            self._send(media, media.payload_type, self._timestamp, payload, marker=not self.sent)
        self.sent += 1
        if self.sent % _REPORT_EVERY == 10:
            self._report(media)

    def _send(self, media: Media, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> None:
        packet = rtp.build(payload_type, self._sequence_number, timestamp, self._ssrc, payload, marker)
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        self._octets += len(payload)
        _send(self._socket, packet, media.remote_host, media.remote_port)

    def _report(self, media: Media) -> None:
        """Send a sender report, so that the peer's reports on us show the round trip."""
        now = self._loop.time()
        sender = rtcp.SenderInfo(rtcp.ntp_time(now), self._timestamp, self.sent, self._octets)
        known = self._reception.ssrc is not None
        blocks = (rtcp.block_of(self._reception, *self._last_sr, now),) if known else ()
        data = rtcp.build(rtcp.Report(self._ssrc, sender, blocks), _CNAME)
        if media.rtcp_mux:
            _send(self._socket, data, media.remote_host, media.remote_port)
        else:
            _send(self._control, data, media.remote_host, media.rtcp_port or media.remote_port + 1)

    # --- in

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, (host, port, *_) = self._socket.recvmsg(2048, 64)
            except OSError:
                return
            at = arrival(ancillary)
            if rtcp.is_rtcp(data):
                self._reported(data, at)
                continue
            packet = rtp.parse(data)
            if packet is None:
                continue
            self.heard.append(
                Heard(
                    at,
                    host,
                    port,
                    packet.payload_type,
                    packet.sequence_number,
                    packet.rtp_timestamp,
                    packet.ssrc,
                    packet.payload,
                )
            )
            self._reception.accept(packet.ssrc, packet.sequence_number)
            media = self._media
            if media is not None and packet.payload_type == media.receive_event_payload_type:
                key = self._events_in.receive(packet.rtp_timestamp, packet.marker, packet.payload)
                self.keys_heard += key or ""
            else:
                self._reception.measure(packet.rtp_timestamp, at)

    def _control_readable(self) -> None:
        try:
            data = self._control.recv(2048)
        except OSError:
            return
        self._reported(data, self._loop.time())

    def _reported(self, data: bytes, at: float) -> None:
        report = rtcp.parse(data)
        if report is None:
            return
        if report.sender is not None:
            self._last_sr = (report.sender.ntp >> 16 & 0xFFFFFFFF, at)
        for block in report.blocks:
            if block.ssrc == self._ssrc:
                self.reports.append(Reported(at, block, rtcp.round_trip(block, at)))


def _send(sock: socket.socket, data: bytes, host: str, port: int) -> None:
    try:
        sock.sendto(data, (host, port))
    except OSError:
        return  # lost, like any other packet


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Return sockets on an even port and the next one: RTP and RTCP (RFC 3550 section 11). Raises PhoneError."""
    held = []
    try:
        for _ in range(_TRIES):
            first = even_port(host)
            try:
                return first, bound(host, first.getsockname()[1] + 1)
            except PhoneError:
                held.append(first)  # so that the next one is another
        raise PhoneError(f"no two neighbouring ports of {host} are free")
    finally:
        for each in held:
            each.close()
