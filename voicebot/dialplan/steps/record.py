"""record: record the call; an announcement comes first."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from voicebot.dialplan.fields import Reader, key, one_of
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node, Scalar
from voicebot.dialplan.targets import Step, verb
from voicebot.dialplan.texts import Text, text


@verb
@dataclass(frozen=True, kw_only=True)
class Record(Step):
    """`on_demand` announces and waits for `record: resume`."""

    verb: ClassVar[str] = "record"

    mode: Literal["always", "on_demand", "off", "pause", "resume"] = key(
        one_of("always", "on_demand", "off"), required=True
    )
    announce: Text | None = key(text)

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        if isinstance(node, Scalar):
            command: Literal["pause", "resume"] = one_of("pause", "resume")(reader, node)
            return cls(mode=command, **given)
        return reader.build(cls, node, **given)

    async def run(self, run: Run) -> None:
        if self.announce is not None:
            await run.say(run.spoken(self.announce), "none")
        run.trace("record", mode=self.mode)
        match self.mode:
            case "always":
                await run.line.record("start")
            case "pause" | "resume" | "off":
                await run.line.record(self.mode)
            case "on_demand":
                pass
