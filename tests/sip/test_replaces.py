"""An INVITE that takes the place of a dialog (RFC 3891), as the one that is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sip.harness import OFFER, Pair, accept, end_replaced, ring
from voicebot.sip import Answered, Ended, IncomingCall, Rejected
from voicebot.sip.errors import MessageError
from voicebot.sip.replaces import Replaces
from voicebot.sip.session import Session


def accepting(pair: Pair) -> None:
    """The callee takes every call, and ends the one that it replaces."""
    pair.callee.on(IncomingCall, accept(), end_replaced())


def replacing(pair: Pair, value: str) -> int:
    return pair.caller.endpoint.invite(
        f"sip:bot@{pair.callee.address.host_port}",
        "sip:other@example.com",
        OFFER,
        pair.now,
        headers=[("Replaces", value), ("Require", "replaces")],
    )


def value_for(session: Session, extra: str = "") -> str:
    """Return the Replaces value for a dialog of the caller's side."""
    dialog = session.dialog
    assert dialog is not None
    return f"{dialog.call_id};from-tag={dialog.local.tag};to-tag={dialog.remote.tag}{extra}"


def test_the_new_dialog_takes_the_place_of_the_old_one() -> None:
    pair = Pair()
    accepting(pair)
    call = pair.call()
    pair.run(1)
    new = replacing(pair, value_for(pair.caller.endpoint._core.sessions[call]))
    pair.run(5)
    first, second = pair.callee.all(IncomingCall)
    assert (first.replaces, second.replaces) == (None, first.session)
    assert [event.session for event in pair.caller.all(Answered)] == [call, new]
    assert [event.session for event in pair.caller.all(Ended)] == [call]
    pair.caller.endpoint.bye(new, pair.now)
    pair.run(60)
    pair.assert_nothing_held()


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("nobody@example.com;to-tag=1;from-tag=2", 481),
        ("nobody@example.com;to-tag=1", 400),
        ("a;to-tag=1;from-tag=2;to-tag=3", 400),
        (";to-tag=1;from-tag=2", 400),
        ('a;from-tag=2;to-tag="', 400),
    ],
)
def test_what_names_no_dialog_is_refused(value: str, status: int) -> None:
    pair = Pair()
    accepting(pair)
    replacing(pair, value)
    pair.run(1)
    assert pair.caller.one(Rejected).status == status
    assert pair.callee.all(IncomingCall) == []


def test_early_only_does_not_take_a_call_that_stands() -> None:
    pair = Pair()
    accepting(pair)
    call = pair.call()
    pair.run(1)
    replacing(pair, value_for(pair.caller.endpoint._core.sessions[call], ";early-only"))
    pair.run(1)
    assert pair.caller.one(Rejected).status == 486
    assert pair.caller.all(Ended) == []


def test_a_call_that_is_just_hung_up_is_not_taken() -> None:
    pair = Pair(lose=lambda index, data: data.startswith(b"BYE"))
    accepting(pair)
    call = pair.call()
    pair.run(1)
    value = value_for(pair.caller.endpoint._core.sessions[call])
    pair.callee.endpoint.bye(pair.callee.one(IncomingCall).session, pair.now)
    replacing(pair, value)
    pair.run(1)
    assert pair.caller.one(Rejected).status == 603


def test_a_call_that_rings_here_is_not_taken() -> None:
    """RFC 3891 section 3: an early dialog that this side has not begun."""
    pair = Pair()
    pair.callee.on(IncomingCall, ring())
    pair.call()
    pair.run(1)
    (dialog,) = pair.callee.endpoint._core.dialogs
    replacing(pair, f"{dialog[0]};to-tag={dialog[1]};from-tag={dialog[2]}")
    pair.run(1)
    assert [event.status for event in pair.caller.all(Rejected)] == [481]


def test_whichever_message_is_lost_the_call_goes_on_in_the_new_dialog() -> None:
    def play(lost: int) -> Pair:
        pair = Pair(lose=lambda index, data: index == lost)
        accepting(pair)
        call = pair.call()
        pair.run(40)
        new = replacing(pair, value_for(pair.caller.endpoint._core.sessions[call]))
        pair.run(40)
        assert [event.session for event in pair.caller.all(Ended)] == [call]
        assert new in pair.caller.endpoint._core.sessions
        return pair

    for lost in range(len(play(-1).log)):
        play(lost)


@given(st.text())
def test_any_text_is_parsed_or_refused_by_our_error(text: str) -> None:
    try:
        value = Replaces.parse(text)
    except MessageError:
        return
    assert value.call_id
    assert value.to_tag
    assert value.from_tag
    assert Replaces.parse(str(value)) == value
