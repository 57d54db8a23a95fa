"""Who is rung, connected and sent on."""

import random
from collections.abc import Iterable

import pytest

from voicebot.acd import (
    AcdError,
    AcdState,
    Agent,
    AgentAnswered,
    AgentDeclined,
    AgentLogsIn,
    AgentLogsOut,
    AgentStatus,
    Announce,
    Assignment,
    CallbackJoins,
    CallJoins,
    CallLeaves,
    CancelRing,
    Command,
    Connect,
    Event,
    Exit,
    QueueSpec,
    Reconfigure,
    Relaxation,
    Ring,
    TalkEnds,
    Tick,
    WaitingCall,
    WrapUpEnds,
    decide,
    estimated_wait,
    next_timer,
    position,
)
from voicebot.acd.messages import DeclineCause

CARDS = QueueSpec("cards", ring_timeout=20.0, wrap_up=10.0, max_wait=600.0)
ALICE = Agent("alice", "sip:6001@127.0.0.1", {"cards": 5, "lang:en": 5}, idle_since=1.0)
BOB = Agent("bob", "sip:6002@127.0.0.1", {"cards": 2, "lang:en": 3, "lang:zh": 5}, idle_since=2.0)


class Desk:
    """A shell that only remembers what it was told to do."""

    def __init__(self, agents: Iterable[Agent] = (ALICE, BOB), queue: QueueSpec = CARDS) -> None:
        self.state = AcdState.start(list(agents), [queue])
        self.now = 100.0
        self.rung: list[Assignment] = []

    def tell(self, event: Event, *, at: float | None = None) -> list[Command]:
        self.now = self.now if at is None else at
        self.state, commands = decide(self.state, event, self.now, random.Random(0))
        self.rung += [command.assignment for command in commands if isinstance(command, Ring)]
        return [command for command in commands if not isinstance(command, Announce)]

    def join(
        self,
        uid: str,
        *,
        priority: int | None = None,
        require: frozenset[str] = frozenset(),
        max_wait: float | None = None,
        at: float | None = None,
    ) -> list[Command]:
        return self.tell(CallJoins(WaitingCall(uid, "cards", priority, require, max_wait)), at=at)

    def tick(self) -> list[Command]:
        """Let the next timer come."""
        due = next_timer(self.state)
        assert due is not None
        return self.tell(Tick(), at=due)

    def status(self, agent: str) -> AgentStatus:
        return self.state.agents[agent].status


def agents_rung(commands: Iterable[Command]) -> list[str]:
    return [command.assignment.agent for command in commands if isinstance(command, Ring)]


def exits(commands: Iterable[Command]) -> list[tuple[str, str]]:
    return [(command.call, command.exit) for command in commands if isinstance(command, Exit)]


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


# --- callbacks, ageing, sticky ----------------------------------------------------------------------------------------


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
