"""Flows between a caller and a callee: how calls begin, change, are transferred and end."""

from collections.abc import Iterator

from tests.sip.flows import ALICE, REALM, Flows, both_established, standing
from tests.sip.harness import ANSWER, OFFER, Pair, accept, answer, answer_refer, reject, ring
from voicebot.sip import (
    Answered,
    Cancelled,
    Ended,
    Established,
    IncomingCall,
    Offer,
    OfferAnswered,
    Progress,
    ReferProgress,
    ReferReceived,
    Rejected,
)

FLOWS = Flows()
TARGET = "sip:6001@192.0.2.9"


@FLOWS.add()
def caller_hangs_up(pair: Pair) -> Iterator[None]:
    call, _ = standing(pair)
    assert pair.caller.endpoint.bye(call, pair.now)
    yield
    both_established(pair)
    assert not pair.caller.one(Ended).by_peer
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def callee_hangs_up(pair: Pair) -> Iterator[None]:
    _, session = standing(pair)
    assert pair.callee.endpoint.bye(session, pair.now)
    yield
    both_established(pair)
    assert pair.caller.one(Ended).by_peer
    assert not pair.callee.one(Ended).by_peer


@FLOWS.add()
def callee_hangs_up_before_the_ack(pair: Pair) -> Iterator[None]:
    pair.callee.on(IncomingCall, accept(), lambda endpoint, call, now: endpoint.bye(call.session, now))
    pair.call()
    yield
    both_established(pair)
    assert pair.caller.one(Ended).by_peer
    assert not pair.callee.one(Ended).by_peer


@FLOWS.add()
def late_offer(pair: Pair) -> Iterator[None]:
    pair.callee.on(IncomingCall, accept(OFFER))
    pair.caller.on(Answered, answer(ANSWER))
    call = pair.call(sdp=None)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.caller.one(Answered).sdp == OFFER
    assert pair.callee.one(Established).sdp == ANSWER
    pair.caller.one(Ended)
    pair.callee.one(Ended)


@FLOWS.add()
def cancelled(pair: Pair) -> Iterator[None]:
    pair.callee.on(IncomingCall, ring())
    call = pair.call()
    pair.run(3)
    assert pair.caller.endpoint.cancel(call, pair.now)
    yield
    assert pair.caller.one(Rejected).why == "cancelled"
    pair.callee.one(Cancelled)


@FLOWS.add()
def rejected(pair: Pair) -> Iterator[None]:
    pair.callee.on(IncomingCall, ring(), reject(486))
    pair.call()
    yield
    refusal = pair.caller.one(Rejected)
    assert (refusal.status, refusal.why) == (486, "refused")


@FLOWS.add()
def reinvited(pair: Pair) -> Iterator[None]:
    call, _ = standing(pair)
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.caller.one(OfferAnswered).sdp == ANSWER
    assert pair.callee.one(Offer).kind == "reinvite"
    pair.callee.one(Ended)


@FLOWS.add()
def reinvited_by_the_callee(pair: Pair) -> Iterator[None]:
    call, session = standing(pair)
    assert pair.callee.endpoint.reinvite(session, ANSWER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.callee.one(OfferAnswered).sdp == OFFER
    pair.callee.one(Ended)


@FLOWS.add()
def updated(pair: Pair) -> Iterator[None]:
    call, _ = standing(pair)
    assert pair.caller.endpoint.update(call, OFFER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.caller.one(OfferAnswered).sdp == ANSWER
    assert pair.callee.one(Offer).kind == "update"


@FLOWS.add()
def updated_by_the_callee(pair: Pair) -> Iterator[None]:
    call, session = standing(pair)
    assert pair.callee.endpoint.update(session, ANSWER, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.callee.one(OfferAnswered).sdp == OFFER
    assert pair.caller.one(Offer).kind == "update"
    pair.callee.one(Ended)


@FLOWS.add()
def refreshed(pair: Pair) -> Iterator[None]:
    """By UPDATE, by the caller (RFC 4028 section 7.4)."""
    call, _ = standing(pair)
    assert pair.caller.endpoint.update(call, None, pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert any(line.startswith("UPDATE ") for line in pair.start_lines())
    both_established(pair)
    assert not pair.caller.one(Ended).by_peer
    assert not pair.callee.all(Offer)


@FLOWS.add()
def early_media(pair: Pair) -> Iterator[None]:
    """A reliable 183 and its PRACK, then the 200 (RFC 3262)."""
    pair.callee.on(IncomingCall, ring(183, ANSWER), accept())
    call = pair.call()
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.caller.one(Progress).sdp == ANSWER
    both_established(pair)
    pair.callee.one(Ended)


def referred(pair: Pair, status: int = 202) -> tuple[int, int]:
    """Let the callee transfer the caller, whose side plays the PBX and answers with `status`; return both sessions."""
    pair.caller.on(ReferReceived, answer_refer(status))
    call, session = standing(pair)
    assert pair.callee.endpoint.refer(session, TARGET, pair.now)
    pair.run(40)
    return call, session


@FLOWS.add()
def transferred(pair: Pair) -> Iterator[None]:
    call, session = referred(pair)
    assert pair.caller.endpoint.notify_refer(call, 200, pair.now)
    pair.run(40)
    pair.callee.endpoint.bye(session, pair.now)
    yield
    assert pair.caller.one(ReferReceived).refer_to == TARGET
    progress = pair.callee.all(ReferProgress)
    assert [(one.status, one.final) for one in progress] == [(100, False), (200, True)]


@FLOWS.add()
def transferred_and_hung_up_by_the_peer(pair: Pair) -> Iterator[None]:
    """The peer's BYE follows its last NOTIFY at once, whichever of the two is lost or comes first."""
    call, _ = referred(pair)
    assert pair.caller.endpoint.notify_refer(call, 200, pair.now)
    assert pair.caller.endpoint.bye(call, pair.now)
    yield
    (final,) = [one for one in pair.callee.all(ReferProgress) if one.final]
    assert (final.status, final.why) == (200, "told")
    assert pair.callee.one(Ended).by_peer
    assert pair.callee.events.index(final) < pair.callee.events.index(pair.callee.one(Ended))


@FLOWS.add()
def transfer_fails(pair: Pair) -> Iterator[None]:
    """A blind transfer to somebody who is busy: the call is still up afterwards (RFC 5589 section 6.2)."""
    call, session = referred(pair)
    assert pair.caller.endpoint.notify_refer(call, 486, pair.now)
    pair.run(40)
    assert not pair.callee.all(Ended)
    pair.callee.endpoint.bye(session, pair.now)
    yield
    (final,) = [one for one in pair.callee.all(ReferProgress) if one.final]
    assert (final.status, final.why) == (486, "told")
    assert pair.caller.one(Ended).by_peer


@FLOWS.add()
def transfer_declined(pair: Pair) -> Iterator[None]:
    """A REFER that is refused ends nothing."""
    _, session = referred(pair, 603)
    assert not pair.callee.all(Ended)
    pair.callee.endpoint.bye(session, pair.now)
    yield
    progress = pair.callee.one(ReferProgress)
    assert (progress.status, progress.final, progress.why) == (603, True, "refused")
    assert pair.caller.one(Ended).by_peer


@FLOWS.add(realm=REALM)
def authenticated(pair: Pair) -> Iterator[None]:
    call, _ = standing(pair, ALICE)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    both_established(pair)
    assert pair.callee.one(IncomingCall).user == "alice"
    pair.callee.one(Ended)
