"""What a peer sees that asks for our password (RFC 3261 section 22)."""

import pytest

from tests.sip.peer import PEER, SDP, Peer, call, only, reply
from voicebot.sip import (
    Answered,
    Credentials,
    Ended,
    Established,
    IncomingCall,
    Rejected,
    Request,
    Response,
)
from voicebot.sip.digest import Realm, ServerAuthentication
from voicebot.sip.message import HeaderList

ALICE = Credentials("alice", "secret")


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
