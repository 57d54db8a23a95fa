"""Where flows lead: ends that can be reached, flows and steps that cannot, returns with nowhere to return to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from voicebot.dialplan.fields import Named, walk
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
        for way in (*step.ways(), *error_ways(step)):
            inner = _follow(way, returning)
            passes |= inner.passes
            found.returns |= inner.returns
            found.goto |= inner.goto
            found.called |= inner.called
            found.dead += inner.dead
        found.passes = passes
    return found


def error_ways(step: Step) -> tuple[Way, ...]:
    """Return where a step's own handlers of `error` lead, where its `ways` do not have them."""
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


def users_of(dialplan: Dialplan) -> dict[str, list[str]]:
    """Return for each flow the flows that name it."""
    return dialplan.memo.get(users_of, lambda: _users(dialplan))


def _users(dialplan: Dialplan) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {name: [] for name in dialplan.flows}
    for name, flow in dialplan.flows.items():
        named = dict.fromkeys(item.name for item in walk(flow.steps) if isinstance(item, Named))
        for other in named:
            if other in users:
                users[other].append(name)
    return users


def returning_flows(dialplan: Dialplan) -> set[str]:
    """Return the flows from which a `return` can be reached, by themselves or through `goto`."""
    users = users_of(dialplan)
    returning: set[str] = set()
    waiting = list(dialplan.flows)
    while waiting:
        name = waiting.pop()
        if name in returning:
            continue
        found = reach(dialplan.flows[name].steps, returning)
        if found.returns or found.goto & returning:
            returning.add(name)
            waiting += users[name]
    return returning


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


@dataclass(frozen=True, slots=True)
class Map:
    """What leads where. `bottom`: flows entered with an empty call stack; `called`: with a call to return from."""

    reached: dict[str, Reach]
    bottom: set[str]
    called: set[str]


def map_of(dialplan: Dialplan) -> Map:
    """Return the map of the flows, from the start and from what links and handlers lead to."""
    return dialplan.memo.get(map_of, lambda: _map(dialplan))


def _map(dialplan: Dialplan) -> Map:
    returning = returning_flows(dialplan)
    reached = {name: reach(flow.steps, returning) for name, flow in dialplan.flows.items()}
    goto, called = everywhere(dialplan, returning)
    bottom = _closure({dialplan.hotline.start.name, *goto}, reached, calls=False)
    # a flow that is called hands its call stack on to the flows that it goes to
    calls = set(called)
    everything = _closure({*bottom, *called}, reached, calls=True)
    for name in everything:
        calls |= reached[name].called
    return Map(reached, bottom, _closure(calls, reached, calls=True))


def flows_by_mode(dialplan: Dialplan) -> dict[str, tuple[Literal["bottom", "called"], ...]]:
    """Return how each flow that anything leads to is entered, in the order of the file."""
    found = map_of(dialplan)
    modes: dict[str, tuple[Literal["bottom", "called"], ...]] = {}
    for name in dialplan.flows:
        if name in found.bottom:
            # links lead to a flow from inside of calls too; what it does there is the same but for `return`
            modes[name] = ("bottom",)
        elif name in found.called:
            modes[name] = ("called",)
    return modes


def check_ends(dialplan: Dialplan) -> Iterator[Finding]:
    """VB110: the end of a flow can be reached."""
    for name, found in map_of(dialplan).reached.items():
        if found.passes:
            last = dialplan.flows[name].steps[-1]
            hint = "let it end with goto, return or hangup"
            yield finding("VB110", last.position, f"the end of the flow {name!r} can be reached", hint)


def check_returns(dialplan: Dialplan) -> Iterator[Finding]:
    """VB112: a return with an empty stack."""
    found = map_of(dialplan)
    for name, flow in dialplan.flows.items():
        if found.reached[name].returns and name in found.bottom:
            message = f"return in {name!r} is reached without a call"
            yield finding("VB112", flow.position, message, "enter the flow by call, not by goto or start")


def check_unreachable(dialplan: Dialplan) -> Iterator[Finding]:
    """VB111 unreachable flow, VB113 unreachable step."""
    if dialplan.hotline.start.name not in dialplan.flows:
        return
    found = map_of(dialplan)
    for name, flow in dialplan.flows.items():
        if name not in found.bottom | found.called:
            yield finding("VB111", flow.position, f"nothing leads to the flow {name!r}", severity="warning")
        for step in found.reached[name].dead:
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
