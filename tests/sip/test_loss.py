"""Whatever single message is lost on its first way, a flow ends in the same state, and nothing is left."""

import random
from collections.abc import Callable

import pytest

from tests.sip.harness import ANSWER, OFFER, Pair
from voicebot.sip import (
    Answered,
    Cancelled,
    Credentials,
    Ended,
    Established,
    Event,
    IncomingCall,
    Offer,
    OfferAnswered,
    Progress,
    Realm,
    ReferProgress,
    ReferReceived,
    Rejected,
)

Check = Callable[[Pair], None]
Flow = Callable[[Pair], Check]

REALM = Realm("lab", {"alice": "secret"})
ALICE = Credentials("alice", "secret")


def answering(pair: Pair) -> None:
    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now)
            pair.callee.endpoint.accept(event.session, ANSWER, pair.now)

    pair.callee.react = react


def both_established(pair: Pair) -> None:
    assert pair.caller.one(Answered).sdp == ANSWER
    pair.callee.one(Established)


def caller_hangs_up(pair: Pair) -> Check:
    answering(pair)
    call = pair.call()
    pair.run(40)
    assert pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        both_established(pair)
        assert not pair.caller.one(Ended).by_peer
        assert pair.callee.one(Ended).by_peer

    return check


def callee_hangs_up(pair: Pair) -> Check:
    answering(pair)
    pair.call()
    pair.run(40)
    assert pair.callee.endpoint.bye(pair.callee.one(IncomingCall).session, pair.now)

    def check(pair: Pair) -> None:
        both_established(pair)
        assert pair.caller.one(Ended).by_peer
        assert not pair.callee.one(Ended).by_peer

    return check


def callee_hangs_up_before_the_ack(pair: Pair) -> Check:
    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.accept(event.session, ANSWER, pair.now)
            pair.callee.endpoint.bye(event.session, pair.now)

    pair.callee.react = react
    pair.call()

    def check(pair: Pair) -> None:
        both_established(pair)
        assert pair.caller.one(Ended).by_peer
        assert not pair.callee.one(Ended).by_peer

    return check


def late_offer(pair: Pair) -> Check:
    def answer(event: Event) -> None:
        if isinstance(event, Answered):
            pair.caller.endpoint.answer(event.session, ANSWER, pair.now)

    def accept(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.accept(event.session, OFFER, pair.now)

    pair.caller.react, pair.callee.react = answer, accept
    call = pair.call(sdp=None)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(Answered).sdp == OFFER
        assert pair.callee.one(Established).sdp == ANSWER
        pair.caller.one(Ended)
        pair.callee.one(Ended)

    return check


def cancelled(pair: Pair) -> Check:
    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now)

    pair.callee.react = react
    call = pair.call()
    pair.run(3)
    assert pair.caller.endpoint.cancel(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(Rejected).why == "cancelled"
        pair.callee.one(Cancelled)

    return check


def rejected(pair: Pair) -> Check:
    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now)
            pair.callee.endpoint.reject(event.session, 486, pair.now)

    pair.callee.react = react
    pair.call()

    def check(pair: Pair) -> None:
        answer = pair.caller.one(Rejected)
        assert (answer.status, answer.why) == (486, "refused")

    return check


def reinvited(pair: Pair) -> Check:
    answering(pair)
    answered = pair.callee.react

    def react(event: Event) -> None:
        answered(event)
        if isinstance(event, Offer):
            pair.callee.endpoint.answer(event.session, ANSWER, pair.now)

    pair.callee.react = react
    call = pair.call()
    pair.run(40)
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(OfferAnswered).sdp == ANSWER
        assert pair.callee.one(Offer).kind == "reinvite"
        pair.callee.one(Ended)

    return check


def reinvited_by_the_callee(pair: Pair) -> Check:
    answering(pair)

    def react(event: Event) -> None:
        if isinstance(event, Offer):
            pair.caller.endpoint.answer(event.session, ANSWER, pair.now)

    pair.caller.react = react
    call = pair.call()
    pair.run(40)
    assert pair.callee.endpoint.reinvite(pair.callee.one(IncomingCall).session, OFFER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.callee.one(OfferAnswered).sdp == ANSWER
        pair.callee.one(Ended)

    return check


def updated(pair: Pair) -> Check:
    answering(pair)
    answered = pair.callee.react

    def react(event: Event) -> None:
        answered(event)
        if isinstance(event, Offer):
            pair.callee.endpoint.answer(event.session, ANSWER, pair.now)

    pair.callee.react = react
    call = pair.call()
    pair.run(40)
    assert pair.caller.endpoint.update(call, OFFER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(OfferAnswered).sdp == ANSWER
        assert pair.callee.one(Offer).kind == "update"

    return check


def refreshed(pair: Pair) -> Check:
    """By UPDATE, by the caller (RFC 4028 section 7.4)."""
    answering(pair)
    call = pair.call()
    pair.run(40)
    assert pair.caller.endpoint.update(call, None, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert any(line.startswith("UPDATE ") for line in pair.start_lines())
        both_established(pair)
        assert not pair.caller.one(Ended).by_peer
        assert not pair.callee.all(Offer)

    return check


def early_media(pair: Pair) -> Check:
    """A reliable 183 and its PRACK, then the 200 (RFC 3262)."""

    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now, 183, ANSWER)
            pair.callee.endpoint.accept(event.session, ANSWER, pair.now)

    pair.callee.react = react
    call = pair.call()
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(Progress).sdp == ANSWER
        both_established(pair)
        pair.callee.one(Ended)

    return check


def transferred(pair: Pair) -> Check:
    """The caller's side plays the PBX's party that is transferred by the callee."""
    answering(pair)

    def react(event: Event) -> None:
        if isinstance(event, ReferReceived):
            pair.caller.endpoint.answer_refer(event.session, 202, pair.now)

    pair.caller.react = react
    call = pair.call()
    pair.run(40)
    session = pair.callee.one(IncomingCall).session
    assert pair.callee.endpoint.refer(session, "sip:6001@192.0.2.9", pair.now)
    pair.run(40)
    assert pair.caller.endpoint.notify_refer(call, 200, pair.now)
    pair.run(40)
    pair.callee.endpoint.bye(session, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(ReferReceived).refer_to == "sip:6001@192.0.2.9"
        progress = pair.callee.all(ReferProgress)
        assert [(one.status, one.final) for one in progress] == [(100, False), (200, True)]

    return check


def transferred_and_hung_up_by_the_peer(pair: Pair) -> Check:
    """The peer's BYE follows its last NOTIFY at once, whichever of the two is lost or comes first."""
    answering(pair)

    def react(event: Event) -> None:
        if isinstance(event, ReferReceived):
            pair.caller.endpoint.answer_refer(event.session, 202, pair.now)

    pair.caller.react = react
    call = pair.call()
    pair.run(40)
    assert pair.callee.endpoint.refer(pair.callee.one(IncomingCall).session, "sip:6001@192.0.2.9", pair.now)
    pair.run(40)
    assert pair.caller.endpoint.notify_refer(call, 200, pair.now)
    assert pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        (final,) = [one for one in pair.callee.all(ReferProgress) if one.final]
        assert (final.status, final.why) == (200, "told")
        assert pair.callee.one(Ended).by_peer
        assert pair.callee.events.index(final) < pair.callee.events.index(pair.callee.one(Ended))

    return check


def authenticated(pair: Pair) -> Check:
    answering(pair)
    call = pair.call(credentials=ALICE)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        both_established(pair)
        assert pair.callee.one(IncomingCall).user == "alice"
        pair.callee.one(Ended)

    return check


FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        caller_hangs_up,
        callee_hangs_up,
        callee_hangs_up_before_the_ack,
        late_offer,
        cancelled,
        rejected,
        reinvited,
        reinvited_by_the_callee,
        updated,
        refreshed,
        early_media,
        transferred,
        transferred_and_hung_up_by_the_peer,
        authenticated,
    )
}


def play(name: str, lose: Callable[[int, bytes], bool], copies: int = 1) -> Pair:
    realm = REALM if name == "authenticated" else None
    pair = Pair(lose=lose, realm=realm, accept_refer=True, copies=copies)
    check = FLOWS[name](pair)
    pair.run(400)
    check(pair)
    pair.assert_nothing_held()
    return pair


@pytest.mark.parametrize("name", FLOWS)
def test_flow_survives_the_loss_of_any_single_message(name: str) -> None:
    messages = len(play(name, lambda index, data: False).log)
    assert messages >= 4
    for lost in range(messages):
        play(name, lambda index, data, lost=lost: index == lost)  # type: ignore[misc]


@pytest.mark.parametrize("name", FLOWS)
def test_flow_survives_the_loss_of_every_first_transmission(name: str) -> None:
    seen: set[bytes] = set()

    def lose(index: int, data: bytes) -> bool:
        known = data in seen
        seen.add(data)
        return not known and not data.startswith(b"ACK")

    play(name, lose)


@pytest.mark.parametrize("name", FLOWS)
def test_flow_survives_that_everything_arrives_three_times(name: str) -> None:
    play(name, lambda index, data: False, copies=3)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_lost_nothing_is_left(seed: int) -> None:
    rng = random.Random(seed)
    for rate in (0.3, 0.6, 0.95):
        pair = Pair(lose=lambda index, data, rate=rate: rng.random() < rate)  # type: ignore[misc]
        answering(pair)
        call = pair.call()
        pair.run(rng.random() * 40)
        pair.caller.endpoint.bye(call, pair.now)
        pair.caller.endpoint.cancel(call, pair.now)
        pair.run(200)
        for incoming in pair.callee.all(IncomingCall):
            # The BYE may have been lost for good: to the callee the call stands.
            pair.callee.endpoint.bye(incoming.session, pair.now)
        pair.run(200)
        pair.assert_nothing_held()
        for side in (pair.caller, pair.callee):
            last = [event for event in side.events if isinstance(event, (Ended, Rejected, Cancelled))]
            assert len(last) <= 1


def test_progress_is_told() -> None:
    pair = play("caller_hangs_up", lambda index, data: False)
    assert [event.status for event in pair.caller.all(Progress)] == [180]


def test_five_hundred_calls_leave_no_state() -> None:
    pair = Pair()
    answering(pair)
    for _ in range(500):
        call = pair.call()
        pair.run(0.2)
        pair.caller.endpoint.bye(call, pair.now)
        pair.run(0.2)
        pair.log.clear()
    assert len(pair.callee.all(Ended)) == 500
    pair.run(100)
    pair.assert_nothing_held()
    assert pair.caller.endpoint.next_timer() is None
    assert pair.callee.endpoint.next_timer() is None
