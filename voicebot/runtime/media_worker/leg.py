"""One leg: its state, and what offer and answer have settled. What comes and goes is in `receiving` and `sending`."""

import ipaddress
import socket
from typing import Any, Protocol

from voicebot.media import FRAME_SAMPLES, g711
from voicebot.media.coders import Coder, coder_for
from voicebot.media.inner import Inner, convert, inner_of
from voicebot.media.jitter import JitterBuffer
from voicebot.media.packing import Packing
from voicebot.media.playout import Clip
from voicebot.media.telephone_event import EventPacket, EventReceiver, EventRelay, EventSender
from voicebot.media.wide import Wideband
from voicebot.runtime.media_worker.playback import Playback
from voicebot.runtime.media_worker.recorder import Recording
from voicebot.runtime.media_worker.secure import Secure
from voicebot.runtime.media_worker.turns import Turn
from voicebot.speech.vad import VoiceDetector
from voicebot.wire import ConfigureLeg

Address = Any  # what recvfrom returns: (host, port) for IPv4, (host, port, flow, scope) for IPv6
EVENT_CLOCK = 8000  # of the keys inside: durations change only where they come and go
FRAME_MS = 20
LOOPBACK = "127."
# Seconds between packets of a leg that may not send audio, so that NATs stay open (RFC 6263 section 8).
OPEN_EVERY = 15.0
# Frames of silence that go to a peer of whom nothing is heard yet; and then, of so many, those of the longest packet: the
# SDP's address may be that of somebody who has nothing to do with the call.
UNHEARD_SILENCE, UNHEARD_SHARE, PACKET_FRAMES = 100, 50, 3
# Frames, 0.4 s: for so long the first play waits for the peer's first packet where SDP and signalling name two hosts. The SDP's
# may be an address behind a NAT, and whatever is sent there before the peer is heard is lost: the first words.
PATIENCE = 20


class Datagrams(Protocol):
    """What a leg needs of a bound, non-blocking UDP socket."""

    def recvfrom(self, size: int, /) -> tuple[bytes, Address]: ...

    def sendto(self, data: bytes, address: Address, /) -> int: ...

    def fileno(self) -> int: ...

    def close(self) -> None: ...


def numeric(host: str) -> str:
    """Return the host as recvfrom spells it, or "" when it is no IP address (a tick must never resolve names)."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Leg:
    """The state of one leg. Other modules of the package change what belongs to them: playback, turn, recording ...

    With so many attributes an instance without `__slots__` looks each of them up in a dict of its own: 5 % of a leg's cost.
    """

    __slots__ = (
        "_clock",
        "_negotiated",
        "allowed",
        "alternatives",
        "call",
        "cname",
        "codec",
        "coder",
        "configured",
        "detector",
        "dropped_from",
        "dropped_invalid",
        "dropped_payload_type",
        "dropped_source",
        "dropped_unauthentic",
        "event_clock_rate",
        "event_payload_type",
        "events",
        "events_sent",
        "heard",
        "jitter",
        "key_passes_on",
        "keys",
        "last_packet_at",
        "last_sender_report",
        "last_sender_report_at",
        "latched",
        "marker",
        "masked",
        "near_port",
        "negotiated_at",
        "next_report_at",
        "number",
        "octets_sent",
        "opens_at",
        "other_coders",
        "packets_received",
        "packets_sent",
        "packing",
        "patience",
        "payload_type",
        "payloads",
        "peer",
        "playback",
        "quiet",
        "receive_event_payload_type",
        "receive_payload_type",
        "receives",
        "recordings",
        "relay",
        "relayed",
        "remote_jitter_ms",
        "remote_lost",
        "reports_received",
        "round_trip",
        "row",
        "rtcp_mux",
        "rtcp_socket",
        "rtcp_target",
        "rtp_socket",
        "rtp_timestamp",
        "secure",
        "send_errors",
        "sends",
        "sent",
        "sequence_number",
        "silence",
        "ssrc",
        "target",
        "ticks",
        "timed_out",
        "timeout",
        "told",
        "tones",
        "turn",
        "unheard_silence",
        "unheard_told",
        "unwritten",
        "wide",
    )

    def __init__(
        self,
        call: str,
        number: int,
        row: int,
        rtp_socket: Datagrams,
        rtcp_socket: Datagrams,
        *,
        ssrc: int,
        sequence_number: int,
        rtp_timestamp: int,
        cname: str,
    ) -> None:
        self.call = call
        self.number = number
        self.row = row
        self.rtp_socket = rtp_socket
        self.rtcp_socket = rtcp_socket
        self.ssrc = ssrc
        self.sequence_number = sequence_number
        self.rtp_timestamp = rtp_timestamp
        self.cname = cname
        # Set by configure:
        self.configured = False
        self.codec: Inner = g711.PCMU  # how audio lies here
        self.coder: Coder | None = None  # None: as it is on the wire
        self.wide: Wideband | None = None
        self.packing: Packing | None = None  # None: every tick is a packet
        self.secure: Secure | None = None
        self.ticks = 1  # of the RTP clock for each of 8 kHz
        self.silence = g711.PCMU.quiet(FRAME_SAMPLES)
        self.payload_type = 0
        self.receive_payload_type = 0
        self.event_payload_type: int | None = None
        self.receive_event_payload_type = -1
        self.event_clock_rate = EVENT_CLOCK
        self.alternatives: dict[int, str] = {}
        self.rtcp_mux = False
        self.told: Address = None  # where the SDP says that the peer is
        self.unheard_silence = 0
        self.patience = 0
        self.opens_at = 0.0
        self.sends = self.receives = False
        self.timeout = 0.0
        self.target: Address | None = None
        self.rtcp_target: Address | None = None
        self.latched: Address | None = None
        self.near_port = 0  # the SDP's, of a peer on this machine: see `receiving`
        self.negotiated_at = 0.0
        self.dropped_from: Address | None = None  # the last packet that was not the peer's
        self.unheard_told = False
        self.allowed: tuple[str, ...] = ()
        self._negotiated: tuple[str, int, str, int, bool] | None = None
        self.other_coders: dict[str, Coder] = {}  # for alternatives
        self._clock = 0  # the last timestamp on a clock of its own, without wrapping
        # Receiving:
        self.jitter = JitterBuffer(self.codec)
        self.events = EventReceiver()
        self.heard: bytes | None = None  # this tick's frame from the peer
        self.payloads: dict[int, bytes] = {}  # by timestamp: what a bridge can forward as it came
        self.quiet = True  # the last frame hardly stood out of the noise
        self.last_packet_at = 0.0
        self.timed_out = False
        # Sending:
        self.sent = self.silence  # this tick's frame to the peer
        self.marker = True
        self.keys = EventSender()
        self.relay = EventRelay()
        self.relayed: list[EventPacket] = []
        self.tones: list[Clip] = []  # keys in band, for a peer without telephone events
        self.playback: Playback | None = None
        self.peer: Leg | None = None
        self.key_passes_on = False  # the last key was pressed in this bridge: others are not for the peer
        # Listening and recording:
        self.detector: VoiceDetector | None = None
        self.turn: Turn | None = None
        self.recordings: dict[str, Recording] = {}  # by path
        self.unwritten = 0  # recordings whose files are not closed yet: those, and those that have just ended
        self.masked = False
        # Counters and reports:
        self.packets_sent = self.octets_sent = self.events_sent = self.send_errors = 0
        self.packets_received = 0
        self.dropped_invalid = self.dropped_source = self.dropped_payload_type = self.dropped_unauthentic = 0
        self.last_sender_report = 0
        self.last_sender_report_at = 0.0
        self.next_report_at = 0.0
        self.reports_received = 0
        self.round_trip: float | None = None
        self.remote_lost = 0
        self.remote_jitter_ms = 0.0

    @property
    def on_hold(self) -> bool:
        """Whether the peer does not want to hear us; what it sends meanwhile is its music, no answer."""
        return self.configured and not self.sends

    @property
    def barges_in(self) -> bool:
        """Does a play here react to the caller's voice?"""
        playback = self.playback
        return playback is not None and playback.accepted and playback.barge_in != "none" and not self.on_hold

    # --- configuration --------------------------------------------------------------------------------------------

    def configure(self, command: ConfigureLeg, now: float) -> bool:
        """Apply the last offer/answer. False when the SDP's host is no IP address: we then wait for packets."""
        self._take_codec(command)
        self.payload_type = command.payload_type
        given = command.receive_payload_type
        self.receive_payload_type = given if given >= 0 else command.payload_type
        self.event_payload_type = command.event_payload_type
        self.receive_event_payload_type = command.receive_event_payload_type
        self.event_clock_rate = command.event_clock_rate
        self.alternatives = dict(command.alternatives)
        self._take_keys(command)
        remote, source = numeric(command.remote_host), numeric(command.source_host)
        rtcp_port = command.rtcp_port or command.remote_port + 1
        negotiated = (
            command.remote_host, command.remote_port, command.source_host, rtcp_port, command.rtcp_mux,
        )  # fmt: skip
        if negotiated != self._negotiated:  # only an SDP change lets the stream move
            self._negotiated, self.negotiated_at = negotiated, now
            self.allowed = tuple(host for host in (remote, source) if host)
            self.near_port = command.remote_port if source.startswith(LOOPBACK) else 0
            self.rtcp_mux = command.rtcp_mux
            self.latched = self.target = self.rtcp_target = self.told = self.dropped_from = None
            self.unheard_silence = 0
            self.patience = PATIENCE if command.receive and source and remote != source else 0
            self.opens_at = now  # for `sending.keep_open`
            if 0 < command.remote_port < 65535 and _is_one_machine(remote, source):
                self.target = self.told = (remote, command.remote_port)
                self.rtcp_target = self.target if self.rtcp_mux else (remote, rtcp_port)
        if command.send and not self.sends:
            self.marker = True
        elif self.sends and not command.send:
            self.opens_at = max(self.opens_at, now + OPEN_EVERY)
        if command.receive and not self.receives:
            self.jitter.restart()
        self.sends, self.receives, self.timeout = command.send, command.receive, command.timeout
        self.last_packet_at = now
        self.timed_out = False
        if not self.configured:  # the first report soon: it opens the way for RTCP
            self.next_report_at = now + (self.ssrc % 1000) / 2000
        self.configured = True
        return bool(remote)

    def _take_codec(self, command: ConfigureLeg) -> None:
        inner = inner_of(command.codec)
        if inner is not self.codec:
            if self.playback is not None:
                self.playback.change_codec(inner)
            for tone in self.tones:
                tone.change_codec(inner)
        before = self.coder.name if self.coder is not None else self.codec.name
        if before != command.codec:
            self.coder = coder_for(command.codec)
            self.ticks = self.coder.ticks if self.coder is not None else 1
            self.wide = Wideband() if self.coder is not None else None
            self.payloads.clear()
        self.codec = inner
        self.silence = inner.quiet(FRAME_SAMPLES)
        self.sent = self.silence
        self.jitter.change_codec(inner)
        self.jitter.decode = self.coder.decode if self.coder is not None else None
        if command.ptime_ms == FRAME_MS and self.coder is None:
            self.packing = None
        elif self.packing is None or before != command.codec or self.packing.ptime_ms != command.ptime_ms:
            self.packing = Packing(command.ptime_ms, inner.width)

    def _take_keys(self, command: ConfigureLeg) -> None:
        if command.srtp is None:
            self.secure = None
        elif self.secure is not None:
            self.secure.rekey(command.srtp)
        else:
            self.secure = Secure(command.srtp)
            if not self.packets_sent:
                self.sequence_number &= 0x7FFF  # RFC 3711 section 3.3.1: no wrap before the peer is there

    # --- while it runs --------------------------------------------------------------------------------------------

    def to_8khz(self, rtp_timestamp: int) -> int:
        """Return a timestamp of the codec's clock on the 8 kHz timeline, also where it wraps."""
        if self.ticks == 1:
            return rtp_timestamp
        self._clock += ((rtp_timestamp - self._clock + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        return (self._clock // self.ticks) & 0xFFFFFFFF

    @property
    def sdp_address(self) -> str:
        """Return where the SDP says that the peer is."""
        return host_port(*self._negotiated[:2]) if self._negotiated is not None else ""

    @property
    def forwards_from_peer(self) -> bool:
        """Do both sides of the bridge speak the same codec that has to be computed? Then payloads go on as they are."""
        mine = self.coder
        theirs = self.peer.coder if self.peer is not None else None
        return mine is not None and theirs is not None and mine.name == theirs.name

    def from_peer(self) -> bytes | None:
        """Return what the bridged peer says in this tick, in this leg's format."""
        peer = self.peer
        frame = peer.heard if peer is not None else None
        if frame is None or peer is None or peer.codec is self.codec:
            return frame
        if peer.wide is not None:
            return self.codec.encode(peer.wide.narrow)
        if self.wide is not None:
            return self.wide.widen(peer.codec.decode(frame))
        return convert(frame, peer.codec, self.codec)

    def payload_of_peer(self) -> bytes | None:
        """Return the peer's packet of this tick if it can go on as it came: same codec, and of 20 ms both."""
        peer = self.peer
        if peer is None or not self.forwards_from_peer or peer.jitter.taken_at < 0:
            return None
        payload = peer.payloads.pop(peer.jitter.taken_at, None)
        return payload if self.packing is not None and self.packing.ptime_ms == FRAME_MS else None

    def counters(self) -> dict[str, float]:
        """Return what LegClosed and the heartbeat carry."""
        reception = self.jitter.reception
        values: dict[str, float] = {
            "packets_sent": self.packets_sent,
            "events_sent": self.events_sent,
            "send_errors": self.send_errors,
            "packets_received": self.packets_received,
            "lost": reception.lost,
            "late": self.jitter.late,
            "duplicate": reception.duplicate,
            "reordered": reception.reordered,
            "concealed": self.jitter.concealed,
            "skipped": self.jitter.skipped,
            "stream_restarts": reception.restarts,
            "dropped_invalid": self.dropped_invalid,
            "dropped_source": self.dropped_source,
            "dropped_payload_type": self.dropped_payload_type,
            "dropped_unauthentic": self.dropped_unauthentic,
            "reports_received": self.reports_received,
            "jitter_ms": round(reception.jitter_ms, 3),
            "remote_lost": self.remote_lost,
            "remote_jitter_ms": self.remote_jitter_ms,
        }
        if self.round_trip is not None:
            values["round_trip_ms"] = round(self.round_trip * 1000, 3)
        return values

    def close_sockets(self) -> None:
        self.rtp_socket.close()
        self.rtcp_socket.close()


def _is_one_machine(remote: str, source: str) -> bool:
    """Whether a peer whose signalling comes from `source` may want its audio at `remote`: no group, and not ourselves."""
    if not remote:
        return False
    address = ipaddress.ip_address(remote)
    if address.is_unspecified or address.is_multicast or remote == "255.255.255.255":
        return False
    return not address.is_loopback or not source or ipaddress.ip_address(source).is_loopback


def is_socket_pair(sockets: tuple[socket.socket, ...]) -> bool:
    """Did RTP and RTCP come along with OpenLeg?"""
    return len(sockets) == 2 and all(item.type == socket.SOCK_DGRAM for item in sockets)
