"""`voicebot test --fuzz`: random callers look for trouble; what they find is printed as a test that shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.console import Console

from voicebot.dialplan.schema import Dialplan
from voicebot.sim.fuzz import Found, Fuzz
from voicebot.sim.hotline import Person
from voicebot.sim.transcript import transcript
from voicebot.sim.written import written


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """What the random callers of one dialplan found."""

    path: str
    callers: int
    seed: int
    found: tuple[tuple[Found, str], ...]  # with the test that shows it


def fuzz(
    dialplans: Iterable[Dialplan], people: Mapping[str, Person], callers: int, seed: int
) -> list[FuzzResult]:
    """Send `callers` random callers to each dialplan."""
    results = []
    for dialplan in dialplans:
        random_callers = Fuzz(dialplan, people, seed=seed)
        found = tuple(
            (item, written(random_callers.as_test(item))) for item in random_callers.callers(callers)
        )
        results.append(FuzzResult(dialplan.path, callers, seed, found))
    return results


def show_fuzz(console: Console, results: Iterable[FuzzResult]) -> None:
    for result in results:
        console.print(result.path, style="bold", markup=False)
        for found, test in result.found:
            trouble = found.trouble
            where = f"{result.path}:{trouble.line}: " if trouble.line else ""
            console.print(f"  {where}{trouble.text}", style="red", markup=False)
            console.print("  the shortest call that shows it, as an entry of `tests`:", style="dim")
            console.print(test, markup=False)
            console.print("  the call:", style="dim")
            for line in transcript(found.outcome):
                console.print(f"    {line}", markup=False)
        count = len(result.found)
        style = "red" if count else "green"
        told = f"{count} kind{'s' * (count != 1)} of trouble" if count else "no trouble"
        console.print(f"  {result.callers} random callers, seed {result.seed}: {told}", style=style)


def fuzz_data(results: Iterable[FuzzResult]) -> dict[str, object]:
    """Return the document that `--json` prints."""
    return {
        "files": [
            {
                "file": result.path,
                "callers": result.callers,
                "seed": result.seed,
                "found": [
                    {
                        "kind": found.trouble.kind,
                        "text": found.trouble.text,
                        "step": found.trouble.step,
                        "line": found.trouble.line,
                        "test": test,
                        "transcript": [str(line) for line in transcript(found.outcome)],
                    }
                    for found, test in result.found
                ],
            }
            for result in results
        ]
    }
