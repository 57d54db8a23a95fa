"""say: speak."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.fields import Reader, key, one_of, string
from voicebot.dialplan.inputs import BARGE_INS
from voicebot.dialplan.line import BargeIn
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node
from voicebot.dialplan.targets import Step, verb
from voicebot.dialplan.texts import Text, is_text, text


@verb
@dataclass(frozen=True, kw_only=True)
class Say(Step):
    verb: ClassVar[str] = "say"

    text: Text = key(text, required=True)
    voice: str | None = key(string)
    barge_in: BargeIn | None = key(one_of(*BARGE_INS))

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        if is_text(reader, node):
            return cls(text=text(reader, node), **given)
        return reader.build(cls, node, **given)

    async def run(self, run: Run) -> None:
        await run.say(run.spoken(self.text, voice=self.voice), self.barge_in)
