"""callback: book a call. It is read and checked; this version does not run it, and the checker says so."""

from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.control import StepError
from voicebot.dialplan.expressions import Template
from voicebot.dialplan.fields import Named, key, map_of, one_of, pointer, template
from voicebot.dialplan.run import Run
from voicebot.dialplan.targets import Step, Target, Way, target, verb, way_to


@verb
@dataclass(frozen=True, kw_only=True)
class Callback(Step):
    verb: ClassVar[str] = "callback"

    number: Template | None = key(template)
    at: Template | None = key(template)
    queue: Named | None = key(pointer)
    exits: dict[str, Target] = key(map_of(target, one_of("booked", "invalid", "closed")), required=True)

    async def run(self, run: Run) -> None:
        raise StepError("not_in_this_version")

    def ways(self) -> tuple[Way, ...]:
        return tuple(way_to(item) for item in self.exits.values())
