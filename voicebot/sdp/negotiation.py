"""Offer and answer (RFC 3264) for one audio stream, plain or encrypted: codecs, packet times, keys, RTCP.

Everything is a function of what both sides said. `Local` is our side of one leg; it carries the o= line on, whose
version rises when what we say changes (section 8), and the numbers that we gave to payload types. What a section says
is read in `sections`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from voicebot.sdp.crypto import SUITES, Crypto
from voicebot.sdp.description import Description, Direction, MediaDescription, Origin, RtpMap, SdpError
from voicebot.sdp.media import (
    DYNAMIC,
    ENCODINGS,
    EVENT,
    EVENT_PAYLOAD_TYPE,
    PTIME_MS,
    STATIC,
    Codec,
    Media,
    Srtp,
)
from voicebot.sdp.sections import (
    NOWHERE,
    PLAIN,
    SECURE,
    codec_of,
    cryptos,
    encodings,
    event_of,
    host_of,
    ip_version,
    is_for_many,
    is_usable,
    ptime_of,
    rtcp_port_of,
    unheld,
)

SrtpPolicy = Literal["off", "optional", "required"]
EVENTS = "0-16"
_OPUS = (
    "maxplaybackrate=16000;sprop-maxcapturerate=16000"  # RFC 7587 section 6.1: we decode and encode at 16 kHz
)
_REVERSED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
MAX_MEDIA = 16


class NotAcceptable(SdpError):
    """Well-formed, but nothing in it can be used: answer 488 (RFC 3261 section 21.4.26)."""


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of a leg. `host`, `port`: where we receive RTP. `session_id` any number that is not used twice.

    `follow`: the peer's order of codecs decides, else ours. `srtp` is what we offer and accept: "optional" offers keys on
    RTP/AVP (RFC 8643) and takes what comes; `keys` are ours, 30 random bytes for each of `crypto.SUITES`.
    `version`, `previous` and `offered` belong to the functions of this module: each returns a new Local.
    """

    host: str
    port: int
    session_id: int
    codecs: tuple[Codec, ...] = ("PCMU", "PCMA")
    direction: Direction = "sendrecv"
    version: int = 0
    previous: Description | None = field(default=None, repr=False)
    offered: Description | None = field(default=None, repr=False)
    follow: bool = True
    srtp: SrtpPolicy = "off"
    keys: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of an exchange: our side from now on, the stream, and the body that tells the peer (b"" if none)."""

    local: Local
    media: Media
    body: bytes = b""


def create_offer(local: Local) -> tuple[Local, bytes]:
    """Return our side, waiting for an answer, and the offer.

    In a session that exists already all m-lines of it stay, the refused ones refused (section 8), and the payload
    types keep their meaning.
    """
    before = local.previous
    index = _audio_index(before) if before is not None else 0
    known = before.media[index] if before is not None else None
    lines = _offered_cryptos(local, known)
    protocol = known.protocol if known is not None else SECURE[0] if local.srtp == "required" else PLAIN[0]
    audio = _audio(
        local, local.direction, _numbers(local.codecs, known), protocol=protocol, lines=lines, rtcp_mux=True
    )
    media = [audio] if before is None else [*before.media[:index], audio, *before.media[index + 1 :]]
    local, description = _next(local, tuple(media))
    return replace(local, offered=description), description.to_bytes()


def answer_offer(local: Local, offer: bytes) -> Settled:
    """Answer an offer. Raises NotAcceptable (488) if it has nothing for us, SdpError (400) if it makes no sense."""
    description = Description.parse(offer)
    if not description.media:
        raise NotAcceptable("the offer has no media")
    if len(description.media) > MAX_MEDIA:
        raise NotAcceptable("the offer has too many media")
    index, theirs = _best(local, description.media)
    section = description.media[index]
    found = codec_of(section, local.codecs, local.follow)
    assert found is not None, "`_best` takes only sections with a codec for us"
    number, codec = found
    events = event_of(section, ENCODINGS[codec].clock_rate)
    host = _reachable_host(local, description, section)
    direction = _restrict(_REVERSED[unheld(description.direction_of(section), host)], local.direction)
    agreed = {number: ENCODINGS[codec]}
    if events is not None:
        agreed[events[0]] = events[1]
    ours = _own_crypto(local, theirs)
    rtcp_mux = section.attribute("rtcp-mux") is not None
    ptime_ms = ptime_of(section, codec)
    answers = [_refused(other) for other in description.media]
    answers[index] = _audio(
        local,
        direction,
        agreed,
        protocol=section.protocol,
        lines=[ours] if ours is not None else [],
        rtcp_mux=rtcp_mux,
        ptime_ms=ptime_ms,
    )
    settled_local, answer = _next(withdraw_offer(local), tuple(answers))
    media = Media(
        codec=codec,
        payload_type=number,
        receive_payload_type=number,
        event_payload_type=None if events is None else events[0],
        receive_event_payload_type=EVENT_PAYLOAD_TYPE if events is None else events[0],
        remote_host=host,
        remote_port=section.port,
        direction=direction,
        ptime_ms=ptime_ms,
        event_clock_rate=8000 if events is None else events[1].clock_rate,
        rtcp_mux=rtcp_mux,
        rtcp_port=rtcp_port_of(section),
        srtp=_keyed(ours, theirs),
    )
    return Settled(settled_local, media, answer.to_bytes())


def accept_answer(local: Local, answer: bytes) -> Settled:
    """Take the answer to our offer. Raises NotAcceptable if the peer refused the audio, SdpError if it does not fit."""
    offered = local.offered
    if offered is None:
        raise SdpError("there was no offer")
    description = Description.parse(answer)
    index = _audio_index(offered)
    if len(description.media) <= index:
        raise SdpError("the answer has fewer media than the offer")
    ours, section = offered.media[index], description.media[index]
    if section.port == 0:
        raise NotAcceptable("the peer refused the audio")
    secure = ours.protocol.upper() in SECURE
    if section.kind != "audio" or section.protocol.upper() not in (SECURE if secure else PLAIN):
        raise SdpError("the answer's media are not those of the offer")
    found = codec_of(section, local.codecs, follow=True)
    if found is None:
        raise NotAcceptable("the answer has none of the offered codecs")
    number, codec = found
    mine = {line.tag: line for line in cryptos(ours)}
    theirs = next((line for line in cryptos(section) if _same_suite(mine.get(line.tag), line)), None)
    if theirs is None and (secure or local.srtp == "required"):
        raise NotAcceptable("the answer has no key to encrypt with")
    events = event_of(section, ENCODINGS[codec].clock_rate)
    host = _reachable_host(local, description, section)
    allowed = _REVERSED[ours.direction or "sendrecv"]
    direction = _REVERSED[_restrict(allowed, unheld(description.direction_of(section), host))]
    numbers = {encoding: key for key, encoding in encodings(ours).items()}
    receive = numbers.get(ENCODINGS[codec], number)
    receive_event = numbers.get(events[1] if events is not None else DEFAULT_EVENT, EVENT_PAYLOAD_TYPE)
    media = Media(
        codec=codec,
        payload_type=number,
        receive_payload_type=receive,
        event_payload_type=None if events is None else events[0],
        receive_event_payload_type=receive_event,
        remote_host=host,
        remote_port=section.port,
        direction=direction,
        ptime_ms=ptime_of(section, codec),
        event_clock_rate=8000 if events is None else events[1].clock_rate,
        alternatives=_alternatives(section, numbers, (receive, receive_event)),
        rtcp_mux=section.attribute("rtcp-mux") is not None and ours.attribute("rtcp-mux") is not None,
        rtcp_port=rtcp_port_of(section),
        srtp=_keyed(mine[theirs.tag], theirs) if theirs is not None else None,
    )
    return Settled(replace(local, offered=None), media)


def withdraw_offer(local: Local) -> Local:
    """The peer refused our re-offer: what was settled before holds (section 8)."""
    return local if local.offered is None else replace(local, offered=None)


# --- our sections


def _next(local: Local, media: tuple[MediaDescription, ...]) -> tuple[Local, Description]:
    """Return the description of these sections, its version one higher if it says something new."""
    before = local.previous
    if before is not None and before.media == media and before.host == local.host:
        return local, before
    version = local.version + 1
    description = Description(Origin("-", local.session_id, version, local.host), local.host, media)
    return replace(local, version=version, previous=description), description


def _numbers(codecs: Iterable[Codec], known: MediaDescription | None) -> dict[int, RtpMap]:
    """Return our payload types: those of the session keep their meaning, the others get numbers that are free."""
    wanted = [ENCODINGS[codec] for codec in codecs]
    wanted += [RtpMap(EVENT, rate) for rate in sorted({encoding.clock_rate for encoding in wanted} | {8000})]
    before = encodings(known) if known is not None else {}
    kept = {number: encoding for number, encoding in before.items() if encoding in wanted}
    static = {encoding: number for number, encoding in STATIC.items()}
    fresh: dict[int, RtpMap] = {}
    for encoding in wanted:
        if encoding in kept.values():
            continue
        number = static.get(encoding, DYNAMIC.get(encoding, 0))
        while number in before or number in fresh or (number in static.values() and encoding not in static):
            number = number + 1 if 96 <= number < 127 else 96
        fresh[number] = encoding
    audio = {n: e for n, e in (kept | fresh).items() if e.name != EVENT}
    return audio | {n: e for n, e in (kept | fresh).items() if e.name == EVENT}


def _audio(
    local: Local,
    direction: Direction,
    numbers: dict[int, RtpMap],
    *,
    protocol: str,
    lines: list[Crypto],
    rtcp_mux: bool,
    ptime_ms: int = PTIME_MS,
) -> MediaDescription:
    attributes: list[tuple[str, str | None]] = []
    for number, encoding in numbers.items():
        name = _SPELLING.get(encoding.name, encoding.name)
        channels = f"/{encoding.channels}" if encoding.channels > 1 else ""
        attributes.append(("rtpmap", f"{number} {name}/{encoding.clock_rate}{channels}"))
        if encoding.name in _PARAMETERS:
            attributes.append(("fmtp", f"{number} {_PARAMETERS[encoding.name]}"))
    attributes += [("crypto", str(line)) for line in lines]
    attributes += [("ptime", str(ptime_ms)), (direction, None)]
    if rtcp_mux:
        attributes.append(("rtcp-mux", None))
    formats = tuple(str(number) for number in numbers)
    return MediaDescription("audio", local.port, protocol, formats, attributes=tuple(attributes))


_SPELLING = {EVENT: "telephone-event", "OPUS": "opus"}
_PARAMETERS = {EVENT: EVENTS, "OPUS": _OPUS}
DEFAULT_EVENT = RtpMap(EVENT, 8000)


def _refused(section: MediaDescription) -> MediaDescription:
    """Port 0, and one format as the grammar demands (section 6)."""
    return MediaDescription(section.kind, 0, section.protocol, section.formats[:1] or ("0",))


def _audio_index(description: Description) -> int:
    return next(
        (index for index, media in enumerate(description.media) if media.port and media.kind == "audio"), 0
    )


# --- keys


def _offered_cryptos(local: Local, known: MediaDescription | None) -> list[Crypto]:
    """Return the lines that we offer: in a session that is plain already, none."""
    if local.srtp == "off" or (known is not None and not cryptos(known)):
        return []
    return [
        Crypto(str(n), suite, key) for n, (suite, key) in enumerate(zip(SUITES, local.keys, strict=True), 1)
    ]


def _own_crypto(local: Local, theirs: Crypto | None) -> Crypto | None:
    """Return our line of the answer: their tag and suite, our key (RFC 4568 section 5.1.2)."""
    return None if theirs is None else replace(theirs, key=local.keys[SUITES.index(theirs.suite)])


def _same_suite(mine: Crypto | None, theirs: Crypto) -> bool:
    return mine is not None and mine.suite == theirs.suite


def _keyed(ours: Crypto | None, theirs: Crypto | None) -> Srtp | None:
    return Srtp(ours.suite, ours.key, theirs.key) if ours is not None and theirs is not None else None


# --- what is in both


def _best(local: Local, media: tuple[MediaDescription, ...]) -> tuple[int, Crypto | None]:
    """Return the section to take, an encrypted one if there is one, and the peer's key. Raises NotAcceptable."""
    plain: int | None = None
    refusal = "no audio with " + ", ".join(local.codecs)
    for index, section in enumerate(media):
        if section.kind == "audio" and section.port and not is_usable(section):
            refusal = f"audio over {section.protocol} is not spoken here, only {', '.join(PLAIN + SECURE)}"
        if not is_usable(section) or codec_of(section, local.codecs, local.follow) is None:
            continue
        lines = cryptos(section) if local.srtp != "off" else []
        if lines:
            return index, lines[0]
        if section.protocol.upper() in SECURE:
            refusal = (
                "encryption is off here" if local.srtp == "off" else "the offer has no key that we can use"
            )
        elif local.srtp == "required":
            refusal = "the audio has to be encrypted, and the offer has no key that we can use"
        elif plain is None:
            plain = index
    if plain is None:
        raise NotAcceptable(refusal)
    return plain, None


def _reachable_host(local: Local, description: Description, section: MediaDescription) -> str:
    """Return the peer's c= address. Raises NotAcceptable for one that cannot, or must not, be sent to."""
    host = host_of(description, section)
    theirs = ip_version(host)
    if host not in NOWHERE and theirs and theirs != ip_version(local.host):
        raise NotAcceptable(f"the peer wants its audio by IPv{theirs}, its signalling comes by the other")
    if is_for_many(host):
        raise NotAcceptable(f"the peer wants its audio at {host}, an address of many")
    return host


def _alternatives(
    section: MediaDescription, numbers: dict[RtpMap, int], taken: tuple[int, ...]
) -> tuple[tuple[int, str], ...]:
    """Return our other numbers that the answer lets the peer use at any time (RFC 3264 section 7).

    And the peer's own where they differ: packets ought to have ours (section 6.1), but some peers put in what they
    answered, and their keys or their audio would be lost.
    """
    known = {each: encoding for each, encoding in encodings(section).items() if encoding in numbers}
    found = {numbers[encoding]: encoding.name for encoding in known.values()}
    for number, encoding in known.items():
        if number not in numbers.values():
            found[number] = encoding.name
    return tuple((number, name) for number, name in found.items() if number not in taken)


def _restrict(allowed: Direction, wanted: Direction) -> Direction:
    """Return what is in both (section 6.1)."""
    if allowed == "sendrecv" or allowed == wanted:
        return wanted
    return allowed if wanted == "sendrecv" else "inactive"
