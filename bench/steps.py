"""From one step to the next: what the interpreter of a live call needs, on a real event loop, with storage in SQLite.

Nothing is said or asked in these steps, so nothing is waited for: what passes between the instants at which two steps
that follow each other begin is the interpreter's own, their events on the way to the disk included. The thread that
writes those to the disk competes for Python's lock, so the time on the clock is told beside the processor time.
Python's threads and garbage collector are set as a server sets them.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from bench.figures import Figure, spread
from bench.plan import Plan
from voicebot.dialplan.loader import load
from voicebot.runtime.control.pace import keep_pace
from voicebot.sim.hotline import Hotline, Scenario
from voicebot.sim.store import Event
from voicebot.storage.writer import Writer

PAIRS = 90  # of a `set` and an `if` in a call, which may run 200 steps before it asks something
CALLS = 10

_HEAD = """dialplan: 1
hotline: {name: steps, languages: [en], timezone: UTC, start: main}
flows:
  other: [{hangup: normal}]
  main:
    - set: {call.name: nobody}
"""


def chain() -> str:
    """Return a dialplan whose call runs through a long chain of steps."""
    steps = [_HEAD]
    for number in range(PAIRS):
        steps.append(f'    - set: {{call.value{number}: "{{{{ call.name }}}} {number}"}}\n')
        steps.append(f"    - if: {{when: \"call.value{number} == 'nothing'\", goto: other}}\n")
    return "".join(steps) + "    - goto: other\n"


def measure(folder: Path) -> tuple[list[float], list[float]]:
    """Return the seconds between steps that follow each other: on the clock, and of processor time."""
    path = folder / "steps.yaml"
    path.write_text(chain(), encoding="utf-8")
    writer = Writer(f"sqlite:///{folder / 'steps.db'}")
    clock: list[float] = []
    processor: list[float] = []
    began: list[tuple[float, float]] = []

    def told(event: Event) -> None:
        if event.kind == "step":
            began.append((time.perf_counter(), time.thread_time()))
        writer.event("steps", event.kind, event.data)

    hotline = Hotline(load(path), on_event=told)
    try:
        with _as_in_a_server():
            for _ in range(CALLS):
                began.clear()
                hotline.run_on(Scenario(()), asyncio.new_event_loop())
                clock += [after[0] - before[0] for before, after in pairwise(began)]
                processor += [after[1] - before[1] for before, after in pairwise(began)]
    finally:
        writer.close()
    return clock, processor


@contextmanager
def _as_in_a_server() -> Iterator[None]:
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    keep_pace()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
        gc.unfreeze()


async def run(plan: Plan) -> list[Figure]:
    plan.tell("steps")
    clock, processor = await asyncio.to_thread(measure, plan.folder)  # it has event loops of its own
    return [
        spread("from step to step", clock, (50, 99)),
        spread("from step to step, processor time", processor, (50, 99)),
    ]
