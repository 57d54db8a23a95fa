"""What a peer sees that we call (RFC 3261 sections 9.1, 13.2, 14.1, 22; RFC 3515)."""

import pytest

from tests.sip.peer import PEER, SDP, Peer
from voicebot.sip import (
    Address,
    Answered,
    Credentials,
    Ended,
    Established,
    IncomingCall,
    Limits,
    OfferAnswered,
    OfferRejected,
    PingAnswered,
    Progress,
    ReferProgress,
    Rejected,
    Request,
    Response,
    SipError,
)
from voicebot.sip.digest import Realm, ServerAuthentication
from voicebot.sip.message import HeaderList

ALICE = Credentials("alice", "secret")
CONTACT = ("contact", "<sip:agent@192.0.2.1:5070>")


def call(peer: Peer, sdp: bytes | None = b"offer", **options: object) -> tuple[int, Request]:
    session = peer.endpoint.invite("sip:agent@192.0.2.1", "sip:bot@x", sdp, peer.now, **options)  # type: ignore[arg-type]
    [invite] = peer.sent()
    assert isinstance(invite, Request)
    return session, invite


def reply(
    peer: Peer,
    request: Request,
    status: int,
    tag: str = "t1",
    headers: HeaderList = (CONTACT,),
    body: bytes = b"",
) -> list[Request | Response]:
    lines = [*headers, ("content-type", "application/sdp")] if body else headers
    return peer.send_raw(request.response(status, to_tag=tag, headers=lines, body=body).to_bytes())


def answered(peer: Peer) -> tuple[int, Request]:
    session, invite = call(peer)
    [ack] = reply(peer, invite, 200, body=SDP.encode())
    assert isinstance(ack, Request)
    peer.event(Answered)
    return session, ack


def only(messages: list[Request | Response]) -> Request:
    [message] = messages
    assert isinstance(message, Request)
    return message


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


def challenge(realm: Realm, now: float, stale: bool = False) -> HeaderList:
    return ServerAuthentication(b"k" * 32).challenge(realm, now, stale=stale)


REALM = Realm("pbx", {"alice": "secret"})


def test_a_challenge_is_answered_and_the_ack_carries_the_credentials() -> None:
    peer = Peer()
    server = ServerAuthentication(b"k" * 32)
    _, invite = call(peer, credentials=ALICE)
    ack, second = reply(peer, invite, 401, headers=server.challenge(REALM, peer.now))
    assert isinstance(ack, Request)
    assert isinstance(second, Request)
    assert second.cseq.number == invite.cseq.number + 1
    assert second.via.branch != invite.via.branch
    assert second.from_.tag == invite.from_.tag
    assert server.check(second, REALM, peer.now).user == "alice"
    final = only(reply(peer, second, 200, body=SDP.encode()))
    assert final.first("authorization") == second.first("authorization")


def test_requests_in_the_dialog_are_authenticated_too() -> None:
    peer = Peer()
    server = ServerAuthentication(b"k" * 32)
    session, invite = call(peer, credentials=ALICE)
    second = reply(peer, invite, 401, headers=server.challenge(REALM, peer.now))[-1]
    assert isinstance(second, Request)
    server.check(second, REALM, peer.now)
    reply(peer, second, 200, body=SDP.encode())
    peer.event(Answered)
    peer.endpoint.bye(session, peer.now)
    bye = only(peer.sent())
    assert server.check(bye, REALM, peer.now).user == "alice"
    again = only(reply(peer, bye, 401, headers=server.challenge(REALM, peer.now + 1, stale=True)))
    assert server.check(again, REALM, peer.now + 1).user == "alice"
    reply(peer, again, 200)
    peer.event(Ended)


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "INVITE", "REFER"])
def test_requests_in_a_call_that_came_in_are_authenticated_too(method: str) -> None:
    """What a PBX asks of the hotline that it called: a transfer must not end in a 401."""
    peer = Peer(credentials=lambda invite, source: ALICE if source == PEER else None)
    server = ServerAuthentication(b"k" * 32)
    peer.send("INVITE", body=SDP)
    session = peer.event(IncomingCall).session
    peer.endpoint.accept(session, b"answer", peer.now)
    [accepted] = peer.sent()
    assert isinstance(accepted, Response)
    peer.send("ACK", to_tag=accepted.to.tag)
    peer.event(Established)
    requests = {
        "BYE": lambda: peer.endpoint.bye(session, peer.now),
        "INFO": lambda: peer.endpoint.info(session, "application/dtmf-relay", b"Signal=1", peer.now),
        "UPDATE": lambda: peer.endpoint.update(session, b"offer", peer.now),
        "INVITE": lambda: peer.endpoint.reinvite(session, b"offer", peer.now),
        "REFER": lambda: peer.endpoint.refer(session, "sip:6001@192.0.2.1", peer.now),
    }
    assert requests[method]()
    first = only(peer.sent())
    assert first.method == method
    again = reply(peer, first, 401, headers=server.challenge(REALM, peer.now))[-1]
    assert isinstance(again, Request)
    assert (again.method, again.cseq.number) == (method, first.cseq.number + 1)
    assert server.check(again, REALM, peer.now).user == "alice"


def test_a_cancel_goes_the_way_of_its_invite_and_without_credentials() -> None:
    peer = Peer()
    session, invite = call(peer, headers=[("Route", "<sip:192.0.2.1;lr>")])
    reply(peer, invite, 180)
    peer.endpoint.cancel(session, peer.now)
    cancel = only(peer.sent())
    assert cancel.values("route") == ["<sip:192.0.2.1;lr>"]
    assert not cancel.has("authorization")


def test_why_a_challenge_ends_a_call_is_told_apart() -> None:
    without = Peer()
    _, invite = call(without)
    reply(without, invite, 407, headers=[("proxy-authenticate", challenge(REALM, 0)[0][1])])
    assert without.event(Rejected).why == "no_credentials"

    elsewhere = Peer()
    _, invite = call(elsewhere, credentials=Credentials("alice", "secret", realm="other"))
    reply(elsewhere, invite, 401, headers=challenge(REALM, 0))
    assert elsewhere.event(Rejected).why == "no_credentials"

    refused = Peer()
    _, invite = call(refused, credentials=ALICE)
    second = reply(refused, invite, 401, headers=challenge(REALM, 0))[-1]
    assert isinstance(second, Request)
    reply(refused, second, 401, headers=challenge(REALM, 1))
    assert refused.event(Rejected).why == "credentials_refused"

    exhausted = Peer()
    _, invite = call(exhausted, credentials=ALICE)
    for attempt in range(3):
        [_, *again] = reply(exhausted, invite, 401, headers=challenge(REALM, attempt, stale=attempt > 0))
        if again:
            assert isinstance(again[0], Request)
            invite = again[0]
    assert exhausted.event(Rejected).why == "tries_exhausted"


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
