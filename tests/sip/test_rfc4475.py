"""The 49 cases of RFC 4475, in messages of our own: each is answered as its section says, over UDP and in a stream."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sip.peer import OURS, Peer
from voicebot.sip import Address, IncomingCall, MessageError, Realm, Request, Response
from voicebot.sip.framing import StreamFramer
from voicebot.sip.message import Message, parse
from voicebot.sip.registrar import Policy, Registrar

CORPUS = Path(__file__).parents[1] / "corpus" / "rfc4475"
CASES = [
    line.split("\t")[:3]
    for line in (CORPUS / "table.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
NAMES = [name for _, name, _ in CASES]
COUNTERS = {"stray": "dropped_stray_responses", "unparseable": "dropped_unparseable"}
REALM = Realm("test", {"u": "secret"})
# Over a stream its end is where Content-Length says: what differs from a datagram's fate.
IN_A_STREAM = {
    "a_second_message_behind_it": ["401", "200"],  # there it is a message like any other
    "content_length_too_large": [],  # the rest may still come
}


def load(name: str) -> bytes:
    return (CORPUS / f"{name}.sip").read_bytes()


def message(name: str) -> Message:
    found = parse(load(name))
    assert found is not None
    found.validate()
    return found


def a_peer() -> Peer:
    """An endpoint that asks for a password of those who register, and takes every call."""
    return Peer(
        registrar=Registrar(Policy()),
        authenticate=lambda request, source: REALM if request.method == "REGISTER" else None,
    )


def answers(peer: Peer, data: bytes, source: Address) -> list[str]:
    """Return the final statuses that `data` brings when every call is accepted."""
    endpoint = peer.endpoint
    endpoint.receive(data, source, peer.now, OURS)
    while (event := endpoint.next_event()) is not None:
        assert isinstance(event, IncomingCall)
        assert event.sdp is not None
        endpoint.accept(event.session, event.sdp, peer.now)
    sent = peer.sent()
    assert all(isinstance(one, Response) for one in sent)
    return [str(one.status) for one in sent if isinstance(one, Response) and one.status >= 200]


def assert_as_told(peer: Peer, name: str, told: str, found: list[str]) -> None:
    if told in COUNTERS:
        assert found == []
        assert peer.endpoint.counters[COUNTERS[told]] == 1
    else:
        assert found == IN_A_STREAM.get(name, [told])


def test_every_section_has_its_case_and_every_file_its_line() -> None:
    assert len({section for section, _, _ in CASES}) == len(CASES) == 49
    assert {path.stem for path in CORPUS.glob("*.sip")} == set(NAMES)


@pytest.mark.parametrize(("section", "name", "told"), CASES)
def test_a_datagram(section: str, name: str, told: str) -> None:
    peer = a_peer()
    found = answers(peer, load(name), Address("udp", "192.0.2.1", 5060))
    if told in COUNTERS:
        assert_as_told(peer, name, told, found)
    else:
        assert found == [told], section


@pytest.mark.parametrize(("section", "name", "told"), CASES)
def test_a_stream_however_it_is_cut(section: str, name: str, told: str) -> None:
    """The bytes arrive in pieces; a keep-alive and a good request behind them are answered where the stream goes on."""
    rng = random.Random(section)
    data = load(name)
    peer, framer = a_peer(), StreamFramer()
    found: list[str] = []
    start = 0
    while start < len(data):
        end = start + rng.randrange(1, 400)
        for item in framer.feed(data[start:end]):
            if isinstance(item, bytes):
                found += answers(peer, item, Address("tcp", "192.0.2.1", 40_000))
        start = end
    assert_as_told(peer, name, told, found)
    if not framer.broken and not framer.partial:
        assert [len(item) for item in framer.feed(peer.text("OPTIONS")) if isinstance(item, bytes)]
    else:
        lengthless = ("content_length", "two_content_lengths")
        assert any(part in name for part in lengthless), framer.broken


@pytest.mark.parametrize("name", NAMES)
def test_what_is_understood_is_printed_so_that_it_reads_the_same(name: str) -> None:
    try:
        first = message(name)
    except MessageError:
        return
    again = parse(first.to_bytes())
    assert again is not None
    assert (again.body, again.first("to"), again.raw("via")) == (
        first.body,
        first.first("to"),
        first.raw("via"),
    )


VALUES: dict[str, Callable[[Request], None]] = {}


def values(name: str) -> Callable[[Callable[[Request], None]], Callable[[Request], None]]:
    def note(check: Callable[[Request], None]) -> Callable[[Request], None]:
        VALUES[name] = check
        return check

    return note


@values("short_tortuous_invite")
def _tortuous(found: Request) -> None:
    assert found.target.parameter("strange") == ""
    assert (found.to.tag, found.from_.tag, found.from_.display_name) == ("77a1", "b9", 'A \\" B')
    assert (found.cseq.number, found.cseq.method) == (42, "INVITE")
    assert (found.via.transport, found.via.host, found.via.branch) == ("udp", "192.0.2.1", "z9hG4bK-tortuous")
    assert len(found.values("via")) == 2
    assert found.first("subject") == ""
    assert found.contact is not None
    assert (found.contact.display_name, str(found.contact.uri)) == ('Quoted "inner"', "sip:odd@192.0.2.1")
    assert (found.contact.parameter("q"), found.contact.parameter("extra")) == ("0.5", '"a;b"')
    assert found.sdp is not None


@values("wide_range_of_characters")
def _characters(found: Request) -> None:
    assert found.method == "-Odd.Method!%*_+`'~09"
    assert found.target.user == "2_odd~(user)&more=,;/"
    assert found.target.password == "%21word$"
    assert found.to.display_name == "\x07 \x01 \x7f"
    assert found.from_.display_name == "one~` two'+_ three*%!.-"
    assert found.from_.tag == "_t~1'*!-.%+"
    assert found.call_id == "c%ZZ-!.*_+'@w`~)(><:\\/\"][?}{"


@values("valid_escaping")
def _escaping(found: Request) -> None:
    assert found.target.username == "hotline %/"
    assert found.contact is not None
    assert found.contact.uri.username == "caller"


@values("escaped_nul")
def _nul(found: Request) -> None:
    assert found.to.uri.username == "a\0b"
    assert len(found.values("contact")) == 2


@values("percent_that_is_no_escape")
def _percent(found: Request) -> None:
    assert found.method == "RE%47ISTER"
    assert found.from_.display_name == "%Za%4"


@values("no_blank_before_the_bracket")
def _touching(found: Request) -> None:
    assert (found.from_.display_name, found.from_.uri.user) == ("caller", "caller")


@values("semicolon_in_the_user")
def _semicolon(found: Request) -> None:
    assert (found.target.username, found.target.host) == ("hotline;par=u@x.example", "192.0.2.2")
    assert found.target.parameters == ()


@values("transports_in_via")
def _transports(found: Request) -> None:
    assert len(found.raw("via")) == 5


@values("multipart_message")
def _multipart(found: Request) -> None:
    assert bytes([0x30, 0x82, 1, 0, 255, 13, 10]) in found.body
    assert found.body.endswith(b"--cut here--\r\n")


@values("contact_parameter")
def _contact_parameter(found: Request) -> None:
    assert found.contact is not None
    assert (found.contact.uri.parameters, found.contact.parameter("unheard")) == ((), "of")


@values("contact_uri_parameter")
def _contact_uri_parameter(found: Request) -> None:
    assert found.contact is not None
    assert (found.contact.uri.parameter("unheard"), found.contact.parameters) == ("", ())


@values("rfc2543_invite")
def _old(found: Request) -> None:
    assert (found.via.branch, found.from_.tag) == ("", "")


@pytest.mark.parametrize("name", VALUES)
def test_what_it_says_is_understood(name: str) -> None:
    found = message(name)
    assert isinstance(found, Request)
    VALUES[name](found)


@pytest.mark.parametrize(
    ("name", "status", "bound"),
    [
        ("contact_parameter", 200, "sip:+15555550100@192.0.2.1"),
        ("contact_uri_parameter", 200, "sip:+15555550100@192.0.2.1;unheard"),
        ("contact_uri_headers", 200, "sip:u@192.0.2.1"),
        ("a_second_message_behind_it", 200, "sip:caller@192.0.2.1"),
        ("unknown_schemes_in_from_and_to", 403, None),
    ],
)
def test_what_a_registrar_keeps_of_it(name: str, status: int, bound: str | None) -> None:
    registrar = Registrar(Policy())
    request = message(name)
    assert isinstance(request, Request)
    outcome = registrar.register(request, "u", Address("udp", "192.0.2.1", 5060), None, 0.0)
    assert outcome.status == status
    assert [binding.uri for binding in registrar.bindings("u", 0.0)] == ([bound] if bound else [])


def test_a_registrar_refuses_a_contact_whose_headers_are_nobodys() -> None:
    request = message("contact_without_brackets")
    assert isinstance(request, Request)
    with pytest.raises(MessageError, match="400"):
        Registrar(Policy()).register(request, "u", Address("udp", "192.0.2.1", 5060), None, 0.0)


def test_unsupported_names_what_is_required_of_us_alone() -> None:
    [response] = Peer().send_raw(load("unknown_required_extensions"))
    assert isinstance(response, Response)
    assert response.tokens("unsupported") == {"nobodyhasthis", "northat"}


def test_requests_with_the_same_poor_branch_are_told_apart() -> None:
    """Section 3.2.1: only the cookie; and peers that use one branch for all that they send."""
    peer = Peer()
    for branch in ("z9hG4bK", "z9hG4bKsame"):
        first = peer.answer("OPTIONS", branch=branch, call_id=f"{branch}1")
        second = peer.answer("OPTIONS", branch=branch, call_id=f"{branch}2")
        assert (first.call_id, second.call_id) == (f"{branch}1", f"{branch}2")


def test_surplus_semicolons_alone_are_forgiven() -> None:
    peer = Peer()
    data = peer.text("OPTIONS").replace(b";rport", b";rport;")
    [response] = peer.send_raw(data.replace(b"5060>\r\n", b"5060>;\r\n"))
    assert isinstance(response, Response)
    assert response.status == 200


def test_a_hop_of_another_version_is_refused() -> None:
    [response] = Peer().send_raw(Peer().text("OPTIONS").replace(b"SIP/2.0/UDP", b"SIP/3.0/UDP"))
    assert isinstance(response, Response)
    assert response.status == 400
