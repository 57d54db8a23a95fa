"""An asyncio loop on virtual time: waiting costs nothing, and the same program runs the same way every time."""

import asyncio
import functools
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import Any, TypeVar

T = TypeVar("T")

STARTS_AT = 1000.0  # so that 0.0 is never a valid instant
MOST_ROUNDS = 100_000  # callbacks in one instant; a call needs a few


class NothingHappens(RuntimeError):
    """Every task waits for something that no timer will bring: a real loop would hang here for ever."""


class TimeStandsStill(RuntimeError):
    """The tasks go round and round and none of them waits: a real loop would be busy here for ever."""


class _Handle(functools.partial[object]):
    """A callback to come, which may be cancelled until then."""

    _cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """`time()` moves only when nothing else is to be done. There are no files, sockets or threads in it.

    Callbacks run without a context of their own: nothing in a simulated call has context variables. Errors in
    callbacks, which a real loop would log, are kept in `errors`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []
        self._now = STARTS_AT
        self._soon: deque[_Handle] = deque()
        self._later: list[tuple[float, int, _Handle]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self._now

    def call_soon(  # type: ignore[override]  # asyncio's Handle is as slow as a simulated call must not be
        self, callback: Callable[..., object], *args: Any, context: object = None
    ) -> _Handle:
        handle = _Handle(callback, *args)
        self._soon.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is one thread

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: object = None
    ) -> _Handle:
        handle = _Handle(callback, *args)
        heappush(self._later, (when, next(self._order), handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: object = None
    ) -> _Handle:
        handle = _Handle(callback, *args)
        heappush(self._later, (self._now + delay, next(self._order), handle))
        return handle

    def close(self) -> None:
        """Close the loop; what was still to come is forgotten."""
        self._soon.clear()
        self._later.clear()
        super().close()

    def _run_once(self) -> None:
        """Run what is due until the loop is stopped; BaseEventLoop calls this in turns."""
        soon = self._soon
        while True:
            if not soon:
                self._advance()
            for _ in range(MOST_ROUNDS):  # all within one instant
                handle = soon.popleft()
                if not handle._cancelled:
                    try:
                        handle()
                    except (SystemExit, KeyboardInterrupt):
                        raise
                    except BaseException as error:
                        self.errors.append(error)
                if self._stopping:  # type: ignore[attr-defined]  # BaseEventLoop's own
                    return
                if not soon:
                    break
            else:
                raise TimeStandsStill("the tasks go on for ever without waiting")

    def _advance(self) -> None:
        """Let time pass until the next timer, and make due what is due then."""
        later, soon = self._later, self._soon
        while not soon:
            if not later:
                raise NothingHappens("every task waits, and no timer is set")
            due_at, _, handle = heappop(later)
            if not handle._cancelled:
                soon.append(handle)
                if due_at > self._now:
                    self._now = due_at
        while later and later[0][0] <= self._now:
            soon.append(heappop(later)[2])


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time; like `asyncio.run`. Raises what a callback has raised."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        result = runner.run(story)
        loop = runner.get_loop()
        assert isinstance(loop, VirtualTimeLoop)
        if loop.errors:
            raise loop.errors[0]
        return result
