"""What `voicebot test` prints: text, JSON, JUnit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console

from voicebot.sim.coverage import Coverage
from voicebot.sim.runner import Verdict


@dataclass(frozen=True, slots=True)
class FileResult:
    """The tests of one dialplan. `seconds` is how long they really took."""

    path: str
    verdicts: Sequence[Verdict]
    coverage: Coverage
    seconds: float

    @property
    def failed(self) -> int:
        return sum(not verdict.passed for verdict in self.verdicts)


def show(console: Console, results: Iterable[FileResult], *, coverage: bool) -> None:
    """Print each test, of failed ones what was expected, what happened, and the call."""
    results = list(results)
    for result in results:
        console.print(result.path, style="bold", markup=False)
        for verdict in result.verdicts:
            _show(console, verdict)
        if not result.verdicts:
            console.print("  it has no tests", style="yellow")
        if coverage:
            _show_coverage(console, result.coverage)
    tests = sum(len(result.verdicts) for result in results)
    failed = sum(result.failed for result in results)
    seconds = sum(result.seconds for result in results)
    passed = f"{tests - failed} passed" + (f", {failed} failed" if failed else "")
    console.print(f"{passed} in {seconds:.2f} s", style="red" if failed else "green")


def _show(console: Console, verdict: Verdict) -> None:
    mark, style = ("ok  ", "green") if verdict.passed else ("FAIL", "red")
    facts = f"{len(verdict.steps)} steps, {verdict.turns} turns, {verdict.call_seconds:.0f} s"
    console.print(f"  [{style}]{mark}[/] ", end="")
    console.print(verdict.name, end="", markup=False)
    console.print(f"  ({facts})", style="dim")
    if verdict.passed:
        _show_notes(console, verdict)
        return
    console.print(f"       {verdict.file}:{verdict.line}", style="dim", markup=False)
    for failure in verdict.failures:
        console.print(f"       {failure}", style="red", markup=False)
    _show_notes(console, verdict)
    console.print("       the call:", style="dim")
    for line in verdict.transcript:
        console.print(f"         {line}", markup=False)


def _show_notes(console: Console, verdict: Verdict) -> None:
    for note in verdict.notes:
        console.print(f"       note: {note}", style="yellow", markup=False)


def _show_coverage(console: Console, coverage: Coverage) -> None:
    steps, edges = coverage.all_steps(), coverage.all_edges()
    done = sum(coverage.steps[step.id] > 0 for step in steps)
    taken = sum(coverage.times(edge) > 0 for edge in edges)
    console.print(
        f"  coverage: {done} of {len(steps)} steps ({_share(done, len(steps))}), "
        f"{taken} of {len(edges)} ways ({_share(taken, len(edges))})"
    )
    for step in steps:
        if not coverage.steps[step.id]:
            where = f"{step.position.file}:{step.position.line}"
            console.print(f"    never run    {where}  {step.verb} {step.id}", style="yellow", markup=False)
    for edge in edges:
        if not coverage.times(edge) and (not edge.step or coverage.steps[edge.step]):
            what = f"{edge.step} {edge.name}".strip()
            console.print(f"    never taken  {edge.file}:{edge.line}  {what}", style="yellow", markup=False)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "100%"


def as_data(results: Iterable[FileResult], *, coverage: bool) -> dict[str, object]:
    """Return the document that `--json` prints."""
    results = list(results)
    return {
        "passed": sum(len(result.verdicts) - result.failed for result in results),
        "failed": sum(result.failed for result in results),
        "files": [
            {
                "file": result.path,
                "seconds": round(result.seconds, 4),
                "tests": [_test(verdict) for verdict in result.verdicts],
                **({"coverage": coverage_data(result.coverage)} if coverage else {}),
            }
            for result in results
        ],
    }


def _test(verdict: Verdict) -> dict[str, object]:
    return {
        "name": verdict.name,
        "line": verdict.line,
        "passed": verdict.passed,
        "failures": list(verdict.failures),
        "notes": list(verdict.notes),
        "transcript": list(verdict.transcript),
        "steps": len(verdict.steps),
        "turns": verdict.turns,
        "call_seconds": verdict.call_seconds,
    }


def coverage_data(coverage: Coverage) -> dict[str, object]:
    """Return how often every step ran and every way was taken."""
    return {
        "steps": [
            {
                "step": step.id,
                "verb": step.verb,
                "file": step.position.file,
                "line": step.position.line,
                "times": coverage.steps[step.id],
            }
            for step in coverage.all_steps()
        ],
        "ways": [
            {
                "step": edge.step,
                "way": edge.name,
                "file": edge.file,
                "line": edge.line,
                "times": coverage.times(edge),
            }
            for edge in coverage.all_edges()
        ],
    }


def write_junit(path: Path, results: Iterable[FileResult]) -> None:
    """Write JUnit's XML, a suite for each dialplan. Raises OSError."""
    results = list(results)
    root = ElementTree.Element("testsuites", name="voicebot test")
    for result in results:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=result.path,
            tests=str(len(result.verdicts)),
            failures=str(result.failed),
            errors="0",
            time=f"{result.seconds:.3f}",
        )
        for verdict in result.verdicts:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                name=verdict.name,
                classname=result.path,
                file=verdict.file,
                line=str(verdict.line),
                time=f"{result.seconds / len(result.verdicts):.4f}",
            )
            if not verdict.passed:
                failure = ElementTree.SubElement(case, "failure", message=verdict.failures[0])
                failure.text = "\n".join((*verdict.failures, *verdict.notes, "", *verdict.transcript))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
