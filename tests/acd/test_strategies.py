"""Each strategy chooses as its name says."""

import random

import pytest

from voicebot.acd import STRATEGIES, Agent

AGENTS = [
    Agent("carol", "", idle_since=5.0, calls_taken=1, talk_seconds=300.0),
    Agent("alice", "", idle_since=9.0, calls_taken=4, talk_seconds=200.0),
    Agent("bob", "", idle_since=7.0, calls_taken=2, talk_seconds=100.0),
]


@pytest.mark.parametrize(
    ("strategy", "last", "chosen"),
    [
        ("longest_idle", None, ["carol"]),
        ("ring_all", None, ["carol", "alice", "bob"]),
        ("round_robin", None, ["alice"]),
        ("round_robin", "alice", ["bob"]),
        ("round_robin", "carol", ["alice"]),
        ("round_robin", "barbara", ["bob"]),
        ("linear", "carol", ["carol"]),
        ("fewest_calls", None, ["carol"]),
        ("least_talk_time", None, ["bob"]),
    ],
)
def test_strategy_chooses(strategy: str, last: str | None, chosen: list[str]) -> None:
    assert [agent.id for agent in STRATEGIES[strategy](AGENTS, last, random.Random(0))] == chosen


def test_random_reaches_everyone() -> None:
    rng = random.Random(1)
    seen = {agent.id for _ in range(50) for agent in STRATEGIES["random"](AGENTS, None, rng)}
    assert seen == {"alice", "bob", "carol"}


def test_equal_idle_times_are_decided_by_name() -> None:
    twins = [Agent("b", ""), Agent("a", "")]
    assert [agent.id for agent in STRATEGIES["longest_idle"](twins, None, random.Random(0))] == ["a"]
