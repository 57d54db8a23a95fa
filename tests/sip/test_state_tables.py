"""The state tables as the RFCs draw them, row by row: what is no row there is none here, and each row is run in virtual time.

RFC 3261 figures 5 to 8, those of INVITE as RFC 6026 has them; and the registration client's table, which is ours.
A line: state, input -> next state: what is sent, what the user is told.

One deviation: "given up" is no state of figure 5. There an INVITE that nobody wants any more is repeated until timer B, since
its CANCEL must wait for a provisional response (RFC 3261 section 9.1); ours is not sent again, and waits as long for an answer.
"""

import pytest

from tests.sip.peer import PEER
from tests.sip.test_registration import Registrar
from tests.sip.test_transactions import WAY, feed, request_of
from voicebot.sip import RegistrationChanged, RegistrationDue, Request
from voicebot.sip.registration import TRANSITIONS, Input, Registration, State
from voicebot.sip.transaction import Input as Event
from voicebot.sip.transaction import State as Stage
from voicebot.sip.transaction_client import ClientTransaction, NonInviteClientTransaction
from voicebot.sip.transaction_invite_client import InviteClientTransaction
from voicebot.sip.transaction_invite_server import InviteServerTransaction
from voicebot.sip.transaction_server import NonInviteServerTransaction, ServerTransaction

INVITE_CLIENT = """
    calling    A               -> calling     request
    calling    B               -> terminated  -        408
    calling    transport error -> terminated  -        503
    calling    provisional     -> proceeding  -        180
    calling    success         -> accepted    -        200
    calling    failure         -> completed   ACK      486
    calling    give_up         -> given_up
    given_up   B               -> terminated  -        408
    given_up   transport error -> terminated  -        503
    given_up   provisional     -> proceeding  -        180
    given_up   success         -> accepted    -        200
    given_up   failure         -> completed   ACK      486
    proceeding provisional     -> proceeding  -        180
    proceeding success         -> accepted    -        200
    proceeding failure         -> completed   ACK      486
    accepted   success         -> accepted    -        200
    accepted   M               -> terminated
    completed  failure         -> completed   ACK
    completed  transport error -> terminated
    completed  D               -> terminated
"""
NON_INVITE_CLIENT = """
    trying     E               -> trying      request
    trying     F               -> terminated  -        408
    trying     transport error -> terminated  -        503
    trying     provisional     -> proceeding  -        180
    trying     success         -> completed   -        200
    trying     failure         -> completed   -        486
    proceeding E               -> proceeding  request
    proceeding F               -> terminated  -        408
    proceeding transport error -> terminated  -        503
    proceeding provisional     -> proceeding  -        180
    proceeding success         -> completed   -        200
    proceeding failure         -> completed   -        486
    completed  K               -> terminated
"""
INVITE_SERVER = """
    proceeding 100             -> proceeding
    proceeding request         -> proceeding  180
    proceeding provisional     -> proceeding  180
    proceeding success         -> accepted    200
    proceeding failure         -> completed   486
    proceeding transport error -> proceeding
    accepted   request         -> accepted
    accepted   success         -> accepted    200
    accepted   ack             -> accepted    -        ACK
    accepted   transport error -> accepted
    accepted   L               -> terminated
    completed  request         -> completed   486
    completed  G               -> completed   486
    completed  ack             -> confirmed
    completed  H               -> terminated
    completed  transport error -> completed
    confirmed  ack             -> confirmed
    confirmed  I               -> terminated
"""
NON_INVITE_SERVER = """
    trying     provisional     -> proceeding  180
    trying     success         -> completed   200
    trying     failure         -> completed   486
    proceeding request         -> proceeding  180
    proceeding provisional     -> proceeding  180
    proceeding success         -> completed   200
    proceeding failure         -> completed   486
    proceeding transport error -> terminated
    completed  request         -> completed   486
    completed  J               -> terminated
    completed  transport error -> terminated
"""
REGISTRATION = """
    WAITING    DUE     -> LOCATING    -         due
    WAITING    LEAVE   -> GONE        -         gone
    LOCATING   LOCATED -> TRYING      REGISTER
    LOCATING   FAILED  -> WAITING     -         retrying
    LOCATING   LEAVE   -> GONE        -         gone
    TRYING     SUCCESS -> REGISTERED  -         registered
    TRYING     AGAIN   -> TRYING      REGISTER
    TRYING     FAILED  -> WAITING     -         retrying
    TRYING     REFUSED -> WAITING     -         refused
    TRYING     LEAVE   -> LEAVING     REMOVE
    REGISTERED DUE     -> LOCATING    -         due
    REGISTERED LEAVE   -> LEAVING     REMOVE
    LEAVING    AGAIN   -> LEAVING     REMOVE
    LEAVING    SUCCESS -> GONE        -         gone
    LEAVING    FAILED  -> GONE        -         gone
    LEAVING    REFUSED -> GONE        -         gone
"""
Kind = type[ClientTransaction] | type[ServerTransaction]
TABLES: list[tuple[Kind, str]] = [
    (InviteClientTransaction, INVITE_CLIENT),
    (NonInviteClientTransaction, NON_INVITE_CLIENT),
    (InviteServerTransaction, INVITE_SERVER),
    (NonInviteServerTransaction, NON_INVITE_SERVER),
]


def rows(table: str) -> list[tuple[str, str, str, str, str]]:
    """Return (state, input, next state, what is sent, what is told); "" for nothing."""
    found = []
    for line in table.strip().splitlines():
        before, _, after = line.partition("->")
        state, _, event = before.strip().partition(" ")
        following, sent, told, *_ = [*after.split(), "-", "-"]
        given = event.strip().replace("_", " ")
        found.append(
            (state.replace("_", " "), given, following.replace("_", " "), sent.strip("-"), told.strip("-"))
        )
    return found


ALL = [(kind, *row) for kind, table in TABLES for row in rows(table)]


@pytest.mark.parametrize(("kind", "table"), TABLES)
def test_each_transaction_has_the_rows_of_its_figure_and_no_other(kind: Kind, table: str) -> None:
    ours = {(state.value, event.value) for state, event in kind.TRANSITIONS}
    assert ours == {(state, event) for state, event, *_ in rows(table)}


@pytest.mark.parametrize(("kind", "state", "event", "following", "sent", "told"), ALL)
def test_row_of_a_transaction(
    kind: Kind, state: str, event: str, following: str, sent: str, told: str
) -> None:
    transaction = kind(request_of(kind), 0.0)
    for step in WAY[Stage(state)]:
        feed(transaction, step, 0.0)
    assert transaction.state is Stage(state)
    transaction.datagrams_to_send()
    if isinstance(transaction, ClientTransaction):
        transaction.responses()
    heard = []
    if isinstance(transaction, InviteServerTransaction) and event == "ack":
        ack = transaction.receive_ack(request_of(kind), 1.0)
        heard = ["ACK"] if ack is not None else []
    else:
        feed(transaction, Event(event), 1.0)
    assert transaction.state is Stage(following)
    wire = [data.split(b" ")[:2] for data in transaction.datagrams_to_send()]
    expected = {"request": request_of(kind).method, "ACK": "ACK"}.get(sent, sent)
    assert [(first if second[:3] == b"sip" else second).decode() for first, second in wire] == (
        [expected] if sent else []
    )
    if isinstance(transaction, ClientTransaction):
        heard = [str(response.status) for response in transaction.responses()]
    assert heard == ([told] if told else [])


# --- the registration client


def test_the_registration_client_has_these_rows_and_no_other() -> None:
    assert {(state.name, event.name) for state, event in TRANSITIONS} == {
        (state, event) for state, event, *_ in rows(REGISTRATION)
    }


def found(registrar: Registrar) -> Registration:
    registration = registrar.peer.endpoint._registrations.get(registrar.number)
    assert registration is not None
    return registration


def in_state(state: str) -> Registrar:
    """Return a registration that has come into a state by itself."""
    registrar = Registrar()  # TRYING
    if state in ("REGISTERED", "LEAVING", "LOCATING"):
        registrar.accept()
        registrar.changed()
    if state == "WAITING":
        registrar.reply(500)
        registrar.changed()
    elif state == "LEAVING":
        registrar.peer.endpoint.unregister(registrar.number, registrar.peer.now)
        registrar.request = registrar.sent()
    elif state == "LOCATING":
        registrar.peer.advance(300)
        registrar.peer.event(RegistrationDue)
        found(registrar).bound_until = 0.0
    assert found(registrar).state is State[state]
    return registrar


@pytest.mark.parametrize(("state", "event", "following", "sent", "told"), rows(REGISTRATION))
def test_row_of_the_registration_client(state: str, event: str, following: str, sent: str, told: str) -> None:
    registrar = in_state(state)
    peer = registrar.peer
    requests: list[Request] = []
    match Input[event]:
        case Input.DUE:
            due = found(registrar).next_timer()
            assert due is not None
            peer.endpoint.handle_timer(due)
        case Input.LOCATED:
            peer.endpoint.begin_registration(registrar.number, PEER, peer.now)
        case Input.FAILED if state == "LOCATING":
            peer.endpoint.begin_registration(registrar.number, None, peer.now, "no such name")
        case Input.LEAVE:
            peer.endpoint.unregister(registrar.number, peer.now)
        case Input.SUCCESS:
            requests = registrar.accept()
        case Input.AGAIN:
            requests = registrar.reply(401)
        case Input.FAILED:
            requests = registrar.reply(500)
        case Input.REFUSED:
            requests = registrar.reply(403)
    requests += [one for one in peer.sent() if isinstance(one, Request)]
    assert found(registrar).state is State[following]
    assert len(requests) == (1 if sent else 0)
    if sent:
        assert requests[0].method == "REGISTER"
        removed = requests[0].values("contact")[0].endswith("expires=0")
        assert removed == (sent == "REMOVE")
    heard = peer.endpoint.next_event()
    if told == "due":
        assert isinstance(heard, RegistrationDue)
    elif told:
        assert isinstance(heard, RegistrationChanged)
        assert heard.state == told
    else:
        assert heard is None
