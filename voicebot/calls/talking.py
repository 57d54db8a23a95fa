"""The talk: caller and agent bridged, until the agent's leg is over."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from voicebot.calls.leg import Leg

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine


async def talk(line: "TelephoneLine", other: Leg, on_left: Callable[[], None] = lambda: None) -> None:
    """Bridge the caller with `other` until that leg is over; the leg is ended whichever way this returns.

    `on_left` is called when `other` has left and the caller is still there.
    """
    call, caller = line.call, line.caller
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    bridged = False
    try:
        if not other.gone.done() and caller.media is not None and other.media is not None:
            caller.media.bridge(other.media.id)
            bridged = True
            call.trace("bridged", agent=other.name)
        gone = await asyncio.shield(other.gone)
        call.trace(
            "agent_left", agent=other.name, cause=gone.cause, seconds=round(loop.time() - started_at, 2)
        )
    finally:
        if bridged:
            call.talk_seconds += loop.time() - started_at
            if caller.media is not None:
                caller.media.unbridge()
        line.telephones.hang_up(other)
    on_left()
    caller.take_keys()  # what was keyed during the talk was for the agent
