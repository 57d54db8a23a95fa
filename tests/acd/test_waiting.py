"""Who comes first in the queue, how long they wait, and who is sent on."""

import random

import pytest

from tests.acd.desk import ALICE, Desk, agents_rung, exits
from voicebot.acd import (
    AcdState,
    Agent,
    AgentAnswered,
    AgentLogsIn,
    AgentLogsOut,
    AgentStatus,
    Announce,
    CallbackJoins,
    CallJoins,
    CallLeaves,
    CancelRing,
    Event,
    Exit,
    QueueSpec,
    Reconfigure,
    Relaxation,
    TalkEnds,
    Tick,
    WaitingCall,
    decide,
    estimated_wait,
    position,
)


def test_higher_priority_comes_first_then_the_longer_wait() -> None:
    desk = Desk([ALICE])
    desk.join("talking")
    desk.tell(AgentAnswered(desk.rung[0]))
    desk.join("first", at=101.0)
    desk.join("second", at=102.0)
    desk.join("urgent", priority=10, at=103.0)
    order = []
    for _ in range(3):
        desk.tell(TalkEnds(desk.rung[-1]))
        desk.tick()
        order.append(desk.rung[-1].call.uid)
        desk.tell(AgentAnswered(desk.rung[-1]))
    assert order == ["urgent", "first", "second"]


def test_call_whose_agents_are_taken_does_not_block_those_behind_it() -> None:
    desk = Desk()
    desk.join("zh1", require=frozenset({"lang:zh"}))
    desk.join("zh2", require=frozenset({"lang:zh"}), at=101.0)
    assert agents_rung(desk.join("en", at=102.0)) == ["alice"]


def test_required_skill_is_relaxed_after_its_time() -> None:
    queue = QueueSpec("cards", relax=(Relaxation(60.0, "lang:*"),), ring_timeout=500.0)
    desk = Desk(queue=queue)
    desk.join("zh1", require=frozenset({"lang:zh"}))
    assert desk.join("zh2", require=frozenset({"cards", "lang:zh"})) == []
    assert agents_rung(desk.tick()) == ["alice"]
    assert desk.now == 160.0


def test_preferred_skill_level_beats_idle_time() -> None:
    desk = Desk(queue=QueueSpec("cards", prefer=("lang:zh",)))
    assert agents_rung(desk.join("c1")) == ["bob"]


def test_max_wait_ends_in_time_out_and_stops_the_phone() -> None:
    desk = Desk()
    desk.join("c1", max_wait=15.0)
    assert desk.tick() == [CancelRing(desk.rung[0], "call_exits"), Exit("c1", "timeout")]
    assert desk.now == 115.0


def test_queue_that_nobody_serves_exits_with_no_agents() -> None:
    desk = Desk()
    assert exits(desk.join("c1", require=frozenset({"loans"}))) == [("c1", "no_agents")]


def test_last_agent_who_logs_out_sends_the_waiting_on() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    desk.join("c2")
    assert exits(desk.tell(AgentLogsOut("alice"))) == [("c2", "no_agents")]


def test_join_empty_lets_callers_wait_for_an_agent_to_log_in() -> None:
    logged_out = Agent("alice", "sip:6001@127.0.0.1", status=AgentStatus.LOGGED_OUT)
    desk = Desk([logged_out], QueueSpec("cards", join_empty=True))
    assert desk.join("c1") == []
    assert agents_rung(desk.tell(AgentLogsIn("alice"))) == ["alice"]


def test_full_queue_is_refused() -> None:
    desk = Desk([ALICE], QueueSpec("cards", max_length=1))
    desk.join("c1")
    assert exits(desk.join("c2")) == [("c2", "full")]
    assert position(desk.state, "c1") == 1


def test_announced_places_follow_the_queue() -> None:
    desk = Desk([ALICE])
    told: dict[str, list[int]] = {}
    events: list[Event] = [
        CallJoins(WaitingCall("c1", "cards")),
        CallJoins(WaitingCall("c2", "cards")),
        CallJoins(WaitingCall("vip", "cards", priority=5)),
        CallLeaves("c1"),
        CallLeaves("vip"),
    ]
    for number, event in enumerate(events):
        desk.state, commands = decide(desk.state, event, 100.0 + number, random.Random(0))
        for command in commands:
            if isinstance(command, Announce):
                told.setdefault(command.call, []).append(command.position)
    assert told == {"c1": [1, 2], "c2": [2, 3, 2, 1], "vip": [1]}


def test_estimated_wait_is_mean_handling_time_by_place_over_agents() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]), at=100.0)
    desk.tell(TalkEnds(desk.rung[0]), at=190.0)  # 90 s of talk, 10 s of wrap-up
    desk.join("c2")
    desk.join("c3", at=191.0)
    assert estimated_wait(desk.state, "c3") == pytest.approx(100.0 * 2 / 2)


def test_estimated_wait_is_unknown_without_agents() -> None:
    desk = Desk([], QueueSpec("cards", join_empty=True))
    desk.join("c1")
    assert estimated_wait(desk.state, "c1") is None


def test_a_booked_callback_keeps_its_place_and_nobody_gets_in_between() -> None:
    desk = Desk(agents=[])
    desk.state = AcdState.start([], [QueueSpec("cards", join_empty=True)])
    for uid, at in (("first", 1.0), ("second", 2.0), ("third", 3.0)):
        desk.join(uid, at=at)
    booked = WaitingCall("callback", "cards", since=2.0)
    assert desk.tell(CallbackJoins(booked, instead_of="second"), at=50.0) == []
    assert [position(desk.state, uid) for uid in ("first", "callback", "third")] == [1, 2, 3]
    assert "second" not in desk.state.waiting


def test_a_callback_waits_for_whoever_logs_in_however_long_it_takes() -> None:
    desk = Desk(agents=[])
    assert desk.tell(CallbackJoins(WaitingCall("callback", "cards", since=100.0)), at=100.0) == []
    assert desk.tell(Tick(), at=100.0 + 86400.0) == []
    desk.tell(Reconfigure({"alice": ALICE}, {}))
    assert [(item.agent, item.call.uid) for item in desk.rung] == [("alice", "callback")]


def test_the_phone_that_rings_for_a_caller_stops_when_the_caller_books_a_callback() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    commands = desk.tell(CallbackJoins(WaitingCall("callback", "cards", since=100.0), "c1"))
    assert [item.cause for item in commands if isinstance(item, CancelRing)] == ["caller_left"]
    desk.tick()
    assert [(item.agent, item.call.uid) for item in desk.rung] == [("alice", "c1"), ("alice", "callback")]


def test_ageing_lets_who_has_waited_long_overtake_a_higher_priority() -> None:
    desk = Desk(agents=[])
    desk.state = AcdState.start([], [QueueSpec("cards", join_empty=True, ageing=60.0)])
    desk.join("patient", at=0.0)
    desk.join("important", priority=2, at=110.0)
    assert position(desk.state, "patient") == 2
    while desk.now < 120.0:
        desk.tick()
    assert position(desk.state, "patient") == 1  # twice a minute, and who came first


def test_a_sticky_queue_rings_the_agent_whom_the_caller_knows() -> None:
    desk = Desk(queue=QueueSpec("cards", sticky=True))
    desk.tell(CallJoins(WaitingCall("c1", "cards", preferred="bob")))
    assert desk.rung[0].agent == "bob"
    desk.tell(CallJoins(WaitingCall("c2", "cards", preferred="bob")))
    assert desk.rung[1].agent == "alice"  # bob's phone rings already: nobody waits for one person


def test_an_estimate_is_longer_the_surer_it_is() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    mean = estimated_wait(desk.state, "c1")
    assert mean is not None
    for quantile, factor in (
        (0.5, 0.70),
        (0.8, 1.61),
        (0.9, 2.31),
    ):  # of an exponential distribution: -ln(1 - q)
        assert estimated_wait(desk.state, "c1", quantile) == pytest.approx(mean * factor, rel=0.03)
