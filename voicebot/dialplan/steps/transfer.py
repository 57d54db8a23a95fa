"""transfer: to an extension, a +E.164 number or a sip: URI."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from voicebot.dialplan.control import End, StepError
from voicebot.dialplan.expressions import Template
from voicebot.dialplan.fields import duration, key, map_of, one_of, template
from voicebot.dialplan.headers import header_name, header_value, rendered
from voicebot.dialplan.inputs import keys
from voicebot.dialplan.line import TransferRequest, TransferResult
from voicebot.dialplan.run import Run
from voicebot.dialplan.targets import END, Step, Target, Way, target, verb, way_to
from voicebot.dialplan.texts import Text, text

EXITS = (
    "agent_done",
    "transferred",
    "busy",
    "no_answer",
    "declined",
    "auth_failed",
    "unreachable",
    "timeout",
)
Mode = Literal["bridge", "blind", "attended", "auto"]


@verb
@dataclass(frozen=True, kw_only=True)
class Transfer(Step):
    """An unnamed `transferred` ends the dialplan: the caller is elsewhere. Other unnamed exits raise `error`."""

    verb: ClassVar[str] = "transfer"
    waits: ClassVar[bool] = True

    to: Template = key(template, required=True)
    mode: Mode = key(one_of("bridge", "blind", "attended", "auto"), "bridge")
    timeout: float = key(duration(3, 180), 30.0)
    whisper: Text | None = key(text)
    accept_key: str | None = key(keys)
    headers: dict[str, Template] | None = key(map_of(header_value, header_name))
    early_media: Literal["pass", "ignore"] = key(one_of("pass", "ignore"), "ignore")
    exits: dict[str, Target] = key(map_of(target, one_of(*EXITS)), required=True)

    async def run(self, run: Run) -> None:
        to = self.to.text(run.variables, run.language).strip()
        whisper = run.spoken(self.whisper) if self.whisper is not None else ()
        run.trace("transfer", mode=self.mode, to=None if run.is_sensitive(self.to.references) else to)
        headers = rendered(self.headers, run.variables, run.language)
        request = TransferRequest(
            self.id, to, self.mode, self.timeout, whisper, self.accept_key, headers, self.early_media
        )
        result = TransferResult("caller_left")
        try:
            result = await run.line.transfer(request)
        finally:  # also when the caller hangs up: the timeline tells how every transfer ended
            run.trace("transfer_exit", exit=result.exit, status=result.status, reason=result.reason)
        run.variables.transfer = {"exit": result.exit, "status": result.status, "reason": result.reason}
        if result.exit == "agent_done":  # a number that fails at once must not disarm the guard against loops
            run.heard_from_caller()
        await leave_by(run, result.exit, self.exits, result.status)

    def ways(self) -> tuple[Way, ...]:
        named = tuple(way_to(item) for item in self.exits.values())
        return named if "transferred" in self.exits or self.mode == "bridge" else (*named, END)


async def leave_by(run: Run, name: str, exits: dict[str, Target], status: int = 0) -> None:
    """Take an exit of a queue or transfer. Raises StepError for one that is not named."""
    found = exits.get(name)
    if found is not None:
        await run.go(found)
    elif name in ("caller_left", "transferred"):
        raise End(name)
    else:
        raise StepError(name, status)
