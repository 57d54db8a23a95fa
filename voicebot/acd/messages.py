"""What happens to the ACD (events) and what it wants done (commands)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from voicebot.acd.model import Agent, Assignment, QueueSpec, WaitingCall

DeclineCause = Literal["busy", "declined", "no_answer", "unreachable"]
CancelCause = Literal[
    "no_answer", "caller_left", "call_exits", "answered_elsewhere", "agent_logged_out", "too_late"
]
QueueExit = Literal["agent_done", "timeout", "no_agents", "full"]

# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallJoins:
    """A caller enters a queue. Raises AcdError for an unknown queue, or a call that is in a queue already."""

    call: WaitingCall


@dataclass(frozen=True, slots=True)
class CallbackJoins:
    """A caller who is to be called back waits from now on without a line: `call.booked`, `call.since` is the place.

    The waiting call `instead_of`, if any, leaves in the same instant, so that nobody else has the place in between.
    What else `CallJoins` raises, this does.
    """

    call: WaitingCall
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class CallLeaves:
    """The caller is gone from the queue, or from the talk: hung up, or followed a link. No Exit follows."""

    call: str


@dataclass(frozen=True, slots=True)
class AgentAnswered:
    """The agent's phone was answered (the 200 of its INVITE)."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class AgentDeclined:
    """The agent's phone refused, was busy or not reached; or the answered leg broke before it was bridged."""

    assignment: Assignment
    cause: DeclineCause


@dataclass(frozen=True, slots=True)
class TalkEnds:
    """Agent and caller were connected and the agent's leg is over, while the caller is still there."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class WrapUpEnds:
    """The agent is ready before the wrap-up time is over."""

    agent: str


@dataclass(frozen=True, slots=True)
class AgentLogsIn:
    agent: str


@dataclass(frozen=True, slots=True)
class AgentLogsOut:
    """No more calls: at once, or after the talk in progress. A call that rings at the agent goes to another."""

    agent: str


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """New agents and queues. Live state stays: talks, wrap-up times, idle times, waiting calls and their places.

    Of a known agent only `uri` and `skills` are taken. A queue that is no longer named stays for the calls that
    started with an older dialplan.
    """

    agents: Mapping[str, Agent]
    queues: Mapping[str, QueueSpec]


@dataclass(frozen=True, slots=True)
class Tick:
    """`next_timer(state)` has come. (Any other event does the same work as well.)"""


Event = (
    CallJoins
    | CallbackJoins
    | CallLeaves
    | AgentAnswered
    | AgentDeclined
    | TalkEnds
    | WrapUpEnds
    | AgentLogsIn
    | AgentLogsOut
    | Reconfigure
    | Tick
)

# --- commands ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ring:
    """Call the agent's extension. Answer with AgentAnswered or AgentDeclined; the ACD itself minds the ring time-out."""

    assignment: Assignment
    uri: str


@dataclass(frozen=True, slots=True)
class CancelRing:
    """End the agent's leg in whatever state it is: CANCEL while it rings, BYE once it was answered. Idempotent."""

    assignment: Assignment
    cause: CancelCause


@dataclass(frozen=True, slots=True)
class Connect:
    """Bridge the caller with the agent who answered. Answer with TalkEnds, CallLeaves, or AgentDeclined if it fails."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Announce:
    """The call's place in the queue is now `position` (1 = next). Sent when it joins and at each change."""

    call: str
    position: int


@dataclass(frozen=True, slots=True)
class Exit:
    """The call leaves the queue by this exit; sent once, and the ACD knows the call no more."""

    call: str
    exit: QueueExit


Command = Ring | CancelRing | Connect | Announce | Exit
