"""Two agents, a queue, and a shell that only remembers what it was told to do."""

import random
from collections.abc import Iterable

from voicebot.acd import (
    AcdState,
    Agent,
    AgentStatus,
    Announce,
    Assignment,
    CallJoins,
    Command,
    Event,
    Exit,
    QueueSpec,
    Ring,
    Tick,
    WaitingCall,
    decide,
    next_timer,
)

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
