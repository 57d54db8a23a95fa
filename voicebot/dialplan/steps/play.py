"""play: an audio file of prompts/."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.fields import Reader, key, one_of
from voicebot.dialplan.inputs import BARGE_INS, Files, play_files
from voicebot.dialplan.line import BargeIn
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Mapping, Node
from voicebot.dialplan.targets import Step, verb


@verb
@dataclass(frozen=True, kw_only=True)
class Play(Step):
    verb: ClassVar[str] = "play"

    file: Files = key(play_files, required=True)
    barge_in: BargeIn | None = key(one_of(*BARGE_INS))

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        if isinstance(node, Mapping) and node.get("file") is not None:
            return reader.build(cls, node, **given)
        return cls(file=play_files(reader, node), **given)

    async def run(self, run: Run) -> None:
        await run.say(run.file(self.file), self.barge_in)
