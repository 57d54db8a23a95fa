"""What calls did in a graph: which edges they took, and where their callers hung up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from voicebot.dialplan.tools.edges import ANYWHERE, Edge, Graph, Reason


class Happened(Protocol):
    """One event of a call's timeline (docs/records.md)."""

    @property
    def kind(self) -> str: ...

    @property
    def data(self) -> Mapping[str, object]: ...


@dataclass(slots=True)
class Usage:
    """Counts over calls of one version. `taken` is by edge, `entered` and `left` (hung up by the caller) by flow."""

    calls: int = 0
    taken: Counter[Edge] = field(default_factory=Counter)
    entered: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    def add(self, graph: Graph, events: Iterable[Happened], *, left_by_caller: bool) -> None:
        """Count one call. `graph` is that of flows."""
        walk = _Walk(graph, self)
        for event in events:
            walk.follow(event)
        self.calls += 1
        if left_by_caller and walk.flow:
            self.left[walk.flow] += 1


# Which edge a jump took is told by what was last seen before it: its fields, as the edge's reason has them.
_REASONS = {
    "heard": ("intent",),
    "keys": ("keys", "intent"),
    "branch": ("taken",),
    "queue_exit": ("exit",),
    "transfer_exit": ("exit",),
}


class _Walk:
    """Follows one call from flow to flow."""

    def __init__(self, graph: Graph, usage: Usage) -> None:
        self._usage = usage
        self._edges = graph.edges
        self._stack: list[str] = []
        self._step = ""
        self._why: Mapping[str, object] = {}
        self.flow = ""

    def follow(self, event: Happened) -> None:
        data = event.data
        if event.kind in _REASONS:
            self._why = {name: data[name] for name in _REASONS[event.kind] if name in data}
        elif event.kind == "handler":
            self._why = {"handler_line": data.get("handler_line", 0)}
        elif event.kind == "step":
            self._step = str(data.get("step", ""))
        elif event.kind == "flow":
            self._enter(str(data.get("flow", "")))
        elif event.kind == "goto":
            self._take("goto", str(data.get("flow", "")))
        elif event.kind == "call":
            self._stack.append(self.flow)
            self._take("call", str(data.get("flow", "")))
        elif event.kind == "return":
            self.flow = self._stack.pop() if self._stack else self.flow
        elif event.kind == "hangup" or (event.kind == "transfer_exit" and data.get("exit") == "transferred"):
            self._take("end", "")

    def _enter(self, flow: str) -> None:
        self.flow = flow
        self._usage.entered[flow] += 1

    def _take(self, kind: str, target: str) -> None:
        fitting = [
            edge
            for edge in self._edges
            if edge.kind == kind
            and (edge.target == target or kind == "end")
            and (edge.step == self._step or edge.source == ANYWHERE)
        ]
        if fitting:
            self._usage.taken[max(fitting, key=self._fit)] += 1
        if kind != "end":
            self._enter(target)
        self._why = {}

    def _fit(self, edge: Edge) -> tuple[int, bool]:
        return _agreement(edge.reason, self._why), edge.step == self._step


def _agreement(reason: Reason, why: Mapping[str, object]) -> int:
    """Return how well a reason agrees with what the timeline told; below 0 where it speaks against it."""
    agreed = 0
    for name, value in why.items():
        own = getattr(reason, name)
        if value and own == value:
            agreed += 2
        elif own:
            agreed -= 1
    return agreed - (1 if reason.handler_line and not why.get("handler_line") else 0)
