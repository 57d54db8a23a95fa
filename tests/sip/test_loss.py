"""Whatever single message of a flow is lost on its first way, comes late or again, both sides end in the same state."""

import random

import pytest

from tests.sip import flows_at_once, flows_of_calls, flows_of_peers, flows_with_others
from tests.sip.flows import Flow, Flows, answering
from tests.sip.harness import Pair
from voicebot.sip import Cancelled, Ended, IncomingCall, Progress, Rejected, Response

FLOWS = Flows(flows_of_calls.FLOWS | flows_with_others.FLOWS | flows_at_once.FLOWS | flows_of_peers.FLOWS)
each_flow = pytest.mark.parametrize("flow", [pytest.param(flow, id=name) for name, flow in FLOWS.items()])


@each_flow
def test_flow_survives_the_loss_of_any_single_message(flow: Flow) -> None:
    messages = len(flow.play().log)
    assert messages >= 4
    for lost in range(messages):
        flow.play(lose=lambda index, data, lost=lost: index == lost)


@each_flow
def test_flow_survives_the_loss_of_every_first_transmission(flow: Flow) -> None:
    seen: set[bytes] = set()

    def lose(index: int, data: bytes) -> bool:
        known = data in seen
        seen.add(data)
        return not known and not data.startswith(b"ACK")

    flow.play(lose=lose)


@each_flow
def test_flow_survives_that_everything_arrives_three_times(flow: Flow) -> None:
    flow.play(copies=3)


@each_flow
def test_flow_survives_that_every_second_message_is_overtaken_by_the_next_ones(flow: Flow) -> None:
    for late in range(3):
        flow.play(delays=lambda index, late=late: 0.05 if index % 3 == late else 0.0)


def test_what_is_lost_is_really_lost() -> None:
    pair = FLOWS["informed"].play(lose=lambda index, data: index == 0)
    responses = [message for message in pair.sent() if isinstance(message, Response)]
    assert responses
    assert pair.start_lines()[:2] == [pair.start_lines()[0]] * 2, "the first INVITE was sent again"


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_lost_nothing_is_left(seed: int) -> None:
    rng = random.Random(seed)
    for rate in (0.3, 0.6, 0.95):
        pair = Pair(lose=lambda index, data, rate=rate: rng.random() < rate)  # type: ignore[misc]
        answering(pair)
        call = pair.call()
        pair.run(rng.random() * 40)
        pair.caller.endpoint.bye(call, pair.now)
        pair.caller.endpoint.cancel(call, pair.now)
        pair.run(200)
        for incoming in pair.callee.all(IncomingCall):
            # The BYE may have been lost for good: to the callee the call stands.
            pair.callee.endpoint.bye(incoming.session, pair.now)
        pair.run(200)
        pair.assert_nothing_held()
        for side in (pair.caller, pair.callee):
            last = [event for event in side.events if isinstance(event, (Ended, Rejected, Cancelled))]
            assert len(last) <= 1


def test_progress_is_told() -> None:
    pair = FLOWS["caller_hangs_up"].play()
    assert [event.status for event in pair.caller.all(Progress)] == [180]


def test_five_hundred_calls_leave_no_state() -> None:
    pair = Pair()
    answering(pair)
    for _ in range(500):
        call = pair.call()
        pair.run(0.2)
        pair.caller.endpoint.bye(call, pair.now)
        pair.run(0.2)
        pair.log.clear()
    assert len(pair.callee.all(Ended)) == 500
    pair.run(100)
    pair.assert_nothing_held()
    assert pair.caller.endpoint.next_timer() is None
    assert pair.callee.endpoint.next_timer() is None
