"""What is left of a transaction that only waits for repetitions does what its table says, until the same instant."""

import gc

import pytest

from tests.sip.peer import OURS, PEER, SDP, Peer, standing
from tests.sip.test_transactions import CLIENTS, SERVERS, WAY, feed, request_of
from voicebot.sip import Ended, IncomingCall, Request, Response
from voicebot.sip.spent import LastWord, Spent
from voicebot.sip.timers import T1, T4, TIMEOUT
from voicebot.sip.transaction import Action, Input, State, Transaction
from voicebot.sip.transaction_server import ServerTransaction

KINDS = [kind for kind in [*CLIENTS, *SERVERS] if kind.SPENT is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spent_transaction_says_nothing_but_its_last_word_to_a_repetition(kind: type[Transaction]) -> None:
    rows = {event: row for (state, event), row in kind.TRANSITIONS.items() if state is kind.SPENT}
    ends = [event for event, row in rows.items() if row.state is State.TERMINATED]
    assert kind.SPENT is not None
    assert [event for event in ends if event is not Input.TRANSPORT_ERROR] == list(kind.TIMERS[kind.SPENT])
    for event, row in rows.items():
        assert row.state in (kind.SPENT, State.TERMINATED)
        assert row.actions in ((), (Action.RESEND,) if event is Input.REQUEST else ())


@pytest.mark.parametrize("kind", SERVERS)
def test_the_last_word_is_what_the_table_repeats(kind: type[ServerTransaction]) -> None:
    for state in {state for state, _ in kind.TRANSITIONS}:
        transaction = kind(request_of(kind), 0.0)
        for step in WAY[state]:
            feed(transaction, step, 0.0)
        word = transaction.last_word
        transaction.datagrams_to_send()
        feed(transaction, Input.REQUEST, 1.0)
        assert transaction.datagrams_to_send() == ([word] if word else [])


def test_a_repeated_bye_gets_the_same_answer_for_64_t1_and_then_there_is_no_such_call() -> None:
    peer = Peer()
    _, tag = standing(peer)
    first = peer.answer("BYE", to_tag=tag, cseq=2, branch="z9hG4bKbye")
    assert first.status == 200
    peer.event(Ended)
    peer.advance(TIMEOUT - 0.001)
    [again] = peer.send("BYE", to_tag=tag, cseq=2, branch="z9hG4bKbye")
    assert again.to_bytes() == first.to_bytes()
    peer.advance(0.001)
    assert peer.endpoint.held.transactions == 0
    assert peer.answer("BYE", to_tag=tag, cseq=2, branch="z9hG4bKbye").status == 481
    peer.no_event()


def test_the_answer_is_repeated_to_where_it_went() -> None:
    peer = Peer()
    nat = Peer().text("OPTIONS", branch="z9hG4bKnat")
    peer.send_raw(nat)
    peer.endpoint.receive(nat, PEER, peer.now, OURS)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert (datagram.destination, datagram.local) == (PEER, OURS)


def test_an_invite_that_comes_again_after_its_ack_makes_no_second_call() -> None:
    """As a network does that doubles packets and changes their order; until timer L (RFC 6026 section 7.1)."""
    peer = Peer()
    standing(peer)
    peer.advance(TIMEOUT - T1)
    assert peer.send("INVITE", body=SDP, branch="z9hG4bKinvite") == []
    assert peer.answer("INVITE", body=SDP, branch="z9hG4bKother").status == 482, "by another way"
    peer.no_event()
    assert peer.endpoint.held.sessions == 1


@pytest.mark.parametrize("after", [0.0, T4, TIMEOUT - 2 * T4])
def test_copies_of_an_invite_are_refused_until_timer_l_of_the_first_however_many_come(after: float) -> None:
    """RFC 3261 section 8.2.2.2: the transaction of a refused copy is over long before that of the call (timer I)."""
    peer = Peer()
    standing(peer)
    peer.advance(after)
    refused = peer.answer("INVITE", body=SDP, branch="z9hG4bKsecond")
    peer.send("ACK", to_tag=refused.to.tag, branch="z9hG4bKsecond")
    peer.advance(T4)
    assert peer.answer("INVITE", body=SDP, branch="z9hG4bKthird").status == 482
    peer.no_event()


def test_a_refused_copy_does_not_make_a_request_known_for_longer() -> None:
    peer = Peer()
    assert peer.answer("OPTIONS", branch="z9hG4bKfirst").status == 200
    for branch, status in (("second", 482), ("third", 200), ("fourth", 482), ("fifth", 200)):
        peer.advance(20.0)
        assert peer.answer("OPTIONS", branch=f"z9hG4bK{branch}").status == status


def test_a_cancel_that_comes_after_the_ack_is_answered_and_changes_nothing() -> None:
    """RFC 3261 section 9.2: there was such an INVITE, and it has its final response; both answers have one To tag."""
    peer = Peer()
    _, tag = standing(peer)
    late = peer.answer("CANCEL", branch="z9hG4bKinvite")
    assert (late.status, late.to.tag) == (200, tag)
    peer.no_event()
    assert peer.endpoint.held.sessions == 1


def test_a_refused_invite_is_known_for_t4_after_its_ack() -> None:
    peer = Peer()
    peer.send("INVITE", body=SDP, branch="z9hG4bKinvite")
    assert peer.endpoint.reject(peer.event(IncomingCall).session, 486, peer.now)
    [busy] = peer.sent()
    peer.advance(0.1)
    assert peer.send("ACK", to_tag=busy.to.tag, branch="z9hG4bKinvite") == []
    peer.advance(T4 - 0.001)
    assert peer.send("INVITE", body=SDP, branch="z9hG4bKinvite") == []
    assert peer.send("ACK", to_tag=busy.to.tag, branch="z9hG4bKinvite") == []
    peer.no_event()
    peer.advance(0.001)
    assert peer.endpoint.held.transactions == 0


def test_a_repeated_response_to_our_bye_is_no_stray_one_until_timer_k() -> None:
    peer = Peer()
    session, _ = standing(peer)
    peer.endpoint.bye(session, peer.now)
    [bye] = peer.sent()
    assert isinstance(bye, Request)
    ok = bye.response(200).to_bytes()
    peer.send_raw(ok)
    peer.event(Ended)
    peer.advance(T4 - 0.001)
    peer.send_raw(ok)
    assert "dropped_stray_responses" not in peer.endpoint.counters
    peer.advance(0.001)
    peer.send_raw(ok)
    assert peer.endpoint.counters["dropped_stray_responses"] == 1


def test_calls_that_are_over_are_nothing_to_the_garbage_collector() -> None:
    """With 800 calls a second it walked through a million objects of calls that were over, while those that ran waited."""
    peer = Peer()

    def short_call(number: int) -> None:
        peer.send("INVITE", body=SDP, branch=f"z9hG4bKi{number}", call_id=f"call-{number}")
        peer.endpoint.accept(peer.event(IncomingCall).session, SDP.encode(), peer.now)
        [ok] = peer.sent()
        assert isinstance(ok, Response)
        peer.send("ACK", to_tag=ok.to.tag, call_id=f"call-{number}")
        peer.endpoint.next_event()
        peer.send("BYE", to_tag=ok.to.tag, cseq=2, call_id=f"call-{number}")
        peer.event(Ended)

    short_call(0)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(1, 101):
        short_call(number)
    assert peer.endpoint.held.transactions == 202
    held = len(gc.get_objects()) - before
    gc.collect()  # it looks no more at tuples of strings that it has seen once
    left = len(gc.get_objects()) - before
    assert left < 100 * 5, "a last word and its addresses, for each call"
    assert held < 100 * 20


def test_keys_are_dropped_in_the_order_of_their_instants() -> None:
    spent = Spent()
    word = LastWord(b"SIP/2.0 200 OK", PEER, OURS)
    spent.add(("late",), 9.0, word)
    spent.add(("early",), 3.0)
    assert (spent.next_timer(), len(spent)) == (3.0, 2)
    assert ("early",) in spent
    assert spent.word(("early",)) is None
    spent.handle_timer(3.0)
    assert (spent.next_timer(), len(spent)) == (9.0, 1)
    assert spent.word(("late",)) == word
    spent.handle_timer(9.0)
    assert (spent.next_timer(), len(spent)) == (None, 0)
