"""RTP packets (RFC 3550 section 5.1): bytes to fields and back, with the validity checks of appendix A.1.

They run for every packet of every leg, so what is no RTP is `None`, not an exception: garbage on a media port is
ordinary and only counted.
"""

import struct
from typing import NamedTuple

HEADER_BYTES = 12
MAX_PAYLOAD_BYTES = 1500
_HEADER = struct.Struct("!BBHII")
_VERSION_2 = 0x80
_PADDING = 0x20
_EXTENSION = 0x10
_CSRC_COUNT = 0x0F
_MARKER = 0x80
# Payload types 72 to 76 with the marker bit are RTCP packet types 200 to 204 on the wrong port (RFC 5761 section 4).
_RTCP_FIRST, _RTCP_LAST = 200, 204


class Packet(NamedTuple):
    """One RTP packet. `rtp_timestamp` is in ticks of the payload's clock rate and wraps at 2**32."""

    payload_type: int
    marker: bool
    sequence_number: int
    rtp_timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Return the packet, or None when `data` is not a valid RTP packet of version 2 (RFC 3550 appendix A.1)."""
    found = fields(data)
    return None if found is None else Packet(*found)


def fields(data: bytes) -> tuple[int, bool, int, int, int, bytes] | None:
    """Return what `parse` does as a plain tuple, which costs less: it is made for every packet of every leg."""
    size = len(data)
    if size < HEADER_BYTES:
        return None
    first, second, sequence_number, rtp_timestamp, ssrc = _HEADER.unpack_from(data)
    if first == _VERSION_2:  # the common case: no padding, extension or CSRCs
        payload = data[HEADER_BYTES:]
    elif first & 0xC0 == _VERSION_2:
        start, end = _payload_bounds(data, first)
        if start > end:
            return None
        payload = data[start:end]
    else:
        return None
    if _RTCP_FIRST <= second <= _RTCP_LAST or size > HEADER_BYTES + MAX_PAYLOAD_BYTES:
        return None
    return second & 0x7F, second >= _MARKER, sequence_number, rtp_timestamp, ssrc, payload


def _payload_bounds(data: bytes, first: int) -> tuple[int, int]:
    """Return where the payload starts and ends; start > end when header, extension or padding do not fit."""
    start, end = HEADER_BYTES + 4 * (first & _CSRC_COUNT), len(data)
    if first & _EXTENSION:
        if start + 4 > end:
            return 1, 0
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & _PADDING:
        if data[-1] == 0:
            return 1, 0
        end -= data[-1]
    return start, end


def build(
    payload_type: int,
    sequence_number: int,
    rtp_timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool = False,
) -> bytes:
    """Return the packet's bytes. Sequence number, timestamp and SSRC have to be in range already."""
    second = payload_type | _MARKER if marker else payload_type
    return _HEADER.pack(_VERSION_2, second, sequence_number, rtp_timestamp, ssrc) + payload
