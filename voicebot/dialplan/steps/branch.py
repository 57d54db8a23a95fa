"""if, switch: branches."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.expressions import Expression
from voicebot.dialplan.fields import Named, Reader, expression, key, map_of
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node
from voicebot.dialplan.targets import Step, Target, Way, flow_name, target, verb, way_to


@verb
@dataclass(frozen=True, kw_only=True)
class If(Step):
    verb: ClassVar[str] = "if"

    when: Expression = key(expression, required=True)
    then: Target | None = key(target)
    goto: Target | None = key(target)
    call: Named | None = key(flow_name)
    otherwise: Target | None = key(target, name="else")

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        found = reader.build(cls, node, **given)
        if sum(item is not None for item in (found.then, found.goto, found.call)) != 1:
            reader.refuse(node, "VB022", "an if has exactly one of then, goto, call")
        return found

    @property
    def way(self) -> Way:
        return Way("call", flow=self.call) if self.call is not None else way_to(self.then or self.goto)

    async def run(self, run: Run) -> None:
        if self.when.truth(run.variables, run.language):
            run.trace_branch(self.when, "then")
            await run.take(self.way)
        else:
            run.trace_branch(self.when, "else")
            await run.go(self.otherwise)

    def ways(self) -> tuple[Way, ...]:
        return (self.way, way_to(self.otherwise))


@verb
@dataclass(frozen=True, kw_only=True)
class Switch(Step):
    """Values are compared as texts: true is "true", 3 is "3"."""

    verb: ClassVar[str] = "switch"

    value: Expression = key(expression, required=True)
    cases: dict[str, Target] = key(map_of(target), required=True)
    default: Target | None = key(target)

    async def run(self, run: Run) -> None:
        value = self.value.evaluate(run.variables, run.language)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        if run.is_sensitive(self.value.references):
            run.trace("branch", sensitive=True)
        else:
            run.trace_branch(self.value, text if text in self.cases else "default")
        await run.go(self.cases.get(text, self.default))

    def ways(self) -> tuple[Way, ...]:
        return (*(way_to(item) for item in self.cases.values()), way_to(self.default))
