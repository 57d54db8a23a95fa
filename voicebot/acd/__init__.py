"""Queues, agents and who gets which call: decisions only, no clock, no telephone.

`decide(state, event, now, rng) -> (state, commands)` is the whole machine: the shell feeds it what happened and does
what the commands say. `next_timer(state)` tells when a `Tick` is due. All instants are the shell's monotonic seconds.
"""

from voicebot.acd.decide import decide, next_timer
from voicebot.acd.messages import (
    AgentAnswered,
    AgentDeclined,
    AgentLogsIn,
    AgentLogsOut,
    Announce,
    CallbackJoins,
    CallJoins,
    CallLeaves,
    CancelRing,
    Command,
    Connect,
    Event,
    Exit,
    Reconfigure,
    Ring,
    TalkEnds,
    Tick,
    WrapUpEnds,
)
from voicebot.acd.model import (
    AcdError,
    AcdState,
    Agent,
    AgentStatus,
    Assignment,
    QueueSpec,
    Relaxation,
    WaitingCall,
)
from voicebot.acd.strategies import STRATEGIES, Rng
from voicebot.acd.wait import estimated_wait, position, waiting_in

__all__ = [
    "STRATEGIES",
    "AcdError",
    "AcdState",
    "Agent",
    "AgentAnswered",
    "AgentDeclined",
    "AgentLogsIn",
    "AgentLogsOut",
    "AgentStatus",
    "Announce",
    "Assignment",
    "CallJoins",
    "CallLeaves",
    "CallbackJoins",
    "CancelRing",
    "Command",
    "Connect",
    "Event",
    "Exit",
    "QueueSpec",
    "Reconfigure",
    "Relaxation",
    "Ring",
    "Rng",
    "TalkEnds",
    "Tick",
    "WaitingCall",
    "WrapUpEnds",
    "decide",
    "estimated_wait",
    "next_timer",
    "position",
    "waiting_in",
]
