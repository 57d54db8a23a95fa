"""From starting the process until calls are answered: with nothing rendered yet, and with warm caches."""

import tempfile
from pathlib import Path

from bench.figures import Figure, single
from bench.plan import Plan
from bench.server import Server

_TIMES = 3


async def run(plan: Plan) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        plan.tell("startup: cold")
        with Server(Path(folder)) as server:
            cold = server.started_in
        warm: list[float] = []
        for _ in range(_TIMES):
            plan.tell("startup: warm")
            with Server(Path(folder)) as server:
                warm.append(server.started_in)
                memory = server.usage().memory_kb
    return [
        single("start with empty caches", cold, "s", 2),
        single("start with warm caches, median of 3", sorted(warm)[_TIMES // 2], "s", 2),
        single("memory without calls", memory / 1024, "MB", 1),
    ]
