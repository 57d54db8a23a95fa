"""Where flows lead: ends that can be reached, flows and steps that cannot, returns with nowhere to return to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from voicebot.dialplan.fields import Named
from voicebot.dialplan.inputs import EVENTS, InputStep
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.targets import Step, Way, way_to


@dataclass(slots=True)
class Reach:
    """What can happen when a list of steps runs."""

    passes: bool = True  # its end can be reached
    returns: bool = False
    goto: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    dead: list[Step] = field(default_factory=list)  # first steps that nothing leads to


def reach(steps: Iterable[Step], returning: set[str]) -> Reach:
    """Follow steps in order. `returning` are the flows whose call can come back."""
    found = Reach()
    for step in steps:
        if not found.passes:
            found.dead.append(step)
            break
        passes = False
        for way in (*step.ways(), *_error_ways(step)):
            inner = _follow(way, returning)
            passes |= inner.passes
            found.returns |= inner.returns
            found.goto |= inner.goto
            found.called |= inner.called
            found.dead += inner.dead
        found.passes = passes
    return found


def _error_ways(step: Step) -> tuple[Way, ...]:
    if isinstance(step, InputStep):
        return ()
    return tuple(way_to(item.goto) for item in getattr(step, "error", ()))


def _follow(way: Way, returning: set[str]) -> Reach:
    if way.kind == "steps" and way.steps is not None:
        return reach(way.steps.steps, returning)
    found = Reach(passes=way.kind == "pass", returns=way.kind == "return")
    if way.flow is not None:
        (found.called if way.kind == "call" else found.goto).add(way.flow.name)
        found.passes = way.kind == "call" and way.flow.name in returning
    return found


def returning_flows(dialplan: Dialplan) -> set[str]:
    """Return the flows from which a `return` can be reached, by themselves or through `goto`."""
    returning: set[str] = set()
    while True:
        more = set()
        for name, flow in dialplan.flows.items():
            found = reach(flow.steps, returning)
            if found.returns or found.goto & returning:
                more.add(name)
        if more <= returning:
            return returning
        returning |= more


def everywhere(dialplan: Dialplan, returning: set[str]) -> tuple[set[str], set[str]]:
    """Return the flows that top-level links and handlers go to, and those that they call."""
    goto: set[str] = set()
    called: set[str] = set()
    ways = [item.way for event in EVENTS for item in dialplan.handlers.get(event, ()) if event != "hangup"]
    for item in dialplan.links:
        ways.append(Way("call", flow=item.call) if item.call is not None else way_to(item.goto))
    for handler in (item for items in dialplan.handlers.values() for item in items):
        if handler.call is not None:
            called.add(handler.call.name)
    for way in ways:
        if way is not None:
            found = _follow(way, returning)
            goto |= found.goto
            called |= found.called
    return goto, called


def check_flows(dialplan: Dialplan) -> Iterator[Finding]:
    """VB110 end reached, VB111 unreachable flow, VB112 return with an empty stack, VB113 unreachable step."""
    if not isinstance(dialplan.hotline.start, Named) or dialplan.hotline.start.name not in dialplan.flows:
        return
    returning = returning_flows(dialplan)
    reached = {name: reach(flow.steps, returning) for name, flow in dialplan.flows.items()}
    goto, called = everywhere(dialplan, returning)
    start = dialplan.hotline.start.name
    bottom = _closure({start, *goto}, reached, calls=False)
    everything = _closure({start, *goto, *called}, reached, calls=True)
    for name, flow in dialplan.flows.items():
        found = reached[name]
        if name not in everything:
            yield finding("VB111", flow.position, f"nothing leads to the flow {name!r}", severity="warning")
        if found.passes:
            last = flow.steps[-1]
            hint = "let it end with goto, return or hangup"
            yield finding("VB110", last.position, f"the end of the flow {name!r} can be reached", hint)
        if found.returns and name in bottom:
            message = f"return in {name!r} is reached without a call"
            yield finding("VB112", flow.position, message, "enter the flow by call, not by goto or start")
        for step in found.dead:
            yield finding("VB113", step.position, "nothing leads to this step", severity="warning")


def _closure(names: set[str], reached: dict[str, Reach], *, calls: bool) -> set[str]:
    found: set[str] = set()
    waiting = [name for name in names if name in reached]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        following = reached[name].goto | (reached[name].called if calls else set())
        waiting += [item for item in following if item in reached]
    return found
