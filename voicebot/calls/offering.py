"""What whoever answers hears before the caller: a whisper, and the key by which the call is taken."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from voicebot.calls.leg import Leg
from voicebot.calls.racing import first_of
from voicebot.dialplan.line import Spoken
from voicebot.wire import Key, Message

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine

ACCEPT_WITHIN = 10.0  # seconds after the whisper: an answering machine presses nothing


async def accepted(
    line: "TelephoneLine", leg: Leg, whisper: Sequence[Spoken], accept_key: str | None
) -> bool:
    """Whisper on `leg`; say whether the call was taken: by `accept_key`, or without one by staying on the line.

    Another key declines. The whisper stops when the key comes or the leg is gone. Who has not taken the call is hung up.
    """
    taken = False
    try:
        taken = await _taken(line, leg, whisper, accept_key)
    finally:
        if not taken:
            line.telephones.hang_up(leg)
    return taken


async def _taken(line: "TelephoneLine", leg: Leg, whisper: Sequence[Spoken], accept_key: str | None) -> bool:
    loop = asyncio.get_running_loop()
    keyed: asyncio.Future[bool] = loop.create_future()
    keys = ""

    def on_message(message: Message) -> None:
        nonlocal keys
        if isinstance(message, Key) and accept_key is not None and not keyed.done():
            keys += message.key
            if not accept_key.startswith(keys) or keys == accept_key:
                keyed.set_result(keys == accept_key)

    speaking = loop.create_task(_whisper(line, leg, whisper, interruptible=accept_key is not None))
    try:
        with leg.listening(on_message):
            await first_of(speaking, keyed, leg.gone)
            if accept_key is not None and not keyed.done() and not leg.gone.done():
                await speaking
                await first_of(keyed, leg.gone, timeout=ACCEPT_WITHIN)
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    if leg.gone.done():
        return accept_key is None  # the talk is over before it began: that is not the same as declined
    return accept_key is None or (keyed.done() and keyed.result())


async def _whisper(
    line: "TelephoneLine", leg: Leg, whisper: Sequence[Spoken], *, interruptible: bool
) -> None:
    if whisper:
        await line.speak(leg, whisper, barge_in="immediate" if interruptible else "none")
