"""menu: a prompt, then one of `choices`, by key or phrase."""

from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.dialog import Dialog, Done
from voicebot.dialplan.fields import key, list_of
from voicebot.dialplan.inputs import Choice, InputStep, choice
from voicebot.dialplan.run import Run
from voicebot.dialplan.targets import Way, verb


@verb
@dataclass(frozen=True, kw_only=True)
class Menu(InputStep):
    verb: ClassVar[str] = "menu"

    choices: tuple[Choice, ...] = key(list_of(choice, least=1), required=True)

    async def run(self, run: Run) -> None:
        try:
            meant = await Dialog(run, self, self.choices).answer()
        except Done:
            return
        assert meant.option is not None
        chosen = meant.option.action
        assert isinstance(chosen, Choice)
        await choose(run, chosen)

    def ways(self) -> tuple[Way, ...]:
        return (*(item.way for item in self.choices), *self.handler_ways())


async def choose(run: Run, chosen: Choice) -> None:
    """Do what a choice says: set, say, then its way."""
    if chosen.set:
        run.assign(chosen.set)
    if chosen.say is not None:
        await run.say(run.spoken(chosen.say))
    await run.take(chosen.way)
