"""notify: a webhook about the call. Whether it arrives is traced and changes nothing."""

from dataclasses import dataclass
from typing import ClassVar

from voicebot.dialplan.run import Run
from voicebot.dialplan.steps.http import Request
from voicebot.dialplan.targets import verb


@verb
@dataclass(frozen=True, kw_only=True)
class Notify(Request):
    verb: ClassVar[str] = "notify"

    async def run(self, run: Run) -> None:
        result = await run.line.fetch(self.request(run))
        run.trace("notify", service=self.service.name, status=result.status, kind=result.kind)
