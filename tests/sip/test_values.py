"""URIs, addresses and header values; what we write is read alike by an independent parser (sipmessage)."""

import pytest
import sipmessage

from tests.sip.flows import answering
from tests.sip.harness import Pair
from voicebot.sip import Address, MessageError, NameAddress, Request, SipError, Uri
from voicebot.sip.header import CSeq, Via, split_values


@pytest.mark.parametrize(
    "text",
    [
        "sip:example.com",
        "sip:alice@example.com:5070;transport=tcp;lr",
        "sips:alice:pass%20word@[2001:db8::1]:5061;a=b?Subject=x&To=y",
        "sip:+49(0)123;phone-context=x@192.0.2.1",
        "sip:a%40b@under_score.example.com",
        "tel:+1-212-555-0100;ext=9",
        "urn:service:sos",
    ],
)
def test_a_uri_prints_as_it_was_written(text: str) -> None:
    assert str(Uri.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "alice@example.com",
        "sip:@example.com",
        "sip:a@b:70000",
        "sip:a@b:x",
        "sip:a@b@c",
        "sip:a<b>",
        "sip:a\nb",
    ],
)
def test_what_is_no_uri_is_an_error(text: str) -> None:
    with pytest.raises(MessageError):
        Uri.parse(text)


def test_without_brackets_parameters_belong_to_the_header() -> None:
    bare = NameAddress.parse("sip:a@example.com;tag=1")
    assert (bare.tag, bare.uri.parameters) == ("1", ())
    bracketed = NameAddress.parse("<sip:a@example.com;x=y>;TAG=1")
    assert (bracketed.tag, bracketed.uri.parameter("x")) == ("1", "y")


def test_display_names_survive_quotes() -> None:
    value = NameAddress.parse(r'"a \"b\" <c>, \\" <sip:x@y>')
    assert value.display_name == 'a "b" <c>, \\'
    assert NameAddress.parse(str(value)) == value


def test_values_are_split_at_commas_outside_of_quotes_and_brackets() -> None:
    assert split_values('"a, b" <sip:x,y@z>, <sip:q>') == ['"a, b" <sip:x,y@z>', "<sip:q>"]


@pytest.mark.parametrize("text", ["", "SIP/2.0/UDP", "SIP/X/UDP h", "SIP/2.0/UDP h:x", "UDP h"])
def test_what_is_no_via_is_an_error(text: str) -> None:
    with pytest.raises(MessageError):
        Via.parse(text)


@pytest.mark.parametrize("text", ["", "1", "x INVITE", "2147483648 INVITE", "-1 INVITE", "1 INVITE x"])
def test_what_is_no_cseq_is_an_error(text: str) -> None:
    with pytest.raises(MessageError):
        CSeq.parse(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("udp:0.0.0.0:5060", Address("udp", "0.0.0.0", 5060)),
        ("192.0.2.1", Address("udp", "192.0.2.1", 5060)),
        ("TLS:[::1]", Address("tls", "::1", 5061)),
        ("[2001:db8::1]:5070", Address("udp", "2001:db8::1", 5070)),
    ],
)
def test_addresses_are_parsed_and_printed(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "udp:", "udp:h:x", "udp:h:70000"])
def test_what_is_no_address_is_an_error(text: str) -> None:
    with pytest.raises(SipError):
        Address.parse(text)


def test_an_independent_parser_reads_what_we_send() -> None:
    pair = Pair()
    answering(pair)
    call = pair.call()
    pair.run(1)
    pair.caller.endpoint.bye(call, pair.now)
    pair.run(1)
    assert len(pair.log) == 6
    for data, ours in zip(pair.log, pair.sent(), strict=True):
        theirs = sipmessage.Message.parse(data)
        assert isinstance(theirs, sipmessage.Request) == isinstance(ours, Request)
        assert theirs.via[0].parameters["branch"] == ours.via.branch
        assert theirs.cseq.sequence == ours.cseq.number
        assert theirs.call_id == ours.call_id
        assert theirs.from_address.parameters["tag"] == ours.from_.tag
        assert theirs.body == ours.body
