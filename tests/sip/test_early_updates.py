"""UPDATE in a dialog that our INVITE has made and that is not answered yet (RFC 3311 section 5.2; RFC 6337 section 3.1)."""

import pytest

from tests.sip.peer import CONTACT, SDP, Peer, call, only, reply
from voicebot.sip import Answered, Offer, Progress, Rejected, Request, Response

BODY = SDP.encode()
MOVED = SDP.replace("4000", "4200")
RELIABLE = [CONTACT, ("require", "100rel"), ("rseq", "1")]


def update(
    peer: Peer, invite: Request, body: str = "", *, tag: str = "t1", cseq: int = 1
) -> list[Request | Response]:
    """Let the fork `tag` send an UPDATE."""
    text = peer.text(
        "UPDATE",
        to_tag=invite.from_.tag,
        cseq=cseq,
        call_id=invite.call_id,
        body=body,
        branch=f"z9hG4bKu{cseq}{tag}",
    )
    text = text.replace(b";tag=a1", f";tag={tag}".encode())
    text = text.replace(b"<sip:alice@192.0.2.1:5060>", b"<sip:agent@192.0.2.1:5099>")
    return peer.send_raw(text)


def status(messages: list[Request | Response]) -> int:
    [response] = messages
    assert isinstance(response, Response)
    return response.status


def ringing(peer: Peer, tag: str = "t1", invite: Request | None = None) -> Request:
    """Have the call's offer answered by a reliable 183 of the fork `tag`; return the INVITE."""
    invite = invite or call(peer)[1]
    prack = only(reply(peer, invite, 183, tag, RELIABLE, BODY))
    peer.send_raw(prack.response(200).to_bytes())
    peer.event(Progress)
    return invite


def test_one_that_offers_nothing_names_another_contact_and_is_answered() -> None:
    """Asterisk tells so who is rung now, each time that a ringing call is forwarded."""
    peer = Peer()
    _, invite = call(peer)
    reply(peer, invite, 180)
    peer.event(Progress)
    assert status(update(peer, invite)) == 200
    assert status(update(peer, invite, cseq=2)) == 200
    assert status(update(peer, invite, cseq=1, tag="nobody")) == 481
    peer.no_event()
    assert (
        only(reply(peer, invite, 183, headers=RELIABLE, body=BODY)).uri == "sip:agent@192.0.2.1:5099"
    )  # PRACK
    peer.event(Progress)
    reply(peer, invite, 200, body=BODY)
    assert peer.event(Answered).sdp == BODY


def test_its_cseq_has_to_rise() -> None:
    peer = Peer()
    _, invite = call(peer)
    reply(peer, invite, 180)
    assert status(update(peer, invite, cseq=5)) == 200
    assert status(update(peer, invite, cseq=4)) == 500


@pytest.mark.parametrize("body", [b"", BODY])
def test_an_offer_before_ours_has_its_answer_gets_491(body: bytes) -> None:
    """A description in an unreliable 183 is none: it may be lost."""
    peer = Peer()
    _, invite = call(peer)
    reply(peer, invite, 183, body=body)
    peer.event(Progress)
    assert status(update(peer, invite, MOVED)) == 491
    peer.no_event()


@pytest.mark.parametrize("body", [b"", BODY])
def test_an_offer_after_a_reliable_answer_is_answered_and_holds_when_the_call_is_answered(
    body: bytes,
) -> None:
    peer = Peer()
    session, invite = call(peer)
    ringing(peer, invite=invite)
    assert update(peer, invite, MOVED) == []
    offer = peer.event(Offer)
    assert offer.sdp == MOVED.encode()
    assert status(update(peer, invite, MOVED, cseq=2)) == 500  # one at a time
    assert peer.endpoint.answer(session, b"ours", peer.now)
    [ok] = peer.sent()
    assert isinstance(ok, Response)
    assert (ok.status, ok.cseq.method, ok.body, ok.has("session-expires")) == (200, "UPDATE", b"ours", False)
    ack = only(reply(peer, invite, 200, body=body))
    assert ack.method == "ACK"
    answered = peer.event(Answered)
    assert answered.sdp is None
    assert answered.branch == offer.branch != ""
    peer.endpoint.update(session, None, peer.now)
    assert only(peer.sent()).body == b"ours"  # a refresh offers what holds


def test_one_that_is_refused_leaves_the_early_session_as_it_was() -> None:
    peer = Peer()
    session, invite = call(peer)
    ringing(peer, invite=invite)
    update(peer, invite, MOVED)
    peer.event(Offer)
    assert peer.endpoint.reject_offer(session, 488, peer.now)
    assert status(peer.sent()) == 488
    reply(peer, invite, 200)
    assert peer.event(Answered).sdp == BODY


def test_what_one_fork_has_changed_says_nothing_about_another() -> None:
    peer = Peer()
    session, invite = call(peer)
    ringing(peer, "a", invite)
    ringing(peer, "b", invite)
    update(peer, invite, MOVED, tag="a")
    peer.event(Offer)
    peer.endpoint.answer(session, b"ours", peer.now)
    peer.sent()
    reply(peer, invite, 200, "b")
    assert peer.event(Answered).sdp == BODY


def test_a_call_that_fails_leaves_no_offer_without_an_answer() -> None:
    peer = Peer()
    _, invite = call(peer)
    ringing(peer, invite=invite)
    update(peer, invite, MOVED)
    sent = reply(peer, invite, 486)
    assert [message.status for message in sent if isinstance(message, Response)] == [487]
    peer.event(Offer)
    peer.event(Rejected)
    peer.advance(64.0)
    assert peer.endpoint.held.transactions == 0
