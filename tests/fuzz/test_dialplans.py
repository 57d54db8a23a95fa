"""Random callers of random dialplans that check clean, for FUZZ_SECONDS (60): 10,000 callers take some minutes."""

import os
import random
import time

from tests.dialplan.generated import generated
from tests.dialplan.helpers import loaded
from tests.dialplan.simulated import stuck
from tests.dialplan.test_property import FILES, is_clean
from voicebot.sim.fuzz import Fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
CALLERS = 20  # of each dialplan


def test_no_caller_of_a_clean_dialplan_gets_stuck() -> None:
    end = time.monotonic() + SECONDS
    seeds = random.SystemRandom()
    while time.monotonic() < end:
        seed = seeds.getrandbits(48)
        text = generated(seed)
        if is_clean(text):
            plan = loaded(text, FILES, skip=())
            assert stuck(plan, seed) == "", f"seed {seed}"
            found = [item.trouble for item in Fuzz(plan, seed=seed).callers(CALLERS)]
            assert found == [], f"seed {seed}"
