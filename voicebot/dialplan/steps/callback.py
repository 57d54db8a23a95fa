"""callback: book a call back, outside a queue (out of hours, say)."""

import datetime
import re
from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.control import StepError
from voicebot.dialplan.expressions import Template
from voicebot.dialplan.fields import Named, key, map_of, one_of, pointer, template
from voicebot.dialplan.line import CallbackRequest
from voicebot.dialplan.run import Run
from voicebot.dialplan.steps.booking import agent_hears
from voicebot.dialplan.steps.transfer import leave_by
from voicebot.dialplan.targets import Step, Target, Way, target, verb, way_to

EXITS = ("booked", "invalid", "closed")
SOON = "asap"  # as soon as possible
LONGEST_AHEAD = datetime.timedelta(days=31)
NUMBER = re.compile(r"\+?[0-9]{3,15}")


@verb
@dataclass(frozen=True, kw_only=True)
class Callback(Step):
    """`queue` None: the only one there is (the checker sees to it that there is one)."""

    verb: ClassVar[str] = "callback"

    number: Template | None = key(template)
    at: Template | None = key(template)
    queue: Named | None = key(pointer)
    exits: dict[str, Target] = key(map_of(target, one_of(*EXITS)), required=True)

    async def run(self, run: Run) -> None:
        exit = await self._book(run)
        run.trace("callback_exit", exit=exit)
        await leave_by(run, exit, self.exits)

    async def _book(self, run: Run) -> str:
        number = str(run.variables.call.get("from", ""))
        if self.number is not None:
            number = self.number.text(run.variables, run.language).strip()
        if not NUMBER.fullmatch(number) or not run.line.may_call(number):
            return "invalid"
        now = run.variables.now()
        at = self._at(run)
        if at is not None and not now <= at <= now + LONGEST_AHEAD:
            return "closed"
        queue = run.dialplan.queues[self.queue.name if self.queue else next(iter(run.dialplan.queues))]
        request = CallbackRequest(
            number,
            queue.name,
            run.language,
            at,
            priority=_priority(run),
            require=tuple(item.text(run.variables, run.language) for item in queue.require),
            whisper=agent_hears(run, number),
            keep_place=False,
        )
        if not await run.line.book_callback(request):
            raise StepError("storage")
        return "booked"

    def _at(self, run: Run) -> datetime.datetime | None:
        """Return when, in the hotline's zone; None = as soon as possible. Raises StepError for what is no time."""
        value = self.at.value(run.variables, run.language) if self.at is not None else SOON
        if isinstance(value, str):
            if value.strip() == SOON:
                return None
            try:
                value = datetime.datetime.fromisoformat(value.strip())
            except ValueError:
                raise StepError("type") from None
        if not isinstance(value, datetime.datetime):
            raise StepError("type")
        return value if value.tzinfo is not None else value.replace(tzinfo=run.variables.zone)

    @property
    def possible(self) -> tuple[str, ...]:
        """Return the exits that it can end by."""
        return EXITS if self.at is not None else EXITS[:2]

    def ways(self) -> tuple[Way, ...]:
        return tuple(way_to(item) for item in self.exits.values())


def _priority(run: Run) -> int | None:
    found = run.variables.call.get("priority")
    return found if isinstance(found, int) and found else None
