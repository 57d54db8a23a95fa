"""Loss, repetition and reordering of any message of the flows with a registrar, a proxy, a third party, INFO and OPTIONS."""

from collections.abc import Callable

import pytest

from tests.sip.harness import ANSWER, CALLEE, OFFER, THIRD, Pair
from tests.sip.test_loss import ALICE, REALM, Check, Flow, answering, both_established
from tests.sip.test_loss import FLOWS as CALLS
from voicebot.sip import (
    Account,
    Address,
    Answered,
    Ended,
    Event,
    IncomingCall,
    InfoReceived,
    Offer,
    OfferAnswered,
    PingAnswered,
    ReferProgress,
    ReferReceived,
    RegistrationChanged,
    RegistrationDue,
    Rejected,
    Request,
    Response,
    SessionTimers,
    Uri,
)
from voicebot.sip.message import parse
from voicebot.sip.registrar import Policy, Registrar
from voicebot.sip.replaces import Replaces


def redirected(pair: Pair) -> Check:
    """The callee says where else to call; the caller does."""

    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            contact = [("contact", f"<sip:other@{THIRD.host_port}>")]
            pair.callee.endpoint.reject(event.session, 302, pair.now, headers=contact)

    def follow(event: Event) -> None:
        if isinstance(event, Rejected):
            contact = dict(event.headers)["contact"].strip("<>")
            pair.caller.endpoint.invite(contact, "sip:alice@example.com", OFFER, pair.now)

    pair.callee.react, pair.caller.react = react, follow
    pair.third.react = accepting(pair)
    pair.call()
    pair.run(80)
    pair.caller.endpoint.bye(pair.caller.one(Answered).session, pair.now)

    def check(pair: Pair) -> None:
        assert (pair.caller.one(Rejected).status, pair.caller.one(Rejected).why) == (302, "refused")
        assert pair.third.one(Ended).by_peer

    return check


def accepting(pair: Pair) -> Callable[[Event], None]:
    """The third takes every call, and ends the one that it replaces."""

    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.third.endpoint.accept(event.session, ANSWER, pair.now)
            if event.replaces is not None:
                pair.third.endpoint.bye(event.replaces, pair.now)

    return react


def informed(pair: Pair) -> Check:
    answering(pair)
    call = pair.call()
    pair.run(40)
    assert pair.caller.endpoint.info(call, "application/dtmf-relay", b"Signal=5", pair.now)
    assert pair.callee.endpoint.info(pair.callee.one(IncomingCall).session, "text/plain", b"x", pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        both_established(pair)
        assert pair.callee.one(InfoReceived).body == b"Signal=5"
        assert pair.caller.one(InfoReceived).body == b"x"
        assert pair.callee.one(Ended).by_peer

    return check


def pinged(pair: Pair) -> Check:
    for side, goal in ((pair.caller, CALLEE), (pair.callee, pair.caller.address)):
        side.endpoint.options(f"sip:{goal.host_port}", "sip:a@example.com", pair.now)
        side.endpoint.options(f"sip:{goal.host_port}", "sip:a@example.com", pair.now)

    def check(pair: Pair) -> None:
        for side in (pair.caller, pair.callee):
            assert [event.status for event in side.all(PingAnswered)] == [200, 200]

    return check


def registered(pair: Pair) -> Check:
    """With a challenge; refreshed; and removed."""

    def react(event: Event) -> None:
        if isinstance(event, RegistrationDue):
            pair.caller.endpoint.begin_registration(event.registration, CALLEE, pair.now)

    pair.caller.react = react
    account = Account("sip:alice@example.com", f"sip:{CALLEE.host_port}", ALICE, "l", 300)
    number = pair.caller.endpoint.register(account, pair.now)
    pair.run(290)
    [phone] = pair.callee.endpoint.bindings("alice", pair.now)
    assert phone.source == pair.caller.address
    pair.caller.endpoint.unregister(number, pair.now)

    def check(pair: Pair) -> None:
        states = [event.state for event in pair.caller.all(RegistrationChanged)]
        assert (states[0], states[-1]) == ("registered", "gone")
        assert set(states[:-1]) == {"registered"}
        assert len(states) == 3, "it was refreshed once"
        assert pair.callee.endpoint.bindings("alice", pair.now) == ()

    return check


def refreshed_by_reinvite(pair: Pair) -> Check:
    """RFC 4028 with a peer that does not allow UPDATE."""
    forbid_update(pair)
    answering(pair)
    answered = pair.callee.react

    def react(event: Event) -> None:
        answered(event)
        if isinstance(event, Offer):
            pair.callee.endpoint.answer(event.session, ANSWER, pair.now)

    def confirm(event: Event) -> None:
        if isinstance(event, Offer):
            pair.caller.endpoint.answer(event.session, OFFER, pair.now)

    pair.callee.react, pair.caller.react = react, confirm
    call = pair.call()
    pair.run(300)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert sum(line.startswith("INVITE ") for line in pair.start_lines()) > 2
        assert not pair.caller.one(Ended).by_peer
        assert pair.callee.one(Ended).by_peer

    return check


def forbid_update(pair: Pair) -> None:
    def without(data: bytes, source: Address, goal: Address) -> list[tuple[bytes, Address]]:
        return [(data.replace(b" UPDATE,", b""), goal)]

    pair.intercept = without


def forked(pair: Pair) -> Check:
    """A proxy rings two phones, and both are answered: the first has the call, the other is hung up."""
    proxied = f" sip:bot@{CALLEE.host_port} SIP/2.0".encode()

    def fork(data: bytes, source: Address, goal: Address) -> list[tuple[bytes, Address]] | None:
        return [(data, CALLEE), (data, THIRD)] if proxied in data.split(b"\r\n", 1)[0] else None

    pair.intercept = fork
    answering(pair)

    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.third.endpoint.ring(event.session, pair.now)
            pair.third.endpoint.accept(event.session, ANSWER, pair.now)

    pair.third.react = react
    call = pair.call()
    pair.run(80)
    standing = [side for side in (pair.callee, pair.third) if not side.all(Ended)]
    assert len(standing) == 1
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        pair.caller.one(Answered)
        assert all(side.one(Ended).by_peer for side in (pair.callee, pair.third))

    return check


def handed_over(pair: Pair) -> Check:
    """Attended transfer (RFC 5589 section 7): the callee joins its caller with the third, by REFER with Replaces."""
    answering(pair)
    pair.third.react = accepting(pair)

    def react(event: Event) -> None:
        if isinstance(event, ReferReceived):
            pair.caller.endpoint.answer_refer(event.session, 202, pair.now)
            uri = Uri.parse(event.refer_to)
            value = uri.headers.removeprefix("Replaces=").replace("%3B", ";").replace("%3D", "=")
            assert Replaces.parse(value)
            pair.caller.endpoint.invite(
                f"sip:{THIRD.host_port}",
                "sip:alice@example.com",
                OFFER,
                pair.now,
                headers=[("Replaces", value)],
            )
        elif isinstance(event, Answered) and event.session != call:
            assert pair.caller.endpoint.notify_refer(call, 200, pair.now)

    def leave(event: Event) -> None:
        answered(event)
        if isinstance(event, ReferProgress) and event.final:
            assert event.status == 200
            pair.callee.endpoint.bye(event.session, pair.now)

    answered, pair.callee.react, pair.caller.react = pair.callee.react, leave, react
    call = pair.call()
    pair.run(40)
    asked = pair.callee.endpoint.invite(f"sip:{THIRD.host_port}", "sip:bot@example.com", OFFER, pair.now)
    pair.run(40)
    session = pair.callee.one(IncomingCall).session
    target = f"sip:{THIRD.host_port}"
    assert pair.callee.endpoint.refer(session, target, pair.now, replacing=asked)
    pair.run(80)
    [new] = [event.session for event in pair.caller.all(Answered) if event.session != call]
    assert [event.session for event in pair.caller.all(Ended)] == [call]
    pair.caller.endpoint.bye(new, pair.now)

    def check(pair: Pair) -> None:
        assert sorted(event.session for event in pair.callee.all(Ended)) == sorted([session, asked])
        assert len(pair.third.all(Ended)) == 2

    return check


def challenged_in_the_call(pair: Pair) -> Check:
    """A proxy on the way asks for a password for each kind of request within the call, with nonces of its own."""
    serials = iter(range(1, 1000))

    def challenge(data: bytes, source: Address, goal: Address) -> list[tuple[bytes, Address]] | None:
        request = parse(data)
        if source != pair.caller.address or not isinstance(request, Request) or not request.to.tag:
            return None
        if request.method == "ACK" and f"{request.via.branch} {request.cseq.number}" in refused:
            return []
        if request.method == "ACK" or f'"{request.method}' in (request.first("proxy-authorization") or ""):
            return None
        refused.add(f"{request.via.branch} {request.cseq.number}")
        stale = f'stale=true, nonce="{request.method}{next(serials)}"'
        nonce = f'Digest realm="lab", {stale}, qop="auth"'
        answer = request.response(407, headers=[("proxy-authenticate", nonce)])
        return [(answer.to_bytes(), source)]

    refused: set[str] = set()
    pair.intercept = challenge
    answering(pair)
    answered = pair.callee.react

    def react(event: Event) -> None:
        answered(event)
        if isinstance(event, Offer):
            pair.callee.endpoint.answer(event.session, ANSWER, pair.now)
        elif isinstance(event, ReferReceived):
            pair.callee.endpoint.answer_refer(event.session, 202, pair.now)

    pair.callee.react = react
    call = pair.call(credentials=ALICE)
    endpoint = pair.caller.endpoint
    pair.run(40)
    assert endpoint.info(call, "application/dtmf-relay", b"Signal=5", pair.now)
    pair.run(40)
    assert endpoint.reinvite(call, OFFER, pair.now)
    pair.run(40)
    assert endpoint.update(call, OFFER, pair.now)
    pair.run(40)
    assert endpoint.refer(call, f"sip:{THIRD.host_port}", pair.now)
    pair.run(40)
    assert endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert next(serials) > 5, "INFO, re-INVITE, UPDATE, REFER and BYE were challenged"
        pair.callee.one(InfoReceived)
        assert [event.kind for event in pair.callee.all(Offer)] == ["reinvite", "update"]
        assert len(pair.caller.all(OfferAnswered)) == 2
        pair.callee.one(ReferReceived)
        assert pair.callee.one(Ended).by_peer
        assert not pair.caller.one(Ended).by_peer

    return check


MORE: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        redirected,
        informed,
        pinged,
        registered,
        refreshed_by_reinvite,
        forked,
        handed_over,
        challenged_in_the_call,
    )
}


def play(
    name: str,
    lose: Callable[[int, bytes], bool] = lambda index, data: False,
    copies: int = 1,
    delays: Callable[[int], float] = lambda index: 0.0,
) -> Pair:
    pair = Pair(
        lose=lose,
        realm=REALM if name in ("registered", "authenticated") else None,
        accept_refer=True,
        copies=copies,
        delays=delays,
        registrar=Registrar(Policy()) if name == "registered" else None,
        timers=SessionTimers(90) if name == "refreshed_by_reinvite" else SessionTimers(),
    )
    check = {**CALLS, **MORE}[name](pair)
    pair.run(400)
    check(pair)
    pair.assert_nothing_held()
    return pair


@pytest.mark.parametrize("name", MORE)
def test_flow_survives_the_loss_of_any_single_message(name: str) -> None:
    messages = len(play(name).log)
    assert messages >= 4
    for lost in range(messages):
        play(name, lambda index, data, lost=lost: index == lost)  # type: ignore[misc]


@pytest.mark.parametrize("name", MORE)
def test_flow_survives_the_loss_of_every_first_transmission(name: str) -> None:
    seen: set[bytes] = set()

    def lose(index: int, data: bytes) -> bool:
        known = data in seen
        seen.add(data)
        return not known and not data.startswith(b"ACK")

    play(name, lose)


@pytest.mark.parametrize("name", MORE)
def test_flow_survives_that_everything_arrives_three_times(name: str) -> None:
    play(name, copies=3)


@pytest.mark.parametrize("name", [*CALLS, *MORE])
def test_flow_survives_that_every_second_message_is_overtaken_by_the_next_ones(name: str) -> None:
    for late in range(3):
        play(name, delays=lambda index, late=late: 0.05 if index % 3 == late else 0.0)  # type: ignore[misc]


def test_what_is_lost_is_really_lost() -> None:
    pair = play("informed", lambda index, data: index == 0)
    responses = [message for message in pair.sent() if isinstance(message, Response)]
    assert responses
    assert pair.start_lines()[:2] == [pair.start_lines()[0]] * 2, "the first INVITE was sent again"
