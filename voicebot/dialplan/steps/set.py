"""set: write variables."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.fields import Reader, Value
from voicebot.dialplan.inputs import assignments
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node
from voicebot.dialplan.targets import Step, verb


@verb
@dataclass(frozen=True, kw_only=True)
class Set(Step):
    verb: ClassVar[str] = "set"

    values: dict[str, Value]

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        return cls(values=assignments(reader, node), **given)

    async def run(self, run: Run) -> None:
        run.assign(self.values)
