"""An INVITE that waited for too long is refused without a transaction; calls that run are not."""

from tests.sip.peer import PEER, SDP, Peer
from voicebot.sip import IncomingCall, Offer, Response
from voicebot.sip.refusals import Refusals
from voicebot.sip.timers import TIMEOUT


def late(peer: Peer, data: bytes) -> list[Response]:
    peer.endpoint.receive(data, PEER, peer.now, late=True)
    return [one for one in peer.sent() if isinstance(one, Response)]


def standing(peer: Peer, **options: str) -> str:
    """Set a call up; return our tag."""
    peer.send("INVITE", body=SDP, **options)
    peer.endpoint.accept(peer.event(IncomingCall).session, SDP.encode(), peer.now)
    [ok] = peer.sent()
    peer.send("ACK", to_tag=ok.to.tag)
    assert peer.endpoint.next_event() is not None
    return ok.to.tag


def test_a_late_new_call_gets_503_with_retry_after_and_nothing_is_kept_of_it() -> None:
    peer = Peer()
    [response] = late(peer, peer.text("INVITE", body=SDP))
    assert (response.status, response.first("retry-after")) == (503, "10")
    assert response.to.tag
    peer.no_event()
    assert peer.endpoint.held.transactions == 0
    assert peer.send("ACK", to_tag=response.to.tag) == []


def test_what_was_refused_late_is_refused_again_when_it_is_repeated_in_time() -> None:
    peer = Peer()
    data = peer.text("INVITE", body=SDP)
    [first] = late(peer, data)
    peer.now += 0.5
    [again] = peer.send_raw(data)
    assert again.to_bytes() == first.to_bytes()
    peer.no_event()


def test_a_repetition_of_a_call_that_is_served_is_no_new_call() -> None:
    peer = Peer()
    data = peer.text("INVITE", body=SDP)
    peer.send_raw(data)
    peer.event(IncomingCall)
    assert late(peer, data) == []
    peer.no_event()
    assert [one.status for one in peer.advance(0.2) if isinstance(one, Response)] == [100]


def test_what_belongs_to_a_call_is_never_too_late() -> None:
    peer = Peer()
    tag = standing(peer, branch="z9hG4bKfirst")
    assert late(peer, peer.text("INVITE", to_tag=tag, cseq=2, body=SDP)) == []
    peer.event(Offer)
    replacing = f"Replaces: call-1;to-tag={tag};from-tag=a1"
    assert late(peer, peer.text("INVITE", call_id="call-2", headers=(replacing,), body=SDP)) == []
    peer.event(IncomingCall)
    [ok] = late(peer, peer.text("BYE", to_tag=tag, cseq=3))[:1]
    assert ok.status == 200


def test_refusals_are_remembered_as_long_as_they_may_be_repeated_and_no_longer_than_twice_that() -> None:
    refusals = Refusals()
    refusals.add("a", 100.0)
    refusals.add("b", 100.0 + TIMEOUT - 0.1)
    refusals.add("c", 100.0 + TIMEOUT + 0.1)
    assert "a" in refusals
    assert "b" in refusals
    refusals.add("d", 100.0 + 3 * TIMEOUT)
    assert "b" not in refusals
    assert "c" in refusals
