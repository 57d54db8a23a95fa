"""goto, call, return, hangup: control."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.control import End, Goto, Return
from voicebot.dialplan.fields import Named, Reader, string
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node, describe
from voicebot.dialplan.targets import END, Step, Way, flow_name, is_bare, verb


@verb
@dataclass(frozen=True, kw_only=True)
class GotoStep(Step):
    verb: ClassVar[str] = "goto"

    flow: Named

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        return cls(flow=flow_name(reader, node), **given)

    async def run(self, run: Run) -> None:
        raise Goto(self.flow.name)

    def ways(self) -> tuple[Way, ...]:
        return (Way("goto", flow=self.flow),)


@verb
@dataclass(frozen=True, kw_only=True)
class CallStep(Step):
    verb: ClassVar[str] = "call"

    flow: Named

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        return cls(flow=flow_name(reader, node), **given)

    async def run(self, run: Run) -> None:
        await run.call(self.flow.name)

    def ways(self) -> tuple[Way, ...]:
        return (Way("call", flow=self.flow),)


@verb
@dataclass(frozen=True, kw_only=True)
class ReturnStep(Step):
    verb: ClassVar[str] = "return"

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        if not is_bare(node):
            reader.refuse(node, "VB021", f"return takes nothing, not {describe(node)}", "write return: {}")
        return cls(**given)

    async def run(self, run: Run) -> None:
        raise Return

    def ways(self) -> tuple[Way, ...]:
        return (Way("return"),)


@verb
@dataclass(frozen=True, kw_only=True)
class Hangup(Step):
    """`reason` goes to the call's record."""

    verb: ClassVar[str] = "hangup"

    reason: str = "normal"

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        if is_bare(node):
            return cls(**given)
        reason = string(reader, node)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", reason):
            reader.refuse(node, "VB023", "a reason is one word in small letters", "normal, busy, closed ...")
        return cls(reason=reason, **given)

    async def run(self, run: Run) -> None:
        raise End(self.reason)

    def ways(self) -> tuple[Way, ...]:
        return (END,)
