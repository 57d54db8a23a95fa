"""Offer and answer (RFC 3264) for one audio stream of RTP/AVP: PCMU, PCMA, telephone-event (RFC 4733).

Everything is a function of what both sides said. `Local` is our side of one leg; it carries the o= line on, whose
version rises when what we say changes (section 8), and the numbers that we gave to payload types.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from voicebot.sdp.description import Description, Direction, MediaDescription, Origin, RtpMap, SdpError
from voicebot.sdp.media import (
    CLOCK_RATE,
    EVENT_PAYLOAD_TYPE,
    PTIME_MS,
    STATIC_PAYLOAD_TYPES,
    Codec,
    Media,
)

EVENTS = "0-16"
_EVENT = RtpMap("TELEPHONE-EVENT", CLOCK_RATE)
# RFC 3551 table 4: what a payload type means without an rtpmap.
_STATIC = {0: RtpMap("PCMU", CLOCK_RATE), 8: RtpMap("PCMA", CLOCK_RATE)}
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

    `version`, `previous` and `offered` belong to the functions of this module: each returns a new Local.
    """

    host: str
    port: int
    session_id: int
    codecs: tuple[Codec, ...] = ("PCMU", "PCMA")
    direction: Direction = "sendrecv"
    version: int = 0
    previous: Description | None = None
    offered: Description | None = None


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
    numbers: dict[int, RtpMap] = {
        STATIC_PAYLOAD_TYPES[codec]: _STATIC[STATIC_PAYLOAD_TYPES[codec]] for codec in local.codecs
    }
    events = EVENT_PAYLOAD_TYPE
    before = local.previous
    index = _audio_index(before) if before is not None else 0
    if before is not None:
        known = before.media[index].rtpmaps
        events = next((number for number, encoding in known.items() if encoding == _EVENT), events)
        renumbered = {number: encoding for number, encoding in known.items() if encoding.name in local.codecs}
        used = {encoding.name for encoding in renumbered.values()}
        numbers = renumbered | {
            n: e for n, e in numbers.items() if e.name not in used and n not in renumbered
        }
    audio = _audio(local, local.direction, {**numbers, events: _EVENT})
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
    for index, section in enumerate(description.media):
        codec = _common_codec(section, local.codecs)
        if codec is None:
            continue
        number, encoding = codec
        events = _event_number(section)
        host = _host(description, section)
        direction = _answer_direction(description, section, host, local.direction)
        agreed = {number: encoding} if events is None else {number: encoding, events: _EVENT}
        answers = [_refused(other) for other in description.media]
        answers[index] = _audio(local, direction, agreed)
        settled_local, answer = _next(replace(local, offered=None), tuple(answers))
        media = Media(
            codec=_codec(encoding),
            payload_type=number,
            receive_payload_type=number,
            event_payload_type=events,
            receive_event_payload_type=EVENT_PAYLOAD_TYPE if events is None else events,
            remote_host=host,
            remote_port=section.port,
            direction=direction,
            ptime_ms=_ptime(section),
        )
        return Settled(settled_local, media, answer.to_bytes())
    raise NotAcceptable("no audio of RTP/AVP with PCMU or PCMA")


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
    if section.kind != "audio" or section.protocol.upper() != ours.protocol:
        raise SdpError("the answer's media are not those of the offer")
    found = _common_codec(section, local.codecs)
    if found is None:
        raise NotAcceptable("the answer has none of the offered codecs")
    number, encoding = found
    host = _host(description, section)
    offered_direction = ours.direction or "sendrecv"
    allowed = _REVERSED[offered_direction]
    theirs = _restrict(allowed, _unheld(description.direction_of(section), host))
    numbers = {value.name: key for key, value in ours.rtpmaps.items()}
    media = Media(
        codec=_codec(encoding),
        payload_type=number,
        receive_payload_type=numbers.get(encoding.name, number),
        event_payload_type=_event_number(section),
        receive_event_payload_type=numbers.get(_EVENT.name, EVENT_PAYLOAD_TYPE),
        remote_host=host,
        remote_port=section.port,
        direction=_REVERSED[theirs],
        ptime_ms=_ptime(section),
    )
    return Settled(replace(local, offered=None), media)


def withdraw_offer(local: Local) -> Local:
    """The peer refused our re-offer: what was settled before holds (section 8)."""
    return replace(local, offered=None)


# --- our sections


def _next(local: Local, media: tuple[MediaDescription, ...]) -> tuple[Local, Description]:
    """Return the description of these sections, its version one higher if it says something new."""
    before = local.previous
    if before is not None and before.media == media and before.host == local.host:
        return local, before
    version = local.version + 1
    description = Description(Origin("-", local.session_id, version, local.host), local.host, media)
    return replace(local, version=version, previous=description), description


def _audio(local: Local, direction: Direction, numbers: dict[int, RtpMap]) -> MediaDescription:
    attributes: list[tuple[str, str | None]] = []
    for number, encoding in numbers.items():
        name = encoding.name if encoding != _EVENT else "telephone-event"
        attributes.append(("rtpmap", f"{number} {name}/{encoding.clock_rate}"))
        if encoding == _EVENT:
            attributes.append(("fmtp", f"{number} {EVENTS}"))
    attributes += [("ptime", str(PTIME_MS)), (direction, None)]
    formats = tuple(str(number) for number in numbers)
    return MediaDescription("audio", local.port, "RTP/AVP", formats, attributes=tuple(attributes))


def _refused(section: MediaDescription) -> MediaDescription:
    """Port 0, and one format as the grammar demands (section 6)."""
    return MediaDescription(section.kind, 0, section.protocol, section.formats[:1] or ("0",))


def _audio_index(description: Description) -> int:
    return next(
        (index for index, media in enumerate(description.media) if media.port and media.kind == "audio"), 0
    )


# --- what the peer says


def _common_codec(section: MediaDescription, codecs: Sequence[Codec]) -> tuple[int, RtpMap] | None:
    """Return the peer's first payload type that we can take: its preference decides (section 6.1)."""
    if section.kind != "audio" or not section.port or section.protocol.upper() != "RTP/AVP":
        return None
    rtpmaps = section.rtpmaps
    for number in section.payload_types:
        encoding = rtpmaps.get(number) or _STATIC.get(number)
        if encoding is None or encoding.clock_rate != CLOCK_RATE or encoding.channels != 1:
            continue
        if encoding.name in codecs:
            return number, encoding
    return None


def _codec(encoding: RtpMap) -> Codec:
    return "PCMU" if encoding.name == "PCMU" else "PCMA"


def _event_number(section: MediaDescription) -> int | None:
    listed = set(section.payload_types)
    for number, encoding in section.rtpmaps.items():
        if encoding == _EVENT and number in listed:
            return number
    return None


def _host(description: Description, section: MediaDescription) -> str:
    host = description.host_of(section)
    if not host:
        raise SdpError("the audio has no c= address")
    return host


def _unheld(direction: Direction, host: str) -> Direction:
    """Return the peer's direction; c=0.0.0.0 says "do not send to me" (RFC 3264 section 8.4, RFC 2543)."""
    if host not in ("0.0.0.0", "::"):
        return direction
    return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"


def _answer_direction(
    description: Description, section: MediaDescription, host: str, wanted: Direction
) -> Direction:
    theirs = _unheld(description.direction_of(section), host)
    return _restrict(_REVERSED[theirs], wanted)


def _restrict(allowed: Direction, wanted: Direction) -> Direction:
    """Return what is in both (section 6.1)."""
    send = "send" in _ways(allowed) & _ways(wanted)
    receive = "receive" in _ways(allowed) & _ways(wanted)
    if send and receive:
        return "sendrecv"
    if send:
        return "sendonly"
    return "recvonly" if receive else "inactive"


def _ways(direction: Direction) -> frozenset[str]:
    return frozenset(
        way
        for way, names in (("send", ("sendrecv", "sendonly")), ("receive", ("sendrecv", "recvonly")))
        if direction in names
    )


def _ptime(section: MediaDescription) -> int:
    text = (section.attribute("ptime") or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 4 and 10 <= int(text) <= 200:
        return int(text)
    return PTIME_MS
