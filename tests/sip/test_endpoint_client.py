"""What a peer sees that we call (RFC 3261 sections 9.1, 13.2)."""

import pytest

from tests.sip.peer import PEER, SDP, Peer, call, only, reply
from voicebot.sip import (
    Answered,
    Ended,
    Limits,
    PingAnswered,
    Progress,
    Rejected,
    Request,
    SipError,
)


def test_an_answer_is_acknowledged_at_its_contact_and_again_when_repeated() -> None:
    peer = Peer()
    session, invite = call(peer)
    reply(peer, invite, 180)
    assert peer.event(Progress).status == 180
    ack = only(reply(peer, invite, 200, body=SDP.encode()))
    assert (ack.method, ack.uri, ack.cseq.number) == ("ACK", "sip:agent@192.0.2.1:5070", invite.cseq.number)
    assert ack.via.branch != invite.via.branch
    assert peer.event(Answered).session == session
    assert only(reply(peer, invite, 200, body=SDP.encode())).to_bytes() == ack.to_bytes()
    peer.no_event()


def test_a_forked_second_answer_is_acknowledged_and_ended() -> None:
    peer = Peer()
    session, invite = call(peer)
    reply(peer, invite, 200, tag="t1", body=SDP.encode())
    ack, bye = reply(peer, invite, 200, tag="t2", body=SDP.encode())
    assert isinstance(ack, Request)
    assert isinstance(bye, Request)
    assert (ack.method, ack.to.tag, bye.method, bye.to.tag) == ("ACK", "t2", "BYE", "t2")
    peer.event(Answered)
    peer.no_event()
    assert peer.endpoint.bye(session, peer.now)


@pytest.mark.parametrize("status", [300, 404, 480, 486, 503, 603])
def test_a_refusal_is_told_with_the_words_of_the_peer(status: int) -> None:
    peer = Peer()
    session, invite = call(peer)
    ack = only(reply(peer, invite, status))
    assert (ack.method, ack.via.branch) == ("ACK", invite.via.branch)
    rejected = peer.event(Rejected)
    assert (rejected.session, rejected.status, rejected.why) == (session, status, "refused")


def test_no_answer_at_all_is_a_timeout() -> None:
    peer = Peer()
    call(peer)
    assert len(peer.advance(32)) == 6
    rejected = peer.event(Rejected)
    assert (rejected.status, rejected.why) == (408, "timeout")
    assert peer.endpoint.held.transactions == 0


def test_cancel_waits_for_a_provisional_response() -> None:
    peer = Peer()
    session, invite = call(peer)
    assert peer.endpoint.cancel(session, peer.now)
    assert peer.sent() == []
    cancel = only(reply(peer, invite, 100, tag=""))
    assert (cancel.method, cancel.via.branch, cancel.uri) == ("CANCEL", invite.via.branch, invite.uri)
    reply(peer, cancel, 200)
    reply(peer, invite, 487)
    assert peer.event(Rejected).why == "cancelled"


def given_up(peer: Peer) -> Request:
    """A phone that is switched off was called, for two seconds; return the INVITE."""
    session, invite = call(peer)
    assert len(peer.advance(2.0)) == 2
    assert peer.endpoint.cancel(session, peer.now)
    return invite


def test_a_phone_that_is_started_after_the_caller_gave_up_is_not_called() -> None:
    """The deviation from section 17.1.1.2 that transaction_invite_client.py explains: no repetitions any more."""
    peer = Peer()
    given_up(peer)
    assert peer.advance(40) == []
    rejected = peer.event(Rejected)
    assert rejected.why == "cancelled"
    assert peer.endpoint.held.transactions == 0
    peer.no_event()


def test_a_late_answer_to_what_was_given_up_unheard_is_acknowledged_and_ended() -> None:
    peer = Peer()
    invite = given_up(peer)
    peer.advance(20)
    ack, bye = reply(peer, invite, 200, body=SDP.encode())
    assert isinstance(ack, Request)
    assert isinstance(bye, Request)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert peer.event(Rejected).why == "cancelled"


def test_a_late_word_of_what_was_given_up_unheard_is_cancelled_and_its_refusal_acknowledged() -> None:
    peer = Peer()
    invite = given_up(peer)
    peer.advance(20)
    assert only(reply(peer, invite, 180)).method == "CANCEL"
    assert only(reply(peer, invite, 487)).method == "ACK"
    refused = Peer()
    assert only(reply(refused, given_up(refused), 486)).method == "ACK"
    assert refused.event(Rejected).status == 486


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    peer = Peer()
    session, invite = call(peer)
    reply(peer, invite, 180)
    peer.event(Progress)
    peer.endpoint.cancel(session, peer.now)
    peer.sent()
    ack, bye = reply(peer, invite, 200, body=SDP.encode())
    assert isinstance(ack, Request)
    assert isinstance(bye, Request)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert peer.event(Rejected).why == "cancelled"
    assert only(reply(peer, invite, 200, body=SDP.encode())).method == "ACK"


def test_a_cancelled_invite_without_final_response_is_abandoned() -> None:
    peer = Peer()
    session, invite = call(peer)
    reply(peer, invite, 180)
    peer.event(Progress)
    peer.endpoint.cancel(session, peer.now)
    peer.advance(40)
    assert peer.event(Rejected).why == "cancelled"
    assert peer.endpoint.held.transactions == 0


def test_endless_ringing_is_cancelled() -> None:
    peer = Peer(limits=Limits(ring=30.0))
    _, invite = call(peer)
    reply(peer, invite, 180)
    assert [one.method for one in peer.advance(30.1) if isinstance(one, Request)] == ["CANCEL"]


def test_pings_tell_who_is_there() -> None:
    peer = Peer()
    ping = peer.endpoint.options("sip:192.0.2.1", "sip:bot@192.0.2.2", peer.now)
    reply(peer, only(peer.sent()), 404)
    answer = peer.event(PingAnswered)
    assert (answer.ping, answer.status, answer.local) == (ping, 404, False)
    peer.endpoint.options("sip:192.0.2.1", "sip:bot@192.0.2.2", peer.now)
    peer.advance(40)
    assert peer.event(PingAnswered).local


@pytest.mark.parametrize(
    "uri", ["tel:+4912345", "sip:agent@pbx.example.com", "nonsense", "sip:a b@192.0.2.1"]
)
def test_what_cannot_be_called_is_an_error_at_once(uri: str) -> None:
    peer = Peer()
    with pytest.raises(SipError):
        peer.endpoint.invite(uri, "sip:bot@x", None, peer.now)
    assert peer.endpoint.held.sessions == 0


def test_a_name_can_be_called_where_it_resolves_to_and_headers_in_a_uri_are_dropped() -> None:
    peer = Peer()
    peer.endpoint.invite("sip:a@pbx.test?Subject=x", "sip:bot@x", None, peer.now, destination=PEER)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == PEER
    assert datagram.data.startswith(b"INVITE sip:a@pbx.test SIP/2.0\r\n")


def test_early_media_is_told_and_serves_as_answer_if_the_200_has_none() -> None:
    peer = Peer()
    _, invite = call(peer)
    reply(peer, invite, 183, body=SDP.encode())
    assert peer.event(Progress).sdp == SDP.encode()
    reply(peer, invite, 200)
    assert peer.event(Answered).sdp == SDP.encode()


def test_a_late_offer_that_nobody_answers_is_acknowledged_and_ended() -> None:
    peer = Peer()
    session, invite = call(peer, sdp=None)
    assert reply(peer, invite, 200, body=SDP.encode()) == []
    assert peer.event(Answered).sdp == SDP.encode()
    assert peer.endpoint.bye(session, peer.now)
    assert [one.method for one in peer.sent() if isinstance(one, Request)] == ["ACK", "BYE"]

    silent = Peer()
    _, invite = call(silent, sdp=None)
    reply(silent, invite, 200, body=SDP.encode())
    silent.event(Answered)
    sent = [one.method for one in silent.advance(32.1) if isinstance(one, Request)]
    assert sent == ["ACK", "BYE"]
    silent.advance(40)
    assert "No answer" in silent.event(Ended).cause
