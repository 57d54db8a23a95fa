"""RTCP (RFC 3550 section 6): sender and receiver reports, SDES CNAME and BYE; built minimal, parsed tolerantly.

NTP timestamps count from the machine's boot, which section 4 allows to a sender that wants its wall clock kept to itself.
"""

import struct
from dataclasses import dataclass

from voicebot.media.reception import Reception

INTERVAL = 5.0  # seconds between reports (RFC 3550 section 6.2)
_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IIIII")  # NTP seconds and fraction, RTP timestamp, packets, octets
_BLOCK = struct.Struct("!IIIIII")
_CNAME = 1
_MOST_LOST = 0x7FFFFF


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one side says of the stream it receives (RFC 3550 section 6.4.1). `jitter` in timestamp units.

    `last_sr` is the middle 32 bits of the NTP timestamp of the last sender report, `delay` since it in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence_number: int
    jitter: int
    last_sr: int
    delay: int


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """The sender's part of an SR: NTP time in 1/2**32 s, and totals since the start of transmission."""

    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a compound packet said: `sender` is None in a receiver report, `bye` when the source leaves."""

    ssrc: int
    sender: SenderInfo | None
    blocks: tuple[ReportBlock, ...]
    bye: bool = False


def ntp_time(now: float) -> int:
    """Return `now` (seconds of the monotonic clock) as a 64-bit NTP timestamp."""
    return int(now * 4294967296) & 0xFFFFFFFFFFFFFFFF


def block_of(
    reception: Reception, last_sr: int, last_sr_at: float, now: float, ticks: int = 1
) -> ReportBlock:
    """Return the report block on what was received; `last_sr` 0 when the peer has sent no SR yet.

    `ticks` of the stream's clock are one of 8 kHz, at which the reception was measured.
    """
    return ReportBlock(
        ssrc=reception.ssrc or 0,
        fraction_lost=reception.fraction_lost(),
        lost=min(reception.lost, _MOST_LOST),
        highest_sequence_number=reception.highest_sequence_number,
        jitter=int(reception.jitter * ticks),
        last_sr=last_sr,
        delay=int((now - last_sr_at) * 65536) & 0xFFFFFFFF if last_sr else 0,
    )


def round_trip(block: ReportBlock, now: float) -> float | None:
    """Return the round-trip time in seconds that `block` shows (RFC 3550 section 6.4.1), if it does."""
    if not block.last_sr:
        return None
    ticks = ((ntp_time(now) >> 16) - block.last_sr - block.delay) & 0xFFFFFFFF
    return ticks / 65536 if ticks < 0x80000000 else None


def build(report: Report, cname: str) -> bytes:
    """Return the compound packet: SR or RR, SDES with `cname` (ASCII, at most 255 characters), BYE if it says so."""
    body = struct.pack("!I", report.ssrc)
    if report.sender is not None:
        sender = report.sender
        body += _SENDER.pack(
            sender.ntp >> 32,
            sender.ntp & 0xFFFFFFFF,
            sender.rtp_timestamp & 0xFFFFFFFF,
            sender.packets & 0xFFFFFFFF,
            sender.octets & 0xFFFFFFFF,
        )
    for block in report.blocks:
        lost = block.fraction_lost << 24 | (block.lost & 0xFFFFFF)
        body += _BLOCK.pack(
            block.ssrc, lost, block.highest_sequence_number, block.jitter, block.last_sr, block.delay
        )
    kind = _RR if report.sender is None else _SR
    packet = _part(kind, len(report.blocks), body)
    name = cname.encode("ascii")[:255]
    item = bytes((_CNAME, len(name))) + name
    packet += _part(_SDES, 1, struct.pack("!I", report.ssrc) + item + bytes(4 - len(item) % 4))
    if report.bye:
        packet += _part(_BYE, 1, struct.pack("!I", report.ssrc))
    return packet


def _part(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def is_rtcp(data: bytes) -> bool:
    """Say whether a datagram on a port of both RTP and RTCP is RTCP (RFC 5761 section 4)."""
    return len(data) > 1 and data[0] >= 0x80 and 192 <= data[1] <= 223


def parse(data: bytes) -> Report | None:
    """Return what a compound packet reports, or None when it is none (RFC 3550 appendix A.2). Unknown parts are skipped."""
    ssrc: int | None = None
    sender: SenderInfo | None = None
    blocks: list[ReportBlock] = []
    bye = False
    offset = 0
    while offset < len(data):
        if len(data) - offset < _HEADER.size:
            return None
        first, kind, words = _HEADER.unpack_from(data, offset)
        end = offset + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > len(data) or (ssrc is None and kind not in (_SR, _RR)):
            return None
        body = data[offset + 4 : end]
        offset = end
        if kind in (_SR, _RR):
            start = 4 + (_SENDER.size if kind == _SR else 0)
            if len(body) < start + (first & 0x1F) * _BLOCK.size:
                return None
            ssrc = int.from_bytes(body[:4], "big")
            if kind == _SR:
                high, low, rtp_timestamp, packets, octets = _SENDER.unpack_from(body, 4)
                sender = SenderInfo(high << 32 | low, rtp_timestamp, packets, octets)
            blocks += [_block(body, start + index * _BLOCK.size) for index in range(first & 0x1F)]
        elif kind == _BYE:
            bye = True
    return None if ssrc is None else Report(ssrc, sender, tuple(blocks), bye)


def _block(body: bytes, offset: int) -> ReportBlock:
    ssrc, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, offset)
    cumulative = lost & 0xFFFFFF
    if cumulative > _MOST_LOST:  # a signed 24-bit number: duplicates can make it negative
        cumulative -= 1 << 24
    return ReportBlock(ssrc, lost >> 24, cumulative, highest, jitter, last_sr, delay)
