"""answer: answer the call, in a hotline that is not answered at once."""

from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.fields import duration, key
from voicebot.dialplan.run import Run
from voicebot.dialplan.targets import Step, verb


@verb
@dataclass(frozen=True, kw_only=True)
class AnswerStep(Step):
    """`after`: for how long it rings first."""

    verb: ClassVar[str] = "answer"

    after: float = key(duration(0, 120), 0.0)

    async def run(self, run: Run) -> None:
        await run.line.answer(self.after)
