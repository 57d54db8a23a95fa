"""Random callers of random dialplans that check clean, for FUZZ_SECONDS (60); prints what was tried.

FUZZ_CALLERS=10000 goes on until there were so many instead, which takes some minutes.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.dialplan.generated import generated
from tests.dialplan.helpers import loaded
from tests.dialplan.simulated import callers, stuck
from tests.dialplan.test_property import FILES, LEAST_CLEAN, is_clean
from voicebot.dialplan.targets import VERBS
from voicebot.sim.fuzz import Fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
ENOUGH = int(os.environ.get("FUZZ_CALLERS", "0"))
RANDOM_CALLERS = 20  # of each dialplan, besides those of `simulated.callers`
FEW = 200  # dialplans: of fewer the shares say little


@dataclass(slots=True)
class Tried:
    """What was generated and simulated so far."""

    dialplans: int = 0
    clean: int = 0
    callers: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        share = 100 * self.clean / self.dialplans
        verbs = ", ".join(f"{verb} {times}" for verb, times in sorted(self.steps.items()))
        return (
            f"\n{self.dialplans} dialplans generated, {self.clean} of them ({share:.0f} %) check clean; "
            f"{self.callers} callers simulated, {len(self.troubles)} with trouble\nsteps of the clean ones: {verbs}"
        )


def test_no_caller_of_a_clean_dialplan_gets_stuck(capsys: pytest.CaptureFixture[str]) -> None:
    tried = Tried()
    for seed in _seeds(tried):
        tried.dialplans += 1
        text = generated(seed)
        if not is_clean(text):
            continue
        tried.clean += 1
        plan = loaded(text, FILES, skip=())
        tried.steps.update(
            step.verb for flow in plan.flows.values() for step in flow.every_step() if step.verb
        )
        if problem := stuck(plan, seed):
            tried.troubles.append(f"seed {seed}: {problem}")
        found = list(Fuzz(plan, seed=seed).callers(RANDOM_CALLERS))
        tried.troubles += [f"seed {seed}: {item.trouble} by {item.scenario.caller}" for item in found]
        tried.callers += sum(1 for _ in callers(plan, seed)) + RANDOM_CALLERS
    with capsys.disabled():
        print(tried)
    assert tried.troubles == []
    if tried.dialplans >= FEW:
        assert tried.clean >= LEAST_CLEAN * tried.dialplans
        assert set(tried.steps) == set(VERBS)


def _seeds(tried: Tried) -> Iterator[int]:
    """Yield seeds until enough was tried."""
    end = time.monotonic() + SECONDS
    source = random.SystemRandom()
    while tried.callers < ENOUGH if ENOUGH else time.monotonic() < end:
        yield source.getrandbits(48)
