"""Who is rung and connected, and what agents may do meanwhile."""

import pytest

from tests.acd.desk import ALICE, BOB, Desk, agents_rung, exits
from voicebot.acd import (
    AcdError,
    Agent,
    AgentAnswered,
    AgentDeclined,
    AgentLogsIn,
    AgentLogsOut,
    AgentStatus,
    CallJoins,
    CallLeaves,
    CancelRing,
    Connect,
    Exit,
    QueueSpec,
    Reconfigure,
    Ring,
    TalkEnds,
    Tick,
    WaitingCall,
    WrapUpEnds,
    position,
)
from voicebot.acd.messages import DeclineCause


def test_caller_rings_the_agent_who_is_idle_longest() -> None:
    desk = Desk()
    [ring] = desk.join("c1")
    assert isinstance(ring, Ring)
    assert (ring.assignment.agent, ring.uri) == ("alice", "sip:6001@127.0.0.1")
    assert desk.status("alice") is AgentStatus.RINGING


def test_answer_connects_and_the_talk_ends_in_wrap_up() -> None:
    desk = Desk()
    desk.join("c1")
    [connect] = desk.tell(AgentAnswered(desk.rung[0]), at=103.0)
    assert isinstance(connect, Connect)
    assert connect.assignment.call.uid == "c1"
    assert desk.tell(TalkEnds(desk.rung[0]), at=163.0) == [Exit("c1", "agent_done")]
    assert desk.status("alice") is AgentStatus.WRAP_UP
    assert desk.state.agents["alice"].talk_seconds == 60.0
    desk.tick()
    assert desk.now == 173.0
    assert desk.status("alice") is AgentStatus.FREE
    assert desk.state.agents["alice"].idle_since == 173.0


def test_agent_in_wrap_up_gets_no_call_until_it_ends_or_they_are_ready() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    desk.tell(TalkEnds(desk.rung[0]), at=160.0)
    assert desk.join("c2", at=161.0) == []
    assert agents_rung(desk.tell(WrapUpEnds("alice"), at=162.0)) == ["alice"]


@pytest.mark.parametrize("cause", ["busy", "declined", "unreachable", "no_answer"])
def test_next_agent_rings_when_the_first_does_not_take_the_call(cause: DeclineCause) -> None:
    desk = Desk()
    desk.join("c1")
    assert agents_rung(desk.tell(AgentDeclined(desk.rung[0], cause))) == ["bob"]


def test_ring_time_out_stops_the_phone_and_rings_the_next_agent() -> None:
    desk = Desk()
    desk.join("c1")
    commands = desk.tick()
    assert desk.now == 120.0
    assert commands[0] == CancelRing(desk.rung[0], "no_answer")
    assert agents_rung(commands) == ["bob"]


def test_agent_who_missed_is_rung_again_only_after_the_others_and_a_pause() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentDeclined(desk.rung[0], "busy"))
    assert desk.tell(AgentDeclined(desk.rung[1], "declined"), at=101.0) == []
    assert agents_rung(desk.tick()) == ["alice"]
    assert desk.now == 105.0
    # Bob (tried once) comes before alice (tried twice).
    desk.tell(AgentDeclined(desk.rung[2], "busy"), at=110.0)
    assert desk.rung[-1].agent == "bob"


def test_pause_grows_with_each_miss_in_a_row_and_ends_with_an_answer() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    instants = []
    for _ in range(6):
        desk.tell(AgentDeclined(desk.rung[-1], "unreachable"))
        desk.tick()
        instants.append(desk.now)
    assert instants == [105.0, 115.0, 135.0, 175.0, 235.0, 295.0]
    desk.tell(AgentAnswered(desk.rung[-1]))
    assert desk.state.agents["alice"].missed_in_a_row == 0


def test_a_dead_phone_does_not_come_first_for_every_new_caller() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentDeclined(desk.rung[0], "unreachable"))
    desk.tell(CallLeaves("c1"))
    assert agents_rung(desk.join("c2", at=200.0)) == ["bob"]


def test_hang_up_while_the_phone_rings_cancels_the_ring_at_once() -> None:
    desk = Desk()
    desk.join("c1")
    assert desk.tell(CallLeaves("c1")) == [CancelRing(desk.rung[0], "caller_left")]
    assert desk.status("alice") is AgentStatus.FREE
    assert desk.state.agents["alice"].idle_since == 1.0
    assert not desk.state.waiting


def test_cancelled_phone_settles_before_the_next_ring() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    desk.tell(CallLeaves("c1"))
    assert desk.join("c2") == []
    assert agents_rung(desk.tick()) == ["alice"]
    assert desk.now == pytest.approx(100.5)


def test_answer_after_the_caller_left_ends_the_leg_and_frees_the_agent() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(CallLeaves("c1"))
    assert desk.tell(AgentAnswered(desk.rung[0])) == [CancelRing(desk.rung[0], "too_late")]
    assert desk.status("alice") is AgentStatus.FREE
    assert not desk.state.assignments


def test_caller_who_leaves_at_the_moment_of_the_answer_leaves_no_zombie() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    [cancel] = desk.tell(CallLeaves("c1"))
    assert isinstance(cancel, CancelRing)
    assert desk.status("alice") is AgentStatus.WRAP_UP
    assert desk.tell(TalkEnds(desk.rung[0])) == []


def test_answer_at_the_instant_of_the_ring_time_out_has_the_call() -> None:
    desk = Desk()
    desk.join("c1")
    [connect] = desk.tell(AgentAnswered(desk.rung[0]), at=120.0)
    assert isinstance(connect, Connect)


def test_answer_told_twice_connects_once() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    assert desk.tell(AgentAnswered(desk.rung[0])) == []


def test_late_refusal_of_an_earlier_ring_does_not_end_the_present_one() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    desk.tick()  # ring time-out
    desk.tick()  # rung again after the pause
    assert len(desk.rung) == 2
    assert desk.tell(AgentDeclined(desk.rung[0], "declined")) == []
    assert desk.status("alice") is AgentStatus.RINGING


def test_bridge_that_fails_gives_the_caller_their_place_back() -> None:
    desk = Desk([ALICE])
    desk.join("c1")
    desk.join("c2", at=101.0)
    desk.tell(AgentAnswered(desk.rung[0]), at=102.0)
    desk.tell(AgentDeclined(desk.rung[0], "unreachable"), at=103.0)
    assert position(desk.state, "c1") == 1
    assert desk.state.waiting["c1"].since == 100.0


def test_agent_who_logs_out_while_ringing_passes_the_call_on() -> None:
    desk = Desk()
    desk.join("c1")
    commands = desk.tell(AgentLogsOut("alice"))
    assert commands[0] == CancelRing(desk.rung[0], "agent_logged_out")
    assert agents_rung(commands) == ["bob"]
    assert desk.status("alice") is AgentStatus.LOGGED_OUT


def test_agent_who_logs_out_while_talking_finishes_the_talk() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    assert desk.tell(AgentLogsOut("alice")) == []
    assert desk.status("alice") is AgentStatus.TALKING
    desk.tell(TalkEnds(desk.rung[0]))
    assert desk.status("alice") is AgentStatus.LOGGED_OUT


def test_logging_out_and_in_does_not_shorten_the_wrap_up() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    desk.tell(TalkEnds(desk.rung[0]), at=150.0)
    desk.tell(AgentLogsOut("alice"), at=151.0)
    desk.tell(AgentLogsIn("alice"), at=152.0)
    assert desk.status("alice") is AgentStatus.WRAP_UP
    desk.tick()
    assert desk.now == 160.0
    assert desk.status("alice") is AgentStatus.FREE


def test_reload_keeps_wrap_up_talks_and_places() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    desk.join("c2")
    desk.tell(AgentAnswered(desk.rung[1]))
    desk.tell(TalkEnds(desk.rung[0]), at=150.0)
    desk.join("c3", at=151.0)
    new = {
        "alice": Agent("alice", "sip:7001@127.0.0.1", {"loans": 1}),
        "bob": BOB,
        "carol": Agent("carol", "sip:6003@127.0.0.1", status=AgentStatus.LOGGED_OUT),
    }
    assert desk.tell(Reconfigure(new, {"cards": QueueSpec("cards", wrap_up=99.0)}), at=152.0) == []
    assert desk.state.agents["alice"].wrap_up_until == 160.0
    assert desk.state.agents["alice"].uri == "sip:7001@127.0.0.1"
    assert desk.status("bob") is AgentStatus.TALKING
    assert desk.state.waiting["c3"].since == 151.0
    [ring] = desk.tick()
    assert isinstance(ring, Ring)
    assert (desk.now, ring.uri) == (160.0, "sip:7001@127.0.0.1")


def test_agent_who_is_removed_finishes_the_talk_and_is_gone() -> None:
    desk = Desk()
    desk.join("c1")
    desk.tell(AgentAnswered(desk.rung[0]))
    desk.tell(Reconfigure({"bob": BOB}, {}))
    assert desk.status("alice") is AgentStatus.TALKING
    assert exits(desk.tell(TalkEnds(desk.rung[0]))) == [("c1", "agent_done")]
    assert "alice" not in desk.state.agents


def test_ring_all_rings_everyone_and_the_first_answer_stops_the_others() -> None:
    desk = Desk(queue=QueueSpec("cards", strategy="ring_all"))
    assert agents_rung(desk.join("c1")) == ["alice", "bob"]
    commands = desk.tell(AgentAnswered(desk.rung[1]))
    assert commands[0] == CancelRing(desk.rung[0], "answered_elsewhere")
    assert isinstance(commands[1], Connect)
    assert desk.tell(AgentAnswered(desk.rung[0])) == [CancelRing(desk.rung[0], "too_late")]
    assert desk.status("alice") is AgentStatus.FREE


def test_ring_all_does_not_ring_on_at_who_declined_while_others_ring() -> None:
    desk = Desk(queue=QueueSpec("cards", strategy="ring_all"))
    desk.join("c1")
    desk.tell(AgentDeclined(desk.rung[0], "declined"))
    assert desk.tell(Tick(), at=106.0) == []
    assert agents_rung(desk.tell(AgentDeclined(desk.rung[1], "declined"), at=107.0)) == ["alice"]


def test_unknown_names_and_double_joins_are_errors() -> None:
    desk = Desk()
    desk.join("c1")
    for event in (
        CallJoins(WaitingCall("c1", "cards")),
        CallJoins(WaitingCall("c2", "nowhere")),
        AgentLogsIn("nobody"),
    ):
        with pytest.raises(AcdError):
            desk.tell(event)
    with pytest.raises(AcdError, match="longest_idle"):
        QueueSpec("cards", strategy="longest")
