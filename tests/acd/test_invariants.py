"""Whatever happens, in whatever order: no agent stays reserved, no call is lost, each ends exactly once."""

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voicebot.acd import (
    STRATEGIES,
    AcdState,
    Agent,
    AgentAnswered,
    AgentDeclined,
    AgentLogsIn,
    AgentLogsOut,
    AgentStatus,
    Assignment,
    CallJoins,
    CallLeaves,
    CancelRing,
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
    decide,
    next_timer,
)

AGENTS = {
    name: Agent(name, f"sip:{name}@x", {"en": 1, **({"zh": 1} if name == "b" else {})}) for name in "abc"
}
BUSY = {AgentStatus.RINGING, AgentStatus.TALKING}
picks = st.integers(0, 30)


class Acd(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.rng = random.Random(0)
        self.offers: list[Assignment] = []
        self.phones: dict[int, Assignment] = {}  # legs that ring or are up, as the shell sees them
        self.here: set[str] = set()  # callers in a queue or a talk
        self.calls = 0

    @initialize(
        strategies=st.tuples(st.sampled_from(list(STRATEGIES)), st.sampled_from(list(STRATEGIES))),
        join_empty=st.booleans(),
        wrap_up=st.sampled_from([0.0, 10.0]),
    )
    def open(self, strategies: tuple[str, str], join_empty: bool, wrap_up: float) -> None:
        self.queues = {
            "one": QueueSpec("one", strategies[0], join_empty=join_empty, wrap_up=wrap_up, max_length=3),
            "two": QueueSpec(
                "two",
                strategies[1],
                agents=("c", "b"),
                relax=(Relaxation(30.0, "z*"),),
                priority=1,
                max_wait=60.0,
                ring_timeout=7.0,
            ),
        }
        self.state = AcdState.start(list(AGENTS.values()), list(self.queues.values()))

    def tell(self, event: Event) -> None:
        self.state, commands = decide(self.state, event, self.now, self.rng)
        for command in commands:
            match command:
                case Ring(assignment):
                    assert assignment.call.uid in self.here
                    assert not any(other.agent == assignment.agent for other in self.phones.values())
                    self.offers.append(assignment)
                    self.phones[assignment.id] = assignment
                case CancelRing(assignment):
                    self.phones.pop(assignment.id, None)
                case Connect(assignment):
                    assert assignment.id in self.phones
                    assert assignment.call.uid in self.here
                case Exit(uid):
                    assert uid in self.here, "a call that is gone left again"
                    self.here.remove(uid)

    @rule(
        queue=st.sampled_from(["one", "two"]),
        priority=st.sampled_from([None, 0, 5]),
        require=st.sampled_from([frozenset[str](), frozenset({"zh"})]),
    )
    def join(self, queue: str, priority: int | None, require: frozenset[str]) -> None:
        self.calls += 1
        uid = f"c{self.calls}"
        self.here.add(uid)
        self.tell(CallJoins(WaitingCall(uid, queue, priority, require)))

    @rule(pick=picks)
    def leave(self, pick: int) -> None:
        if self.here:
            uid = sorted(self.here)[pick % len(self.here)]
            self.here.remove(uid)
            self.tell(CallLeaves(uid))
            assert not any(item.call.uid == uid for item in self.phones.values()), "a phone rings for nobody"

    @rule(pick=picks, kind=st.sampled_from(["answer", "answer", "decline", "done"]))
    def phone(self, pick: int, kind: str) -> None:
        """Any phone that was ever rung may report anything, however late; what is over must change nothing."""
        if not self.offers:
            return
        offer = self.offers[-1 - pick % len(self.offers)]
        up = self.state.assignments.get(offer.id)
        before = self.state
        event: dict[str, Any] = {
            "answer": AgentAnswered(offer),
            "decline": AgentDeclined(offer, "busy"),
            "done": TalkEnds(offer),
        }
        if kind == "decline" or (kind == "done" and up is not None and up.answered_at is not None):
            self.phones.pop(offer.id, None)
        self.tell(event[kind])
        if up is None:
            assert self.state == before, "an assignment that is over still had an effect"

    @rule(name=st.sampled_from("abc"), come=st.booleans())
    def log(self, name: str, come: bool) -> None:
        if name in self.state.agents:
            self.tell(AgentLogsIn(name) if come else AgentLogsOut(name))

    @rule(names=st.sets(st.sampled_from("abc")))
    def reload(self, names: set[str]) -> None:
        wrapping = {
            agent.id: agent.wrap_up_until
            for agent in self.state.agents.values()
            if agent.status is AgentStatus.WRAP_UP and agent.wrap_up_until != self.now
        }
        self.tell(Reconfigure({name: AGENTS[name] for name in names}, self.queues))
        for name in names & wrapping.keys():
            assert self.state.agents[name].wrap_up_until == wrapping[name]

    @rule(seconds=st.sampled_from([0.3, 3.0, 21.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass as the shell does: one Tick at each timer."""
        until = self.now + seconds
        for _ in range(200):
            due = next_timer(self.state)
            if due is None or due > until:
                self.now = until
                return
            assert due >= self.now, "a timer in the past would spin"
            self.now = due
            self.tell(Tick())
        raise AssertionError("timers never come to rest")

    @invariant()
    def agents_and_assignments_agree(self) -> None:
        if not hasattr(self, "state"):
            return
        agents, assignments = self.state.agents, self.state.assignments
        for agent in agents.values():
            assert (agent.status in BUSY) == (agent.assignment is not None)
            if agent.assignment is not None:
                mine = assignments[agent.assignment]
                assert mine.agent == agent.id
                assert (agent.status is AgentStatus.TALKING) == (mine.answered_at is not None)
        assert len({item.agent for item in assignments.values()}) == len(assignments)
        assert all(agents[item.agent].assignment == item.id for item in assignments.values())

    @invariant()
    def every_caller_waits_or_talks(self) -> None:
        if not hasattr(self, "state"):
            return
        talking = [item.call.uid for item in self.state.assignments.values() if item.answered_at is not None]
        assert sorted([*self.state.waiting, *talking]) == sorted(self.here)
        assert self.phones.keys() == self.state.assignments.keys()

    @invariant()
    def free_agent_and_waiting_call_find_each_other(self) -> None:
        if not hasattr(self, "state"):
            return
        for call in self.state.waiting.values():
            if (
                call.queue == "one"
                and not call.require
                and not any(item.call.uid == call.uid for item in self.state.assignments.values())
            ):
                assert not any(
                    agent.status is AgentStatus.FREE and agent.not_before is None
                    for agent in self.state.agents.values()
                ), "a caller waits although somebody is free"

    def teardown(self) -> None:
        """When everybody goes home nothing is left over."""
        if not hasattr(self, "state"):
            return
        for uid in sorted(self.here):
            self.here.remove(uid)
            self.tell(CallLeaves(uid))
        self.wait(30.0)
        assert not self.state.assignments
        assert not self.state.waiting
        assert not self.phones
        assert {agent.status for agent in self.state.agents.values()} <= {
            AgentStatus.FREE,
            AgentStatus.LOGGED_OUT,
        }


TestAcd = Acd.TestCase
TestAcd.settings = settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True)
