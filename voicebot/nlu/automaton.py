"""The position automaton of a template (V. M. Glushkov, 1961): one state per token, no backtracking."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from voicebot.nlu.text import expand, light_words
from voicebot.nlu.tree import Choice, Node, Sequential, Words


@dataclass(frozen=True, slots=True)
class CoreMatch:
    """Where a core was found: tokens [start, end) of the utterance, and how many of them the core itself asks for."""

    start: int
    end: int
    length: int


@dataclass(slots=True)
class Automaton:
    """Positions with a token and a weight each (1 where the core asks for it, else 0)."""

    symbols: list[str] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    follow: list[frozenset[int]] = field(default_factory=list)

    def walk(self, items: Sequence[str]) -> dict[int, int]:
        """Return the states after `items` from the start, with the greatest weight of a path to each."""
        if not items:
            return {}
        live = {p: self.weights[p] for p in self.first if self.symbols[p] == items[0]}
        for item in items[1:]:
            if not live:
                break
            live = self._step(live, item)
        return live

    def ended(self, live: Mapping[int, int]) -> int | None:
        """Return the core length if the template may end in one of the states `live`, or None."""
        return max([weight for state, weight in live.items() if state in self.last], default=None)

    def goes_on(self, live: Iterable[int]) -> bool:
        """Return whether anything can follow after one of the states `live`."""
        return any(self.follow[state] for state in live)

    def _step(self, live: dict[int, int], item: str) -> dict[int, int]:
        after: dict[int, int] = {}
        for state, weight in live.items():
            for p in self.follow[state]:
                if self.symbols[p] == item:
                    after[p] = max(after.get(p, 0), weight + self.weights[p])
        return after

    def accepted(self, items: Sequence[str]) -> int | None:
        """Return the core length with which the whole of `items` is accepted, or None."""
        return self.ended(self.walk(items))

    def find(self, items: Sequence[str], skip: Sequence[bool]) -> Iterator[CoreMatch]:
        """Find every match inside `items`; tokens marked in `skip` may be passed over within one."""
        for start, item in enumerate(items):
            live = {p: self.weights[p] for p in self.first if self.symbols[p] == item}
            end = start + 1
            while live:
                lengths = [weight for state, weight in live.items() if state in self.last]
                if lengths and max(lengths) > 0:
                    yield CoreMatch(start, end, max(lengths))
                if end >= len(items):
                    break
                after = self._step(live, items[end])
                if skip[end]:
                    for state, weight in live.items():
                        after[state] = max(after.get(state, 0), weight)
                live, end = after, end + 1


@dataclass(slots=True)
class _Part:
    """What Glushkov's construction knows of a subtree."""

    first: frozenset[int]
    last: frozenset[int]
    nullable: bool


def compile_tree(root: Node, language: str, *, light_optional: bool) -> Automaton:
    """Compile a tree; with `light_optional` a caller may leave out words like "my" and "the"."""
    automaton = Automaton()
    follow: list[set[int]] = []

    def leaf(symbol: str, weight: int, nullable: bool) -> _Part:
        position = len(automaton.symbols)
        automaton.symbols.append(symbol)
        automaton.weights.append(weight)
        follow.append(set())
        return _Part(frozenset([position]), frozenset([position]), nullable)

    def chain(parts: Sequence[_Part]) -> _Part:
        total = _Part(frozenset(), frozenset(), True)
        for part in parts:
            for position in total.last:
                follow[position] |= part.first
            total = _Part(
                total.first | part.first if total.nullable else total.first,
                total.last | part.last if part.nullable else part.last,
                total.nullable and part.nullable,
            )
        return total

    def build(node: Node, required: bool) -> _Part:
        match node:
            case Words(items):
                expanded = expand(items, language)
                light = light_words(expanded, language) if light_optional else (False,) * len(expanded)
                return chain(
                    [
                        leaf(item, int(required and not skip), skip)
                        for item, skip in zip(expanded, light, strict=True)
                    ]
                )
            case Sequential(parts):
                return chain([build(part, required) for part in parts])
            case Choice(options, optional):
                built = [build(option, required and not optional) for option in options]
                return _Part(
                    frozenset().union(*(part.first for part in built)),
                    frozenset().union(*(part.last for part in built)),
                    optional or any(part.nullable for part in built),
                )

    whole = build(root, True)
    automaton.first, automaton.last = whole.first, whole.last
    automaton.follow = [frozenset(positions) for positions in follow]
    return automaton
