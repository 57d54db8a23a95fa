"""Voicemail: record what the caller says until a key, silence, the limit, or hang-up; kept in each case."""

import asyncio
from pathlib import Path

from voicebot.calls.call import Call
from voicebot.calls.leg import Leg
from voicebot.dialplan.line import VoiceMessage
from voicebot.wire import Key, Message, SpeechStarted, SpeechStopped

SILENCE = 3.0  # seconds of silence that end a message (dialplan language)


async def record_message(caller: Leg, call: Call, path: Path, longest: float, term_char: str) -> VoiceMessage:
    """Record to `path` for `longest` seconds at most. `url` of the result is the file's."""
    assert caller.media is not None
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    turn = next(call.utterances)
    deadline: asyncio.TimerHandle | None = None

    def quiet_since(at: float) -> None:
        nonlocal deadline
        deadline = loop.call_at(at + SILENCE, over.set)

    def on_message(message: Message) -> None:
        if isinstance(message, Key) and message.key == term_char:
            over.set()
        elif isinstance(message, SpeechStarted) and deadline is not None:
            deadline.cancel()
        elif isinstance(message, SpeechStopped):
            quiet_since(message.at)

    def on_hold(held: bool) -> None:
        if deadline is not None:
            deadline.cancel()
        if not held:
            quiet_since(loop.time())

    started_at = loop.time()
    caller.media.record(str(path))
    caller.listen(turn, speech_worker=-1)
    if not caller.held:
        quiet_since(started_at)
    try:
        with caller.listening(on_message, on_hold):
            await asyncio.wait_for(over.wait(), longest)
    except TimeoutError:
        pass
    finally:
        if deadline is not None:
            deadline.cancel()
        caller.end_listen(turn)
        caller.media.end_recording(str(path))
        seconds = round(loop.time() - started_at, 2)
        call.trace("message", path=str(path), seconds=seconds)
    return VoiceMessage(path.absolute().as_uri(), seconds)
