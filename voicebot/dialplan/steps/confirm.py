"""confirm: yes or no; key 1 is yes, key 2 is no."""

from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.dialog import YES_OR_NO, Dialog, Done
from voicebot.dialplan.fields import key
from voicebot.dialplan.inputs import InputStep
from voicebot.dialplan.run import Run
from voicebot.dialplan.targets import Target, Way, target, verb, way_to


@verb
@dataclass(frozen=True, kw_only=True)
class Confirm(InputStep):
    verb: ClassVar[str] = "confirm"

    if_yes: Target | None = key(target)
    if_no: Target | None = key(target)

    async def run(self, run: Run) -> None:
        try:
            agreed = await self.ask(run)
        except Done:
            return
        run.trace("branch", taken="if_yes" if agreed else "if_no")
        await run.go(self.if_yes if agreed else self.if_no)

    async def ask(self, run: Run) -> bool:
        """Return the answer. Raises Done when a handler has ended the step."""
        meant = await Dialog(run, self, slot=YES_OR_NO).answer()
        return meant.value is True

    def ways(self) -> tuple[Way, ...]:
        return (way_to(self.if_yes), way_to(self.if_no), *self.handler_ways())
