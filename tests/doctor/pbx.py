"""A PBX on loopback that echoes, with faults that real ones have."""

import asyncio
import re
import socket
from dataclasses import dataclass, replace

from voicebot.media import rtp
from voicebot.phone.rtp_line import even_port
from voicebot.phone.signalling import Signalling
from voicebot.sdp import Local, answer_offer
from voicebot.sip import Event
from voicebot.sip import events as sip

PRIVATE = "10.9.8.7"


@dataclass(frozen=True)
class Faults:
    """None by default. `loses`, `swaps`: every so many packets. `refuses`: the status to INVITE."""

    private_address: bool = False
    other_port: bool = False
    no_events: bool = False
    mute: bool = False
    loses: int = 0
    swaps: int = 0
    transcodes: bool = False
    comfort_noise: bool = False
    no_reinvite: bool = False
    ignores_hold: bool = False
    talks_on: bool = False
    silent_after_hold: bool = False
    early_media: bool = False
    refuses: int = 0
    hangs_up_after: float = 0.0


class Pbx:
    """Answers every call, and sends back what it hears, with its faults."""

    def __init__(self, faults: Faults, host: str = "127.0.0.1") -> None:
        self._faults = faults
        self._signalling = Signalling(host, 0, self._event)
        self._socket = even_port(host)
        self._other = even_port(host)
        self._local = Local(host, self._socket.getsockname()[1], 4711)
        self._send = False
        self._held_once = False
        self._count = 0
        self._kept: bytes | None = None
        self._source: tuple[str, int] | None = None
        self._timestamp = 0
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    @property
    def uri(self) -> str:
        return f"sip:600@{self._signalling.address.host_port}"

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        for each in (self._socket, self._other):
            each.close()
        self._signalling.close()

    # --- signalling

    def _event(self, event: Event) -> None:
        endpoint, now = self._signalling.endpoint, self._signalling.now
        if isinstance(event, sip.IncomingCall):
            if self._faults.refuses:
                endpoint.reject(event.session, self._faults.refuses, now)
                return
            body = self._answer(event.sdp or b"")
            if self._faults.early_media:
                endpoint.ring(event.session, now, 183, body)
                self._send = True
            else:
                endpoint.ring(event.session, now)
            endpoint.accept(event.session, body, now)
            self._send = True
            if self._faults.hangs_up_after:
                loop = asyncio.get_running_loop()
                loop.call_later(self._faults.hangs_up_after, self._hang_up, event.session)
        elif isinstance(event, sip.Offer) and event.sdp is not None:
            self._changed(event, event.sdp, now)

    def _hang_up(self, session: int) -> None:
        self._signalling.endpoint.bye(session, self._signalling.now)
        self._signalling.pump()

    def _changed(self, event: sip.Offer, offer: bytes, now: float) -> None:
        endpoint, faults = self._signalling.endpoint, self._faults
        if faults.no_reinvite and event.kind == "reinvite":
            endpoint.reject_offer(event.session, 488, now)
            return
        holds = b"a=sendonly" in offer
        body = self._answer(offer)
        if holds and faults.ignores_hold:
            body = body.replace(b"a=recvonly", b"a=sendrecv")
        endpoint.answer(event.session, body, now)
        self._held_once = self._held_once or holds
        quiet = (holds and not (faults.ignores_hold or faults.talks_on)) or (
            self._held_once and faults.silent_after_hold
        )
        self._send = not quiet
        if holds and (faults.ignores_hold or faults.talks_on):
            self._talk(30)

    def _talk(self, packets: int) -> None:
        """Send by itself, every 20 ms."""
        if packets and self._source is not None and self._socket.fileno() >= 0:
            self._count += 1
            self._timestamp += 160
            out = rtp.build(0, self._count, self._timestamp, 99, bytes(160))
            self._socket.sendto(out, self._source)
            asyncio.get_running_loop().call_later(0.02, self._talk, packets - 1)

    def _answer(self, offer: bytes) -> bytes:
        settled = answer_offer(self._local, offer)
        self._local = replace(settled.local, previous=settled.local.previous)
        body = settled.body
        if self._faults.private_address:
            body = re.sub(rb"c=IN IP4 \S+", b"c=IN IP4 " + PRIVATE.encode(), body)
        if self._faults.no_events:
            body = re.sub(rb"a=(rtpmap|fmtp):101[^\r]*\r\n", b"", body).replace(b" 101\r\n", b"\r\n")
        return body

    # --- media

    def _readable(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(2048)
            except OSError:
                return
            packet = rtp.parse(data)
            if packet is not None and self._send and not self._faults.mute:
                self._echo(packet, source)

    def _echo(self, packet: rtp.Packet, source: tuple[str, int]) -> None:
        faults, payload, kind = self._faults, packet.payload, packet.payload_type
        self._count += 1
        self._source, self._timestamp = source, packet.rtp_timestamp
        if faults.loses and self._count % faults.loses == 0:
            return
        if faults.transcodes:
            payload = bytes(byte ^ 1 if byte < 0xF0 else byte for byte in payload)
        if faults.comfort_noise and self._count % 10 == 5:
            kind, payload = 13, b"\x40"
        out = rtp.build(kind, self._count, packet.rtp_timestamp, 99, payload, packet.marker)
        sock: socket.socket = self._other if faults.other_port else self._socket
        if faults.swaps and self._count % faults.swaps == 0:
            self._kept = out
            return
        sock.sendto(out, source)
        if self._kept is not None:
            sock.sendto(self._kept, source)
            self._kept = None
