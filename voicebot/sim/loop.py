"""An asyncio loop on virtual time: waiting costs nothing, and the same program runs the same way every time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

STARTS_AT = 1000.0  # so that 0.0 is never a valid instant
MOST_ROUNDS = 50_000  # of the loop in one instant; a call needs a few


class NothingHappens(RuntimeError):
    """Every task waits for something that no timer will bring: a real loop would hang here for ever."""


class TimeStandsStill(RuntimeError):
    """The tasks go round and round and none of them waits: a real loop would be busy here for ever."""


class _VirtualSelector:
    """Never sleeps and watches no file: what the loop would have waited is added to its clock instead."""

    def __init__(self) -> None:
        self.now = STARTS_AT
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingHappens("every task waits, and no timer is set")
        if timeout > 0.0:
            self.now += timeout
            self._rounds = 0
        else:
            self._rounds += 1
            if self._rounds > MOST_ROUNDS:
                raise TimeStandsStill("the tasks go on for ever without waiting")
        return []


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """`time()` moves only when nothing else is to be done. There are no files, sockets or processes in it."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _VirtualSelector()

    def time(self) -> float:
        return self._selector.now

    def _process_events(self, event_list: object) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time; like `asyncio.run`."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story)
