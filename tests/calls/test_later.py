"""Waiting for the same time again and again, in virtual time."""

import asyncio
from functools import partial

from voicebot.calls.later import Later
from voicebot.sim.loop import VirtualTimeLoop, run


def test_each_is_called_after_the_delay_and_those_cancelled_are_not() -> None:
    called: list[tuple[str, float]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()

        def ask(name: str) -> None:
            later.call(name, lambda: called.append((name, loop.time() - start)))

        later = Later(2.0)
        ask("a")
        await asyncio.sleep(0.5)
        ask("b")
        ask("c")
        await asyncio.sleep(1.0)
        later.cancel("b")
        later.cancel("never asked for")
        await asyncio.sleep(5.0)
        ask("d")  # after a time in which nobody waited
        await asyncio.sleep(3.0)
        later.cancel("d")

    run(story())
    assert called == [("a", 2.0), ("c", 2.5), ("d", 8.5)]


def test_one_that_fails_does_not_stop_the_others() -> None:
    called: list[str] = []
    loop = VirtualTimeLoop()

    async def story() -> None:
        later = Later(1.0)
        later.call("bad", partial(called.remove, "what is not there"))
        later.call("good", partial(called.append, "good"))
        await asyncio.sleep(2.0)

    loop.run_until_complete(story())
    loop.close()
    assert called == ["good"]
    assert [type(error) for error in loop.errors] == [ValueError]
