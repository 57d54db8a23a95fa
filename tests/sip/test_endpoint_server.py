"""What a peer sees that calls us or asks us something (RFC 3261 section 8.2, 9.2, 13.3)."""

import pytest

from tests.sip.peer import ANSWER, OURS, PEER, SDP, Peer, called
from voicebot.sip import (
    Address,
    Cancelled,
    Ended,
    Established,
    IncomingCall,
    Limits,
    Realm,
    Request,
    Response,
)
from voicebot.sip.digest import ClientAuthentication, Credentials
from voicebot.sip.guard import Guard


def test_an_invite_becomes_an_event() -> None:
    call = called(Peer())
    assert call.sdp == ANSWER
    assert call.source == PEER
    assert call.request.from_.display_name == "Alice"
    assert call.request.target.user == "bot"


def test_only_an_invite_that_is_not_answered_at_once_gets_a_100() -> None:
    """RFC 3261 section 17.2.1: within 200 ms the user's own response will do."""
    peer = Peer()
    called(peer)
    assert peer.advance(0.199) == []
    [trying] = peer.advance(0.001)
    assert isinstance(trying, Response)
    assert (trying.status, trying.to.tag) == (100, "")
    assert peer.advance(10) == []
    peer = Peer()
    rung = called(peer, call_id="rung")
    assert peer.endpoint.ring(rung.session, peer.now)
    [ringing] = peer.sent()
    assert isinstance(ringing, Response)
    assert ringing.status == 180
    assert peer.advance(10) == []


def test_a_phone_that_cannot_do_without_a_100_gets_it_at_once() -> None:
    """pyVoIP takes a 200 that comes first for another call's, and never acknowledges it."""
    peer = Peer()
    headers = ("User-Agent: pyVoIP 1.6.8",)
    [trying] = peer.send("INVITE", body=SDP, branch="z9hG4bKinvite", headers=headers)
    assert isinstance(trying, Response)
    assert trying.status == 100
    assert peer.advance(10) == []


def test_the_2xx_names_us_and_is_repeated_until_the_ack() -> None:
    peer = Peer()
    call = called(peer, headers=("Record-Route: <sip:p1;lr>, <sip:p2;lr>",))
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    [ok] = peer.sent()
    assert isinstance(ok, Response)
    assert ok.status == 200
    assert ok.contact is not None
    assert str(ok.contact.uri) == "sip:192.0.2.2:5060"
    assert ok.values("record-route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
    repeated = peer.advance(4)
    assert [one.to_bytes() for one in repeated] == [ok.to_bytes()] * 3
    peer.send("ACK", to_tag=ok.to.tag)
    assert peer.event(Established).sdp is None
    assert peer.advance(20) == []


def test_an_ack_with_the_branch_of_the_invite_needs_no_tag_of_ours() -> None:
    """pyVoIP writes a To tag of its own, with the branch of the INVITE as in RFC 2543; with another call's ACK it is nothing."""
    peer = Peer()
    call = called(peer)
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    peer.sent()
    branch = call.request.via.branch
    peer.send("ACK", to_tag="made-up")
    peer.send("ACK", to_tag="made-up", branch=branch, call_id="call-2")
    peer.no_event()
    peer.send("ACK", to_tag="made-up", branch=branch)
    assert peer.event(Established).session == call.session


def test_without_ack_the_call_ends_with_bye_after_64_t1() -> None:
    peer = Peer()
    call = called(peer)
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    peer.sent()
    sent = peer.advance(33)
    byes = [one for one in sent if isinstance(one, Request)]
    assert byes
    assert byes[0].method == "BYE"
    peer.advance(64)
    assert "No ACK" in peer.event(Ended).cause


def test_the_answer_to_our_late_offer_comes_with_the_ack() -> None:
    peer = Peer()
    peer.send("INVITE", headers=())
    call = peer.event(IncomingCall)
    assert call.sdp is None
    peer.endpoint.accept(call.session, b"our offer", peer.now)
    [ok] = peer.sent()
    assert ok.body == b"our offer"
    peer.send("ACK", to_tag=ok.to.tag, body=SDP)
    assert peer.event(Established).sdp == ANSWER


def test_cancel_ends_a_ringing_call_with_487() -> None:
    peer = Peer()
    call = called(peer)
    peer.endpoint.ring(call.session, peer.now)
    [ringing] = peer.sent()
    to_cancel, to_invite = peer.send("CANCEL", branch="z9hG4bKinvite", headers=("Reason: SIP;cause=200",))
    assert isinstance(to_cancel, Response)
    assert isinstance(to_invite, Response)
    assert (to_cancel.status, str(to_cancel.cseq)) == (200, "1 CANCEL")
    assert (to_invite.status, str(to_invite.cseq)) == (487, "1 INVITE")
    assert ringing.to.tag == to_invite.to.tag == to_cancel.to.tag
    assert peer.event(Cancelled).cause == "SIP;cause=200"
    assert not peer.endpoint.accept(call.session, ANSWER, peer.now)


def test_cancel_after_the_200_changes_nothing() -> None:
    peer = Peer()
    call = called(peer)
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    [ok] = peer.sent()
    [to_cancel] = peer.send("CANCEL", branch="z9hG4bKinvite")
    assert isinstance(to_cancel, Response)
    assert to_cancel.status == 200
    peer.send("ACK", to_tag=ok.to.tag)
    peer.event(Established)


def test_cancel_of_nothing_is_481() -> None:
    assert Peer().answer("CANCEL").status == 481


@pytest.mark.parametrize(("method", "to_tag"), [("CANCEL", ""), ("INVITE", "t"), ("BYE", "t"), ("INFO", "t")])
def test_what_belongs_to_no_call_leaves_no_transaction_and_strangers_are_soon_not_answered(
    method: str, to_tag: str
) -> None:
    peer = Peer()
    peer.endpoint.guard = Guard(lambda _request, _source: None)
    answers = [peer.send(method, to_tag=to_tag, call_id=f"c{number}") for number in range(50)]
    assert [len(each) for each in answers] == [1] * 10 + [0] * 40
    assert peer.endpoint.held.transactions == 0


def test_ringing_is_repeated_every_minute_and_limited() -> None:
    peer = Peer(limits=Limits(ring=150.0))
    call = called(peer)
    peer.endpoint.ring(call.session, peer.now)
    peer.sent()
    again = peer.advance(130)
    assert [one.status for one in again if isinstance(one, Response)] == [180, 180]
    last = peer.advance(25)[0]
    assert isinstance(last, Response)
    assert last.status == 480
    peer.event(Cancelled)


def test_a_rejection_carries_its_headers() -> None:
    peer = Peer()
    call = called(peer)
    peer.endpoint.reject(call.session, 503, peer.now, headers=[("Retry-After", "30")])
    [response] = peer.sent()
    assert isinstance(response, Response)
    assert (response.status, response.first("retry-after")) == (503, "30")
    assert peer.endpoint.held.sessions == 0


@pytest.mark.parametrize(
    ("method", "options", "status", "header"),
    [
        ("REGISTER", {}, 405, ("allow", "INVITE")),
        ("SUBSCRIBE", {}, 405, ("allow", "INVITE")),
        ("PUBLISH", {}, 405, ("allow", "INVITE")),
        ("MESSAGE", {}, 405, ("allow", "INVITE")),
        ("FROBNICATE", {}, 405, ("allow", "INVITE")),
        ("INVITE", {"uri": "http://example.com"}, 416, None),
        ("INVITE", {"headers": ("Require: precondition, timer",)}, 420, ("unsupported", "precondition")),
        (
            "INVITE",
            {"body": "x", "headers": ("Content-Type: text/plain",)},
            415,
            ("accept", "application/sdp"),
        ),
        (
            "INVITE",
            {"body": SDP, "headers": ("Content-Encoding: gzip",)},
            415,
            ("accept-encoding", "identity"),
        ),
        ("INVITE", {"to_tag": "unknown"}, 481, None),
        ("BYE", {"to_tag": "unknown"}, 481, None),
        ("BYE", {}, 481, None),
        ("INFO", {}, 481, None),
        ("NOTIFY", {}, 489, ("allow-events", "refer")),
        ("NOTIFY", {"headers": ("Event: message-summary",)}, 489, ("allow-events", "refer")),
        ("NOTIFY", {"headers": ("Event: refer;id=3",)}, 481, None),
        ("NOTIFY", {"headers": ("Event: keep-alive",)}, 200, None),
        ("NOTIFY", {"headers": ("Event: keep-alive",), "to_tag": "unknown"}, 481, None),
        ("PUBLISH", {"headers": ("Event: presence",)}, 405, ("allow", "INVITE")),
        ("UPDATE", {}, 481, None),
        ("REFER", {}, 481, None),
        (
            "INVITE",
            {"headers": ("Supported: timer", "Session-Expires: 30")},
            422,
            ("min-se", "90"),
        ),
        ("INVITE", {"uri": "sip:bot@bad host"}, 400, None),
        ("INVITE", {"headers": ("CSeq: 9 INVITE",)}, 400, None),
        ("OPTIONS", {"headers": ("Content-Length: -1",)}, 400, None),
    ],
)
def test_refusal(
    method: str, options: dict[str, object], status: int, header: tuple[str, str] | None
) -> None:
    peer = Peer()
    response = peer.answer(method, **options)
    assert response.status == status
    assert response.to.tag
    if header is not None:
        assert header[1] in (response.first(header[0]) or "")
    peer.no_event()
    assert peer.endpoint.held.sessions == 0


def test_max_forwards_0_reaches_us_all_the_same() -> None:
    """We are the destination, no hop follows (RFC 3261 section 16.3)."""
    peer = Peer()
    data = peer.text("OPTIONS").replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    [response] = peer.send_raw(data)
    assert isinstance(response, Response)
    assert response.status == 200


def test_a_retransmitted_invite_makes_no_second_call() -> None:
    peer = Peer()
    called(peer)
    assert peer.send("INVITE", body=SDP, branch="z9hG4bKinvite") == []
    peer.no_event()
    [trying] = peer.advance(0.2)
    [again] = peer.send("INVITE", body=SDP, branch="z9hG4bKinvite")
    assert again.to_bytes() == trying.to_bytes()
    peer.no_event()


def test_the_same_request_by_another_way_is_a_loop() -> None:
    peer = Peer()
    called(peer)
    assert peer.answer("INVITE", body=SDP, branch="z9hG4bKother").status == 482
    peer.no_event()


def test_bye_of_a_caller_who_did_not_wait_for_an_answer_is_a_cancel() -> None:
    peer = Peer()
    call = called(peer)
    peer.endpoint.ring(call.session, peer.now)
    [ringing] = peer.sent()
    to_bye, to_invite = peer.send("BYE", to_tag=ringing.to.tag, cseq=2)
    assert isinstance(to_bye, Response)
    assert isinstance(to_invite, Response)
    assert (to_bye.status, to_invite.status) == (200, 487)
    peer.event(Cancelled)


def test_responses_go_where_rport_says_or_to_the_port_of_the_via() -> None:
    peer = Peer()
    nat = Address("udp", "198.51.100.7", 31234)
    peer.endpoint.receive(peer.text("OPTIONS"), nat, peer.now, OURS)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert (datagram.destination, datagram.local) == (nat, OURS)
    assert b";received=198.51.100.7;rport=31234" in datagram.data
    peer.endpoint.receive(peer.text("OPTIONS").replace(b";rport", b""), nat, peer.now)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == Address("udp", "198.51.100.7", 5060)
    assert b";received=198.51.100.7\r\n" in datagram.data


def test_a_caller_behind_nat_is_reached_where_it_was_seen() -> None:
    peer = Peer()
    nat = Address("udp", "8.8.4.4", 31234)
    data = peer.text("INVITE", body=SDP).replace(
        b"Contact: <sip:alice@192.0.2.1", b"Contact: <sip:alice@10.0.0.9"
    )
    peer.send_raw(data, nat)
    call = peer.event(IncomingCall)
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    [ok] = peer.sent()
    peer.send_raw(peer.text("ACK", to_tag=ok.to.tag), nat)
    peer.endpoint.bye(call.session, peer.now)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == nat


def test_a_flood_meets_a_limit() -> None:
    peer = Peer(limits=Limits(transactions=10, sessions=5))
    for index in range(5):
        assert peer.send("INVITE", body=SDP, call_id=f"c{index}") == []
        peer.event(IncomingCall)
    answers = [peer.answer("INVITE", body=SDP, call_id=f"d{index}").status for index in range(15)]
    assert answers == [503] * 15
    peer.no_event()
    held = peer.endpoint.held
    assert (held.sessions, held.transactions) == (5, 10)
    assert peer.send("OPTIONS") == []


def test_a_realm_lets_only_its_users_in() -> None:
    realm = Realm("lab", {"alice": "secret"})
    peer = Peer(authenticate=lambda request, source: realm)
    refused = peer.answer("INVITE", body=SDP)
    assert refused.status == 401
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(refused)
    [(_, value)] = client.headers("INVITE", "sip:bot@192.0.2.2", "cnonce")
    header = f"Authorization: {value}"
    assert peer.send("INVITE", body=SDP, cseq=2, headers=(header,)) == []
    assert peer.event(IncomingCall).user == "alice"
    replayed = peer.answer("INVITE", body=SDP, cseq=3, call_id="other", headers=(header,))
    assert replayed.status == 401
    assert "stale=true" in (replayed.first("www-authenticate") or "")
    assert peer.answer("OPTIONS").status == 200


def test_a_header_of_ours_cannot_break_its_line() -> None:
    peer = Peer()
    call = called(peer)
    with pytest.raises(Exception, match="one line"):
        peer.endpoint.reject(call.session, 486, peer.now, headers=[("X", "a\r\nInjected: b")])
