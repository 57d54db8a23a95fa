"""One absolute clock of 20 ms for all calls of a process: what is late is caught up, so the rhythm never drifts."""

import asyncio
from collections.abc import Callable

from voicebot.media import FRAME_SECONDS

_CAUGHT_UP = 25  # ticks: after a longer stall the clock starts anew


class Ticker:
    """Calls every subscriber with the instant of each tick, in seconds of the loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._subscribers: list[Callable[[float], None]] = []
        self._next = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def add(self, subscriber: Callable[[float], None]) -> None:
        self._subscribers.append(subscriber)
        if self._handle is None:
            self._next = self._loop.time()
            self._handle = self._loop.call_at(self._next, self._tick)

    def remove(self, subscriber: Callable[[float], None]) -> None:
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
        if not self._subscribers and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._next > _CAUGHT_UP * FRAME_SECONDS:
            self._next = now
        while self._next <= now:
            at, self._next = self._next, self._next + FRAME_SECONDS
            for subscriber in tuple(self._subscribers):
                subscriber(at)
        if self._subscribers:
            self._handle = self._loop.call_at(self._next, self._tick)
