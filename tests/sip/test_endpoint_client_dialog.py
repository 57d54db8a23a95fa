"""What a peer sees of a call of ours that stands: offers, routes, REFER (RFC 3261 sections 12.2, 14.1; RFC 3515)."""

import pytest

from tests.sip.peer import CONTACT, SDP, Peer, answered, call, only, reply
from voicebot.sip import (
    Address,
    Ended,
    Limits,
    OfferAnswered,
    OfferRejected,
    ReferProgress,
    Request,
    Response,
)


@pytest.mark.parametrize("by_peer", [False, True])
def test_a_reinvite_that_is_only_tried_is_not_held_beyond_the_call(by_peer: bool) -> None:
    """Found by fuzzing: after a 100 the INVITE has no timer; when the call is over, 64*T1 remain for its answer."""
    peer = Peer()
    session, ack = answered(peer)
    assert peer.endpoint.reinvite(session, SDP.encode(), peer.now)
    reinvite = only(peer.sent())
    reply(peer, reinvite, 100)
    if by_peer:
        bye = peer.text("BYE", to_tag=ack.from_.tag, call_id=ack.call_id).replace(b"tag=a1", b"tag=t1")
        [done] = peer.send_raw(bye)
        assert isinstance(done, Response)
        assert done.status == 200
    else:
        assert peer.endpoint.bye(session, peer.now)
        peer.sent()
    peer.advance(10)
    # A late answer still gets its ACK.
    assert [one.method for one in reply(peer, reinvite, 487) if isinstance(one, Request)] == ["ACK"]
    peer.advance(100)
    assert peer.endpoint.held.transactions == 0


def test_our_reinvite_brings_an_answer_or_leaves_the_session_as_it_was() -> None:
    peer = Peer()
    session, _ = answered(peer)
    assert peer.endpoint.reinvite(session, b"offer 2", peer.now)
    reinvite = only(peer.sent())
    assert not peer.endpoint.reinvite(session, b"offer 3", peer.now)
    assert only(reply(peer, reinvite, 200, body=b"answer 2")).method == "ACK"
    assert peer.event(OfferAnswered).sdp == b"answer 2"
    assert peer.endpoint.reinvite(session, b"offer 3", peer.now)
    reply(peer, only(peer.sent()), 488)
    assert peer.event(OfferRejected).status == 488
    assert peer.endpoint.bye(session, peer.now)


def test_a_peer_that_forgot_the_call_ends_it() -> None:
    peer = Peer()
    session, _ = answered(peer)
    peer.endpoint.reinvite(session, b"offer 2", peer.now)
    _, bye = reply(peer, only(peer.sent()), 481)
    assert isinstance(bye, Request)
    assert bye.method == "BYE"
    reply(peer, bye, 481)
    assert peer.event(Ended).cause == "SIP;cause=481"


def test_a_strict_router_gets_its_own_uri() -> None:
    peer = Peer()
    session, invite = call(peer)
    route = ("record-route", "<sip:192.0.2.60>")
    reply(peer, invite, 200, headers=(CONTACT, route), body=SDP.encode())
    peer.endpoint.bye(session, peer.now)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == Address("udp", "192.0.2.60", 5060)
    assert datagram.data.startswith(b"BYE sip:192.0.2.60 SIP/2.0\r\n")
    assert b"Route: <sip:agent@192.0.2.1:5070>\r\n" in datagram.data


def notify(peer: Peer, ack: Request, cseq: int, state: str, frag: str) -> Response:
    text = peer.text(
        "NOTIFY",
        to_tag=ack.from_.tag,
        cseq=cseq,
        call_id=ack.call_id,
        headers=("Event: refer", f"Subscription-State: {state}", "Content-Type: message/sipfrag"),
        body=frag,
    )
    text = text.replace(b";tag=a1", f";tag={ack.to.tag}".encode())
    response = peer.send_raw(text)[0]
    assert isinstance(response, Response)
    return response


def test_a_transfer_succeeds_with_the_final_notify_only() -> None:
    peer = Peer()
    session, ack = answered(peer)
    assert peer.endpoint.refer(session, "sip:6001@192.0.2.9", peer.now)
    refer = only(peer.sent())
    assert refer.first("refer-to") == "<sip:6001@192.0.2.9>"
    reply(peer, refer, 202)
    peer.no_event()
    assert notify(peer, ack, 1, "active", "SIP/2.0 180 Ringing").status == 200
    assert (peer.event(ReferProgress).final) is False
    notify(peer, ack, 2, "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n")
    progress = peer.event(ReferProgress)
    assert (progress.status, progress.reason, progress.final) == (486, "Busy Here", True)
    assert notify(peer, ack, 3, "active", "SIP/2.0 200 OK").status == 481


def test_a_transfer_without_news_or_without_an_outcome_is_no_success() -> None:
    silent = Peer(limits=Limits(refer=20.0))
    session, _ = answered(silent)
    silent.endpoint.refer(session, "sip:6001@192.0.2.9", silent.now)
    reply(silent, only(silent.sent()), 202, headers=[("refer-sub", "false")])
    silent.advance(21)
    progress = silent.event(ReferProgress)
    assert (progress.status, progress.final) == (408, True)

    vague = Peer()
    session, ack = answered(vague)
    vague.endpoint.refer(session, "sip:6001@192.0.2.9", vague.now)
    reply(vague, only(vague.sent()), 202)
    notify(vague, ack, 1, "terminated", "SIP/2.0 100 Trying")
    assert vague.event(ReferProgress).status == 487

    refused = Peer()
    session, _ = answered(refused)
    refused.endpoint.refer(session, "sip:6001@192.0.2.9", refused.now)
    reply(refused, only(refused.sent()), 603)
    assert refused.event(ReferProgress).status == 603


def test_refer_of_a_peer_is_declined_unless_wanted() -> None:
    peer = Peer()
    _, ack = answered(peer)
    text = peer.text("REFER", to_tag=ack.from_.tag, call_id=ack.call_id, headers=("Refer-To: <sip:x@y>",))
    [response] = peer.send_raw(text.replace(b";tag=a1", f";tag={ack.to.tag}".encode()))
    assert isinstance(response, Response)
    assert response.status == 603
