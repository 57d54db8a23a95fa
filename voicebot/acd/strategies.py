"""Whom to ring: one pure function a strategy.

Each gets the agents who could be rung now, in the order in which the configuration names them (never empty), and
returns those to ring now.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from voicebot.acd.model import Agent


class Rng(Protocol):
    """The randomness that a decision may use (`random.Random` fits)."""

    def random(self) -> float:
        """Return a number in [0, 1)."""


Strategy = Callable[[Sequence["Agent"], str | None, Rng], Sequence["Agent"]]


def longest_idle(agents: Sequence["Agent"], _last: str | None, _rng: Rng) -> Sequence["Agent"]:
    """Ring the agent who has waited longest for a call."""
    return [min(agents, key=lambda agent: (agent.idle_since, agent.id))]


def ring_all(agents: Sequence["Agent"], _last: str | None, _rng: Rng) -> Sequence["Agent"]:
    """Ring everyone; the first to answer has the call."""
    return agents


def round_robin(agents: Sequence["Agent"], last: str | None, _rng: Rng) -> Sequence["Agent"]:
    """Ring the agent whose name follows that of the agent rung last, whether that one is still free or not."""
    by_name = sorted(agents, key=lambda agent: agent.id)
    return [next((agent for agent in by_name if last is not None and agent.id > last), by_name[0])]


def linear(agents: Sequence["Agent"], _last: str | None, _rng: Rng) -> Sequence["Agent"]:
    """Ring the first who is free, in the order of the configuration."""
    return agents[:1]


def at_random(agents: Sequence["Agent"], _last: str | None, rng: Rng) -> Sequence["Agent"]:
    """Ring anyone."""
    return [agents[int(rng.random() * len(agents))]]


def fewest_calls(agents: Sequence["Agent"], _last: str | None, _rng: Rng) -> Sequence["Agent"]:
    """Ring the agent who has taken the fewest calls."""
    return [min(agents, key=lambda agent: (agent.calls_taken, agent.idle_since, agent.id))]


def least_talk_time(agents: Sequence["Agent"], _last: str | None, _rng: Rng) -> Sequence["Agent"]:
    """Ring the agent who has talked the least."""
    return [min(agents, key=lambda agent: (agent.talk_seconds, agent.idle_since, agent.id))]


STRATEGIES: dict[str, Strategy] = {
    "longest_idle": longest_idle,
    "ring_all": ring_all,
    "round_robin": round_robin,
    "linear": linear,
    "random": at_random,
    "fewest_calls": fewest_calls,
    "least_talk_time": least_talk_time,
}

PARALLEL = frozenset({"ring_all"})  # several phones may ring for one call; agents who become free join in
