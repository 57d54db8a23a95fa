"""The tests of a dialplan, run one after the other; what came of each."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import NamedTuple

from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import CallerTest
from voicebot.sim.coverage import edges_of, steps_of
from voicebot.sim.expectations import Mismatch, judge
from voicebot.sim.hotline import Hotline, Outcome, Person, Scenario
from voicebot.sim.transcript import transcript

TURNS = frozenset({"heard", "keys", "noinput", "nomatch"})


class Verdict(NamedTuple):
    """What came of one test. `failures` is empty when it passed; `call_seconds` are of virtual time."""

    name: str
    file: str
    line: int
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    transcript: tuple[str, ...]
    steps: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    turns: int
    call_seconds: float

    @property
    def passed(self) -> bool:
        return not self.failures


def chosen(tests: Iterable[CallerTest], pattern: str | None) -> list[CallerTest]:
    """Return the tests whose name contains `pattern`, or matches it as `*` and `?` of a shell."""
    if pattern is None:
        return list(tests)
    wanted = pattern.casefold()
    return [
        test for test in tests if wanted in test.name.casefold() or fnmatchcase(test.name.casefold(), wanted)
    ]


def run_tests(
    dialplan: Dialplan,
    tests: Iterable[CallerTest],
    people: Mapping[str, Person] | None = None,
    dials: Callable[[str], bool] | None = None,
) -> Iterator[Verdict]:
    """Run tests; `people` are the agents of the configuration, `dials` says what it lets be dialled.

    What it does not is dialled nevertheless, and noted: a test is about the dialplan.
    """
    hotline = Hotline(dialplan, people, dials=dials)
    with _nothing_old_collected():
        for test in tests:
            outcome = hotline.run(Scenario.of(test))
            yield verdict_of(test, outcome, judge(test.expect, outcome))


@contextmanager
def _nothing_old_collected() -> Iterator[None]:
    """Keep the garbage collector from going through program and dialplan again and again: calls leave it only their own."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def verdict_of(test: CallerTest, outcome: Outcome, mismatches: Iterable[Mismatch]) -> Verdict:
    """Return what came of one call. The transcript is made of calls that were not as expected."""
    failures = tuple(str(mismatch) for mismatch in mismatches)
    notes = tuple(f"{asked} has no stub" for asked in dict.fromkeys(outcome.unstubbed)) if failures else ()
    notes += tuple(
        f"no trunk lets {to} be dialled (see `dial`): a real call goes on otherwise"
        for to in outcome.undialled
    )
    return Verdict(
        test.name,
        test.position.file,
        test.position.line,
        failures,
        notes,
        tuple(str(line) for line in transcript(outcome)) if failures else (),
        tuple(steps_of(outcome.events)),
        tuple(edges_of(outcome.events)),
        len([True for event in outcome.events if event.kind in TURNS]),
        round(outcome.seconds, 1),
    )
