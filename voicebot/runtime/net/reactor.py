"""Running a story on Twisted's asyncio reactor, from its first line to its last."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `story` in a new loop that is the reactor's; return what it returns, raise what it raises. Once a process."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    install: Callable[[asyncio.AbstractEventLoop], None] = asyncioreactor.install
    install(loop)
    reactor: Any = importlib.import_module("twisted.internet.reactor")  # what install() has just made
    task: asyncio.Task[T] = loop.create_task(story())
    task.add_done_callback(lambda _: reactor.stop())
    reactor.run(installSignalHandlers=False)
    return task.result()
