"""Test calls a second on one core: the demo dialplan's own tests, run again and again in the simulator.

    python -m bench test_calls, or python -m bench.test_speed [SECONDS]

Counts processor time, so that other programs on the machine matter less; what the cores share they still slow down.
"""

import asyncio
import sys
import time
from pathlib import Path

from bench.figures import Figure, single
from bench.plan import Plan
from voicebot.dialplan.loader import load
from voicebot.sim.runner import run_tests

DEMO = Path(__file__).parent.parent / "dialplans" / "demo.yaml"


def measure(seconds: float) -> tuple[float, float, float]:
    """Return the test calls a second of processor time, and the steps and turns of a call on average."""
    plan = load(DEMO)
    verdicts = list(run_tests(plan, plan.tests))
    if not all(verdict.passed for verdict in verdicts):
        raise SystemExit("the tests of the demo dialplan do not pass")
    calls = 0
    began = time.thread_time()
    while (spent := time.thread_time() - began) < seconds:
        calls += len(list(run_tests(plan, plan.tests)))
    steps = sum(len(verdict.steps) for verdict in verdicts) / len(verdicts)
    turns = sum(verdict.turns for verdict in verdicts) / len(verdicts)
    return calls / spent, steps, turns


async def run(plan: Plan) -> list[Figure]:
    plan.tell("test calls")
    speed, steps, turns = await asyncio.to_thread(measure, plan.test_seconds)  # it has event loops of its own
    return [
        single("test calls a second, on one core", speed, "", 0),
        single("steps of a call, on average", steps, "", 1),
        single("turns of a call, on average", turns, "", 1),
    ]


def main() -> None:
    speed, steps, turns = measure(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
    print(f"{speed:,.0f} test calls a second ({steps:.1f} steps and {turns:.1f} turns a call on average)")


if __name__ == "__main__":
    main()
