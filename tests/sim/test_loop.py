"""The virtual loop: time passes only by waiting, and what would hang or spin for ever is told."""

import asyncio

import pytest

from voicebot.sim.loop import NothingHappens, TimeStandsStill, VirtualTimeLoop, run


def test_an_hour_passes_at_once_and_timers_keep_their_order() -> None:
    happened: list[tuple[str, float]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()

        def happens(name: str) -> None:
            happened.append((name, loop.time() - start))

        for delay, name in ((3600.0, "later"), (1.0, "first"), (1.0, "second")):
            loop.call_later(delay, happens, name)
        await asyncio.sleep(4000)

    run(story())
    assert happened == [("first", 1.0), ("second", 1.0), ("later", 3600.0)]


def test_a_cancelled_timer_never_comes_and_moves_no_time() -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(500, lambda: None).cancel()
        start = loop.time()
        await asyncio.sleep(1)
        return loop.time() - start

    assert run(story()) == 1.0


def test_waiting_for_what_nobody_brings_is_told() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    loop = VirtualTimeLoop()
    task = loop.create_task(story())
    with pytest.raises(NothingHappens):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_tasks_that_never_wait_are_told() -> None:
    async def story() -> None:
        while True:
            await asyncio.sleep(0)

    loop = VirtualTimeLoop()
    task = loop.create_task(story())
    with pytest.raises(TimeStandsStill):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_an_error_in_a_callback_is_not_lost() -> None:
    async def story() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(ZeroDivisionError):
        run(story())


def test_timeouts_and_cancellation_work_as_in_any_loop() -> None:
    async def story() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.sleep(3)
        done, _ = await asyncio.wait({asyncio.ensure_future(asyncio.sleep(1, "slept"))}, timeout=5)
        return done.pop().result()

    assert run(story()) == "slept"
