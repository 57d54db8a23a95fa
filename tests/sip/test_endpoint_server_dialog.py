"""What a peer sees of a call that stands: BYE, INFO, offers, refreshes (RFC 3261 section 12.2, 14.2, 15; RFC 3311)."""

import pytest

from tests.sip.peer import ANSWER, SDP, Peer, called, standing
from voicebot.sip import (
    Address,
    Ended,
    Established,
    InfoReceived,
    Offer,
    OfferAnswered,
    ReferReceived,
    Request,
    Response,
)


def test_options_are_answered_in_and_out_of_dialogs() -> None:
    peer = Peer()
    response = peer.answer("OPTIONS")
    assert response.status == 200
    assert "INVITE" in (response.first("allow") or "")
    assert response.first("accept") == "application/sdp"
    _, tag = standing(peer)
    assert peer.answer("OPTIONS", to_tag=tag, cseq=2).status == 200


def test_while_draining_new_calls_and_pings_get_503_and_standing_calls_go_on() -> None:
    peer = Peer()
    _, tag = standing(peer)
    peer.endpoint.drain(60)
    for method in ("INVITE", "OPTIONS"):
        response = peer.answer(method, call_id="other")
        assert (response.status, response.first("retry-after")) == (503, "60")
    assert peer.answer("BYE", to_tag=tag, cseq=2).status == 200


def test_bye_ends_the_call_and_tells_the_reason() -> None:
    peer = Peer()
    session, tag = standing(peer)
    response = peer.answer("BYE", to_tag=tag, cseq=2, headers=("Reason: Q.850;cause=16",))
    assert response.status == 200
    ended = peer.event(Ended)
    assert (ended.session, ended.by_peer, ended.cause) == (session, True, "Q.850;cause=16")
    assert peer.answer("INFO", to_tag=tag, cseq=3).status == 481


def test_crossing_byes_end_the_call_once() -> None:
    peer = Peer()
    session, tag = standing(peer)
    peer.endpoint.bye(session, peer.now)
    peer.sent()
    assert peer.answer("BYE", to_tag=tag, cseq=2).status == 200
    assert not peer.event(Ended).by_peer
    peer.advance(64)
    peer.no_event()


def test_requests_of_a_dialog_must_rise_in_cseq() -> None:
    peer = Peer()
    _, tag = standing(peer)
    assert peer.answer("INFO", to_tag=tag, cseq=5).status == 200
    assert peer.answer("INFO", to_tag=tag, cseq=4).status == 500


def test_info_is_answered_and_told() -> None:
    peer = Peer()
    _, tag = standing(peer)
    headers = ("Content-Type: application/dtmf-relay",)
    peer.send("INFO", to_tag=tag, cseq=2, headers=headers, body="Signal=5")
    info = peer.event(InfoReceived)
    assert (info.content_type, info.body) == ("application/dtmf-relay", b"Signal=5")


def test_a_reinvite_is_an_offer_and_its_200_is_repeated_until_the_ack() -> None:
    peer = Peer()
    session, tag = standing(peer)
    peer.send("INVITE", to_tag=tag, cseq=2, body=SDP)
    offer = peer.event(Offer)
    assert (offer.kind, offer.sdp) == ("reinvite", ANSWER)
    assert peer.endpoint.answer(session, b"answer", peer.now)
    [ok] = peer.sent()
    assert (isinstance(ok, Response) and ok.status, ok.body) == (200, b"answer")
    assert len(peer.advance(1)) == 1
    peer.send("ACK", to_tag=tag, cseq=2)
    assert peer.advance(10) == []
    peer.no_event()


def test_a_reinvite_without_offer_gets_ours_and_the_ack_has_the_answer() -> None:
    peer = Peer()
    session, tag = standing(peer)
    peer.send("INVITE", to_tag=tag, cseq=2)
    assert peer.event(Offer).sdp is None
    peer.endpoint.answer(session, b"our offer", peer.now)
    peer.sent()
    assert peer.answer("INVITE", to_tag=tag, cseq=3, body=SDP).status == 491
    peer.send("ACK", to_tag=tag, cseq=2, body=SDP)
    assert peer.event(OfferAnswered).sdp == ANSWER


def test_an_offer_can_be_refused_and_the_call_goes_on() -> None:
    peer = Peer()
    session, tag = standing(peer)
    peer.send("INVITE", to_tag=tag, cseq=2, body=SDP)
    peer.event(Offer)
    assert peer.endpoint.reject_offer(session, 488, peer.now)
    [response] = peer.sent()
    assert isinstance(response, Response)
    assert response.status == 488
    peer.send("INVITE", to_tag=tag, cseq=3, body=SDP)
    peer.event(Offer)


def test_offers_that_cross_ours_get_491() -> None:
    peer = Peer()
    session, tag = standing(peer)
    assert peer.endpoint.reinvite(session, b"offer", peer.now)
    peer.sent()
    assert peer.answer("INVITE", to_tag=tag, cseq=2, body=SDP).status == 491
    assert peer.answer("UPDATE", to_tag=tag, cseq=3, body=SDP).status == 491


def test_our_reinvite_that_crossed_theirs_is_sent_again() -> None:
    peer = Peer()
    session, _ = standing(peer)
    peer.endpoint.reinvite(session, b"offer", peer.now)
    [first] = peer.sent()
    assert isinstance(first, Request)
    [ack] = peer.send_raw(first.response(491).to_bytes())
    assert isinstance(ack, Request)
    assert ack.method == "ACK"
    again = [one for one in peer.advance(4.5) if isinstance(one, Request)]
    assert again[0].method == "INVITE"
    assert again[0].body == b"offer"
    assert again[0].cseq.number > first.cseq.number


def test_a_second_offer_before_the_answer_gets_500_and_retry_after() -> None:
    peer = Peer()
    _, tag = standing(peer)
    peer.send("INVITE", to_tag=tag, cseq=2, body=SDP)
    response = peer.answer("INVITE", to_tag=tag, cseq=3, body=SDP)
    assert response.status == 500
    assert response.has("retry-after")


def test_update_without_offer_refreshes_the_session_and_the_target() -> None:
    peer = Peer()
    session, tag = standing(peer)
    data = peer.text(
        "UPDATE", to_tag=tag, cseq=2, headers=("Supported: timer", "Session-Expires: 1800;refresher=uac")
    )
    [ok] = peer.send_raw(data.replace(b"<sip:alice@192.0.2.1:5060>", b"<sip:moved@192.0.2.7:5066>"))
    assert isinstance(ok, Response)
    assert (ok.status, ok.first("session-expires")) == (200, "1800;refresher=uac")
    peer.endpoint.bye(session, peer.now)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == Address("udp", "192.0.2.7", 5066)
    assert datagram.data.startswith(b"BYE sip:moved@192.0.2.7:5066 ")


def test_a_session_that_is_not_refreshed_ends() -> None:
    peer = Peer()
    call = called(peer, headers=("Supported: timer", "Session-Expires: 90"))
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    [ok] = peer.sent()
    assert ok.first("require") == "timer"
    peer.send("ACK", to_tag=ok.to.tag)
    peer.event(Established)
    assert peer.advance(59) == []
    [bye, *_] = peer.advance(2)
    assert isinstance(bye, Request)
    assert bye.method == "BYE"


def test_requests_of_ours_follow_the_route_set_of_the_caller() -> None:
    peer = Peer()
    routes = ("Record-Route: <sip:192.0.2.51;lr>", "Record-Route: <sip:192.0.2.52;lr>")
    call = called(peer, headers=routes)
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    [ok] = peer.sent()
    peer.send("ACK", to_tag=ok.to.tag)
    peer.endpoint.bye(call.session, peer.now)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == Address("udp", "192.0.2.51", 5060)
    assert b"Route: <sip:192.0.2.51;lr>\r\nRoute: <sip:192.0.2.52;lr>\r\n" in datagram.data
    assert datagram.data.startswith(b"BYE sip:alice@192.0.2.1:5060 ")


@pytest.mark.parametrize("ours", [False, True])
def test_a_call_that_ends_leaves_no_refer_without_an_answer(ours: bool) -> None:
    """Many a phone sends REFER and BYE in one breath: before our user has heard of the first (RFC 3261 section 15.1.2)."""
    peer = Peer(accept_refer=True)
    session, tag = standing(peer)
    refer = peer.send("REFER", to_tag=tag, cseq=2, headers=("Refer-To: <sip:6001@192.0.2.9>",))
    assert refer == []
    peer.event(ReferReceived)
    if ours:
        peer.endpoint.bye(session, peer.now)
        sent = peer.sent()
    else:
        sent = peer.send("BYE", to_tag=tag, cseq=3)
    answers = {each.cseq.method: each.status for each in sent if isinstance(each, Response)}
    assert answers == ({"REFER": 487} if ours else {"REFER": 487, "BYE": 200})
    assert not peer.endpoint.answer_refer(session, 202, peer.now)
    peer.advance(64.0)
    assert peer.endpoint.held.transactions == 0
