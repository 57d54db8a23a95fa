"""Large requests, peers with several addresses, sips:, and connections that fail (RFC 3261 section 18, RFC 3263)."""

import random

import pytest

from tests.sip.harness import OFFER
from voicebot.sip import (
    Account,
    Address,
    Answered,
    Credentials,
    Endpoint,
    Event,
    IncomingCall,
    PingAnswered,
    RegistrationChanged,
    Rejected,
    Request,
    Response,
)
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


def failed_over(endpoint: Endpoint) -> tuple[Request, Request]:
    """The first address has been silent; return the INVITE that went to it, and that to the second."""
    call(endpoint, OFFER, SECOND)
    _, first = sent(endpoint)
    endpoint.handle_timer(NEXT_ADDRESS)
    second = parse(next(one for one in endpoint.datagrams_to_send() if one.destination == SECOND).data)
    assert isinstance(second, Request)
    return first, second


def test_a_late_answer_of_the_first_address_is_acknowledged_and_ended() -> None:
    endpoint = agent()
    first, second = failed_over(endpoint)
    answer(endpoint, second, 200, 5.0, OFFER)
    endpoint.datagrams_to_send()
    late = first.response(200, to_tag="late", headers=[("contact", "<sip:bob@192.0.2.2>")], body=OFFER)
    endpoint.receive(late.to_bytes(), FIRST, 6.0)
    assert [one.data.split()[0] for one in endpoint.datagrams_to_send()] == [b"ACK", b"BYE"]
    assert [type(event) for event in events(endpoint)] == [Answered]


def requests(endpoint: Endpoint) -> list[tuple[str, Address, str]]:
    """Return (method, where it goes, branch) of what is sent."""
    found = [(parse(one.data), one.destination) for one in endpoint.datagrams_to_send()]
    return [(one.method, goal, one.via.branch) for one, goal in found if isinstance(one, Request)]


def test_a_first_address_that_rings_after_all_is_cancelled_there_and_the_call_goes_on_at_the_second() -> None:
    endpoint = agent()
    first, second = failed_over(endpoint)
    ringing = first.response(180, to_tag="late")
    endpoint.receive(ringing.to_bytes(), FIRST, 4.0)
    assert requests(endpoint) == [("CANCEL", FIRST, first.via.branch)]
    endpoint.receive(ringing.to_bytes(), FIRST, 4.5)
    assert requests(endpoint) == []
    endpoint.receive(first.response(487, to_tag="late").to_bytes(), FIRST, 5.0)
    assert requests(endpoint) == [("ACK", FIRST, first.via.branch)]
    answer(endpoint, second, 200, 6.0, OFFER)
    assert [type(event) for event in events(endpoint)] == [Answered]


def test_a_call_that_is_given_up_is_cancelled_at_each_address_where_it_rings() -> None:
    endpoint = agent()
    first, second = failed_over(endpoint)
    assert endpoint.cancel(1, 4.0)
    assert requests(endpoint) == []
    answer(endpoint, second, 180, 5.0)
    assert requests(endpoint) == [("CANCEL", SECOND, second.via.branch)]
    endpoint.receive(first.response(180, to_tag="late").to_bytes(), FIRST, 6.0)
    assert requests(endpoint) == [("CANCEL", FIRST, first.via.branch)]


def repeated(endpoint: Endpoint) -> list[tuple[str, Address, str]]:
    """Return what the timers still send."""
    found = requests(endpoint)
    while (due := endpoint.next_timer()) is not None and due <= 200.0:
        endpoint.handle_timer(due)
        found += requests(endpoint)
    return found


def test_a_call_that_is_given_up_unheard_is_repeated_at_none_of_the_addresses() -> None:
    endpoint = agent()
    failed_over(endpoint)
    assert endpoint.cancel(1, 4.0)
    assert repeated(endpoint) == []
    assert endpoint.held.transactions == 0


@pytest.mark.parametrize("status", [200, 486])
def test_what_the_second_address_answers_ends_the_repetitions_at_the_first(status: int) -> None:
    endpoint = agent()
    _, second = failed_over(endpoint)
    answer(endpoint, second, status, 5.0, OFFER if status == 200 else b"")
    assert [(method, goal) for method, goal, _ in repeated(endpoint) if goal == FIRST] == []


def test_an_invite_that_was_given_up_while_it_went_by_tcp_is_not_sent_by_udp() -> None:
    endpoint = agent()
    call(endpoint, LARGE)
    over_tcp, _ = sent(endpoint)
    assert endpoint.cancel(1, 0.05)
    endpoint.transport_failed(over_tcp.data, 0.1)
    assert repeated(endpoint) == []
    [rejected] = events(endpoint)
    assert isinstance(rejected, Rejected)
    assert rejected.why == "cancelled"


@pytest.mark.parametrize("rings", [True, False])
def test_a_late_answer_of_the_first_address_before_one_of_the_second_is_the_answer(rings: bool) -> None:
    endpoint = agent()
    first, second = failed_over(endpoint)
    if rings:
        answer(endpoint, second, 180, 4.0)
    late = first.response(200, to_tag="late", headers=[("contact", "<sip:bob@b.example>")], body=OFFER)
    endpoint.receive(late.to_bytes(), FIRST, 5.0)
    found = requests(endpoint)
    cancelled = ("CANCEL", SECOND, second.via.branch)
    assert (cancelled in found) == rings
    assert [(method, goal) for method, goal, _ in found if method == "ACK"] == [("ACK", FIRST)]
    assert [type(event) for event in events(endpoint)][-1] is Answered
    if not rings:
        answer(endpoint, second, 180, 6.0)
        assert requests(endpoint) == [cancelled]
    endpoint.bye(1, 7.0)
    assert [(method, goal) for method, goal, _ in requests(endpoint)] == [("BYE", FIRST)]


def test_a_call_in_a_hurry_gives_a_silent_peer_up_and_cancels_it_should_it_ring_after_all() -> None:
    endpoint = agent()
    endpoint.invite("sip:b@x", "sip:a@example.com", OFFER, 0.0, destination=FIRST, impatient=True)
    _, request = sent(endpoint)
    endpoint.handle_timer(NEXT_ADDRESS)
    [rejected] = events(endpoint)
    assert isinstance(rejected, Rejected)
    assert (rejected.status, rejected.why) == (408, "timeout")
    assert endpoint.suspect(FIRST, 5.0)
    endpoint.datagrams_to_send()
    endpoint.handle_timer(4.9)
    assert requests(endpoint) == []
    endpoint.receive(request.response(180, to_tag="late").to_bytes(), FIRST, 5.0)
    assert requests(endpoint) == [("CANCEL", FIRST, request.via.branch)]
    while (due := endpoint.next_timer()) is not None:
        endpoint.handle_timer(due)
    assert endpoint.held.transactions == 0


@pytest.mark.parametrize("status", [100, 180])
def test_a_call_in_a_hurry_waits_for_a_peer_that_has_said_a_word(status: int) -> None:
    endpoint = agent()
    endpoint.invite("sip:b@x", "sip:a@example.com", OFFER, 0.0, destination=FIRST, impatient=True)
    _, request = sent(endpoint)
    answer(endpoint, request, status, 1.0)
    events(endpoint)
    endpoint.handle_timer(NEXT_ADDRESS)
    endpoint.handle_timer(60.0)
    assert not [event for event in events(endpoint) if isinstance(event, Rejected)]


def fail(endpoint: Endpoint, how: str, datagram: Datagram, request: Request) -> None:
    if how == "503":
        answer(endpoint, request, 503, 1.0)
    elif how == "unreachable":
        endpoint.transport_failed(datagram.data, 1.0)
    else:
        endpoint.handle_timer(NEXT_ADDRESS)


@pytest.mark.parametrize("failure", ["503", "silence", "unreachable"])
def test_an_options_goes_on_to_the_next_address(failure: str) -> None:
    endpoint = agent()
    asked = endpoint.options("sip:example.com", "sip:a@example.com", 0.0, FIRST, None, (), (SECOND,))
    fail(endpoint, failure, *sent(endpoint))
    [again] = [one for one in endpoint.datagrams_to_send() if one.destination == SECOND]
    request = parse(again.data)
    assert isinstance(request, Request)
    assert events(endpoint) == []
    answer(endpoint, request, 200, 4.0)
    assert events(endpoint) == [PingAnswered(asked, 200, False)]
    assert endpoint.suspect(FIRST, 5.0)


def test_an_options_that_nobody_answers_is_told_once_when_the_last_address_has_failed() -> None:
    endpoint = agent()
    asked = endpoint.options("sip:example.com", "sip:a@example.com", 0.0, FIRST, None, (), (SECOND,))
    while (due := endpoint.next_timer()) is not None:
        endpoint.handle_timer(due)
    assert events(endpoint) == [PingAnswered(asked, 408, True)]
    assert endpoint.held.transactions == 0


def register(endpoint: Endpoint) -> None:
    account = Account("sip:700@pbx.example", "sip:pbx.example", Credentials("700", "secret"), "l", 300)
    number = endpoint.register(account, 0.0)
    endpoint.handle_timer(0.0)
    endpoint.next_event()
    endpoint.begin_registration(number, FIRST, 0.0, alternatives=[SECOND])


@pytest.mark.parametrize("failure", ["503", "silence", "unreachable"])
def test_a_registration_goes_on_to_the_next_address_at_once(failure: str) -> None:
    endpoint = agent()
    register(endpoint)
    fail(endpoint, failure, *sent(endpoint))
    [again] = [one for one in endpoint.datagrams_to_send() if one.destination == SECOND]
    second = parse(again.data)
    assert isinstance(second, Request)
    challenge = second.response(
        401, to_tag="r", headers=[("www-authenticate", 'Digest realm="x", nonce="1"')]
    )
    endpoint.receive(challenge.to_bytes(), SECOND, 4.0)
    datagram, third = sent(endpoint)
    assert datagram.destination == SECOND
    assert third.has("authorization")
    contact = third.values("contact")[0]
    endpoint.receive(third.response(200, to_tag="r", headers=[("contact", contact)]).to_bytes(), SECOND, 4.1)
    [told] = events(endpoint)
    assert isinstance(told, RegistrationChanged)
    assert told.state == "registered"


def test_a_registration_whose_last_address_fails_pauses() -> None:
    endpoint = agent()
    register(endpoint)
    fail(endpoint, "503", *sent(endpoint))
    fail(endpoint, "503", *sent(endpoint))
    [told] = events(endpoint)
    assert isinstance(told, RegistrationChanged)
    assert (told.state, told.problem) == ("retrying", "503 Service Unavailable")


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
    first, second = failed_over(endpoint)
    endpoint.receive(first.response(100).to_bytes(), FIRST, 5.0)
    answer(endpoint, second, 486, 6.0)
    while (due := endpoint.next_timer()) is not None:
        endpoint.handle_timer(due)
    assert endpoint.held.transactions == 0


def test_an_invite_that_comes_again_over_another_connection_is_answered_there() -> None:
    """The first is gone: behind a NAT nobody reaches the caller's port of its Via."""
    endpoint = agent()
    first, second = Address("tcp", "203.0.113.7", 40001), Address("tcp", "203.0.113.7", 40002)
    lines = [
        "INVITE sip:bob@192.0.2.1 SIP/2.0",
        "Via: SIP/2.0/TCP 192.168.1.5:5060;branch=z9hG4bKonce",
        "From: <sip:alice@example.com>;tag=hers",
        "To: <sip:bob@192.0.2.1>",
        "Call-ID: once",
        "CSeq: 1 INVITE",
        "Contact: <sip:alice@192.168.1.5;transport=tcp>",
        "Max-Forwards: 70",
        "Content-Length: 0",
    ]
    invite = "\r\n".join([*lines, "", ""]).encode()
    endpoint.receive(invite, first, 0.0)
    (incoming,) = events(endpoint)
    assert isinstance(incoming, IncomingCall)
    endpoint.receive(invite, second, 0.5)
    assert events(endpoint) == []
    endpoint.accept(incoming.session, OFFER, 1.0)
    assert [datagram.destination for datagram in endpoint.datagrams_to_send()] == [second]
