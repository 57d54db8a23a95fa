"""How much is measured."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What every benchmark gets: sizes, a folder to work in, and `tell` for its progress."""

    folder: Path
    tell: Callable[[str], None]
    calls: tuple[int, ...] = (1, 20, 50, 100)
    talkers: int = 20
    seconds: float = 20.0
    reactions: int = 20
    short_calls: int = 200
    rates: tuple[float, ...] = (10, 25, 50, 100)  # new calls a second
    rate_seconds: float = 4.0
    short_rates: tuple[float, ...] = (200, 300, 400, 500)  # of `calls_per_second`, with a prompt
    answer_rates: tuple[float, ...] = (400, 600, 800, 1000)  # the same, answer and hang up
    sipp_seconds: float = 10.0
    leak_calls: int = 10_000
    reloads: int = 1000
    test_seconds: float = 10.0  # of processor time for `test_calls`
    compare: str | None = None  # another server's URI that takes the same load
    compare_pid: int = 0

    def changed(
        self,
        *,
        calls: tuple[int, ...],
        seconds: float,
        reloads: int,
        compare: str | None,
        compare_pid: int,
    ) -> "Plan":
        """Return the plan with what the command line asks for."""
        return replace(
            self, calls=calls, seconds=seconds, reloads=reloads, compare=compare, compare_pid=compare_pid
        )


def quick(folder: Path, tell: Callable[[str], None]) -> Plan:
    """A plan that shows in two minutes that everything works; its figures say little."""
    return Plan(
        folder,
        tell,
        calls=(1, 10),
        talkers=2,
        seconds=4.0,
        reactions=4,
        short_calls=40,
        rates=(10, 25),
        rate_seconds=2.0,
        short_rates=(20,),
        answer_rates=(20,),
        sipp_seconds=2.0,
        leak_calls=200,
        reloads=20,
        test_seconds=1.0,
    )
