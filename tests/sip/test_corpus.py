"""Messages that are legal but odd, illegal, or no SIP at all, as files (in the spirit of RFC 4475)."""

from pathlib import Path

import pytest

from tests.sip.peer import OURS, PEER, Peer
from voicebot.sip import Request, Response
from voicebot.sip.header import readable
from voicebot.sip.message import parse

CORPUS = Path(__file__).parent / "corpus"

SERVED = {
    "bare_line_feeds",
    "compact_and_folded",
    "content_length_too_long",
    "escaped_user",
    "header_without_colon",
    "ipv6_everywhere",
    "latin1_display_name",
    "leading_blank_lines",
    "long_values",
    "lower_case_everything",
    "many_vias",
    "no_content_length",
    "rfc2543_branch",
    "tel_uri",
    "trailing_garbage",
    "unknown_headers",
    "unquoted_utf8_name",
    "utf8_display_name",
}
REFUSED = {
    "bad_contact": 400,
    "bad_max_forwards": 400,
    "bad_record_route": 400,
    "blank_in_uri": 400,
    "cseq_other_method": 400,
    "cseq_too_large": 400,
    "negative_content_length": 400,
    "no_from": 400,
    "no_to": 400,
    "required_extension": 420,
    "two_from_headers": 400,
    "unknown_content": 415,
    "unknown_method": 405,
    "unknown_scheme": 416,
    "unknown_version": 505,
    "unterminated_quote": 400,
    "uri_in_brackets": 400,
}
DROPPED = {
    "broken_ack": "dropped_unparseable",
    "http": "dropped_unparseable",
    "keep_alive": "keep_alives",
    "no_call_id": "dropped_unparseable",
    "no_via": "dropped_unparseable",
    "null_bytes": "keep_alives",
    "response_overlarge_status": "dropped_unparseable",
    "response_without_transaction": "dropped_stray_responses",
    "stun_binding_request": "dropped_unparseable",
}


def load(name: str) -> bytes:
    [path] = CORPUS.glob(f"{name}.*")
    return path.read_bytes()


def request(name: str) -> Request:
    message = parse(load(name))
    assert isinstance(message, Request)
    message.validate()
    return message


def test_every_file_has_its_expectation() -> None:
    names = {path.stem for path in CORPUS.iterdir()}
    assert names == SERVED | REFUSED.keys() | DROPPED.keys()


@pytest.mark.parametrize("name", sorted(SERVED))
def test_odd_but_legal_is_served(name: str) -> None:
    peer = Peer()
    [response] = peer.send_raw(load(name))
    assert isinstance(response, Response)
    assert response.status == 200
    asked = request(name)
    assert response.call_id == asked.call_id
    assert response.raw("from") == asked.raw("from")


@pytest.mark.parametrize(("name", "status"), sorted(REFUSED.items()))
def test_illegal_is_refused(name: str, status: int) -> None:
    peer = Peer()
    response = peer.send_raw(load(name))[-1]
    assert isinstance(response, Response)
    assert response.status == status
    peer.advance(100)
    held = peer.endpoint.held
    assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0)


@pytest.mark.parametrize(("name", "counter"), sorted(DROPPED.items()))
def test_what_cannot_be_answered_is_dropped_and_counted(name: str, counter: str) -> None:
    peer = Peer()
    assert peer.send_raw(load(name)) == []
    assert peer.endpoint.counters[counter] == 1


@pytest.mark.parametrize("name", sorted(SERVED))
def test_what_is_printed_reads_the_same(name: str) -> None:
    message = request(name)
    again = parse(message.to_bytes())
    assert isinstance(again, Request)
    kept = [pair for pair in message.headers if pair[0] != "content-length"]
    assert [pair for pair in again.headers if pair[0] != "content-length"] == kept
    assert (again.method, again.uri, again.body) == (message.method, message.uri, message.body)


def test_folded_and_compact_values_are_whole() -> None:
    message = request("compact_and_folded")
    assert message.via.host == "192.0.2.1"
    assert message.via.port == 5060
    assert message.via.branch == "z9hG4bKfold"
    assert message.from_.display_name == 'A "quoted" name, with comma; and semicolon'
    assert message.from_.tag == "folded"
    assert message.cseq.number == 9
    assert message.tokens("supported") == {"timer", "replaces"}


def test_names_are_readable_in_any_encoding() -> None:
    assert readable(request("latin1_display_name").from_.display_name) == "Jürgen"
    assert readable(request("utf8_display_name").from_.display_name) == "电话"
    assert readable(request("unquoted_utf8_name").from_.display_name) == "电话 中心"


def test_bytes_that_are_no_utf8_come_back_as_they_were() -> None:
    assert b'"J\xfcrgen"' in request("latin1_display_name").to_bytes()


def test_escapes_are_resolved_for_people_and_kept_on_the_wire() -> None:
    target = request("escaped_user").target
    assert target.username == "hotline @;"
    assert str(target) == "sip:hot%6Cine%20%40%3b@192.0.2.2"


def test_ipv6_literals_are_addresses_without_brackets() -> None:
    message = request("ipv6_everywhere")
    assert message.via.host == "2001:db8::1"
    assert message.contact is not None
    assert (message.contact.uri.host, str(message.contact.uri)) == (
        "2001:db8::1",
        "sip:caller@[2001:db8::1]:5060",
    )


def test_only_the_topmost_via_is_noted_and_all_come_back() -> None:
    peer = Peer()
    peer.endpoint.receive(load("many_vias"), PEER, peer.now, OURS)
    [response] = peer.sent()
    vias = response.values("via")
    assert len(vias) == 3
    assert "received=192.0.2.1;rport=5060" in vias[0]
    assert vias[1].startswith("SIP/2.0/TCP proxy_1.example.com;")
    assert vias[2].endswith('comp="a,b"')


def test_tel_uris_are_numbers() -> None:
    target = request("tel_uri").target
    assert (target.scheme, target.user, target.parameter("ext")) == ("tel", "+44-20-7946-0018", "5")
