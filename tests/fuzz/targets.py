"""What is fuzzed: functions that take any bytes, and raise nothing unless something is wrong with us.

Each says by itself which error is allowed ("parses, or raises our one error") and what must hold of what was parsed.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.fuzz.script import play
from tests.sdp.test_fuzz import negotiate
from voicebot.media import rtcp, rtp, telephone_event
from voicebot.sdp import Description, SdpError
from voicebot.sip import Address, Credentials, MessageError, NameAddress, Realm, SipError, Uri, hep, stun
from voicebot.sip.captured import SipMessage, pack, unpack
from voicebot.sip.digest import ClientAuthentication, ServerAuthentication, challenges, parse_parameters
from voicebot.sip.framing import StreamFramer
from voicebot.sip.header import CSeq, Via, readable, split_values, unquoted
from voicebot.sip.info_keys import key_of
from voicebot.sip.masking import masked
from voicebot.sip.message import MAX_MESSAGE, Message, Request, Response, parse
from voicebot.sip.replaces import Replaces
from voicebot.sip.session_timer import session_expires, too_short
from voicebot.sip.validation import problem_with

CORPUS = Path(__file__).parents[1] / "corpus" / "fuzz"
Target = Callable[[bytes], None]

_NAMES = ("via", "contact", "record-route", "require", "supported", "allow", "refer-to", "x-any")
_BRIEF = 60  # seconds of the clocks that are asked
_TRANSACTION = b"12 bytes, so"


def sip_message(data: bytes) -> None:
    """A datagram: everything that anybody asks of a message, and it reads the same when it is printed."""
    masked(data)
    try:
        message = parse(data)
        if message is None:
            return
        message.validate()
    except MessageError:
        return
    _ask(message)
    again = parse(message.to_bytes())
    assert again is not None
    assert (again.body, again.via, again.from_, again.to) == (
        message.body,
        message.via,
        message.from_,
        message.to,
    )
    if isinstance(message, Request):
        response = message.received_from("192.0.2.9", 5070).response(200, to_tag="x")
        copied = parse(response.to_bytes())
        assert isinstance(copied, Response)
        copied.validate()
        assert copied.cseq == message.cseq


def _ask(message: Message) -> None:
    for name in _NAMES:
        message.values(name), message.tokens(name), message.first(name)
    message.content_type, message.sdp, session_expires(message)
    with suppress(MessageError):
        assert message.contact is None or str(message.contact)
    if isinstance(message, Request):
        too_short(message, 90)
        with suppress(MessageError):
            problem_with(message, 90, registrar=True)
        with suppress(MessageError):
            Replaces.of(message)
    pack([SipMessage(0.0, True, "udp", "a", "b", message.to_bytes())])


def header_values(data: bytes) -> None:
    """One value of a header field, whichever: it prints so that it reads the same."""
    text = data.decode("utf-8", "surrogateescape")
    for kind in (Uri, NameAddress, Via, CSeq, Replaces):
        try:
            value = kind.parse(text)
        except MessageError:
            continue
        assert str(kind.parse(str(value))) == str(value)
    with suppress(MessageError):
        Uri.parse(text).equivalent(Uri.parse(text.swapcase()))
    with suppress(SipError):
        Address.parse(text)
    for part in split_values(text):
        assert part
    readable(unquoted(text))
    key = key_of("application/dtmf-relay", data)
    assert key is None or key in "0123456789*#ABCD"


def digest_headers(data: bytes) -> None:
    """A challenge to us, or what somebody answers to ours."""
    text = data.decode("utf-8", "surrogateescape").replace("\n", " ").replace("\r", " ")
    with suppress(MessageError):
        parse_parameters(text)
    head = [("via", "SIP/2.0/UDP h;branch=z9hG4bKa"), ("cseq", "1 INVITE")]
    challenge = Response(401, "", [*head, ("www-authenticate", text), ("proxy-authenticate", text)])
    for _, parameters in _found(challenge):
        assert all(name == name.lower() for name in parameters)
    us = ClientAuthentication(Credentials("u", "secret"))
    for _ in range(3):
        try:
            us.challenged(challenge)
        except SipError:
            break
        assert "secret" not in str(us.headers("INVITE", "sip:a@b", "cnonce"))
    request = Request("REGISTER", "sip:a@b", [*head, ("authorization", text)])
    server, realm = ServerAuthentication(b"k" * 32), Realm("r", {"u": "secret"})
    verdict = server.check(request, realm, _BRIEF)
    assert verdict.user is None, "nobody guesses"


def _found(challenge: Response) -> list[tuple[str, dict[str, str]]]:
    try:
        return challenges(challenge)
    except MessageError:
        return []


def stream(data: bytes) -> None:
    """A byte stream: the same messages come out however it is cut, and little is kept."""
    rng = random.Random(len(data))
    whole, cut = StreamFramer(), StreamFramer()
    expected = whole.feed(data)
    found = []
    start = 0
    while start < len(data):
        end = start + rng.randrange(1, 40)
        found += cut.feed(data[start:end])
        start = end
    assert found == expected
    assert bool(cut.broken) == bool(whole.broken)
    assert all(len(item) <= MAX_MESSAGE for item in found if isinstance(item, bytes))


def descriptions(data: bytes) -> None:
    """A session description, as an offer and as an answer."""
    negotiate(data)
    with suppress(SdpError):
        found = Description.parse(data)
        assert Description.parse(found.to_bytes()).media == found.media


def media_packets(data: bytes) -> None:
    """What comes to a media port: RTP, RTCP, telephone events."""
    packet = rtp.parse(data)
    if packet is not None:
        assert 0 <= packet.payload_type < 128
        assert len(packet.payload) <= rtp.MAX_PAYLOAD_BYTES
        event = telephone_event.parse(packet.payload)
        assert event is None or telephone_event.parse(telephone_event.build(event)) == event
        telephone_event.at_clock(packet.payload, 48_000, 8_000)
    report = rtcp.parse(data)
    assert report is None or rtcp.is_rtcp(data) or data[0] & 0xC0 == 0x80


def stun_answers(data: bytes) -> None:
    """What comes back from a STUN server, and what is told to Homer."""
    for answer in (data, b"\1\1" + data[:2] + b"\x21\x12\xa4\x42" + _TRANSACTION + data[2:]):
        try:
            mapped = stun.parse_answer(answer, _TRANSACTION)
        except SipError:
            continue
        assert mapped is None or 0 <= mapped.port < 65_536
    here = Address("udp", "192.0.2.1", 5060)
    assert hep.encode(data[:1000], here, here, 0.0, capture_id=1).endswith(data[:1000])
    message = SipMessage(0.0, True, "udp", "a", "b", data)
    assert unpack(pack([message]))[0].data == masked(data)


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        sip_message,
        header_values,
        digest_headers,
        stream,
        descriptions,
        media_packets,
        stun_answers,
    )
}
TARGETS["endpoint"] = play


def kept(name: str) -> list[Path]:
    """Return the files that fuzzing has left for a target: each was a finding, or goes where no other goes."""
    return sorted((CORPUS / name).glob("*")) if (CORPUS / name).is_dir() else []
