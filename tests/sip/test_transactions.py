"""The four transactions: every row of their tables, and every timer (RFC 3261 section 17, RFC 6026)."""

import pytest

from voicebot.sip.message import Request, Response, parse
from voicebot.sip.timers import T1, T2, T4, TIMEOUT, TIMER_D
from voicebot.sip.transaction import Action, Input, State, Transaction
from voicebot.sip.transaction_client import ClientTransaction, NonInviteClientTransaction
from voicebot.sip.transaction_invite_client import InviteClientTransaction
from voicebot.sip.transaction_invite_server import InviteServerTransaction
from voicebot.sip.transaction_server import NonInviteServerTransaction, ServerTransaction

HEADERS = [
    ("via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKabc"),
    ("from", "<sip:a@example.com>;tag=1"),
    ("to", "<sip:b@example.com>"),
    ("call-id", "c1"),
]
INVITE = Request("INVITE", "sip:b@example.com", [*HEADERS, ("cseq", "7 INVITE"), ("route", "<sip:p;lr>")])
BYE = Request("BYE", "sip:b@example.com", [*HEADERS, ("cseq", "8 BYE")])
ACK = Request("ACK", "sip:b@example.com", [*HEADERS, ("cseq", "7 ACK")])
STATUS = {Input.PROVISIONAL: 180, Input.SUCCESS: 200, Input.FAILURE: 486}

CLIENTS: list[type[ClientTransaction]] = [InviteClientTransaction, NonInviteClientTransaction]
SERVERS: list[type[ServerTransaction]] = [InviteServerTransaction, NonInviteServerTransaction]


def request_of(kind: type[Transaction]) -> Request:
    return INVITE if kind in (InviteClientTransaction, InviteServerTransaction) else BYE


def answer(kind: type[Transaction], event: Input) -> Response:
    return request_of(kind).response(STATUS[event], to_tag="2")


def feed(transaction: Transaction, event: Input, now: float) -> None:
    """Give an input in the way in which the world gives it."""
    if event.name.startswith("TIMER"):
        due = transaction._deadlines[event]
        transaction._deadlines = {event: due}
        transaction.handle_timer(due)
    elif event is Input.TRANSPORT_ERROR:
        transaction.transport_failed(now)
    elif event is Input.GIVE_UP:
        assert isinstance(transaction, InviteClientTransaction)
        transaction.give_up(now)
    elif isinstance(transaction, ClientTransaction):
        transaction.receive(answer(type(transaction), event), now)
    elif isinstance(transaction, ServerTransaction):
        if event is Input.REQUEST:
            transaction.receive_again(now)
        elif event is Input.ACK:
            assert isinstance(transaction, InviteServerTransaction)
            transaction.receive_ack(ACK, now)
        else:
            transaction.respond(answer(type(transaction), event), now)


# How to bring a fresh transaction into a state.
WAY: dict[State, list[Input]] = {
    State.CALLING: [],
    State.GIVEN_UP: [Input.GIVE_UP],
    State.TRYING: [],
    State.PROCEEDING: [Input.PROVISIONAL],
    State.ACCEPTED: [Input.SUCCESS],
    State.COMPLETED: [Input.FAILURE],
    State.CONFIRMED: [Input.FAILURE, Input.ACK],
}
ROWS = [(kind, state, event) for kind in [*CLIENTS, *SERVERS] for state, event in kind.TRANSITIONS]


@pytest.mark.parametrize(("kind", "state", "event"), ROWS)
def test_row(kind: type[ClientTransaction] | type[ServerTransaction], state: State, event: Input) -> None:
    transaction = kind(request_of(kind), 0.0)
    for step in WAY[state]:
        feed(transaction, step, 0.0)
    assert transaction.state is state
    transaction.datagrams_to_send()
    delivered = transaction.responses() if isinstance(transaction, ClientTransaction) else []
    row = kind.TRANSITIONS[(state, event)]
    feed(transaction, event, 1.0)
    assert transaction.state is row.state
    sends = sum(action in (Action.SEND, Action.RESEND, Action.SEND_ACK) for action in row.actions)
    assert len(transaction.datagrams_to_send()) == sends
    if isinstance(transaction, ClientTransaction):
        delivered = transaction.responses()
        tells = [a for a in row.actions if a in (Action.DELIVER, Action.TIME_OUT, Action.FAIL)]
        assert len(delivered) == len(tells)
        assert [one.local for one in delivered] == [tell is not Action.DELIVER for tell in tells]
    if transaction.terminated:
        assert transaction.next_timer() is None


@pytest.mark.parametrize("kind", [*CLIENTS, *SERVERS])
def test_what_has_no_row_changes_nothing(kind: type[ClientTransaction] | type[ServerTransaction]) -> None:
    inputs = (
        [Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE]
        if kind in CLIENTS
        else [Input.REQUEST, Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE]
    )
    states = {state for state, _ in kind.TRANSITIONS}
    for state in states:
        for event in inputs:
            if (state, event) in kind.TRANSITIONS:
                continue
            transaction = kind(request_of(kind), 0.0)
            for step in WAY[state]:
                feed(transaction, step, 0.0)
            transaction.datagrams_to_send()
            feed(transaction, event, 1.0)
            assert transaction.state is state
            assert transaction.datagrams_to_send() == []


def sent_at(transaction: Transaction, until: float) -> list[float]:
    """Run the timers in virtual time; return when something was sent."""
    found = [0.0] * len(transaction.datagrams_to_send())
    while (due := transaction.next_timer()) is not None and due <= until:
        transaction.handle_timer(due)
        found += [due] * len(transaction.datagrams_to_send())
    return found


def test_invite_is_repeated_at_doubled_intervals_until_timer_b() -> None:
    transaction = InviteClientTransaction(INVITE, 0.0)
    assert sent_at(transaction, 100.0) == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    [response] = transaction.responses()
    assert (response.status, response.local) == (408, True)
    assert transaction.terminated


def test_a_given_up_invite_is_not_repeated_and_still_waits_for_a_late_word_until_timer_b() -> None:
    transaction = InviteClientTransaction(INVITE, 0.0)
    assert sent_at(transaction, 2.0) == [0.0, 0.5, 1.5]
    transaction.give_up(2.0)
    assert sent_at(transaction, TIMEOUT - 0.1) == []
    assert not transaction.terminated
    transaction.handle_timer(TIMEOUT)
    assert [(one.status, one.local) for one in transaction.responses()] == [(408, True)]
    assert transaction.terminated


def test_other_requests_are_repeated_up_to_t2_until_timer_f() -> None:
    transaction = NonInviteClientTransaction(BYE, 0.0)
    expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert sent_at(transaction, 100.0) == expected
    assert [one.status for one in transaction.responses()] == [408]


def test_a_provisional_response_slows_other_requests_down_to_t2() -> None:
    transaction = NonInviteClientTransaction(BYE, 0.0)
    transaction.receive(answer(NonInviteClientTransaction, Input.PROVISIONAL), 0.1)
    assert sent_at(transaction, 9.0) == [0.0, T1, T1 + T2, T1 + 2 * T2]


def test_a_provisional_response_stops_the_repetition_of_invite() -> None:
    transaction = InviteClientTransaction(INVITE, 0.0)
    transaction.receive(answer(InviteClientTransaction, Input.PROVISIONAL), 0.1)
    assert sent_at(transaction, 1000.0) == [0.0]
    assert transaction.next_timer() is None


def test_failure_response_is_repeated_until_ack() -> None:
    """RFC 3261 section 17.2.1: timer G doubles from T1 up to T2; ACK stops it, timer I ends it."""
    transaction = InviteServerTransaction(INVITE, 0.0)
    transaction.respond(answer(InviteServerTransaction, Input.FAILURE), 0.0)
    assert sent_at(transaction, 12.0) == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5]
    transaction.receive_ack(ACK, 12.0)
    assert sent_at(transaction, 100.0) == []
    assert transaction.terminated


def test_failure_response_is_given_up_after_timer_h() -> None:
    transaction = InviteServerTransaction(INVITE, 0.0)
    transaction.respond(answer(InviteServerTransaction, Input.FAILURE), 0.0)
    assert max(sent_at(transaction, 100.0)) < TIMEOUT
    assert transaction.terminated


@pytest.mark.parametrize(
    ("transaction", "event", "seconds"),
    [
        (InviteClientTransaction(INVITE, 0.0), Input.FAILURE, TIMER_D),
        (InviteClientTransaction(INVITE, 0.0), Input.SUCCESS, TIMEOUT),
        (NonInviteClientTransaction(BYE, 0.0), Input.FAILURE, T4),
        (InviteServerTransaction(INVITE, 0.0), Input.SUCCESS, TIMEOUT),
        (NonInviteServerTransaction(BYE, 0.0), Input.SUCCESS, TIMEOUT),
    ],
)
def test_a_finished_transaction_absorbs_repetitions_for_so_long(
    transaction: Transaction, event: Input, seconds: float
) -> None:
    feed(transaction, event, 0.0)
    transaction.handle_timer(seconds - 0.01)
    assert not transaction.terminated
    transaction.handle_timer(seconds)
    assert transaction.terminated


def test_a_reliable_transport_needs_no_repetition() -> None:
    client = InviteClientTransaction(INVITE, 0.0, reliable=True)
    assert sent_at(client, TIMEOUT - 1) == [0.0]
    other = NonInviteClientTransaction(BYE, 0.0, reliable=True)
    feed(other, Input.SUCCESS, 1.0)
    other.handle_timer(1.0)
    assert other.terminated
    server = InviteServerTransaction(INVITE, 0.0, reliable=True)
    server.respond(answer(InviteServerTransaction, Input.FAILURE), 0.0)
    assert sent_at(server, TIMEOUT - 1) == [0.0]
    server.receive_ack(ACK, TIMEOUT - 1)
    server.handle_timer(TIMEOUT - 1)
    assert server.terminated


def test_every_2xx_is_delivered_and_every_repeated_failure_acknowledged() -> None:
    accepted = InviteClientTransaction(INVITE, 0.0)
    for at in (1.0, 2.0):
        feed(accepted, Input.SUCCESS, at)
    assert len(accepted.responses()) == 2
    refused = InviteClientTransaction(INVITE, 0.0)
    refused.datagrams_to_send()
    for at in (1.0, 2.0):
        feed(refused, Input.FAILURE, at)
    assert len(refused.responses()) == 1
    acks = refused.datagrams_to_send()
    assert len(acks) == 2
    ack = parse(acks[0])
    assert isinstance(ack, Request)
    assert (ack.method, str(ack.cseq), ack.uri) == ("ACK", "7 ACK", INVITE.uri)
    assert ack.via.branch == INVITE.via.branch
    assert ack.to.tag == "2"
    assert ack.raw("route") == ["<sip:p;lr>"]


def test_an_ack_with_the_branch_of_an_accepted_invite_is_for_the_user() -> None:
    transaction = InviteServerTransaction(INVITE, 0.0)
    feed(transaction, Input.SUCCESS, 0.0)
    assert transaction.receive_ack(ACK, 1.0) is ACK
    refused = InviteServerTransaction(INVITE, 0.0)
    feed(refused, Input.FAILURE, 0.0)
    assert refused.receive_ack(ACK, 1.0) is None


def test_missed_repetitions_are_not_made_up_for() -> None:
    transaction = InviteClientTransaction(INVITE, 0.0)
    transaction.datagrams_to_send()
    transaction.handle_timer(20.0)
    assert len(transaction.datagrams_to_send()) == 1
