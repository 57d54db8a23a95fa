"""Measure a running server from outside, and what authors wait for: `python -m bench [NAMES] [--json FILE] [--quick]`."""

import argparse
import asyncio
import datetime
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    calls_per_second,
    check_speed,
    flood,
    leak,
    load,
    machine,
    reaction,
    reload,
    setup,
    startup,
    steps,
    test_speed,
)
from bench.crowd import CrowdError
from bench.figures import Figure
from bench.plan import Plan, quick
from bench.server import ServerError
from voicebot import __version__

BENCHMARKS: Mapping[str, Callable[[Plan], Awaitable[list[Figure]]]] = {
    "startup": startup.run,
    "setup": setup.run,
    "reaction": reaction.run,
    "load": load.run,
    "calls_per_second": calls_per_second.run,
    "flood": flood.run,
    "leak": leak.run,
    "reload": reload.run,
    "steps": steps.run,
    "check": check_speed.run,
    "test_calls": test_speed.run,
}

_WIDTH = 130  # of a table that goes to a file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)} (default: all)"
    )
    parser.add_argument("--json", type=Path, default=Path("data/bench.json"), metavar="FILE")
    parser.add_argument(
        "--quick", action="store_true", help="small numbers: shows that all works, says little"
    )
    parser.add_argument("--calls", metavar="N,N...", help="concurrent calls of the benchmark `load`")
    parser.add_argument("--seconds", type=float, help="how long `load` measures each number of calls")
    parser.add_argument("--reloads", type=int, help="how many reloads `reload` does")
    parser.add_argument(
        "--compare", metavar="URI", help="put the same load on another server (SIP URI) as well"
    )
    parser.add_argument(
        "--compare-pid", type=int, default=0, metavar="PID", help="its process, for CPU and memory"
    )
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark `{unknown[0]}`: choose of {', '.join(BENCHMARKS)}")
    if options.compare and not os.path.exists(f"/proc/{options.compare_pid}/stat"):
        parser.error("--compare needs --compare-pid, the process of that server")
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    try:
        document = asyncio.run(_measure(options, options.names or list(BENCHMARKS), console))
    except (ServerError, CrowdError) as error:
        console.print(str(error), markup=False, style="red")
        return 1
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n")
    console.print(f"written to {options.json}", highlight=False)
    return 0


async def _measure(options: argparse.Namespace, names: Sequence[str], console: Console) -> dict[str, object]:
    before = machine.facts()
    console.print(", ".join(f"{key} {value}" for key, value in before.items()), highlight=False, markup=False)
    results: dict[str, list[dict[str, object]]] = {}
    for name in names:
        with (
            tempfile.TemporaryDirectory(prefix="voicebot-bench-") as folder,
            console.status(name) as status,
        ):
            figures = await BENCHMARKS[name](_plan(options, Path(folder), status.update))
        console.print(_table(name, figures))
        results[name] = [figure.as_json() for figure in figures]
    return {
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "machine": {**before, "load_average_after": machine.facts()["load_average"]},
        "results": results,
    }


def _plan(options: argparse.Namespace, folder: Path, tell: Callable[[str], None]) -> Plan:
    plan = quick(folder, tell) if options.quick else Plan(folder, tell)
    return plan.changed(
        calls=tuple(map(int, options.calls.split(","))) if options.calls else plan.calls,
        seconds=options.seconds or plan.seconds,
        reloads=options.reloads or plan.reloads,
        compare=options.compare,
        compare_pid=options.compare_pid,
    )


def _table(name: str, figures: Sequence[Figure]) -> Table:
    table = Table(title=name, title_justify="left", show_header=False, box=None, pad_edge=False)
    for figure in figures:
        table.add_row(figure.name, figure.text(), figure.unit)
    return table


if __name__ == "__main__":
    sys.exit(main())
