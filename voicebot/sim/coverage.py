"""Which steps of a dialplan, and which ways out of them, the tests have taken. Read from the calls' timelines."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from voicebot.dialplan.inputs import InputStep
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Position
from voicebot.dialplan.steps.branch import If, Switch
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.confirm import Confirm
from voicebot.dialplan.steps.form import Form, FormSlot
from voicebot.dialplan.steps.http import Http
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import Step
from voicebot.sim.store import Event


class Edge(NamedTuple):
    """One way out of a step, or a handler or link of the whole dialplan (`step` is "" then).

    With a `column` it is a choice, handler or link, known by its place in the file.
    """

    step: str
    name: str
    file: str
    line: int
    column: int = 0


@dataclass(slots=True)
class Coverage:
    """How often each step ran and each edge was taken. Feed it with `add`, call by call."""

    dialplan: Dialplan
    steps: Counter[str] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, events: Iterable[Event]) -> None:
        """Count one call."""
        self.count(steps_of(events))
        self.count_edges(edges_of(events))

    def count(self, steps: Iterable[str]) -> None:
        self.steps.update(steps)

    def count_edges(self, edges: Iterable[tuple[str, str]]) -> None:
        self.taken.update(edges)

    def all_steps(self) -> list[Step]:
        """Return every step, in the order of the file. The slots of a form are ways through it, no steps."""
        found = [step for flow in self.dialplan.flows.values() for step in flow.every_step()]
        return [step for step in found if step.verb and not isinstance(step, FormSlot)]

    def all_edges(self) -> list[Edge]:
        """Return every edge, in the order of the file."""
        edges = [edge for step in self.all_steps() for edge in _edges(step)]
        for handlers in self.dialplan.handlers.values():
            edges += [_placed("", f"{item.event} {item.count}", item.position) for item in handlers]
        return edges + [_placed("", "link", item.position) for item in self.dialplan.links]

    def times(self, edge: Edge) -> int:
        """Return how often an edge was taken."""
        if edge.column:  # a place is unique, whichever step the event came to
            place = _place(edge.line, edge.column)
            return sum(count for (_, name), count in self.taken.items() if name == place)
        return self.taken[edge.step, edge.name]


def _place(line: object, column: object) -> str:
    return f"at {line}:{column}"


_WITH_EDGES = frozenset(
    {"heard", "keys", "handler", "branch", "queue_exit", "transfer_exit", "callback_exit", "slot", "http"}
)


def steps_of(events: Iterable[Event]) -> list[str]:
    return [str(event.data.get("step", "")) for event in events if event.kind == "step"]


def edges_of(events: Iterable[Event]) -> Iterator[tuple[str, str]]:
    """Yield (step, name of the edge); what is known by its place is named by that."""
    for event in events:
        if event.kind not in _WITH_EDGES:
            continue
        data, step = event.data, str(event.data.get("step", ""))
        if "choice_line" in data:  # heard, or keyed
            yield step, _place(data["choice_line"], data.get("choice_column"))
        elif "handler_line" in data:
            yield step, _place(data["handler_line"], data.get("handler_column"))
        elif event.kind == "branch" and "taken" in data:
            yield step, str(data["taken"])
        elif event.kind in ("queue_exit", "transfer_exit", "callback_exit"):
            yield step, str(data.get("exit", ""))
        elif event.kind == "slot":
            yield step, "on_fail" if data.get("failed") else "filled"
            yield step, f"slot {data.get('name')}"
        elif event.kind == "http":
            status = data.get("status")
            good = isinstance(status, int) and 200 <= status < 300 and not data.get("kind")
            yield step, "2xx" if good else "on_error"
            if not good and status:
                yield step, f"on_error {status}"
                yield step, "on_error else"


def _edges(step: Step) -> Iterator[Edge]:
    if isinstance(step, Menu):
        for item in step.choices:
            what = item.dtmf or (item.intent.name if item.intent is not None else "")
            yield _placed(step.id, f"choice {what}".rstrip(), item.position)
    for name in _names(step):
        yield Edge(step.id, name, step.position.file, step.position.line)
    if isinstance(step, InputStep):
        for event in ("noinput", "nomatch", "help", "repeat", "operator", "error"):
            for handler in step.handlers_of(event):
                yield _placed(step.id, f"{event} {handler.count}", handler.position)
        for link in step.links:
            yield _placed(step.id, "link", link.position)


def _placed(step: str, name: str, at: Position) -> Edge:
    return Edge(step, name, at.file, at.line, at.column)


def _names(step: Step) -> Iterator[str]:
    if isinstance(step, If):
        yield from ("then", "else")
    elif isinstance(step, Switch):
        yield from (*step.cases, "default")
    elif isinstance(step, Confirm):
        yield from ("if_yes", "if_no")
    elif isinstance(step, Form):
        yield from (f"slot {slot.slot}" for slot in step.slots if slot.required)
    elif isinstance(step, Collect):
        yield from ("filled", *(("on_fail",) if step.on_fail is not None else ()))
    elif isinstance(step, Http):
        yield "2xx"
        if isinstance(step.on_error, dict):
            yield from (f"on_error {name}" for name in step.on_error)
        elif step.on_error is not None:
            yield "on_error"
    elif isinstance(step, QueueStep | Transfer | Callback):
        yield from step.exits
