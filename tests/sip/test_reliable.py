"""What a peer sees of reliable provisional responses (RFC 3262), in both roles."""

import pytest

from tests.sip.peer import CONTACT, SDP, Peer, call, only, reply
from voicebot.sip import (
    Answered,
    Cancelled,
    Established,
    IncomingCall,
    Offer,
    OfferAnswered,
    Progress,
    Request,
    Response,
)

BODY = SDP.encode()


def ringing(
    peer: Peer, *headers: str, sdp: str = SDP, status: int = 183, ours: bytes | None = BODY
) -> tuple[int, Response]:
    """Let a call come in and ring; return its session and our provisional response."""
    peer.send("INVITE", body=sdp, branch="z9hG4bKinvite", headers=headers)
    session = peer.event(IncomingCall).session
    assert peer.endpoint.ring(session, peer.now, status, ours)
    [progress] = peer.sent()
    assert isinstance(progress, Response)
    return session, progress


def prack(peer: Peer, progress: Response, *, rseq: int = 0, body: str = "", cseq: int = 2) -> Response:
    number = rseq or int(progress.first("rseq") or "0")
    headers = (f"RAck: {number} 1 INVITE",)
    return peer.answer("PRACK", to_tag=progress.to.tag, cseq=cseq, headers=headers, body=body)


# --- we are called


@pytest.mark.parametrize(
    ("header", "sdp", "reliable"),
    [
        ("Require: 100rel", None, True),
        ("Require: 100rel", BODY, True),
        ("Supported: 100rel", BODY, True),
        ("Supported: 100rel", None, False),
        ("Supported: timer", BODY, False),
    ],
)
def test_ringing_is_reliable_where_it_must_be_or_carries_a_description(
    header: str, sdp: bytes | None, reliable: bool
) -> None:
    progress = ringing(Peer(), header, ours=sdp)[1]
    assert (progress.first("require") == "100rel", progress.has("rseq")) == (reliable, reliable)


def test_a_reliable_response_is_repeated_with_doubling_until_its_prack() -> None:
    peer = Peer()
    _, progress = ringing(peer, "Require: 100rel")
    began = peer.now
    instants = []
    while peer.now < began + 8:
        instants += [peer.now - began for _ in peer.advance(0.25)]
    assert instants == [0.5, 1.5, 3.5, 7.5]
    assert prack(peer, progress).status == 200
    assert peer.advance(30) == []


def test_a_prack_for_nothing_is_481_and_repeating_goes_on() -> None:
    peer = Peer()
    _, progress = ringing(peer, "Require: 100rel")
    assert prack(peer, progress, rseq=7).status == 481
    assert peer.advance(0.6)
    assert prack(peer, progress, cseq=3).status == 200
    assert prack(peer, progress, cseq=4).status == 481


def test_a_caller_that_never_sends_prack_is_refused() -> None:
    peer = Peer()
    ringing(peer, "Require: 100rel")
    last = peer.advance(32.5)[-1]
    assert isinstance(last, Response)
    assert last.status == 504
    assert "504" in peer.event(Cancelled).cause


def test_the_200_waits_for_the_prack_of_a_description() -> None:
    peer = Peer()
    session, progress = ringing(peer, "Require: 100rel")
    assert peer.endpoint.accept(session, BODY, peer.now)
    assert peer.sent() == []
    peer.send_raw(
        peer.text(
            "PRACK", to_tag=progress.to.tag, cseq=2, headers=(f"RAck: {progress.first('rseq')} 1 INVITE",)
        )
    )
    peer.advance(0.0)
    ok = peer.advance(0.5)[0]  # the 2xx, repeated: the first copy left with the answer to the PRACK
    assert isinstance(ok, Response)
    assert (ok.status, ok.cseq.method, ok.body) == (200, "INVITE", BODY)


def test_a_prack_that_crosses_the_200_has_its_answer_and_is_no_ack() -> None:
    """A 481 would be the end of the dialog for the caller (RFC 3261 section 12.2.1.2)."""
    peer = Peer()
    session, progress = ringing(peer, "Require: 100rel", status=180, ours=None)
    assert peer.endpoint.accept(session, BODY, peer.now)
    [ok] = peer.sent()
    assert isinstance(ok, Response)
    assert prack(peer, progress).status == 200
    assert peer.advance(0.6), "the 200 to the INVITE may have been lost"
    peer.no_event()
    peer.send("ACK", to_tag=progress.to.tag)
    peer.event(Established)
    assert peer.advance(40) == []


def test_a_call_that_ends_while_its_200_waits_for_the_prack_is_refused_and_never_answered() -> None:
    peer = Peer()
    session, progress = ringing(peer, "Require: 100rel")
    peer.endpoint.accept(session, BODY, peer.now)
    assert peer.endpoint.bye(session, peer.now)
    [refusal] = peer.sent()
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.cseq.method) == (480, "INVITE")
    assert prack(peer, progress).status == 481
    assert {message.status for message in peer.advance(40) if isinstance(message, Response)} == {480}
    assert not peer.endpoint.peers()


def test_our_offer_in_a_183_is_answered_by_the_prack_and_not_made_again() -> None:
    peer = Peer()
    session, progress = ringing(peer, "Require: 100rel", sdp="")
    assert prack(peer, progress, body=SDP).status == 200
    assert peer.event(OfferAnswered).sdp == BODY
    peer.endpoint.accept(session, BODY, peer.now)
    [ok] = peer.sent()
    assert ok.body == b""
    peer.send("ACK", to_tag=ok.to.tag)
    assert peer.event(Established).sdp is None


def test_an_offer_in_the_prack_is_answered_in_its_200() -> None:
    peer = Peer()
    session, progress = ringing(peer, "Require: 100rel")
    rack = (f"RAck: {progress.first('rseq')} 1 INVITE",)
    assert peer.send("PRACK", to_tag=progress.to.tag, cseq=2, headers=rack, body=SDP) == []
    assert peer.event(Offer).kind == "prack"
    assert peer.endpoint.answer(session, BODY, peer.now)
    [ok] = peer.sent()
    assert (ok.cseq.method, ok.body) == ("PRACK", BODY)


@pytest.mark.parametrize("end", ["CANCEL", "refused", "no PRACK"])
def test_a_call_that_was_never_answered_leaves_no_offer_without_an_answer(end: str) -> None:
    peer = Peer()
    session, progress = ringing(peer, "Require: 100rel")
    rack = (f"RAck: {progress.first('rseq')} 1 INVITE",)
    peer.send("PRACK", to_tag=progress.to.tag, cseq=2, headers=rack, body=SDP)
    if end == "CANCEL":
        sent = peer.send("CANCEL", branch="z9hG4bKinvite")
    elif end == "refused":
        assert peer.endpoint.reject(session, 486, peer.now)
        sent = peer.sent()
    else:
        assert peer.endpoint.ring(session, peer.now, 180, None)
        sent = peer.advance(32.5)
    assert ("PRACK", 487) in [(each.cseq.method, each.status) for each in sent if isinstance(each, Response)]
    assert not peer.endpoint.answer(session, BODY, peer.now)
    peer.advance(64.0)
    assert peer.endpoint.held.transactions == 0


# --- we have called


def test_a_reliable_183_gets_a_prack_once_and_what_is_out_of_order_nothing() -> None:
    peer = Peer()
    _, invite = call(peer)
    reliable = [CONTACT, ("require", "100rel"), ("rseq", "41"), ("record-route", "<sip:192.0.2.51;lr>")]
    acknowledgement = only(reply(peer, invite, 183, headers=reliable, body=BODY))
    assert (acknowledgement.method, acknowledgement.uri) == ("PRACK", "sip:agent@192.0.2.1:5070")
    assert acknowledgement.first("rack") == f"41 {invite.cseq.number} INVITE"
    assert acknowledgement.values("route") == ["<sip:192.0.2.51;lr>"]
    assert peer.event(Progress).sdp == BODY
    peer.send_raw(acknowledgement.response(200).to_bytes())
    assert reply(peer, invite, 183, headers=reliable, body=BODY) == []
    assert reply(peer, invite, 180, headers=[CONTACT, ("require", "100rel"), ("rseq", "43")]) == []
    peer.no_event()
    second = only(reply(peer, invite, 180, headers=[CONTACT, ("require", "100rel"), ("rseq", "42")]))
    assert second.cseq.number == acknowledgement.cseq.number + 1
    assert peer.event(Progress).status == 180
    ack = only(reply(peer, invite, 200))
    assert ack.method == "ACK"
    assert peer.event(Answered).sdp == BODY
    session = invite  # requests of the confirmed dialog go on counting where the PRACKs stopped
    peer.endpoint.bye(1, peer.now)
    assert only(peer.sent()).cseq.number == second.cseq.number + 1
    assert session.cseq.number < second.cseq.number


def test_each_early_dialog_of_a_fork_has_its_own_prack_and_the_first_answer_wins() -> None:
    peer = Peer()
    session, invite = call(peer)
    reliable = [CONTACT, ("require", "100rel"), ("rseq", "1")]
    targets = {only(reply(peer, invite, 183, tag, reliable, BODY)).to.tag for tag in ("a", "b", "c")}
    assert targets == {"a", "b", "c"}
    assert [peer.event(Progress).branch for _ in range(3)] == ["a", "b", "c"]
    reply(peer, invite, 200, "b", body=b"the answer of b")
    assert peer.event(Answered).sdp == b"the answer of b"
    ack, bye = reply(peer, invite, 200, "c", body=BODY)
    assert isinstance(ack, Request)
    assert isinstance(bye, Request)
    assert (ack.method, ack.to.tag, bye.method, bye.to.tag) == ("ACK", "c", "BYE", "c")
    peer.no_event()
    assert peer.endpoint.bye(session, peer.now)
    assert only(peer.sent()).to.tag == "b"


def test_an_invite_without_offer_asks_for_no_reliable_ringing() -> None:
    """Its offer then comes with the 2xx, where our user can answer it."""
    _, invite = call(Peer(), sdp=None)
    assert invite.first("supported") == "timer, replaces, norefersub"
