"""Longer fuzzing of the SIP and SDP parsers and of the endpoint: `make fuzz`, for FUZZ_SECONDS (60) in all."""

import os
import random
import time
from collections.abc import Callable

from tests.sdp.test_fuzz import run_descriptions
from tests.sip.test_fuzz import run_mutations

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))


def test_endpoint() -> None:
    _for_a_while(lambda seed: run_mutations(seed, 400))


def test_descriptions() -> None:
    _for_a_while(lambda seed: run_descriptions(seed, 400))


def _for_a_while(run: Callable[[int], None]) -> None:
    end = time.monotonic() + SECONDS / 2
    seeds = random.SystemRandom()
    while time.monotonic() < end:
        seed = seeds.getrandbits(48)
        try:
            run(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
