"""What leaves a leg: audio in packets of the negotiated length, keys, and reports."""

from voicebot.media import FRAME_SAMPLES, rtcp, rtp, tones
from voicebot.media.playout import Clip
from voicebot.media.telephone_event import at_clock
from voicebot.runtime.media_worker.leg import (
    EVENT_CLOCK,
    OPEN_EVERY,
    PACKET_FRAMES,
    UNHEARD_SHARE,
    UNHEARD_SILENCE,
    Address,
    Leg,
)


def send_keys(leg: Leg, keys: str, duration_ms: int, gap_ms: int) -> None:
    """Begin to send keys: as events, as tones to a peer that takes none."""
    if leg.event_payload_type is not None:
        leg.keys.add(keys, duration_ms, gap_ms)
        return
    known = "".join(key for key in keys.upper() if key in tones.DTMF)
    if known:
        leg.tones.append(Clip(leg.codec.encode(tones.dtmf(known, duration_ms, gap_ms)), leg.codec))


def send_audio(leg: Leg, frame: bytes) -> None:
    """Send one frame of the leg's format and go on by 20 ms."""
    leg.sent = frame
    rtp_timestamp = leg.rtp_timestamp
    leg.rtp_timestamp = (rtp_timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
    target = leg.target
    if leg.sends and target is not None and (leg.latched is not None or not _spares(leg, frame)):
        if leg.packing is not None:
            _send_packed(leg, frame, rtp_timestamp, target)
            return
        _send(leg, leg.payload_type, rtp_timestamp, frame, leg.marker, target)
        leg.marker = False


def _spares(leg: Leg, frame: bytes) -> bool:
    """Say whether a frame of silence need not be sent, since nobody may be there yet (see UNHEARD_SILENCE)."""
    if frame is not leg.silence:
        return False
    leg.unheard_silence += 1
    if leg.unheard_silence <= UNHEARD_SILENCE or leg.unheard_silence % UNHEARD_SHARE < PACKET_FRAMES:
        return False
    leg.marker = True  # RFC 3551 section 4.1: silence was left out
    if leg.packing is not None:
        leg.packing.drop()
    return True


def _send_packed(leg: Leg, frame: bytes, rtp_timestamp: int, target: Address) -> None:
    assert leg.packing is not None, "the caller looked"
    for chunk, at in leg.packing.add(frame, rtp_timestamp):
        payload = chunk if leg.coder is None else leg.coder.encode(chunk)
        _send(leg, leg.payload_type, at, payload, leg.marker, target)
        leg.marker = False


def forward(leg: Leg, payload: bytes, frame: bytes) -> None:
    """Send a payload of 20 ms of the bridged peer as it came; `frame` is what it says."""
    leg.sent = frame
    rtp_timestamp = leg.rtp_timestamp
    leg.rtp_timestamp = (rtp_timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
    if leg.sends and leg.target is not None:
        _send(leg, leg.payload_type, rtp_timestamp, payload, leg.marker, leg.target)
        leg.marker = False


def send_events(leg: Leg) -> bool:
    """Send what keys there are in place of this tick's audio; False when there is none."""
    kind, target = leg.event_payload_type, leg.target
    packets = leg.relayed
    if leg.keys:
        packet = leg.keys.next(leg.rtp_timestamp)
        packets = packets if packet is None else [*packets, packet]
    if not packets or kind is None:
        return False
    leg.relayed = []
    if leg.packing is not None:
        leg.packing.drop()
    if leg.sends and target is not None:
        for payload, marker, rtp_timestamp in packets:
            leg.events_sent += 1
            payload = at_clock(payload, EVENT_CLOCK, leg.event_clock_rate)
            _send(leg, kind, rtp_timestamp, payload, marker, target)
    leg.sent = leg.silence
    leg.rtp_timestamp = (leg.rtp_timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
    return True


def take_tone(leg: Leg) -> bytes | None:
    """Return this tick's frame of keys in band, if any are being sent."""
    while leg.tones:
        frame = leg.tones[0].take()
        if frame is not None:
            return frame
        del leg.tones[0]
    return None


def _send(leg: Leg, kind: int, rtp_timestamp: int, payload: bytes, marker: bool, target: Address) -> None:
    """Send one packet; `rtp_timestamp` is that of 8 kHz."""
    sequence_number = leg.sequence_number
    leg.sequence_number = (sequence_number + 1) & 0xFFFF
    if leg.ticks != 1:
        rtp_timestamp = rtp_timestamp * leg.ticks & 0xFFFFFFFF  # goes on through the wrap of either
    packet = rtp.build(kind, sequence_number, rtp_timestamp, leg.ssrc, payload, marker)
    if leg.secure is not None:
        sealed = leg.secure.seal(packet)
        if sealed is None:
            leg.send_errors += 1
            return
        packet = sealed
    try:
        leg.rtp_socket.sendto(packet, target)
    except OSError:  # a full buffer, an ICMP answer, a route that is gone: one packet is lost, no more
        leg.send_errors += 1
        return
    leg.packets_sent += 1
    leg.octets_sent += len(payload)


def keep_open(leg: Leg, now: float) -> None:
    """Send one packet of silence now and then where no audio may be sent, so that the peer's gets through to us."""
    if leg.sends or not leg.receives or leg.target is None or now < leg.opens_at:
        return
    leg.opens_at = now + OPEN_EVERY
    silence = leg.silence if leg.coder is None else leg.coder.encode(leg.silence)
    _send(leg, leg.payload_type, leg.rtp_timestamp, silence, False, leg.target)


def send_report(leg: Leg, now: float, bye: bool = False) -> None:
    """Send SR (or RR while we send nothing) with what we receive (RFC 3550 section 6.4)."""
    leg.next_report_at = now + rtcp.INTERVAL
    if leg.rtcp_target is None:
        return
    sender = None
    if leg.packets_sent:
        rtp_timestamp = leg.rtp_timestamp * leg.ticks
        sender = rtcp.SenderInfo(rtcp.ntp_time(now), rtp_timestamp, leg.packets_sent, leg.octets_sent)
    blocks: tuple[rtcp.ReportBlock, ...] = ()
    if leg.jitter.reception.ssrc is not None:
        block = rtcp.block_of(
            leg.jitter.reception, leg.last_sender_report, leg.last_sender_report_at, now, leg.ticks
        )
        blocks = (block,)
    packet = rtcp.build(rtcp.Report(leg.ssrc, sender, blocks, bye), leg.cname)
    if leg.secure is not None:
        sealed = leg.secure.seal_report(packet)
        if sealed is None:
            leg.send_errors += 1
            return
        packet = sealed
    try:
        (leg.rtp_socket if leg.rtcp_mux else leg.rtcp_socket).sendto(packet, leg.rtcp_target)
    except OSError:
        leg.send_errors += 1
