"""Variables that may be unset on some path (principle 8): a forward analysis of what is certainly set.

What is set on entering a flow is what all ways into it have in common. Links and top-level handlers lead away from every
question, errors from every step. A call adds what its flow sets on every way to its `return`.
"""

from collections.abc import Iterator, Sequence

from voicebot.dialplan.checks.flows import users_of
from voicebot.dialplan.checks.names import CALL, expressions_in, written_variables
from voicebot.dialplan.expressions import Expression
from voicebot.dialplan.fields import Named, walk
from voicebot.dialplan.inputs import Choice, Handler, InputStep, Link
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, Position, finding
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.form import Form
from voicebot.dialplan.steps.http import Http
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.record_message import RecordMessage
from voicebot.dialplan.steps.set import Set
from voicebot.dialplan.targets import Step, Steps, Way, way_to

Names = frozenset[str]
EVERYWHERE = ("noinput", "nomatch", "help", "repeat", "operator")


def check_unset(dialplan: Dialplan) -> Iterator[Finding]:
    """VB108: a variable without `default` that is not set on every path."""
    gains = _gains(dialplan)
    analysis = _Analysis(dialplan, gains)
    analysis.solve({dialplan.hotline.start.name: frozenset()})
    analysis.reporting = True
    for name, entry in list(analysis.entries.items()):
        if name in dialplan.flows:
            analysis.steps(dialplan.flows[name].steps, entry)
    for handler in dialplan.handlers.get("hangup", ()):
        analysis.handler(handler, frozenset())
    yield from analysis.findings.values()


def _gains(dialplan: Dialplan) -> dict[str, Names]:
    """Return what each flow has certainly set when it returns, beyond what was set before.

    Each flow is looked at by itself, with what is known of those that it calls and goes to; again when one of them is
    found to set less.
    """
    universe = frozenset(written_variables(dialplan))
    gains: dict[str, Names] = dict.fromkeys(dialplan.flows, universe)
    users = users_of(dialplan)
    waiting = dict.fromkeys(dialplan.flows)
    while waiting:
        name, _ = waiting.popitem()
        analysis = _Analysis(dialplan, gains, local=True, known=universe)
        analysis.steps(dialplan.flows[name].steps, frozenset())
        returned = frozenset.intersection(*analysis.returned) if analysis.returned else universe
        if returned != gains[name]:
            gains[name] = returned
            # top-level handlers and links lead from everywhere to the flows that they name
            waiting.update(dict.fromkeys(dialplan.flows if name in _everywhere(dialplan) else users[name]))
    return gains


def _everywhere(dialplan: Dialplan) -> frozenset[str]:
    def find() -> frozenset[str]:
        places = (dict(dialplan.handlers), dialplan.links)
        return frozenset(item.name for item in walk(places) if isinstance(item, Named))

    return dialplan.memo.get(_everywhere, find)


class _Analysis:
    def __init__(
        self, dialplan: Dialplan, gains: dict[str, Names], *, local: bool = False, known: Names | None = None
    ) -> None:
        """`local`: no other flow is entered; what is left open by a `goto` is what its flow returns with."""
        self.entries: dict[str, Names] = {}
        self.returned: list[Names] = []
        self.findings: dict[tuple[Position, str], Finding] = {}
        self.reporting = False
        self._dialplan = dialplan
        self._gains = gains
        self._local = local
        self._known = frozenset(written_variables(dialplan)) if known is None else known
        self._waiting: list[str] = []
        self._active: set[int] = set()

    def solve(self, entries: dict[str, Names]) -> None:
        for name, names in entries.items():
            self._enter(name, names)
        while self._waiting:
            name = self._waiting.pop()
            self.steps(self._dialplan.flows[name].steps, self.entries[name])

    def _enter(self, flow: str, before: Names) -> None:
        if flow not in self._dialplan.flows:
            return
        known = self.entries.get(flow)
        entry = before if known is None else known & before
        if entry != known:
            self.entries[flow] = entry
            if flow not in self._waiting:
                self._waiting.append(flow)

    def steps(self, steps: Sequence[Step], before: Names) -> Names | None:
        """Return what is set after the steps, None if their end is not reached."""
        now: Names | None = before
        for step in steps:
            if now is None:
                return None
            now = self._step(step, now)
        return now

    def _take(self, way: Way, before: Names) -> Names | None:
        """Return what is set after the step if the way leads there."""
        if way.kind == "pass":
            return before
        if way.kind == "steps" and way.steps is not None:
            return self.steps(way.steps.steps, before)
        if way.kind == "call" and way.flow is not None:
            if not self._local:
                self._enter(way.flow.name, before)
            return before | self._gains.get(way.flow.name, frozenset())
        if way.kind == "goto" and way.flow is not None:
            if self._local:
                self.returned.append(before | self._gains.get(way.flow.name, frozenset()))
            else:
                self._enter(way.flow.name, before)
        elif way.kind == "return":
            self.returned.append(before)
        return None

    # --- one step --------------------------------------------------------------------------------------------------

    def _step(self, step: Step, before: Names) -> Names | None:
        # a read-back tells the slot that its own step fills
        self._use(
            step, before | self._own(step) if isinstance(step, (Collect, Form)) else before, step.position
        )
        outs: list[Names | None] = []
        for handler in self._dialplan.handlers.get("error", ()):
            outs.append(self.handler(handler, before))
        if isinstance(step, (InputStep, QueueStep, Form)):
            outs += self._events(step, before)
        if isinstance(step, Menu):
            outs += [self._choice(choice, before) for choice in step.choices]
        elif isinstance(step, (Collect, Form)):
            outs.append(before | self._own(step))
            if step.on_fail is not None:
                outs.append(self._take(way_to(step.on_fail), before))
        elif isinstance(step, Http):
            first, *others = step.ways()
            outs.append(self._take(first, before | self._own(step)))
            outs += [self._take(way, before) for way in others]
        else:
            if isinstance(step, QueueStep) and step.while_waiting is not None:
                self.steps(step.while_waiting.steps, before)
            own = step.handler_ways() if isinstance(step, InputStep) else ()
            after = before | self._own(step)
            outs += [self._take(way, after) for way in step.ways() if way not in own]
        reached = [names for names in outs if names is not None]
        return frozenset.intersection(*reached) if reached else None

    def _own(self, step: Step) -> Names:
        """Return what a step sets when it has done its work."""
        match step:
            case Set(values=values):
                return frozenset(values)
            case Form(slots=slots):
                return frozenset(f"slot.{item.slot}" for item in slots if item.required)
            case Collect(slot=slot):
                return frozenset({f"slot.{slot}"})
            case Http(save=str() as save) | RecordMessage(save=str() as save):
                return frozenset({save})
            case _:
                return frozenset()

    def _events(self, step: Step, before: Names) -> list[Names | None]:
        handlers: list[Handler] = []
        links: list[Link] = list(self._dialplan.links)
        for event in EVERYWHERE:
            handlers += self._dialplan.handlers.get(event, ())
        for item in step.slots if isinstance(step, Form) else [step]:
            if isinstance(item, InputStep):
                handlers += [handler for event in EVERYWHERE for handler in item.handlers_of(event)]
                handlers += item.error
                links += item.links
        outs = [self.handler(handler, before) for handler in handlers]
        for link in links:
            if link.goto is not None:
                outs.append(self._take(way_to(link.goto), before))
            elif link.call is not None:
                self._take(Way("call", flow=link.call), before)
        return outs

    def handler(self, handler: Handler, before: Names) -> Names | None:
        """Return what is set after the step that the handler ends, None if it leaves or asks again."""
        if id(handler) in self._active:  # its own steps raise its event: what it does was looked at
            return None
        self._active.add(id(handler))
        try:
            return self._handle(handler, before)
        finally:
            self._active.discard(id(handler))

    def _handle(self, handler: Handler, before: Names) -> Names | None:
        self._use(handler.set, before, handler.position)
        now = before | frozenset(handler.set or ())
        self._use(handler.say, now, handler.position)
        if handler.way is not None:
            return self._take(handler.way, now)
        if handler.call is not None:
            self._take(Way("call", flow=handler.call), now)
        return None  # the question is asked again

    def _choice(self, choice: Choice, before: Names) -> Names | None:
        self._use(choice.set, before, choice.position)
        now = before | frozenset(choice.set or ())
        self._use(choice.say, now, choice.position)
        return self._take(choice.way, now)

    # --- uses ------------------------------------------------------------------------------------------------------

    def _use(self, value: object, before: Names, position: Position) -> None:
        if not self.reporting:
            return
        for place, expression in expressions_in(value, position, stop=(Steps, Handler, Choice, Link)):
            self._check(expression, before, place)

    def _check(self, expression: Expression, before: Names, position: Position) -> None:
        for reference in sorted(expression.references, key=lambda item: item.path):
            root = reference.path[0]
            name = ".".join(reference.path[:2]) if root in ("call", "slot") else root
            builtin = root in ("var", "queue", "transfer", "error") or (
                root == "call" and reference.path[1:2] and reference.path[1] in CALL
            )
            if reference.guarded or builtin or name in before or name not in self._known:
                continue
            hint = f"write {name} | default('...'), or set it on every path to here"
            message = f"{name} may be unset here"
            self.findings[(position, name)] = finding("VB108", position, message, hint)
