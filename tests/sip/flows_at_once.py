"""Flows in which two things happen at once: glare, pickup, CANCEL against 200.

Which side wins may depend on what is lost; what must not is that both sides then agree, and that nothing is left.
"""

from collections.abc import Iterator

from tests.sip.flows import Flows, answering, both_established, standing
from tests.sip.harness import ANSWER, CALLEE, CALLER, OFFER, THIRD, Carried, Pair, accept, ring
from voicebot.sip import (
    Address,
    Answered,
    Cancelled,
    Ended,
    Endpoint,
    Established,
    IncomingCall,
    Offer,
    OfferAnswered,
    OfferRejected,
    Progress,
    Rejected,
    Request,
    Response,
    SessionTimers,
)
from voicebot.sip.message import parse

FLOWS = Flows()


def refused_with(pair: Pair, status: int) -> bool:
    return any(isinstance(message, Response) and message.status == status for message in pair.sent())


def both_reinvite(pair: Pair) -> tuple[int, int]:
    """Let both sides offer a change at the same moment; return the caller's session and the callee's."""
    call, session = standing(pair)
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    assert pair.callee.endpoint.reinvite(session, ANSWER, pair.now)
    return call, session


@FLOWS.add()
def glare(pair: Pair) -> Iterator[None]:
    """491 to both, and both try again, at different times (RFC 3261 section 14.1)."""
    call, _ = both_reinvite(pair)
    pair.run(80)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert refused_with(pair, 491)
    assert pair.caller.one(OfferAnswered).sdp == ANSWER
    assert pair.callee.one(OfferAnswered).sdp == OFFER
    assert pair.caller.one(Offer).sdp == ANSWER
    assert pair.callee.one(Offer).sdp == OFFER
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def glare_of_update(pair: Pair) -> Iterator[None]:
    """An UPDATE crosses a re-INVITE (RFC 3311 section 5.2). The one is tried again; whoever sent the other may."""
    call, session = standing(pair)
    assert pair.caller.endpoint.update(call, OFFER, pair.now)
    assert pair.callee.endpoint.reinvite(session, ANSWER, pair.now)
    pair.run(80)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert refused_with(pair, 491)
    assert pair.callee.one(OfferAnswered).sdp == OFFER
    told = [event for event in pair.caller.events if isinstance(event, OfferAnswered | OfferRejected)]
    assert len(told) == 1
    refused = [event.status for event in pair.caller.all(OfferRejected)]
    assert refused in ([], [491])
    assert len(pair.callee.all(Offer)) == len(pair.caller.all(OfferAnswered))
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def hung_up_in_the_glare(pair: Pair) -> Iterator[None]:
    """One hangs up while both wait for their second try."""
    _, session = both_reinvite(pair)
    pair.run(0.05)
    pair.callee.endpoint.bye(session, pair.now)
    yield
    both_established(pair)
    assert pair.caller.one(Ended).by_peer
    assert not pair.callee.one(Ended).by_peer


@FLOWS.add()
def both_hang_up(pair: Pair) -> Iterator[None]:
    call, session = standing(pair)
    pair.caller.endpoint.bye(call, pair.now)
    pair.callee.endpoint.bye(session, pair.now)
    yield
    pair.caller.one(Ended)
    pair.callee.one(Ended)


@FLOWS.add()
def cancelled_when_answered(pair: Pair) -> Iterator[None]:
    """The CANCEL crosses the 200 (RFC 3261 section 9.1): the call is ended, or it never was."""
    pair.callee.on(IncomingCall, ring())
    call = pair.call()
    pair.run(3)
    [incoming] = pair.callee.all(IncomingCall)
    assert pair.callee.endpoint.accept(incoming.session, ANSWER, pair.now)
    assert pair.caller.endpoint.cancel(call, pair.now)
    yield
    assert pair.caller.one(Rejected).why == "cancelled"
    assert not pair.caller.all(Answered)
    pair.callee.one(Established)
    assert pair.callee.one(Ended).by_peer


def ringing_here(pair: Pair) -> tuple[int, str]:
    """The caller's call rings at the callee, reliably; return it and what a Replaces of its early dialog says."""

    def give_up(endpoint: Endpoint, pickup: IncomingCall, now: float) -> None:
        assert pickup.replaces is not None
        # It may have been answered at this very moment.
        assert endpoint.cancel(pickup.replaces, now) or endpoint.bye(pickup.replaces, now)

    pair.callee.on(IncomingCall, ring(183, ANSWER))
    pair.caller.on(IncomingCall, accept(), give_up)
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


@FLOWS.add()
def picked_up(pair: Pair) -> Iterator[None]:
    """RFC 3891 section 3, early-only: a third phone takes a call of ours that still rings; the ringing stops."""
    call, value = ringing_here(pair)
    taken = pick_up(pair, value)
    pair.run(80)
    pair.third.endpoint.bye(taken, pair.now)
    yield
    assert (pair.caller.one(Rejected).session, pair.caller.one(Rejected).why) == (call, "cancelled")
    pair.callee.one(Cancelled)
    assert pair.third.one(Answered).session == taken
    assert pair.caller.one(Established).session == pair.caller.one(IncomingCall).session
    assert pair.caller.one(Ended).by_peer


@FLOWS.add()
def picked_up_when_answered(pair: Pair) -> Iterator[None]:
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
    yield
    assert pair.callee.one(Ended).by_peer
    assert len(pair.third.all(Answered)) + len(pair.third.all(Rejected)) == 1


@FLOWS.add(timers=SessionTimers(90))
def refreshed_by_the_timer(pair: Pair) -> Iterator[None]:
    """RFC 4028 section 7.4: the one who is to refresh does, by UPDATE, for as long as the call stands."""
    answering(pair)
    call = pair.call()
    pair.run(300)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert sum(line.startswith("UPDATE ") for line in pair.start_lines()) > 4
    assert not pair.caller.one(Ended).by_peer
    assert pair.callee.one(Ended).by_peer


@FLOWS.add(timers=SessionTimers(90))
def refreshed_by_the_callee(pair: Pair) -> Iterator[None]:
    """The caller, or a proxy on the way, has asked the callee to do it (section 7.1)."""

    def ask(data: bytes, source: Address, goal: Address) -> Carried:
        if not data.startswith(b"INVITE "):
            return None
        return [(data.replace(b"Session-Expires: 90\r\n", b"Session-Expires: 90;refresher=uas\r\n"), goal)]

    pair.intercept = ask
    answering(pair)
    call = pair.call()
    pair.run(300)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    updates = [data for data in pair.log if data.startswith(b"UPDATE ")]
    assert len(updates) > 4
    assert all(CALLER.host.encode() in data.split(b"\r\n")[0] for data in updates)
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def timer_too_short(pair: Pair) -> Iterator[None]:
    """A proxy wants a longer one (422, section 7.3): the call begins all the same."""
    refused: set[str] = set()

    def refuse(data: bytes, source: Address, goal: Address) -> Carried:
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
    call, _ = standing(pair)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert len(refused) == 1
    both_established(pair)
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def first_address_wakes_up_late(pair: Pair) -> Iterator[None]:
    """RFC 3263 section 4.3: the callee is silent, the third is called instead; while it rings, so does the callee."""
    start = pair.now

    def deaf(data: bytes, source: Address, goal: Address) -> Carried:
        return [] if goal == CALLEE and data.startswith(b"INVITE ") and pair.now < start + 5 else None

    pair.intercept = deaf
    pair.callee.on(IncomingCall, ring())
    pair.third.on(IncomingCall, ring())
    call = pair.caller.endpoint.invite(
        "sip:bob@example.com", "sip:a@example.com", OFFER, pair.now, destination=CALLEE, alternatives=[THIRD]
    )
    pair.run(25)
    pair.third.endpoint.accept(pair.third.one(IncomingCall).session, ANSWER, pair.now)
    pair.run(55)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.caller.one(Answered).session == call
    assert pair.third.one(Ended).by_peer
    pair.callee.one(Cancelled)
