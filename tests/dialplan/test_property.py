"""Random dialplans that check clean: no simulated caller gets stuck in one, and each rule of reach and exit is needed for that."""

from collections import Counter
from functools import lru_cache

import pytest

from tests.dialplan.generated import generated
from tests.dialplan.helpers import findings, loaded
from tests.dialplan.simulated import never_run, stuck
from voicebot.dialplan.fields import walk
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.targets import VERBS, Step
from voicebot.sim.coverage import Coverage
from voicebot.sim.fuzz import Fuzz

FILES = {"prompts/tone.wav": "a tone"}
SEEDS = 30
LEAST_CLEAN = 0.3  # of those generated
FUZZED = 8
SEARCHED = 10
CALLERS = 3
MISTAKES = 0.06
TRIES = 1000  # calls in which steps are searched that nobody comes to
FAULTY = 220  # dialplans with more mistakes, of which some have one kind only
FEWER_TRIES = 200
RULES: list[tuple[str, set[str]]] = [  # of reach and exit, with the codes that each finds
    ("ends", {"VB110"}),
    ("unreachable", {"VB111"}),
    ("returns", {"VB112"}),
    ("unreachable", {"VB113"}),
    ("errors", {"VB114"}),
    ("callers", {"VB160", "VB161", "VB162", "VB163"}),
    ("time", {"VB164", "VB166"}),
    ("nobody_there", {"VB165"}),
    ("led_on", {"VB168"}),
]


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


def test_callers_come_to_every_step_of_a_clean_dialplan() -> None:
    for seed, plan in list(clean().items())[:SEARCHED]:
        assert never_run(plan, TRIES) == set(), seed


@lru_cache(maxsize=1)
def faulty() -> dict[int, set[str]]:
    """Return by seed the codes found in dialplans with more mistakes."""
    found = {}
    for seed in range(FAULTY):
        text = generated(seed, MISTAKES)
        found[seed] = {item.code for item in findings(text, FILES, skip=()) if item.severity != "info"}
    return found


@pytest.mark.parametrize(("rule", "codes"), RULES, ids=["-".join(sorted(codes)) for _, codes in RULES])
def test_without_a_rule_some_caller_gets_stuck_or_nobody_comes_to_a_step(rule: str, codes: set[str]) -> None:
    for seed in (seed for seed, found in faulty().items() if found and found <= codes):
        text = generated(seed, MISTAKES)
        assert is_clean(text, (rule,))
        plan = loaded(text, FILES, skip=(rule,))
        if never_run(plan, TRIES) if rule == "unreachable" else stuck(plan, seed):
            return
    pytest.fail(f"no dialplan of those tried needs the rule {rule} of {codes}")


def test_nobody_comes_to_a_flow_or_step_that_nothing_leads_to() -> None:
    """VB111 and VB113 are never wrong; what they do not name and nobody comes to is behind a link that nobody hears."""
    named: Counter[str] = Counter()
    for seed, found in faulty().items():
        if found and found <= {"VB111", "VB113"}:
            plan = loaded(generated(seed, MISTAKES), FILES, skip=())
            assert never_run(plan, FEWER_TRIES) >= dead(plan) != set(), seed
            named.update(found)
    assert set(named) == {"VB111", "VB113"}


def dead(dialplan: Dialplan) -> set[str]:
    """Return the ids of the steps of which the checker says that nothing leads there, and of those behind them."""
    places = {(item.line, item.column) for item in dialplan.findings if item.code in ("VB111", "VB113")}
    found: set[str] = set()
    every = {step.id for step in Coverage(dialplan).all_steps()}
    for flow in dialplan.flows.values():
        named = [flow.position, *(step.position for step in flow.steps)]
        first = next((n for n, at in enumerate(named) if (at.line, at.column) in places), len(named))
        behind = flow.steps[max(first - 1, 0) :]  # all of them, where it is the flow that is named
        found |= {step.id for step in walk(behind) if isinstance(step, Step)}
    return found & every
