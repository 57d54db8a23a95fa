"""Legs of the media plane when their worker says nothing: calls end all the same, and their ports come back."""

import asyncio
from typing import Any

from voicebot.runtime.control.media import CLOSE_WITHIN, MediaPlane
from voicebot.runtime.control.ports import PortPool
from voicebot.sim.loop import run
from voicebot.wire import LegClosed, Message


class Silent:
    """A worker that takes every command."""

    index = 0
    alive = True

    def send(self, message: Message, sockets: tuple[object, ...] = ()) -> bool:
        return True


def plane() -> MediaPlane:
    made = MediaPlane(1, PortPool(47_310, 47_319))
    worker: Any = Silent()
    made.workers = [worker]
    return made


def test_a_leg_that_its_worker_does_not_close_is_closed_without_counters_and_its_port_is_free() -> None:
    async def story() -> None:
        media, told = plane(), list[Message]()
        leg = media.open_leg("c1", "127.0.0.1", told.append)
        assert (media.legs, media.ports) == (1, 1)
        leg.close()
        await asyncio.sleep(CLOSE_WITHIN * 0.9)
        assert told == []
        await asyncio.sleep(CLOSE_WITHIN * 0.2)
        assert told == [LegClosed("c1", leg.id, {})]
        assert (media.legs, media.ports) == (0, 0)

    run(story())


def test_a_leg_that_its_worker_closes_is_told_so_once() -> None:
    async def story() -> None:
        media, told = plane(), list[Message]()
        leg = media.open_leg("c1", "127.0.0.1", told.append)
        leg.close()
        closed = LegClosed("c1", leg.id, {"sent": 3})
        media._on_message(media.workers[0], closed)
        await asyncio.sleep(CLOSE_WITHIN * 2)
        assert told == [closed]
        assert media.legs == 0

    run(story())
