"""Large requests, peers with several addresses, sips:, and connections that fail (RFC 3261 section 18, RFC 3263)."""

import random

import pytest

from tests.sip.harness import OFFER
from voicebot.sip import Address, Answered, Endpoint, Event, Rejected, Request, Response
from voicebot.sip.address import Datagram
from voicebot.sip.message import parse
from voicebot.sip.timers import NEXT_ADDRESS, TIMEOUT

OURS = {
    "udp": Address("udp", "192.0.2.1", 5060),
    "tcp": Address("tcp", "192.0.2.1", 5060),
    "tls": Address("tls", "192.0.2.1", 5061),
}
FIRST, SECOND = Address("udp", "192.0.2.2", 5060), Address("udp", "192.0.2.3", 5060)
LARGE = OFFER + b"a=x-padding:" + b"x" * 1300 + b"\r\n"


def agent(*, tcp: bool = True) -> Endpoint:
    return Endpoint(
        rng=random.Random(1),
        user_agent="test",
        contact=lambda peer, _local: OURS[peer.transport],
        may_speak_tcp=lambda _address: tcp,
    )


def call(endpoint: Endpoint, sdp: bytes = OFFER, *more: Address, target: str = "sip:bob@example.com") -> None:
    endpoint.invite(target, "sip:alice@example.com", sdp, 0.0, destination=FIRST, alternatives=more)


def sent(endpoint: Endpoint) -> tuple[Datagram, Request]:
    (datagram,) = endpoint.datagrams_to_send()
    request = parse(datagram.data)
    assert isinstance(request, Request)
    return datagram, request


def answer(endpoint: Endpoint, request: Request, status: int, now: float, body: bytes = b"") -> None:
    headers = [("contact", "<sip:bob@192.0.2.3>"), ("content-type", "application/sdp")]
    response = request.response(status, to_tag="them", headers=headers, body=body)
    endpoint.receive(response.to_bytes(), SECOND, now)


def events(endpoint: Endpoint) -> list[Event]:
    found = []
    while (event := endpoint.next_event()) is not None:
        found.append(event)
    return found


def test_a_request_that_is_too_large_for_udp_goes_over_tcp() -> None:
    endpoint = agent()
    call(endpoint, LARGE)
    datagram, request = sent(endpoint)
    assert datagram.destination == Address("tcp", FIRST.host, FIRST.port)
    assert request.via.transport == "tcp"
    endpoint.handle_timer(TIMEOUT - 1)
    assert endpoint.datagrams_to_send() == []  # nothing is repeated over a reliable transport


@pytest.mark.parametrize(("tcp", "sdp"), [(True, OFFER), (False, LARGE)])
def test_a_small_request_or_a_peer_without_tcp_stays_with_udp(tcp: bool, sdp: bytes) -> None:
    endpoint = agent(tcp=tcp)
    call(endpoint, sdp)
    datagram, request = sent(endpoint)
    assert (datagram.destination, request.via.transport) == (FIRST, "udp")


def test_a_large_request_falls_back_to_udp_when_tcp_is_refused() -> None:
    endpoint = agent()
    call(endpoint, LARGE)
    over_tcp, _ = sent(endpoint)
    endpoint.transport_failed(over_tcp.data, 0.1)
    datagram, request = sent(endpoint)
    assert (datagram.destination, request.via.transport) == (FIRST, "udp")
    assert events(endpoint) == []
    endpoint.handle_timer(0.7)
    assert endpoint.datagrams_to_send() == [datagram]
    answer(endpoint, request, 486, 1.0)
    assert [type(event) for event in events(endpoint)] == [Rejected]


def test_a_call_that_cannot_be_sent_is_rejected_as_unreachable_at_once() -> None:
    endpoint = agent()
    call(endpoint)
    endpoint.transport_failed(sent(endpoint)[0].data, 0.1)
    (rejected,) = events(endpoint)
    assert isinstance(rejected, Rejected)
    assert (rejected.status, rejected.why) == (503, "unreachable")
    assert endpoint.held.transactions == 0


@pytest.mark.parametrize("failure", ["503", "silence", "unreachable"])
def test_the_next_address_of_a_peer_is_called_when_the_first_fails(failure: str) -> None:
    endpoint = agent()
    call(endpoint, OFFER, SECOND)
    datagram, request = sent(endpoint)
    assert datagram.destination == FIRST
    if failure == "503":
        answer(endpoint, request, 503, 1.0)
    elif failure == "unreachable":
        endpoint.transport_failed(datagram.data, 1.0)
    else:
        endpoint.handle_timer(NEXT_ADDRESS)
    tried = [one for one in endpoint.datagrams_to_send() if one.destination == SECOND]
    again = parse(tried[0].data)
    assert isinstance(again, Request)
    assert again.via.branch != request.via.branch
    answer(endpoint, again, 200, 5.0, OFFER)
    assert [type(event) for event in events(endpoint)] == [Answered]


def test_a_late_answer_of_the_first_address_is_acknowledged_and_ended() -> None:
    endpoint = agent()
    call(endpoint, OFFER, SECOND)
    _, first = sent(endpoint)
    endpoint.handle_timer(NEXT_ADDRESS)
    second = parse(next(one for one in endpoint.datagrams_to_send() if one.destination == SECOND).data)
    assert isinstance(second, Request)
    answer(endpoint, second, 200, 5.0, OFFER)
    endpoint.datagrams_to_send()
    late = first.response(200, to_tag="late", headers=[("contact", "<sip:bob@192.0.2.2>")], body=OFFER)
    endpoint.receive(late.to_bytes(), FIRST, 6.0)
    assert [one.data.split()[0] for one in endpoint.datagrams_to_send()] == [b"ACK", b"BYE"]
    assert [type(event) for event in events(endpoint)] == [Answered]


def test_a_busy_peer_is_not_called_at_its_next_address() -> None:
    endpoint = agent()
    call(endpoint, OFFER, SECOND)
    answer(endpoint, sent(endpoint)[1], 486, 1.0)
    assert [type(event) for event in events(endpoint)] == [Rejected]


def test_a_dialog_of_sips_uris_has_a_sips_contact() -> None:
    endpoint = agent()
    endpoint.invite(
        "sips:bob@example.com", "sip:a@example.com", OFFER, 0.0, destination=Address("tls", "192.0.2.2", 5061)
    )
    _, request = sent(endpoint)
    assert request.first("contact") == "<sips:192.0.2.1:5061>"
    assert request.via.transport == "tls"
    headers = [(name, value) for name, value in request.headers if name != "contact"]
    headers.append(("contact", "<sips:alice@192.0.2.9>"))
    other = agent()
    source = Address("tls", "192.0.2.9", 40001)
    other.receive(request.with_headers(headers).to_bytes(), source, 0.0, OURS["tls"])
    other.datagrams_to_send()
    other.accept(1, OFFER, 0.1)
    (datagram,) = other.datagrams_to_send()
    response = parse(datagram.data)
    assert isinstance(response, Response)
    assert response.first("contact") == "<sips:192.0.2.1:5061>"
    assert datagram.destination == source


def test_an_address_that_failed_is_suspect_until_it_answers_or_a_minute_has_passed() -> None:
    endpoint = agent()
    call(endpoint)
    datagram, _ = sent(endpoint)
    endpoint.transport_failed(datagram.data, 0.1)
    assert endpoint.suspect(FIRST, 59.0)
    assert not endpoint.suspect(FIRST, 61.0)
    assert not endpoint.suspect(SECOND, 1.0)
    call(endpoint)
    answer(endpoint, sent(endpoint)[1], 486, 2.0)
    assert not endpoint.suspect(FIRST, 3.0)


def test_an_address_that_stirs_after_the_next_one_was_called_holds_nothing_for_ever() -> None:
    """It says 100 and nothing more: its INVITE has no timer any more (RFC 3261 section 17.1.1.2)."""
    endpoint = agent()
    call(endpoint, OFFER, SECOND)
    _, first = sent(endpoint)
    endpoint.handle_timer(NEXT_ADDRESS)
    second = parse(next(one for one in endpoint.datagrams_to_send() if one.destination == SECOND).data)
    assert isinstance(second, Request)
    endpoint.receive(first.response(100).to_bytes(), FIRST, 5.0)
    answer(endpoint, second, 486, 6.0)
    while (due := endpoint.next_timer()) is not None:
        endpoint.handle_timer(due)
    assert endpoint.held.transactions == 0
