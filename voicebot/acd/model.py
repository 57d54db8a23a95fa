"""What the ACD knows: agents, queues, waiting calls, and which agent has which call. All of it immutable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

from voicebot.acd.strategies import STRATEGIES

DEFAULT_HANDLING_SECONDS = 180.0  # assumed until a queue has handled its first call
NONE: Mapping[Any, Any] = MappingProxyType({})  # shared, so nobody may write to it


class AcdError(Exception):
    """Something was asked that cannot be: an unknown queue, agent or strategy, or a call that waits already."""


class AgentStatus(Enum):
    LOGGED_OUT = "logged_out"
    FREE = "free"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class Agent(NamedTuple):
    """One person with an extension.

    `skills` maps a skill to its level (1 and up; 0 is not having it). `idle_since` is when the agent last became free
    after a call, a miss or a login; being rung for a caller who leaves does not change it. `not_before` keeps an
    agent who missed a call from being rung on and on. `assignment` is set exactly while ringing or talking.
    `leaving` logs the agent out, `removed` forgets the agent, after the present talk.
    """

    id: str
    uri: str
    skills: Mapping[str, int] = NONE
    status: AgentStatus = AgentStatus.FREE
    idle_since: float = 0.0
    not_before: float | None = None
    wrap_up_until: float | None = None
    assignment: int | None = None
    missed_in_a_row: int = 0
    calls_taken: int = 0
    talk_seconds: float = 0.0
    leaving: bool = False
    removed: bool = False

    def has(self, skills: frozenset[str]) -> bool:
        return all(self.skills.get(skill, 0) > 0 for skill in skills)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """After `after` seconds of waiting, required skills that match the pattern `drop` (`lang:*`) are required no more."""

    after: float
    drop: str


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """What an admin wrote about a queue; nothing live. Durations are seconds, None is without limit.

    An agent can serve it who is in `agents` (empty: everyone) and has all skills of `require`. Skills that depend on
    the call come with the call. `prefer` are skills whose levels decide between agents before the strategy does.
    `join_empty` false: a call that no agent who is logged in could ever take leaves at once with `no_agents`.
    `ageing`: each time that a call has waited so long its priority grows by one. `sticky`: a call's `preferred` agent,
    while free, is rung before the others.
    """

    name: str
    strategy: str = "longest_idle"
    agents: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    relax: tuple[Relaxation, ...] = ()
    priority: int = 0
    max_wait: float | None = None
    max_length: int | None = None
    join_empty: bool = False
    wrap_up: float = 0.0
    ring_timeout: float = 20.0
    ageing: float | None = None
    sticky: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise AcdError(
                f"queue {self.name}: no strategy `{self.strategy}`; there are {', '.join(STRATEGIES)}"
            )
        object.__setattr__(self, "relax", tuple(sorted(self.relax, key=lambda item: item.after)))


class WaitingCall(NamedTuple):
    """A caller in a queue who is not connected yet; `booked`: who has hung up and is to be called back.

    `priority` and `max_wait` None take the queue's. `since` is when the call joined (set when it joins). `tried`
    counts how often each agent was rung for this call. `relaxed` counts the relaxations in force. `position` is the
    place that was last announced to the shell, 0 before the first. `aged` counts the steps of the queue's `ageing`.

    A booked call waits for whoever logs in, as long as it takes: `max_wait`, `max_length` and `no_agents` are for
    callers who hold the line.
    """

    uid: str
    queue: str
    priority: int | None = None
    require: frozenset[str] = frozenset()
    max_wait: float | None = None
    since: float = 0.0
    tried: Mapping[str, int] = NONE
    relaxed: int = 0
    position: int = 0
    aged: int = 0
    preferred: str = ""
    booked: bool = False


class Assignment(NamedTuple):
    """One offer of a call to an agent: ringing until `answered_at` is set, then accepted. `id` is used once only.

    `call` is the WaitingCall as it was offered, so that a call whose bridge fails gets its place back.
    """

    id: int
    agent: str
    call: WaitingCall
    rung_at: float
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """How long an agent is busy with one call of a queue (talk and wrap-up): running mean over the recent calls."""

    calls: int = 0
    mean: float = DEFAULT_HANDLING_SECONDS


class AcdState(NamedTuple):
    """Everything. `last_rung` is the agent whom each queue rang last (round robin goes on from there)."""

    agents: Mapping[str, Agent] = NONE
    queues: Mapping[str, QueueSpec] = NONE
    waiting: Mapping[str, WaitingCall] = NONE
    assignments: Mapping[int, Assignment] = NONE
    handling: Mapping[str, Handling] = NONE
    last_rung: Mapping[str, str] = NONE
    next_assignment: int = 1

    @classmethod
    def start(cls, agents: Sequence[Agent], queues: Sequence[QueueSpec]) -> "AcdState":
        """Return the state before the first call. Agents are as given: free, unless their status says otherwise."""
        return cls({agent.id: agent for agent in agents}, {queue.name: queue for queue in queues})


def priority_of(call: WaitingCall, queue: QueueSpec) -> int:
    return (queue.priority if call.priority is None else call.priority) + call.aged


def max_wait_of(call: WaitingCall, queue: QueueSpec) -> float | None:
    if call.booked:
        return None
    return queue.max_wait if call.max_wait is None else call.max_wait


def required_skills(call: WaitingCall, queue: QueueSpec, relaxed: int) -> frozenset[str]:
    """Return the skills that the call needs with the first `relaxed` relaxations in force."""
    dropped = [item.drop for item in queue.relax[:relaxed]]
    wanted = call.require.union(queue.require)
    return frozenset(skill for skill in wanted if not any(fnmatchcase(skill, pattern) for pattern in dropped))


def able(agent: Agent, queue: QueueSpec, skills: frozenset[str]) -> bool:
    """Say whether the agent may take calls of the queue that need `skills`, whatever the agent does at present."""
    return (not queue.agents or agent.id in queue.agents) and agent.has(skills)


def serves(agent: Agent) -> bool:
    """Say whether the agent takes calls now or after the present one."""
    return agent.status is not AgentStatus.LOGGED_OUT and not agent.leaving and not agent.removed
