"""Longest and shortest ways through a graph in which some nodes are the caller's choice and others are not.

At a CHOICE the best edge counts (the caller takes it), at a CHANCE the worst (whatever the world does), and a BOTH costs
the sum of its edges (a call of a flow, then what follows it). A value is finite only where every chance leads to a goal
in finitely many edges: who can be led round for ever has none. Solved from the goals backwards, the smallest value first
(Knuth 1977, "A generalization of Dijkstra's algorithm"): each of the three functions is at least its greatest argument.
"""

import heapq
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

Label = TypeVar("Label")
NEVER = float("inf")


class Kind(Enum):
    GOAL = "goal"
    CHOICE = "choice"
    CHANCE = "chance"
    BOTH = "both"
    DEAD = "dead"  # nothing leads on


@dataclass(frozen=True, slots=True)
class Edge:
    target: int
    seconds: float = 0.0
    events: int = 0


@dataclass(slots=True)
class Game(Generic[Label]):
    """Nodes are numbers, in the order in which they were added."""

    kinds: list[Kind] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    labels: list[Label | None] = field(default_factory=list)

    def add(self, kind: Kind, label: Label | None = None) -> int:
        self.kinds.append(kind)
        self.edges.append([])
        self.labels.append(label)
        return len(self.kinds) - 1

    def link(self, node: int, target: int, seconds: float = 0.0, events: int = 0) -> None:
        self.edges[node].append(Edge(target, seconds, events))

    def seconds(self) -> list[float]:
        """Return how long it takes from each node at most, with the caller's best choices; NEVER without an end."""
        return self._solve([[edge.seconds for edge in edges] for edges in self.edges], hopeful=False)

    def events(self) -> list[float]:
        """Return how many events each node leads through at most."""
        return self._solve([[float(edge.events) for edge in edges] for edges in self.edges], hopeful=False)

    def hopes(self) -> list[float]:
        """Return how long it takes from each node at best; NEVER where no way at all leads to a goal."""
        return self._solve([[edge.seconds for edge in edges] for edges in self.edges], hopeful=True)

    def _solve(self, costs: list[list[float]], *, hopeful: bool) -> list[float]:
        values = [NEVER] * len(self.kinds)
        into: list[list[tuple[int, int]]] = [[] for _ in self.kinds]  # (node, its edge)
        missing = [len(edges) for edges in self.edges]
        heap = [(0.0, node) for node, kind in enumerate(self.kinds) if kind is Kind.GOAL]
        for node, edges in enumerate(self.edges):
            for number, edge in enumerate(edges):
                into[edge.target].append((node, number))
        done = [False] * len(self.kinds)
        while heap:
            value, node = heapq.heappop(heap)
            if done[node]:
                continue
            done[node] = True
            values[node] = value
            for before, number in into[node]:
                if done[before]:
                    continue
                kind = self.kinds[before]
                if kind is Kind.CHOICE or (hopeful and kind is Kind.CHANCE):
                    heapq.heappush(heap, (value + costs[before][number], before))
                    continue
                missing[before] -= 1
                if missing[before] == 0:
                    parts = [
                        values[edge.target] + cost
                        for edge, cost in zip(self.edges[before], costs[before], strict=True)
                    ]
                    heapq.heappush(heap, (sum(parts) if kind is Kind.BOTH else max(parts), before))
        return values
