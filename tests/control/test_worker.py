"""Worker processes: heard, replaced when they die or hang, gone when control closes."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import structlog

from voicebot.runtime.control import worker as worker_module
from voicebot.runtime.control.worker import Worker
from voicebot.wire import EndCall, Heartbeat, Message

DEADLINE = 15.0  # seconds; processes start in 0.3, on a busy machine in 3


class Watched:
    """A worker with notes of what happened to it."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.deaths = 0
        self.messages: list[Message] = []
        self.worker = Worker(
            "tests.control.faulty_worker",
            0,
            on_message=lambda _worker, message: self.messages.append(message),
            on_start=lambda worker: self.started.append(worker.pid),
            on_death=lambda _worker: self._died(),
        )

    def _died(self) -> None:
        self.deaths += 1

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not fact():
                await asyncio.sleep(0.02)


def run(story: Callable[[Watched], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        watched = Watched()
        watched.worker.start()
        try:
            await watched.until(watched.worker.started.is_set)
            await story(watched)
        finally:
            watched.worker.stop()

    asyncio.run(whole())


def test_heartbeats_carry_its_counters() -> None:
    async def story(watched: Watched) -> None:
        assert watched.worker.counters == {"pings": 1.0}
        assert isinstance(watched.messages[0], Heartbeat)

    run(story)


def test_a_worker_that_dies_is_replaced() -> None:
    async def story(watched: Watched) -> None:
        watched.worker.send(EndCall("die"))
        await watched.until(lambda: len(watched.started) == 2)
        assert watched.deaths == 1
        await watched.until(watched.worker.started.is_set)
        assert watched.started[0] != watched.started[1]

    run(story)


def test_a_worker_that_hangs_is_killed_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEATS_MISSED", 1.0)

    async def story(watched: Watched) -> None:
        watched.worker.send(EndCall("hang"))
        await watched.until(lambda: len(watched.started) == 2)
        assert watched.deaths == 1
        with pytest.raises(ProcessLookupError):
            os.kill(watched.started[0], 0)

    run(story)


def test_what_a_native_library_writes_to_stderr_is_logged() -> None:
    with structlog.testing.capture_logs() as lines:

        async def story(watched: Watched) -> None:
            watched.worker.send(EndCall("say"))
            await watched.until(lambda: any(line.get("text") == "native trouble" for line in lines))

        run(story)


def test_closing_ends_the_process_and_starts_no_other() -> None:
    async def story(watched: Watched) -> None:
        pid = watched.worker.pid
        watched.worker.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert len(watched.started) == 1
        assert not watched.worker.send(EndCall("die"))

    run(story)
