"""What one m= section of a peer says, read with the tolerance that peers need."""

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from voicebot.sdp.crypto import Crypto
from voicebot.sdp.description import (
    Description,
    Direction,
    MediaDescription,
    RtpMap,
    SdpError,
    payload_types,
    rtpmaps_of,
)
from voicebot.sdp.media import ENCODINGS, EVENT, PTIME_MS, PTIMES_MS, STATIC, Codec

PLAIN = ("RTP/AVP", "RTP/AVPF")  # AVPF's feedback is optional (RFC 4585 section 4.1): without it, it is AVP
SECURE = ("RTP/SAVP", "RTP/SAVPF")
NOWHERE = ("0.0.0.0", "::")  # c= of a peer on hold (RFC 3264 section 8.4, RFC 2543)


def is_usable(section: MediaDescription) -> bool:
    """Is this audio that is not refused, over RTP as we speak it?"""
    return section.kind == "audio" and section.port > 0 and section.protocol.upper() in PLAIN + SECURE


def encodings(section: MediaDescription) -> Mapping[int, RtpMap]:
    """Return what the listed payload types mean, in order; those without meaning are left out."""
    return _encodings(section.formats, section.rtpmap_lines)


@lru_cache(256)
def _encodings(formats: tuple[str, ...], rtpmap_lines: tuple[str, ...]) -> Mapping[int, RtpMap]:
    """Most callers' phones say the same: what a section means is known for a while."""
    rtpmaps = rtpmaps_of(rtpmap_lines)
    found = {number: rtpmaps.get(number) or STATIC.get(number) for number in payload_types(formats)}
    return MappingProxyType({number: encoding for number, encoding in found.items() if encoding is not None})


def codec_of(section: MediaDescription, codecs: Sequence[Codec], follow: bool) -> tuple[int, Codec] | None:
    """Return the payload type and codec to use: the peer's first that we have, or (not `follow`) our first that it has.

    RFC 3264 section 6.1 lets the offerer's preference decide.
    """
    return _codec_of(section.formats, section.rtpmap_lines, tuple(codecs), follow)


@lru_cache(256)
def _codec_of(
    formats: tuple[str, ...], rtpmap_lines: tuple[str, ...], codecs: tuple[Codec, ...], follow: bool
) -> tuple[int, Codec] | None:
    found: dict[Codec, int] = {}
    for number, encoding in _encodings(formats, rtpmap_lines).items():
        for codec in codecs:
            if encoding == ENCODINGS[codec]:
                found.setdefault(codec, number)
    order = found if follow else [codec for codec in codecs if codec in found]
    return next(((found[codec], codec) for codec in order), None)


def event_of(section: MediaDescription, clock_rate: int) -> tuple[int, RtpMap] | None:
    """Return the payload type of telephone-event: at the codec's clock rate (RFC 4733 section 2.1), else at 8000."""
    found = [(number, encoding) for number, encoding in encodings(section).items() if encoding.name == EVENT]
    for rate in (clock_rate, 8000):
        for number, encoding in found:
            if encoding.clock_rate == rate:
                return number, encoding
    return None


def cryptos(section: MediaDescription) -> list[Crypto]:
    """Return the keys of a section that we can use, in its order."""
    values = [value for name, value in section.attributes if name == "crypto" and value]
    return [line for line in map(Crypto.parse, values) if line is not None]


def ptime_of(section: MediaDescription, codec: Codec) -> int:
    """Return the packet time to send with: a=ptime within a=maxptime, one that the codec and our tick can serve."""
    wanted = _milliseconds(section, "ptime") or PTIME_MS
    most = _milliseconds(section, "maxptime") or wanted
    fitting = [ptime for ptime in PTIMES_MS[codec] if ptime <= min(wanted, most)]
    return fitting[-1] if fitting else PTIMES_MS[codec][0]


def rtcp_port_of(section: MediaDescription) -> int:
    """Return the port of a=rtcp (RFC 3605), 0 when it is not said."""
    words = (section.attribute("rtcp") or "").split()
    if words and words[0].isascii() and words[0].isdigit() and len(words[0]) < 6 and int(words[0]) <= 65_535:
        return int(words[0])
    return 0


def host_of(description: Description, section: MediaDescription) -> str:
    """Return the c= address of the section, else the session's. Raises SdpError when there is none."""
    host = description.host_of(section)
    if not host:
        raise SdpError("the audio has no c= address")
    return host


@lru_cache(4096)
def ip_version(host: str) -> int:
    """Return 4 or 6; 0 for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


@lru_cache(4096)
def is_for_many(host: str) -> bool:
    """Whether it is a multicast or broadcast address: what is sent there, many get."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_multicast or host == "255.255.255.255"


def unheld(direction: Direction, host: str) -> Direction:
    """Return the peer's direction; c=0.0.0.0 says "do not send to me"."""
    if host not in NOWHERE:
        return direction
    return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"


def _milliseconds(section: MediaDescription, name: str) -> int:
    text = (section.attribute(name) or "").strip().partition(".")[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
