"""One leg: where its packets come from and go to, what is sent in which order, and its reports."""

import ipaddress
import socket
from typing import Any, Protocol

from voicebot.media import FRAME_SAMPLES, g711, rtcp, rtp, tones
from voicebot.media.jitter import JitterBuffer
from voicebot.media.playout import Clip
from voicebot.media.telephone_event import EventPacket, EventReceiver, EventRelay, EventSender
from voicebot.runtime.media_worker.playback import Playback
from voicebot.runtime.media_worker.recorder import Recording
from voicebot.runtime.media_worker.turns import Turn
from voicebot.speech.vad import VoiceDetector
from voicebot.wire import ConfigureLeg

Address = Any  # what recvfrom returns: (host, port) for IPv4, (host, port, flow, scope) for IPv6
COMFORT_NOISE = 13  # RFC 3389: a peer that suppresses silence


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


class Leg:
    """The state of one leg. Other modules of the package change what belongs to them: playback, turn, recording ..."""

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
        self.codec = g711.PCMU
        self.silence = g711.PCMU.quiet(FRAME_SAMPLES)
        self.payload_type = 0
        self.event_payload_type: int | None = None
        self.receive_event_payload_type = -1
        self.sends = self.receives = False
        self.timeout = 0.0
        self.target: Address | None = None
        self.rtcp_target: Address | None = None
        self.latched: Address | None = None
        self._allowed: tuple[str, ...] = ()
        self._negotiated: tuple[str, int, str] | None = None
        # Receiving:
        self.jitter = JitterBuffer(self.codec)
        self.events = EventReceiver()
        self.heard: bytes | None = None  # this tick's frame from the peer
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
        # Listening and recording:
        self.detector: VoiceDetector | None = None
        self.turn: Turn | None = None
        self.recordings: dict[str, Recording] = {}  # by path
        self.masked = False
        # Counters and reports:
        self.packets_sent = self.octets_sent = self.events_sent = self.send_errors = 0
        self.packets_received = 0
        self.dropped_invalid = self.dropped_source = self.dropped_payload_type = 0
        self.last_sender_report = 0
        self.last_sender_report_at = 0.0
        self.next_report_at = 0.0
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
        codec = g711.CODECS[command.codec]
        if codec is not self.codec:
            table = g711.TRANSCODE[self.codec.name, codec.name]
            if self.playback is not None:
                self.playback.translate(table)
            for tone in self.tones:
                tone.translate(table)
        self.codec = codec
        self.silence = codec.quiet(FRAME_SAMPLES)
        self.jitter.change_codec(codec)
        self.payload_type = command.payload_type
        self.event_payload_type = command.event_payload_type
        self.receive_event_payload_type = command.receive_event_payload_type
        remote, source = numeric(command.remote_host), numeric(command.source_host)
        negotiated = (command.remote_host, command.remote_port, command.source_host)
        if negotiated != self._negotiated:  # only an SDP change lets the stream move
            self._negotiated = negotiated
            self._allowed = tuple(host for host in (remote, source) if host)
            self.latched = self.target = self.rtcp_target = None
            if remote and 0 < command.remote_port < 65535 and not ipaddress.ip_address(remote).is_unspecified:
                self.target = (remote, command.remote_port)
                self.rtcp_target = (remote, command.remote_port + 1)
        if command.send and not self.sends:
            self.marker = True
        if command.receive and not self.receives:
            self.jitter.restart()
        self.sends, self.receives, self.timeout = command.send, command.receive, command.timeout
        self.last_packet_at = now
        self.timed_out = False
        if not self.configured:
            self.next_report_at = now + rtcp.INTERVAL * (0.5 + (self.ssrc % 1000) / 1000)
        self.configured = True
        return bool(remote)

    # --- receiving ------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, address: Address, now: float) -> str | None:
        """Take one datagram of the RTP socket; return the key that it begins, if any."""
        packet = rtp.parse(data)
        if packet is None:
            self.dropped_invalid += 1
            return None
        kind, _, sequence_number, rtp_timestamp, ssrc, payload = packet
        if address != self.latched and not self._latch(kind, address):
            return None
        if kind == self.payload_type:
            self.packets_received += 1
            self.last_packet_at = now
            if self.receives:
                self.jitter.push(sequence_number, rtp_timestamp, ssrc, payload, now)
            return None
        if kind == self.receive_event_payload_type:
            return self._receive_event(packet, now)
        if kind == COMFORT_NOISE:
            self.last_packet_at = now
            self.jitter.reception.accept(ssrc, sequence_number)
            return None
        self.dropped_payload_type += 1
        return None

    def _latch(self, kind: int, address: Address) -> bool:
        """Symmetric RTP: the first valid packet from the SDP's or the signalling's host says where the peer is."""
        if self.latched is not None or numeric(address[0]) not in self._allowed:
            self.dropped_source += 1
            return False
        if kind not in (self.payload_type, self.receive_event_payload_type, COMFORT_NOISE):
            self.dropped_payload_type += 1
            return False
        self.latched = self.target = address
        self.rtcp_target = (address[0], address[1] + 1, *address[2:]) if address[1] < 65535 else None
        return True

    def _receive_event(self, packet: rtp.Packet, now: float) -> str | None:
        self.packets_received += 1
        self.last_packet_at = now
        self.jitter.reception.accept(packet.ssrc, packet.sequence_number)
        if not self.receives:
            return None
        key = self.events.receive(packet.rtp_timestamp, packet.marker, packet.payload)
        if self.peer is not None:
            self.peer.pass_on(packet, key)
        return key

    def pass_on(self, packet: rtp.Packet, key: str | None) -> None:
        """Carry an event packet of the bridged leg over to this one: as an event, else as a tone."""
        if self.event_payload_type is None:
            if key is not None:
                self.send_keys(key, 100, 80)
        elif len(self.relayed) < 8 and len(packet.payload) >= 4:
            self.relayed.append(self.relay.relay(packet.rtp_timestamp, packet.payload, self.rtp_timestamp))

    def receive_report(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram of the RTCP socket."""
        host = address[0] if self.latched is None else self.latched[0]
        if numeric(address[0]) not in self._allowed or address[0] != host:
            self.dropped_source += 1
            return
        report = rtcp.parse(data)
        if report is None:
            self.dropped_invalid += 1
            return
        self.rtcp_target = address
        if report.sender is not None:
            self.last_sender_report = (report.sender.ntp >> 16) & 0xFFFFFFFF
            self.last_sender_report_at = now
        for block in report.blocks:
            if block.ssrc == self.ssrc:
                self.round_trip = rtcp.round_trip(block, now)
                self.remote_lost = block.lost
                self.remote_jitter_ms = block.jitter / 8

    # --- sending --------------------------------------------------------------------------------------------------

    def send_keys(self, keys: str, duration_ms: int, gap_ms: int) -> None:
        if self.event_payload_type is not None:
            self.keys.add(keys, duration_ms, gap_ms)
            return
        known = "".join(key for key in keys.upper() if key in tones.DTMF)
        if known:
            audio = self.codec.encode(tones.dtmf(known, duration_ms, gap_ms))
            self.tones.append(Clip(audio, self.codec.silence))

    def send_audio(self, frame: bytes) -> None:
        """Send one frame of 160 bytes and go on by 20 ms."""
        self.sent = frame
        rtp_timestamp = self.rtp_timestamp
        self.rtp_timestamp = (rtp_timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        target = self.target
        if self.sends and target is not None:
            self._send(self.payload_type, rtp_timestamp, frame, self.marker, target)
            self.marker = False

    def send_events(self) -> bool:
        """Send what keys there are in place of this tick's audio; False when there is none."""
        kind, target = self.event_payload_type, self.target
        packets = self.relayed
        if self.keys:
            packet = self.keys.next(self.rtp_timestamp)
            packets = packets if packet is None else [*packets, packet]
        if not packets or kind is None:
            return False
        self.relayed = []
        if self.sends and target is not None:
            for payload, marker, rtp_timestamp in packets:
                self.events_sent += 1
                self._send(kind, rtp_timestamp, payload, marker, target)
        self.sent = self.silence
        self.rtp_timestamp = (self.rtp_timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        return True

    def take_tone(self) -> bytes | None:
        while self.tones:
            frame = self.tones[0].take()
            if frame is not None:
                return frame
            del self.tones[0]
        return None

    def _send(self, kind: int, rtp_timestamp: int, payload: bytes, marker: bool, target: Address) -> None:
        sequence_number = self.sequence_number
        self.sequence_number = (sequence_number + 1) & 0xFFFF
        try:
            self.rtp_socket.sendto(
                rtp.build(kind, sequence_number, rtp_timestamp, self.ssrc, payload, marker), target
            )
        except OSError:  # a full buffer, an ICMP answer, a route that is gone: one packet is lost, no more
            self.send_errors += 1
            return
        self.packets_sent += 1
        self.octets_sent += len(payload)

    def send_report(self, now: float, bye: bool = False) -> None:
        """Send SR (or RR while we send nothing) with what we receive (RFC 3550 section 6.4)."""
        self.next_report_at = now + rtcp.INTERVAL
        if self.rtcp_target is None:
            return
        sender = None
        if self.packets_sent:
            sender = rtcp.SenderInfo(
                rtcp.ntp_time(now), self.rtp_timestamp, self.packets_sent, self.octets_sent
            )
        blocks: tuple[rtcp.ReportBlock, ...] = ()
        if self.jitter.reception.ssrc is not None:
            blocks = (
                rtcp.block_of(
                    self.jitter.reception, self.last_sender_report, self.last_sender_report_at, now
                ),
            )
        try:
            self.rtcp_socket.sendto(
                rtcp.build(rtcp.Report(self.ssrc, sender, blocks, bye), self.cname), self.rtcp_target
            )
        except OSError:
            self.send_errors += 1

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


def is_socket_pair(sockets: tuple[socket.socket, ...]) -> bool:
    """Did RTP and RTCP come along with OpenLeg?"""
    return len(sockets) == 2 and all(item.type == socket.SOCK_DGRAM for item in sockets)
