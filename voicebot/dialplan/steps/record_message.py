"""record_message: voicemail; kept however it ends."""

from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.fields import boolean, duration, identifier, key
from voicebot.dialplan.inputs import term_char
from voicebot.dialplan.run import Run
from voicebot.dialplan.targets import Step, verb


@verb
@dataclass(frozen=True, kw_only=True)
class RecordMessage(Step):
    verb: ClassVar[str] = "record_message"
    waits: ClassVar[bool] = True

    max: float = key(duration(1, 600), 120.0)
    beep: bool = key(boolean, True)
    transcribe: bool = key(boolean, False)
    term_char: str = key(term_char, "#")
    save: str | None = key(identifier)

    async def run(self, run: Run) -> None:
        message = await run.line.record_message(
            longest=self.max, beep=self.beep, term_char=self.term_char, transcribe=self.transcribe
        )
        run.heard_from_caller()
        run.trace("record_message", seconds=round(message.seconds, 1), url=message.url)
        if self.save is not None:
            run.variables.saved[self.save] = {
                "url": message.url,
                "seconds": message.seconds,
                "text": message.text,
            }
