"""`voicebot talk --voice`: the hotline as a real server on loopback, called by a phone with the person's own microphone."""

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from voicebot.cli.demo.server import DemoServer, write_config
from voicebot.cli.stored import latest_call
from voicebot.config import Config
from voicebot.dialplan.schema import Dialplan
from voicebot.engines import engines_for
from voicebot.phone.call import PhoneCall
from voicebot.phone.errors import CallFailed, PhoneError
from voicebot.phone.live import Live, SoundCard
from voicebot.phone.phone import Phone
from voicebot.sim.store import Event
from voicebot.sim.typed import act_of

HELP = "Speak; a headset keeps the bot from hearing itself. /1 or /4711# are keys, /hangup hangs up."
USER = "you"
_LOOKED_EVERY = 0.3  # seconds between two looks at the record
_WRITTEN_WITHIN = 3.0


async def converse(
    settings: Config,
    dialplan: Dialplan,
    card: SoundCard,
    *,
    typed: Iterator[str | None],
    on_event: Callable[[Event], None],
    on_note: Callable[[str], None],
) -> None:
    """Serve `dialplan`, call it, and talk until either side hangs up. Raises PhoneError, SpeechError.

    `typed` are the lines of the keyboard, None at their end. `on_event` hears of the call's events as they are stored.
    """
    with tempfile.TemporaryDirectory(prefix="voicebot-talk-") as folder:
        data = Path(folder)
        engines = engines_for(settings, [dialplan])
        config = write_config(settings, engines, Path(dialplan.path), data, "sip:nobody@127.0.0.1:9")
        server = DemoServer(config, data)
        phone = Phone(user=USER)
        try:
            await server.start(on_note)
            try:
                call = await phone.call(server.uri, timeout=10.0)
            except CallFailed as error:
                raise PhoneError(f"the call was not answered: {error}") from error
            live = Live(call, card)
            try:
                on_note(HELP)
                _read_keyboard(call, typed, on_note)
                await _tell(call, data, on_event)
            finally:
                live.close()
        finally:
            await phone.close()
            await server.stop()


def _read_keyboard(call: PhoneCall, typed: Iterator[str | None], on_note: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()

    def take(line: str | None) -> None:
        if line is None:
            return  # the end of the keyboard's input: who only speaks may go on
        try:
            act = act_of(line)
        except ValueError:
            on_note(HELP)
            return
        if act is None or not call.up:
            return
        if act.kind == "dtmf":
            call.send_keys(act.text)
        elif act.kind == "hangup":
            hanging_up.append(loop.create_task(call.hang_up()))
        else:
            on_note(HELP)

    hanging_up: list[asyncio.Task[None]] = []

    def read() -> None:
        for line in typed:
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(take, line)

    threading.Thread(target=read, name="keyboard", daemon=True).start()


async def _tell(call: PhoneCall, data: Path, on_event: Callable[[Event], None]) -> None:
    """Pass on what is stored of the call, until it has ended and its record is whole."""
    loop = asyncio.get_running_loop()
    told, deadline = 0, None
    while deadline is None or loop.time() < deadline:
        await call.ended(_LOOKED_EVERY) if deadline is None else await asyncio.sleep(_LOOKED_EVERY)
        if call.over and deadline is None:
            deadline = loop.time() + _WRITTEN_WITHIN
        record = await loop.run_in_executor(None, latest_call, data, USER)
        if record is None:
            continue
        answered = next((event.offset for event in record.events if event.kind == "answered"), 0.0)
        for event in record.events[told:]:
            on_event(Event(event.offset - answered, event.kind, event.data))
        told = len(record.events)
        if record.ended_at is not None:
            return
