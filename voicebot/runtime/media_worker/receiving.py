"""What arrives of one leg: who it is from, what it is, and where it goes."""

from voicebot.media import g711, rtcp, rtp
from voicebot.media.coders import coder_for
from voicebot.media.inner import convert, inner_of
from voicebot.media.telephone_event import at_clock
from voicebot.runtime.media_worker.leg import EVENT_CLOCK, LOOPBACK, Address, Leg, host_port, numeric
from voicebot.runtime.media_worker.sending import send_keys
from voicebot.wire import Unheard

COMFORT_NOISE = 13  # RFC 3389: a peer that suppresses silence
_HELD_PAYLOADS = 32  # packets that wait to be forwarded as they came
_MOST_RELAYED = 8  # event packets that wait for the tick
# When it is told that nothing comes from where the peer is said to be: after so many seconds, and so many packets from elsewhere.
UNHEARD_AFTER, UNHEARD_PACKETS = 3.0, 50
_EVENT = "TELEPHONE-EVENT"


def receive(leg: Leg, data: bytes, address: Address, now: float) -> str | None:
    """Take one datagram of the RTP socket; return the key that it begins, if any."""
    if leg.rtcp_mux and rtcp.is_rtcp(data):
        receive_report(leg, data, address, now)
        return None
    if leg.secure is not None:
        opened = leg.secure.open(data)
        if opened is None:
            leg.dropped_unauthentic += 1
            return None
        data = opened
    packet = rtp.fields(data)
    if packet is None:
        leg.dropped_invalid += 1
        return None
    kind, _, sequence_number, rtp_timestamp, ssrc, payload = packet
    if address != leg.latched and not _latch(leg, kind, address):
        return None
    if kind == leg.receive_payload_type:
        leg.packets_received += 1
        leg.last_packet_at = now
        if leg.receives:
            if leg.coder is not None:
                rtp_timestamp = leg.to_8khz(rtp_timestamp)
                if leg.forwards_from_peer:
                    _keep(leg, rtp_timestamp, payload)
            leg.jitter.push(sequence_number, rtp_timestamp, ssrc, payload, now)
        return None
    if kind == leg.receive_event_payload_type:
        return _receive_event(leg, rtp.Packet(*packet), now)
    if kind == COMFORT_NOISE:
        leg.last_packet_at = now
        leg.jitter.reception.accept(ssrc, sequence_number)
        return None
    if kind in leg.alternatives:
        return _receive_alternative(leg, rtp.Packet(*packet), now)
    leg.dropped_payload_type += 1
    return None


def _latch(leg: Leg, kind: int, address: Address) -> bool:
    """Symmetric RTP: the first valid packet from the SDP's or the signalling's host says where the peer is.

    Who sends from where the SDP says is the peer, whoever came before: one forged packet must not cost the audio. Who has
    the key is the peer, wherever it sends from, and may move. A peer on this machine may sign on from 127.0.0.5 and send
    from 127.0.0.1, which the kernel puts on whatever goes to 127.x from a socket that is bound to all: the port tells it.
    """
    as_told = leg.told is not None and tuple(address[:2]) == leg.told
    host = numeric(address[0])
    near = address[1] == leg.near_port and host.startswith(LOOPBACK)
    known = leg.latched is None and (near or host in leg.allowed)
    if leg.secure is None and not known and not as_told:
        leg.dropped_source += 1
        leg.dropped_from = address
        return False
    kinds = (leg.receive_payload_type, leg.receive_event_payload_type, COMFORT_NOISE)
    if kind not in kinds and kind not in leg.alternatives:
        leg.dropped_payload_type += 1
        return False
    moved = leg.latched is not None
    leg.latched = leg.target = address
    if near and host not in leg.allowed:
        leg.allowed += (host,)  # for its RTCP
    if leg.rtcp_mux:
        leg.rtcp_target = address
    elif not as_told or moved:
        leg.rtcp_target = (address[0], address[1] + 1, *address[2:]) if address[1] < 65535 else None
    return True


def unheard(leg: Leg, now: float) -> Unheard | None:
    """Return what is to be told, once, when audio comes and none of it from where the peer is."""
    source = leg.dropped_from
    if leg.latched is not None or source is None or leg.unheard_told or not leg.receives:
        return None
    if now - leg.negotiated_at < UNHEARD_AFTER or leg.dropped_source < UNHEARD_PACKETS:
        return None
    leg.unheard_told = True
    return Unheard(leg.call, leg.number, now, host_port(source[0], source[1]), leg.sdp_address)


def _keep(leg: Leg, rtp_timestamp: int, payload: bytes) -> None:
    """Keep a payload for the bridge: it goes on as it came when its frame is played."""
    leg.payloads[rtp_timestamp] = payload
    if len(leg.payloads) > _HELD_PAYLOADS:
        del leg.payloads[next(iter(leg.payloads))]


def _receive_alternative(leg: Leg, packet: rtp.Packet, now: float) -> str | None:
    """The peer has gone over to another codec that it was allowed (RFC 3264 section 7)."""
    encoding = leg.alternatives[packet.payload_type]
    if encoding == _EVENT:
        return _receive_event(leg, packet, now)
    leg.packets_received += 1
    leg.last_packet_at = now
    if not leg.receives:
        return None
    payload, rtp_timestamp = packet.payload, packet.rtp_timestamp
    if encoding not in g711.CODECS:
        coder = leg.other_coders.get(encoding) or coder_for(encoding)
        assert coder is not None, "what is not G.711 has a coder"
        leg.other_coders[encoding] = coder
        payload, rtp_timestamp = coder.decode(payload), rtp_timestamp // coder.ticks
    payload = convert(payload, inner_of(encoding), leg.codec)
    decode, leg.jitter.decode = leg.jitter.decode, None
    leg.jitter.push(packet.sequence_number, rtp_timestamp, packet.ssrc, payload, now)
    leg.jitter.decode = decode
    return None


def _receive_event(leg: Leg, packet: rtp.Packet, now: float) -> str | None:
    leg.packets_received += 1
    leg.last_packet_at = now
    leg.jitter.reception.accept(packet.ssrc, packet.sequence_number)
    if not leg.receives:
        return None
    key = leg.events.receive(packet.rtp_timestamp, packet.marker, packet.payload)
    if key is not None:
        leg.key_passes_on = leg.peer is not None
    if leg.peer is not None and leg.key_passes_on:
        payload = at_clock(packet.payload, leg.event_clock_rate, EVENT_CLOCK)
        _pass_on(leg.peer, packet.rtp_timestamp, payload, key)
    return key


def _pass_on(leg: Leg, rtp_timestamp: int, payload: bytes, key: str | None) -> None:
    """Carry an event packet of the bridged peer over to this leg: as an event, else as a tone."""
    if leg.event_payload_type is None:
        if key is not None:
            send_keys(leg, key, 100, 80)
    elif len(leg.relayed) < _MOST_RELAYED and len(payload) >= 4:
        leg.relayed.append(leg.relay.relay(rtp_timestamp, payload, leg.rtp_timestamp))


def receive_report(leg: Leg, data: bytes, address: Address, now: float) -> None:
    """Take one datagram of RTCP, on whichever socket it came."""
    if leg.secure is not None:
        opened = leg.secure.open_report(data)
        if opened is None:
            leg.dropped_unauthentic += 1
            return
        data = opened
    else:
        host = address[0] if leg.latched is None else leg.latched[0]
        if numeric(address[0]) not in leg.allowed or address[0] != host:
            leg.dropped_source += 1
            return
    report = rtcp.parse(data)
    if report is None:
        leg.dropped_invalid += 1
        return
    if not leg.rtcp_mux:
        leg.rtcp_target = address
    leg.reports_received += 1
    if not report.bye:
        leg.last_packet_at = now  # who is muted, or sends no silence, is still there (RFC 3550 section 6.3.5)
    if report.sender is not None:
        leg.last_sender_report = (report.sender.ntp >> 16) & 0xFFFFFFFF
        leg.last_sender_report_at = now
    for block in report.blocks:
        if block.ssrc == leg.ssrc:
            leg.round_trip = rtcp.round_trip(block, now)
            leg.remote_lost = block.lost
            leg.remote_jitter_ms = block.jitter / (8 * leg.ticks)
