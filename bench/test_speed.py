"""Test calls a second on one core: the demo dialplan's own tests, run again and again in the simulator.

    python -m bench.test_speed [SECONDS]

Counts processor time, so that other programs on the machine matter less; what the cores share they still slow down.
"""

import sys
import time
from pathlib import Path

from voicebot.dialplan.loader import load
from voicebot.sim.runner import run_tests

DEMO = Path(__file__).parent.parent / "dialplans" / "demo.yaml"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    plan = load(DEMO)
    verdicts = list(run_tests(plan, plan.tests))
    calls = 0
    began = time.process_time()
    while (spent := time.process_time() - began) < seconds:
        calls += len(list(run_tests(plan, plan.tests)))
    steps = sum(len(verdict.steps) for verdict in verdicts) / len(verdicts)
    turns = sum(verdict.turns for verdict in verdicts) / len(verdicts)
    passed = all(verdict.passed for verdict in verdicts)
    print(
        f"{calls / spent:,.0f} test calls a second ({steps:.1f} steps and {turns:.1f} turns a call on average)"
    )
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
