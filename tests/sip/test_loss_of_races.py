"""Loss, repetition and reordering of any message where two things happen at once: glare, pickup, CANCEL against 200.

Which side wins may depend on what is lost; what must not is that both sides then agree, and that nothing is left.
"""

from collections.abc import Callable

import pytest

from tests.sip.harness import ANSWER, CALLEE, CALLER, OFFER, THIRD, Pair
from tests.sip.test_loss import Check, Flow, answering, both_established
from voicebot.sip import (
    Address,
    Answered,
    Cancelled,
    Ended,
    Established,
    Event,
    IncomingCall,
    Offer,
    OfferAnswered,
    OfferRejected,
    Progress,
    ReferProgress,
    ReferReceived,
    Rejected,
    Request,
    Response,
    SessionTimers,
)
from voicebot.sip.message import parse


def answering_offers(pair: Pair) -> None:
    """Both sides take every change of the session."""
    answering(pair)
    answered = pair.callee.react

    def callee(event: Event) -> None:
        answered(event)
        if isinstance(event, Offer):
            assert pair.callee.endpoint.answer(event.session, ANSWER, pair.now)

    def caller(event: Event) -> None:
        if isinstance(event, Offer):
            assert pair.caller.endpoint.answer(event.session, OFFER, pair.now)

    pair.callee.react, pair.caller.react = callee, caller


def refused_with(pair: Pair, status: int) -> bool:
    return any(isinstance(message, Response) and message.status == status for message in pair.sent())


def glare(pair: Pair) -> Check:
    """Both re-INVITE at the same moment: 491 to both, and both try again, at different times (RFC 3261 section 14.1)."""
    answering_offers(pair)
    call = pair.call()
    pair.run(40)
    session = pair.callee.one(IncomingCall).session
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    assert pair.callee.endpoint.reinvite(session, ANSWER, pair.now)
    pair.run(80)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert refused_with(pair, 491)
        assert pair.caller.one(OfferAnswered).sdp == ANSWER
        assert pair.callee.one(OfferAnswered).sdp == OFFER
        assert pair.caller.one(Offer).sdp == ANSWER
        assert pair.callee.one(Offer).sdp == OFFER
        assert pair.callee.one(Ended).by_peer

    return check


def glare_of_update(pair: Pair) -> Check:
    """An UPDATE crosses a re-INVITE (RFC 3311 section 5.2). The one is tried again; whoever sent the other may."""
    answering_offers(pair)
    call = pair.call()
    pair.run(40)
    assert pair.caller.endpoint.update(call, OFFER, pair.now)
    assert pair.callee.endpoint.reinvite(pair.callee.one(IncomingCall).session, ANSWER, pair.now)
    pair.run(80)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert refused_with(pair, 491)
        assert pair.callee.one(OfferAnswered).sdp == OFFER
        told = [event for event in pair.caller.events if isinstance(event, OfferAnswered | OfferRejected)]
        assert len(told) == 1
        refused = [event.status for event in pair.caller.all(OfferRejected)]
        assert refused in ([], [491])
        assert len(pair.callee.all(Offer)) == len(pair.caller.all(OfferAnswered))
        assert pair.callee.one(Ended).by_peer

    return check


def hung_up_in_the_glare(pair: Pair) -> Check:
    """One hangs up while both wait for their second try."""
    answering_offers(pair)
    call = pair.call()
    pair.run(40)
    session = pair.callee.one(IncomingCall).session
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    assert pair.callee.endpoint.reinvite(session, ANSWER, pair.now)
    pair.run(0.05)
    pair.callee.endpoint.bye(session, pair.now)

    def check(pair: Pair) -> None:
        both_established(pair)
        assert pair.caller.one(Ended).by_peer
        assert not pair.callee.one(Ended).by_peer

    return check


def both_hang_up(pair: Pair) -> Check:
    answering(pair)
    call = pair.call()
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    pair.callee.endpoint.bye(pair.callee.one(IncomingCall).session, pair.now)

    def check(pair: Pair) -> None:
        pair.caller.one(Ended)
        pair.callee.one(Ended)

    return check


def cancelled_when_answered(pair: Pair) -> Check:
    """The CANCEL crosses the 200 (RFC 3261 section 9.1): the call is ended, or it never was."""

    def react(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now)

    pair.callee.react = react
    call = pair.call()
    pair.run(3)
    [incoming] = pair.callee.all(IncomingCall)
    assert pair.callee.endpoint.accept(incoming.session, ANSWER, pair.now)
    assert pair.caller.endpoint.cancel(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(Rejected).why == "cancelled"
        assert not pair.caller.all(Answered)
        pair.callee.one(Established)
        assert pair.callee.one(Ended).by_peer

    return check


def ringing_here(pair: Pair) -> tuple[int, str]:
    """The caller's call rings at the callee, reliably; return it and what a Replaces of its early dialog says."""

    def ring(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now, 183, ANSWER)

    def give_up(event: Event) -> None:
        if isinstance(event, IncomingCall):
            assert pair.caller.endpoint.accept(event.session, ANSWER, pair.now)
            assert event.replaces is not None
            # It may have been answered at this very moment.
            assert pair.caller.endpoint.cancel(event.replaces, pair.now) or pair.caller.endpoint.bye(
                event.replaces, pair.now
            )

    pair.callee.react, pair.caller.react = ring, give_up
    call = pair.call()
    pair.run(40)
    assert [event.status for event in pair.caller.all(Progress)] == [183]
    [(call_id, ours, theirs)] = pair.caller.endpoint._core.dialogs
    return call, f"{call_id};to-tag={ours};from-tag={theirs};early-only"


def pick_up(pair: Pair, value: str) -> int:
    lines = [("Replaces", value), ("Require", "replaces")]
    return pair.third.endpoint.invite(
        f"sip:{CALLER.host_port}", "sip:third@example.com", OFFER, pair.now, headers=lines
    )


def picked_up(pair: Pair) -> Check:
    """RFC 3891 section 3, early-only: a third phone takes a call of ours that still rings; the ringing stops."""
    call, value = ringing_here(pair)
    taken = pick_up(pair, value)
    pair.run(80)
    pair.third.endpoint.bye(taken, pair.now)

    def check(pair: Pair) -> None:
        assert (pair.caller.one(Rejected).session, pair.caller.one(Rejected).why) == (call, "cancelled")
        pair.callee.one(Cancelled)
        assert pair.third.one(Answered).session == taken
        assert pair.caller.one(Established).session == pair.caller.one(IncomingCall).session
        assert pair.caller.one(Ended).by_peer

    return check


def picked_up_when_answered(pair: Pair) -> Check:
    """The phone that rings is answered as the third takes the call: either, never both, and never none."""
    call, value = ringing_here(pair)
    pair.callee.endpoint.accept(pair.callee.one(IncomingCall).session, ANSWER, pair.now)
    taken = pick_up(pair, value)
    pair.run(80)
    refused = [event.status for event in pair.third.all(Rejected)]
    first_stands = bool(pair.caller.all(Answered)) and not pair.callee.all(Ended)
    assert refused in ([], [486])
    assert first_stands == (refused == [486])
    if first_stands:
        pair.caller.endpoint.bye(call, pair.now)
    else:
        pair.third.endpoint.bye(taken, pair.now)

    def check(pair: Pair) -> None:
        assert pair.callee.one(Ended).by_peer
        assert len(pair.third.all(Answered)) + len(pair.third.all(Rejected)) == 1

    return check


def refreshed_by_the_timer(pair: Pair) -> Check:
    """RFC 4028 section 7.4: the one who is to refresh does, by UPDATE, for as long as the call stands."""
    answering(pair)
    call = pair.call()
    pair.run(300)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert sum(line.startswith("UPDATE ") for line in pair.start_lines()) > 4
        assert not pair.caller.one(Ended).by_peer
        assert pair.callee.one(Ended).by_peer

    return check


def refreshed_by_the_callee(pair: Pair) -> Check:
    """The caller, or a proxy on the way, has asked the callee to do it (section 7.1)."""

    def ask(data: bytes, source: Address, goal: Address) -> list[tuple[bytes, Address]] | None:
        if not data.startswith(b"INVITE "):
            return None
        return [(data.replace(b"Session-Expires: 90\r\n", b"Session-Expires: 90;refresher=uas\r\n"), goal)]

    pair.intercept = ask
    answering(pair)
    call = pair.call()
    pair.run(300)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        updates = [data for data in pair.log if data.startswith(b"UPDATE ")]
        assert len(updates) > 4
        assert all(CALLER.host.encode() in data.split(b"\r\n")[0] for data in updates)
        assert pair.callee.one(Ended).by_peer

    return check


def timer_too_short(pair: Pair) -> Check:
    """A proxy wants a longer one (422, section 7.3): the call begins all the same."""
    refused: set[str] = set()

    def refuse(data: bytes, source: Address, goal: Address) -> list[tuple[bytes, Address]] | None:
        request = parse(data)
        if not isinstance(request, Request):
            return None
        if request.method == "ACK" and request.via.branch in refused:
            return []
        if request.method != "INVITE" or request.first("min-se") == "2000":
            return None
        refused.add(request.via.branch)
        return [(request.response(422, to_tag="p", headers=[("min-se", "2000")]).to_bytes(), source)]

    pair.intercept = refuse
    answering(pair)
    call = pair.call()
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert len(refused) == 1
        both_established(pair)
        assert pair.callee.one(Ended).by_peer

    return check


def transfer_fails(pair: Pair) -> Check:
    """A blind transfer to somebody who is busy: the call is still up afterwards (RFC 5589 section 6.2)."""
    answering(pair)

    def react(event: Event) -> None:
        if isinstance(event, ReferReceived):
            pair.caller.endpoint.answer_refer(event.session, 202, pair.now)

    pair.caller.react = react
    call = pair.call()
    pair.run(40)
    session = pair.callee.one(IncomingCall).session
    assert pair.callee.endpoint.refer(session, "sip:6009@192.0.2.9", pair.now)
    pair.run(40)
    assert pair.caller.endpoint.notify_refer(call, 486, pair.now)
    pair.run(40)
    assert not pair.callee.all(Ended)
    pair.callee.endpoint.bye(session, pair.now)

    def check(pair: Pair) -> None:
        (final,) = [one for one in pair.callee.all(ReferProgress) if one.final]
        assert (final.status, final.why) == (486, "told")
        assert pair.caller.one(Ended).by_peer

    return check


def transfer_declined(pair: Pair) -> Check:
    """A REFER that is refused ends nothing."""
    answering(pair)

    def react(event: Event) -> None:
        if isinstance(event, ReferReceived):
            pair.caller.endpoint.answer_refer(event.session, 603, pair.now)

    pair.caller.react = react
    pair.call()
    pair.run(40)
    session = pair.callee.one(IncomingCall).session
    assert pair.callee.endpoint.refer(session, "sip:6001@192.0.2.9", pair.now)
    pair.run(40)
    assert not pair.callee.all(Ended)
    pair.callee.endpoint.bye(session, pair.now)

    def check(pair: Pair) -> None:
        progress = pair.callee.one(ReferProgress)
        assert (progress.status, progress.final, progress.why) == (603, True, "refused")
        assert pair.caller.one(Ended).by_peer

    return check


def first_address_wakes_up_late(pair: Pair) -> Check:
    """RFC 3263 section 4.3: the callee is silent, the third is called instead; while it rings, so does the callee."""
    start = pair.now

    def deaf(data: bytes, source: Address, goal: Address) -> list[tuple[bytes, Address]] | None:
        return [] if goal == CALLEE and data.startswith(b"INVITE ") and pair.now < start + 5 else None

    def ring(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.callee.endpoint.ring(event.session, pair.now)

    def ring_third(event: Event) -> None:
        if isinstance(event, IncomingCall):
            pair.third.endpoint.ring(event.session, pair.now)

    pair.intercept = deaf
    pair.callee.react, pair.third.react = ring, ring_third
    call = pair.caller.endpoint.invite(
        "sip:bob@example.com", "sip:a@example.com", OFFER, pair.now, destination=CALLEE, alternatives=[THIRD]
    )
    pair.run(25)
    pair.third.endpoint.accept(pair.third.one(IncomingCall).session, ANSWER, pair.now)
    pair.run(55)
    pair.caller.endpoint.bye(call, pair.now)

    def check(pair: Pair) -> None:
        assert pair.caller.one(Answered).session == call
        assert pair.third.one(Ended).by_peer
        pair.callee.one(Cancelled)

    return check


FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        glare,
        glare_of_update,
        hung_up_in_the_glare,
        both_hang_up,
        cancelled_when_answered,
        picked_up,
        picked_up_when_answered,
        refreshed_by_the_timer,
        refreshed_by_the_callee,
        timer_too_short,
        first_address_wakes_up_late,
        transfer_fails,
        transfer_declined,
    )
}


def play(
    name: str,
    lose: Callable[[int, bytes], bool] = lambda index, data: False,
    copies: int = 1,
    delays: Callable[[int], float] = lambda index: 0.0,
) -> Pair:
    timers = SessionTimers(90) if name.startswith("refreshed") else SessionTimers()
    pair = Pair(lose=lose, accept_refer=True, copies=copies, delays=delays, timers=timers)
    check = FLOWS[name](pair)
    pair.run(400)
    check(pair)
    pair.assert_nothing_held()
    return pair


@pytest.mark.parametrize("name", FLOWS)
def test_flow_survives_the_loss_of_any_single_message(name: str) -> None:
    messages = len(play(name).log)
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
    play(name, copies=3)


@pytest.mark.parametrize("name", FLOWS)
def test_flow_survives_that_every_second_message_is_overtaken_by_the_next_ones(name: str) -> None:
    for late in range(3):
        play(name, delays=lambda index, late=late: 0.05 if index % 3 == late else 0.0)  # type: ignore[misc]
