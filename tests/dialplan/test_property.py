"""Random dialplans that check clean: no simulated caller gets stuck in one, and each rule of reach and exit is needed for that."""

from functools import lru_cache

import pytest

from tests.dialplan.generated import generated
from tests.dialplan.helpers import findings, loaded
from tests.dialplan.simulated import never_entered, stuck
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.targets import VERBS
from voicebot.sim.fuzz import Fuzz

FILES = {"prompts/tone.wav": "a tone"}
SEEDS = 30
LEAST_CLEAN = 0.3  # of those generated
FUZZED = 8
CALLERS = 3
MISTAKES = 0.06
TRIES = 300  # random callers, of whom some come to every flow
RARELY = 0.05  # share of the flows that so few do not come to: it takes many good answers in a row
FAULTY = 220  # dialplans with more mistakes, of which some have one kind only
RULES = {
    "ends": {"VB110"},
    "returns": {"VB112"},
    "callers": {"VB160", "VB161", "VB162", "VB163"},
    "nobody_there": {"VB165"},
    "led_on": {"VB168"},
    "errors": {"VB114"},
    "time": {"VB164", "VB166"},
    "unreachable": {"VB111", "VB113"},
}


@lru_cache(maxsize=1)
def clean() -> dict[int, Dialplan]:
    return {seed: loaded(text, FILES, skip=()) for seed in range(SEEDS) if is_clean(text := generated(seed))}


def is_clean(text: str, skip: tuple[str, ...] = ()) -> bool:
    return all(item.severity == "info" for item in findings(text, FILES, skip=skip))


def test_enough_of_them_check_clean_and_every_step_is_used() -> None:
    assert len(clean()) >= LEAST_CLEAN * SEEDS
    used = {
        step.verb for plan in clean().values() for flow in plan.flows.values() for step in flow.every_step()
    }
    assert used - {""} == set(VERBS)


def test_no_caller_of_a_clean_dialplan_gets_stuck() -> None:
    for seed, plan in clean().items():
        assert stuck(plan, seed) == "", seed


def test_random_callers_of_clean_dialplans_find_no_trouble() -> None:
    for seed, plan in list(clean().items())[:FUZZED]:
        assert [found.trouble for found in Fuzz(plan, seed=seed).callers(CALLERS)] == [], seed


def test_callers_come_to_every_flow_of_a_clean_dialplan() -> None:
    flows = sum(len(plan.flows) for plan in clean().values())
    missed = sum(len(never_entered(plan, seed, TRIES)) for seed, plan in clean().items())
    assert missed <= RARELY * flows


@lru_cache(maxsize=1)
def candidates() -> dict[str, list[int]]:
    """Return by rule the seeds of dialplans that are clean but for that rule."""
    found: dict[str, list[int]] = {rule: [] for rule in RULES}
    for seed in range(FAULTY):
        text = generated(seed, MISTAKES)
        codes = {item.code for item in findings(text, FILES, skip=()) if item.severity != "info"}
        for rule, own in RULES.items():
            if codes and codes <= own:
                found[rule].append(seed)
    return found


@pytest.mark.parametrize("rule", RULES)
def test_without_a_rule_some_caller_gets_stuck_or_nobody_comes_to_a_flow(rule: str) -> None:
    for seed in candidates()[rule]:
        text = generated(seed, MISTAKES)
        assert is_clean(text, (rule,))
        plan = loaded(text, FILES, skip=(rule,))
        if never_entered(plan, seed, TRIES) if rule == "unreachable" else stuck(plan, seed):
            return
    pytest.fail(f"no dialplan of those tried needs the rule {rule}")
