"""Waiting for the same time again and again: one timer of the loop serves all who wait, in their order."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Later:
    """Calls functions after `delay` seconds, unless they are cancelled before; nearly all of a hotline's are.

    Who asked first is due first, so that there is nothing to sort, and who is cancelled leaves nothing behind.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._waiting: OrderedDict[Hashable, tuple[float, Callable[[], object]]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def call(self, key: Hashable, function: Callable[[], object]) -> None:
        """Call `function` when the delay is over; `key` names it for `cancel`, and is not used twice at a time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._delay
        self._waiting[key] = (due, function)
        if self._timer is None:
            self._timer = loop.call_at(due, self._serve)

    def cancel(self, key: Hashable) -> None:
        """Do not call it. It may have been called already, or never have been asked for."""
        self._waiting.pop(key, None)

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._waiting and self._timer is None:
            key, (due, function) = next(iter(self._waiting.items()))
            if due > loop.time():
                self._timer = loop.call_at(due, self._serve)
            else:
                del self._waiting[key]
                loop.call_soon(function)  # one that fails must not stop the others
