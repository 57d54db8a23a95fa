"""What a peer sees of session timers (RFC 4028), in both roles and with either side as the refresher."""

import random

import pytest

from tests.sip.harness import OFFER, Pair, accept
from tests.sip.peer import CONTACT, SDP, Peer, call, reply
from voicebot.sip import (
    Answered,
    Ended,
    Established,
    IncomingCall,
    OfferAnswered,
    Rejected,
    Request,
    Response,
    SessionTimers,
)

BODY = SDP.encode()


def called_with(peer: Peer, *headers: str) -> tuple[int, Response]:
    """Accept a call with these header fields, up to its ACK; return its session and our 200."""
    peer.send("INVITE", body=SDP, branch="z9hG4bKinvite", headers=headers)
    session = peer.event(IncomingCall).session
    peer.endpoint.accept(session, BODY, peer.now)
    [ok] = peer.sent()
    assert isinstance(ok, Response)
    peer.send("ACK", to_tag=ok.to.tag)
    peer.event(Established)
    return session, ok


@pytest.mark.parametrize(
    ("headers", "answer", "require"),
    [
        (("Supported: timer", "Session-Expires: 1800"), "1800;refresher=uac", "timer"),
        (("Supported: timer", "Session-Expires: 1800;refresher=uac"), "1800;refresher=uac", "timer"),
        (("Supported: timer", "Session-Expires: 1800;refresher=uas"), "1800;refresher=uas", "timer"),
        (("k: timer", "x: 120;refresher=uas"), "120;refresher=uas", "timer"),
        (("Supported: timer",), "600;refresher=uas", "timer"),
        # A proxy wants it, the caller does not know it: we refresh (table 2).
        (("Session-Expires: 300",), "300;refresher=uas", None),
        (("Session-Expires: 30",), "90;refresher=uas", None),
        (("Session-Expires: 100", "Min-SE: 240"), "240;refresher=uas", None),
        ((), None, None),
        (("Supported: timer", "Session-Expires: soon"), "600;refresher=uas", "timer"),
    ],
)
def test_the_200_says_who_refreshes(
    headers: tuple[str, ...], answer: str | None, require: str | None
) -> None:
    peer = Peer(session_timers=SessionTimers(expires=600))
    ok = called_with(peer, *headers)[1]
    assert (ok.first("session-expires"), ok.first("require")) == (answer, require)


def test_a_server_that_wants_no_timer_of_its_own_takes_that_of_the_peer() -> None:
    peer = Peer(session_timers=SessionTimers(expires=0))
    assert called_with(peer, "Supported: timer")[1].first("session-expires") is None
    peer = Peer(session_timers=SessionTimers(expires=0))
    ok = called_with(peer, "Supported: timer", "Session-Expires: 120")[1]
    assert ok.first("session-expires") == "120;refresher=uac"


def test_an_interval_under_our_min_se_is_422() -> None:
    peer = Peer(session_timers=SessionTimers(minimum=300))
    refusal = peer.answer("INVITE", body=SDP, headers=("Supported: timer", "Session-Expires: 299"))
    assert (refusal.status, refusal.first("min-se")) == (422, "300")


def test_we_refresh_by_update_at_half_the_interval_and_go_on() -> None:
    peer = Peer()
    session, _ = called_with(
        peer, "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE, UPDATE"
    )
    for _ in range(20):  # half an hour and more
        assert peer.advance(44.9) == []
        [update] = peer.advance(0.2)
        assert isinstance(update, Request)
        assert (update.method, update.body) == ("UPDATE", b"")
        assert update.first("session-expires") == "90;refresher=uac"
        ok = update.response(
            200,
            headers=[("session-expires", "90;refresher=uac"), ("require", "timer"), ("supported", "timer")],
        )
        peer.send_raw(ok.to_bytes())
    peer.no_event()
    assert peer.endpoint.bye(session, peer.now)


def test_without_update_we_refresh_by_a_reinvite_that_changes_nothing() -> None:
    peer = Peer()
    called_with(peer, "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE")
    [invite] = peer.advance(45.1)
    assert isinstance(invite, Request)
    assert (invite.method, invite.body) == ("INVITE", BODY)
    answer = [("content-type", "application/sdp"), ("session-expires", "90;refresher=uac")]
    [ack] = peer.send_raw(invite.response(200, headers=answer, body=BODY).to_bytes())
    assert isinstance(ack, Request)
    assert ack.method == "ACK"
    assert peer.event(OfferAnswered).refresh
    assert [one.method for one in peer.advance(45.1) if isinstance(one, Request)] == ["INVITE"]


def test_a_peer_whose_update_is_not_allowed_after_all_gets_a_reinvite() -> None:
    peer = Peer()
    called_with(peer, "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: UPDATE")
    [update] = peer.advance(45.1)
    assert isinstance(update, Request)
    [invite] = peer.send_raw(update.response(405).to_bytes())
    assert isinstance(invite, Request)
    assert invite.method == "INVITE"


@pytest.mark.parametrize("status", [408, 481])
@pytest.mark.parametrize("allow", ["INVITE, UPDATE", "INVITE"])
def test_a_peer_that_has_lost_the_call_ends_it_at_the_refresh(status: int, allow: str) -> None:
    peer = Peer()
    called_with(peer, "Supported: timer", "Session-Expires: 90;refresher=uas", f"Allow: {allow}")
    [refresh] = peer.advance(45.1)
    assert isinstance(refresh, Request)
    sent = peer.send_raw(refresh.response(status).to_bytes())
    bye = sent[-1]
    assert isinstance(bye, Request)
    assert bye.method == "BYE"
    peer.send_raw(bye.response(200).to_bytes())
    assert str(status) in peer.event(Ended).cause
    assert peer.endpoint.held.sessions == 0


def test_a_refresh_that_is_refused_is_tried_again_and_the_session_ends_in_time() -> None:
    peer = Peer()
    called_with(peer, "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: UPDATE")
    methods = []
    now = peer.now
    while peer.now < now + 100:
        for one in peer.advance(0.1):
            if isinstance(one, Request):
                methods.append((one.method, round(peer.now - now)))
                peer.send_raw(one.response(503 if one.method == "UPDATE" else 200).to_bytes())
    assert methods == [("UPDATE", 45), ("UPDATE", 54), ("BYE", 60)]
    assert "Session timer" in peer.event(Ended).cause


def test_a_422_to_our_refresh_raises_the_interval() -> None:
    peer = Peer()
    called_with(peer, "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: UPDATE")
    [update] = peer.advance(45.1)
    assert isinstance(update, Request)
    peer.send_raw(update.response(422, headers=[("min-se", "200")]).to_bytes())
    [again] = peer.advance(0.1)
    assert (again.first("session-expires"), again.first("min-se")) == ("200;refresher=uac", "200")


def test_a_422_to_our_invite_is_followed_once_per_higher_min_se() -> None:
    peer = Peer()
    session, first = call(peer)
    supported = "timer, 100rel, replaces, norefersub"
    assert (first.first("session-expires"), first.first("supported")) == ("1800", supported)
    ack, second = reply(peer, first, 422, headers=[("min-se", "3600")])
    assert isinstance(ack, Request)
    assert isinstance(second, Request)
    assert (ack.method, second.first("session-expires"), second.first("min-se")) == ("ACK", "3600", "3600")
    assert second.call_id == first.call_id
    assert second.cseq.number == first.cseq.number + 1
    reply(peer, second, 422, headers=[("min-se", "3600")])
    rejected = peer.event(Rejected)
    assert (rejected.session, rejected.status) == (session, 422)


def test_the_callee_may_make_us_refresh_or_do_it_itself() -> None:
    for refresher, expected in (("uac", "UPDATE"), ("uas", "BYE")):
        peer = Peer()
        _, invite = call(peer)
        timer = ("session-expires", f"120;refresher={refresher}")
        reply(peer, invite, 200, headers=[CONTACT, timer, ("allow", "UPDATE")], body=BODY)
        peer.event(Answered)
        assert peer.advance(59) == []
        sent = peer.advance(30)
        assert next(one.method for one in sent if isinstance(one, Request)) == expected


def test_a_refresh_that_met_the_peers_offer_offers_what_holds_then() -> None:
    peer = Peer()
    session, ok = called_with(
        peer, "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE"
    )
    [refresh] = peer.advance(45.1)
    assert isinstance(refresh, Request)
    peer.send_raw(refresh.response(491).to_bytes())
    peer.send("INVITE", to_tag=ok.to.tag, cseq=2, body=SDP)
    held = BODY.replace(b"o=- 1 1", b"o=- 1 2") + b"a=recvonly\r\n"
    assert peer.endpoint.answer(session, held, peer.now)
    peer.sent()
    peer.send("ACK", to_tag=ok.to.tag, cseq=2)
    again = [one for one in peer.advance(50) if isinstance(one, Request)]
    assert (again[0].method, again[0].body) == ("INVITE", held)


class Lossy:
    """Loses a tenth of the datagrams."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def __call__(self, index: int, data: bytes) -> bool:
        return self._rng.random() < 0.1


def test_two_endpoints_stay_up_for_an_hour_on_a_90_second_timer() -> None:
    """Whoever of the two refreshes; with a network that loses a tenth of the datagrams."""
    for seed, expires in ((1, 90), (2, 1800)):
        pair = Pair(lose=Lossy(seed), timers=SessionTimers(expires=expires))
        pair.callee.on(IncomingCall, accept())
        call = pair.call(OFFER)
        pair.run(3600)
        assert not pair.caller.all(Ended)
        assert not pair.callee.all(Ended)
        assert pair.caller.endpoint.bye(call, pair.now)
        pair.run(120)
        pair.assert_nothing_held()


def test_a_call_whose_peer_vanishes_ends_within_the_interval() -> None:
    gone = False
    pair = Pair(lose=lambda index, data: gone, timers=SessionTimers(expires=90))
    pair.callee.on(IncomingCall, accept())
    pair.call(OFFER)
    pair.run(10)
    gone = True
    pair.run(150)
    assert pair.caller.one(Ended).cause
    assert pair.callee.one(Ended).cause
    pair.assert_nothing_held()
