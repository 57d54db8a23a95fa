"""form: several slots, each asked in order where it is empty; one confirmation reads all back."""

from dataclasses import dataclass, replace
from typing import ClassVar

from voicebot.dialplan.control import StepError
from voicebot.dialplan.dialog import Done, Exhausted
from voicebot.dialplan.fields import Reader, boolean, integer, key, list_of
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.confirm import Confirm
from voicebot.dialplan.targets import PASS, FlowReader, Step, Target, Way, target, verb, way_to
from voicebot.dialplan.texts import Text, text


@dataclass(frozen=True, kw_only=True)
class FormSlot(Collect):
    required: bool = key(boolean, True)


def _slot(reader: Reader, node: Node) -> FormSlot:
    assert isinstance(reader, FlowReader)
    reader.count += 1
    return FormSlot.read(reader, node, id=f"{reader.flow}.{reader.count}", position=node.position)


@verb
@dataclass(frozen=True, kw_only=True)
class Form(Step):
    """`confirm` is the question that reads all back. The plain form: `prompt` is spoken, then each slot is asked."""

    verb: ClassVar[str] = "form"
    waits: ClassVar[bool] = True

    slots: tuple[FormSlot, ...] = key(list_of(_slot, least=1), required=True)
    prompt: Text | None = key(text)
    confirm: Text | None = key(text)
    max_attempts: int = key(integer(1, 20), 3)
    on_fail: Target | None = key(target)

    async def run(self, run: Run) -> None:
        if self.prompt is not None:
            await run.say(run.spoken(self.prompt))
        try:
            for _ in range(self.max_attempts):
                for slot in self.slots:
                    if slot.required:
                        await replace(slot, confirm="never" if self.confirm else slot.confirm).fill(run)
                if await self._agreed(run):
                    return
            raise Exhausted
        except Exhausted:
            if self.on_fail is None:
                raise StepError("max_attempts") from None
            await run.go(self.on_fail)
        except Done:
            return

    async def _agreed(self, run: Run) -> bool:
        if self.confirm is None:
            return True
        sensitive = any(slot.sensitive for slot in self.slots)
        question = Confirm(
            id=self.id, position=self.position, prompt=self.confirm, sensitive=sensitive or None
        )
        return await question.ask(run)

    def ways(self) -> tuple[Way, ...]:
        own = tuple(way for slot in self.slots for way in slot.handler_ways())
        return (PASS, *(() if self.on_fail is None else (way_to(self.on_fail),)), *own)
