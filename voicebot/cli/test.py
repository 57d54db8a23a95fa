"""`voicebot test`: the `tests:` of dialplans, in a simulator that needs no telephone and no time."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voicebot.cli.fuzzing import fuzz, fuzz_data, show_fuzz
from voicebot.cli.options import (
    FOUND,
    ConfigOption,
    DataOption,
    JsonOption,
    configuration,
    give_up,
    print_findings,
)
from voicebot.cli.testing_report import FileResult, as_data, show, write_junit
from voicebot.cli.wire import WireTests
from voicebot.config import Config, Overrides
from voicebot.dialplan.loader import DialplanError, load
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import CallerTest
from voicebot.phone.errors import PhoneError
from voicebot.runtime.render.around import around_of
from voicebot.sim.coverage import Coverage
from voicebot.sim.hotline import Person
from voicebot.sim.runner import Verdict, chosen, run_tests
from voicebot.speech.errors import SpeechError

Dials = Callable[[str], bool] | None  # what the configuration lets be dialled


def run_caller_tests(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]", help="Dialplans; those of config.yaml if none is named."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="PATTERN", help="Only tests with this in their name.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="F", help="Write the results for a CI server, too.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which steps and ways no test has taken.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=64, help="Processes.")] = 1,
    fuzz_callers: Annotated[
        int,
        typer.Option(
            "--fuzz", metavar="N", min=0, help="Send N random callers instead, who look for trouble."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Of the random callers.")] = 0,
    wire: Annotated[
        bool, typer.Option("--wire", help="Make real calls: SIP and RTP on loopback, in real time.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the tests that stand in dialplans: simulated callers, agents, services and time of day.

    Exit code 0: all passed; 1: some failed; 2: wrong use, or a dialplan that cannot be used.
    """
    settings = configuration(config, Overrides(data=data))
    people = people_of(settings)
    dials = around_of(settings).dials if settings.trunks else None
    prompts = None if files else settings.prompts
    console = Console(emoji=False, highlight=False, soft_wrap=True)
    if fuzz_callers:
        found = fuzz(dialplans(files, settings), people, fuzz_callers, seed)
        if as_json:
            typer.echo(json.dumps(fuzz_data(found), ensure_ascii=False, indent=2))
        else:
            show_fuzz(console, found)
        raise typer.Exit(FOUND if any(result.found for result in found) else 0)
    results = [
        _called(dialplan, chosen(dialplan.tests, name), settings)
        if wire
        else _tested(dialplan, chosen(dialplan.tests, name), people, dials, jobs, prompts)
        for dialplan in dialplans(files, settings)
    ]
    if name is not None and not any(result.verdicts for result in results):
        give_up(f"no test has {name!r} in its name")
    if junit is not None:
        try:
            write_junit(junit, results)
        except OSError as error:
            give_up(f"{junit} cannot be written: {error.strerror}")
    if as_json:
        typer.echo(json.dumps(as_data(results, coverage=coverage), ensure_ascii=False, indent=2))
    else:
        show(console, results, coverage=coverage)
    raise typer.Exit(FOUND if any(result.failed for result in results) else 0)


def dialplans(files: list[Path] | None, settings: Config) -> list[Dialplan]:
    """Load what was named, or what is configured; print what is wrong and exit with 2."""
    found: list[Dialplan] = []
    wrong = False
    for path in files or list(settings.dialplans.values()):
        try:
            found.append(load(path, prompts=None if files else settings.prompts))
        except DialplanError as error:
            print_findings(error.findings)
            wrong = True
    if wrong:
        raise typer.Exit(2)
    return found


def people_of(settings: Config) -> dict[str, Person]:
    """Return the configured agents as the simulator needs them."""
    return {name: Person(agent.uri, agent.skills) for name, agent in settings.agents.items()}


def _tested(
    dialplan: Dialplan,
    tests: list[CallerTest],
    people: Mapping[str, Person],
    dials: Dials,
    jobs: int,
    prompts: Path | None,
) -> FileResult:
    began = time.perf_counter()
    if jobs > 1 and len(tests) > 1:
        verdicts = _in_processes(dialplan, tests, people, dials, min(jobs, len(tests)), prompts)
    else:
        verdicts = list(run_tests(dialplan, tests, people, dials))
    return _result(dialplan, verdicts, time.perf_counter() - began)


def _result(dialplan: Dialplan, verdicts: list[Verdict], seconds: float) -> FileResult:
    coverage = Coverage(dialplan)
    for verdict in verdicts:
        coverage.count(verdict.steps)
        coverage.count_edges(verdict.edges)
    return FileResult(dialplan.path, verdicts, coverage, seconds)


def _called(dialplan: Dialplan, tests: list[CallerTest], settings: Config) -> FileResult:
    """Make the tests as real calls."""
    progress = Console(emoji=False, stderr=True, highlight=False)

    def told(text: str) -> None:
        progress.print(text, style="dim", markup=False)

    began = time.perf_counter()
    verdicts: list[Verdict] = []
    if tests:
        try:
            verdicts = asyncio.run(WireTests(settings, dialplan, tests, told).run())
        except (PhoneError, SpeechError) as error:
            give_up(str(error))
    return _result(dialplan, verdicts, time.perf_counter() - began)


def _in_processes(
    dialplan: Dialplan,
    tests: list[CallerTest],
    people: Mapping[str, Person],
    dials: Dials,
    jobs: int,
    prompts: Path | None,
) -> list[Verdict]:
    """Run a share of the tests in each of `jobs` processes; the order stays."""
    numbers = [dialplan.tests.index(test) for test in tests]
    shares = [numbers[first::jobs] for first in range(jobs)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        given = ([dialplan.path] * jobs, [prompts] * jobs, shares, [dict(people)] * jobs, [dials] * jobs)
        done = list(pool.map(_share, *given))
    by_number = {
        number: verdict
        for share, verdicts in zip(shares, done, strict=True)
        for number, verdict in zip(share, verdicts, strict=True)
    }
    return [by_number[number] for number in numbers]


def _share(
    path: str, prompts: Path | None, numbers: list[int], people: Mapping[str, Person], dials: Dials
) -> list[Verdict]:
    dialplan = load(path, prompts=prompts)
    return list(run_tests(dialplan, [dialplan.tests[number] for number in numbers], people, dials))
