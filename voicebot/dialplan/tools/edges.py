"""The ways of a dialplan as a graph: flows (or steps), and what leads from one to the other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from voicebot.dialplan.inputs import EVENTS, Choice, Handler, InputStep, Link, Phrases
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Position
from voicebot.dialplan.steps.branch import If, Switch
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.confirm import Confirm
from voicebot.dialplan.steps.flow import Hangup
from voicebot.dialplan.steps.form import Form
from voicebot.dialplan.steps.http import Http
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import END, PASS, Step, Target, Way, way_to

ANYWHERE = "*"  # the node of links and handlers at the top level
_SHOWN = 40  # characters of a label's condition

EdgeKind = Literal["goto", "call", "end", "next"]
NodeKind = Literal["flow", "step", "anywhere", "end"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a way is taken, in words and as the timeline tells it."""

    label: str = ""
    keys: str = ""
    intent: str = ""
    taken: str = ""  # of a branch
    exit: str = ""  # of a queue or transfer
    event: str = ""
    handler_line: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from node to node. `step` is the id of the step that takes it; "" at the top level."""

    source: str
    target: str
    kind: EdgeKind
    reason: Reason
    step: str
    position: Position

    @property
    def label(self) -> str:
        return self.reason.label


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    title: str
    kind: NodeKind


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order of the file, the first flow first; edges in the order of the file."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of(dialplan: Dialplan, *, steps: bool = False) -> Graph:
    """Return the graph of flows, or of `steps`."""
    edges = [*_flow_edges(dialplan), *_anywhere(dialplan)]
    if steps:
        edges = [_by_step(edge, dialplan) for edge in edges]
        for flow in dialplan.flows.values():
            edges += _following(flow.steps, None)
    titles = {f"{ANYWHERE}": "anywhere"}
    start = dialplan.hotline.start.name
    names = [start, *(name for name in dialplan.flows if name != start)]
    if steps:
        ids = [item for name in names for item in dialplan.flows[name].every_step()]
        nodes = [Node(item.id, f"{item.id} {item.verb}", "step") for item in ids]
    else:
        nodes = [Node(name, name, "flow") for name in names]
    known = {node.id for node in nodes}
    for edge in edges:
        for end in (edge.source, edge.target):
            if end not in known:
                known.add(end)
                kind: NodeKind = "anywhere" if end == ANYWHERE else "end"
                nodes.append(Node(end, titles.get(end, end.removeprefix("end:")), kind))
    return Graph(tuple(nodes), tuple(edges))


def _by_step(edge: Edge, dialplan: Dialplan) -> Edge:
    target = dialplan.flows.get(edge.target)
    return replace(
        edge, source=edge.step or ANYWHERE, target=target.steps[0].id if target is not None else edge.target
    )


# --- the ways of a flow -------------------------------------------------------------------------------------------


def _flow_edges(dialplan: Dialplan) -> Iterator[Edge]:
    for flow in dialplan.flows.values():
        yield from _edges(flow.name, flow.steps, Reason())


def _edges(flow: str, steps: Iterable[Step], why: Reason) -> Iterator[Edge]:
    """Yield the ways out of steps that run because of `why`."""
    for step in steps:
        for reason, way, position in reasons(step):
            yield from _edge(flow, _joined(why, reason), way, step.id, position)


def _edge(flow: str, reason: Reason, way: Way, step: str, position: Position) -> Iterator[Edge]:
    if way.kind == "steps" and way.steps is not None:
        yield from _edges(flow, way.steps.steps, reason)
    elif way.kind in ("goto", "call") and way.flow is not None:
        kind: EdgeKind = "call" if way.kind == "call" else "goto"
        yield Edge(flow, way.flow.name, kind, reason, step, position)
    elif way.kind == "end":
        yield Edge(flow, f"end:{reason.exit or 'hang up'}", "end", reason, step, position)


def _joined(outer: Reason, inner: Reason) -> Reason:
    """Return the reason of a way inside of another: both are told, and the timeline shows the inner one last."""
    if not inner.label:
        return replace(outer, exit=inner.exit or outer.exit)
    return replace(inner, label=f"{outer.label}, {inner.label}" if outer.label else inner.label)


def _anywhere(dialplan: Dialplan) -> Iterator[Edge]:
    for link in dialplan.links:
        way = Way("call", flow=link.call) if link.call is not None else way_to(link.goto)
        yield from _edge(ANYWHERE, of_choice(link), way, "", link.position)
    for event in EVENTS:
        for handler in dialplan.handlers.get(event, ()):
            if event != "hangup":
                yield from _handler_edges(ANYWHERE, handler, "")


def _handler_edges(flow: str, handler: Handler, step: str) -> Iterator[Edge]:
    way = handler.way or (Way("call", flow=handler.call) if handler.call is not None else None)
    if way is not None:
        yield from _edge(flow, of_handler(handler), way, step, handler.position)


def reasons(step: Step) -> Iterator[tuple[Reason, Way, Position]]:
    """Yield each way out of a step that does not merely go on, with its reason and place."""
    at = step.position
    for reason, way in _own_ways(step):
        if way is not PASS:
            yield reason, way, reason_position(way, at)
    questions = step.slots if isinstance(step, Form) else (step,)
    for question in questions:
        if not isinstance(question, InputStep):
            continue
        for link in question.links:
            way = Way("call", flow=link.call) if link.call is not None else way_to(link.goto)
            if way is not PASS:
                yield of_choice(link), way, link.position
        for event in EVENTS:
            for handler in question.handlers_of(event):
                left = handler.way or (Way("call", flow=handler.call) if handler.call is not None else None)
                if left is not None:
                    yield of_handler(handler), left, handler.position


def reason_position(way: Way, default: Position) -> Position:
    """Return where a way is written: at the flow's name, else where its step stands."""
    return way.flow.position if way.flow is not None else default


def _own_ways(step: Step) -> Iterator[tuple[Reason, Way]]:
    match step:
        case Menu():
            yield from ((of_choice(item), item.way) for item in step.choices)
        case Confirm():
            yield Reason("yes", taken="if_yes"), way_to(step.if_yes)
            yield Reason("no", taken="if_no"), way_to(step.if_no)
        case Collect() | Form():
            yield Reason("no answer taken"), way_to(step.on_fail)
        case If():
            yield Reason(_short(step.when.source), taken="then"), step.way
            yield Reason("otherwise", taken="else"), way_to(step.otherwise)
        case Switch():
            for value, target in step.cases.items():
                yield Reason(f"{_short(step.value.source)} = {value}", taken=value), way_to(target)
            yield Reason("otherwise", taken="default"), way_to(step.default)
        case QueueStep() | Transfer() | Callback():
            yield from ((Reason(_words(name), exit=name), way_to(item)) for name, item in step.exits.items())
            if isinstance(step, Transfer) and step.mode != "bridge" and "transferred" not in step.exits:
                yield Reason("transferred", exit="transferred"), END
        case Http():
            yield from _failures(step.on_error)
        case Hangup():
            yield Reason(exit=f"hang up: {step.reason}"), END
        case _:
            yield from ((Reason(), way) for way in step.ways() if way.kind in ("goto", "call", "end"))


def _failures(on_error: "Target | dict[str, Target] | None") -> Iterator[tuple[Reason, Way]]:
    if isinstance(on_error, dict):
        for status, target in on_error.items():
            yield Reason("failed" if status == "else" else f"status {status}"), way_to(target)
    else:
        yield Reason("failed"), way_to(on_error)


# --- reasons in words ---------------------------------------------------------------------------------------------


def of_choice(item: Choice | Link) -> Reason:
    """Return a choice or link as the graph shows it: its key, and its intent or first phrase."""
    intent = item.intent.name if item.intent is not None else ""
    said = intent.replace("_", " ") or first_phrase(item.phrases)
    shown = " ".join(filter(None, (f"[{item.dtmf}]" if item.dtmf else "", said)))
    return Reason(shown, keys=item.dtmf or "", intent=intent)


def of_handler(item: Handler) -> Reason:
    count = f" {item.count}" if item.count > 1 or item.event in ("noinput", "nomatch") else ""
    raised = of_choice(item.link).label if item.link is not None else ""
    label = " ".join(filter(None, (f"{item.event}{count}", raised)))
    return Reason(label, event=item.event, handler_line=item.position.line)


def first_phrase(phrases: Phrases | None) -> str:
    for items in (phrases or {}).values():
        return _short(items[0].source)
    return ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


# --- one step after the other -------------------------------------------------------------------------------------


def _following(steps: tuple[Step, ...], after: Step | None) -> Iterator[Edge]:
    """Yield the edges from each step to the one that comes next; `after` comes after the last."""
    for number, step in enumerate(steps):
        following = steps[number + 1] if number + 1 < len(steps) else after
        passes = any(way.kind in ("pass", "call") for way in step.ways())
        if passes and following is not None:
            yield Edge(step.id, following.id, "next", Reason(), step.id, step.position)
        for reason, way, position in reasons(step):
            if way.kind == "steps" and way.steps is not None:
                inner = way.steps.steps
                yield Edge(step.id, inner[0].id, "next", reason, step.id, position)
                yield from _following(inner, following)
