"""JSGF expansions (JSpeech Grammar Format, section 4): what may be said, as one network of words.

An expansion is a sequence of words, groups `( )`, optional groups `[ ]`, alternatives `|`, and repetitions `*` (none or
more) and `+` (one or more). Rule names, weights, tags and quotes are not part of it. Words compare without case and
without the punctuation round them. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from voicebot.speech.errors import SpeechError

_LONGEST = 20_000  # characters of one expansion
_DEEPEST = 40  # groups within groups
_TOKEN = re.compile(r"\s+|[()\[\]|*+]|[^\s()\[\]|*+]+")
_FORBIDDEN = frozenset('<>{}=;"/\\#@')
_PUNCTUATION = ".,?!:，。？！、：；…'’‘-–—·"
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


class GrammarError(SpeechError):
    """The expansion is not JSGF as it is understood here; the text says where. (Authors' text, never a caller's.)"""


@dataclass(frozen=True, slots=True)
class Word:
    text: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One after the other; an empty one is silence."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    item: "Node"
    minimum: int  # 0 or 1


Node = Word | Chain | Choice | Repeat
_NOTHING = Chain(())


def fold(word: str) -> str:
    """Return the form in which words are compared."""
    return word.casefold().replace("’", "'").strip(_PUNCTUATION)


def parse(expansion: str) -> Node:
    """Return the tree of an expansion. Raises GrammarError."""
    if len(expansion) > _LONGEST:
        raise GrammarError(f"an expansion of {len(expansion)} characters; {_LONGEST} are allowed")
    tokens = [(match.start(), match.group()) for match in _TOKEN.finditer(expansion)]
    return _Parser([(at, token) for at, token in tokens if not token.isspace()]).whole()


class _Parser:
    def __init__(self, tokens: list[tuple[int, str]]) -> None:
        self._tokens = tokens
        self._next = 0

    def whole(self) -> Node:
        node = self._choice(0)
        if self._next < len(self._tokens):
            at, token = self._tokens[self._next]
            raise GrammarError(f'column {at + 1}: "{token}" closes nothing')
        if not any(True for _ in words_of(node)):
            raise GrammarError("an expansion without a word")
        return node

    def _choice(self, depth: int) -> Node:
        options = [self._chain(depth)]
        while self._peek() == "|":
            self._next += 1
            options.append(self._chain(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _chain(self, depth: int) -> Node:
        items: list[Node] = []
        while (token := self._peek()) not in ("", "|", ")", "]"):
            items.append(self._item(token, depth))
        return items[0] if len(items) == 1 else Chain(tuple(items))

    def _item(self, token: str, depth: int) -> Node:
        at = self._tokens[self._next][0]
        self._next += 1
        if token in "*+":
            raise GrammarError(f'column {at + 1}: "{token}" repeats nothing')
        node: Node
        if token in "([":
            if depth >= _DEEPEST:
                raise GrammarError(f"column {at + 1}: groups are nested deeper than {_DEEPEST}")
            node = self._choice(depth + 1)
            if self._peek() != (")" if token == "(" else "]"):
                raise GrammarError(f'column {at + 1}: "{token}" is not closed')
            self._next += 1
            if token == "[":
                node = Choice((node, _NOTHING))
        else:
            bad = sorted(_FORBIDDEN & set(token))
            if bad:
                raise GrammarError(f'column {at + 1}: "{bad[0]}" may not stand in an expansion')
            node = Word(fold(token)) if fold(token) else _NOTHING
        while self._peek() in ("*", "+"):
            node = Repeat(node, 0 if self._peek() == "*" else 1)
            self._next += 1
        return node

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""


def words_of(node: Node) -> Iterator[str]:
    """Yield the words of a tree, in reading order, with repetitions."""
    match node:
        case Word(text):
            yield text
        case Chain(items) | Choice(items):
            for item in items:
                yield from words_of(item)
        case Repeat(item):
            yield from words_of(item)


def is_han(character: str) -> bool:
    return bool(_HAN.match(character))


def split_han(word: str) -> list[str]:
    """Cut a word into its Han characters and the rest between them: 查3号 -> 查, 3, 号."""
    return [piece for piece in _HAN.sub(lambda match: f" {match.group()} ", word).split() if piece]


@dataclass(frozen=True, slots=True)
class Arc:
    """From state to state, over a word or (None) over nothing. `share` is 1 / the number of alternatives here."""

    source: int
    target: int
    word: str | None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How words stand to a grammar: one of its sentences, and/or the beginning of one."""

    exact: bool
    prefix: bool


class Network:
    """All expansions as one network of arcs from state 0 to state 1."""

    def __init__(self, trees: Sequence[Node], *, han: bool = False) -> None:
        """`han`: words are cut into Han characters, for text whose word boundaries mean nothing."""
        self._han = han
        self.states = 2
        self.arcs: list[Arc] = []
        if trees:
            self._build(Choice(tuple(trees)), 0, 1, 1.0)
        self._over: dict[int, list[Arc]] = {}
        for arc in self.arcs:
            self._over.setdefault(arc.source, []).append(arc)

    def vocabulary(self) -> frozenset[str]:
        return frozenset(arc.word for arc in self.arcs if arc.word is not None)

    def fit(self, words: Iterable[str]) -> Fit:
        """Compare folded words with the grammar. No words at all are the beginning of everything."""
        states = self._closure({0})
        for word in words:
            for piece in split_han(word) if self._han else [word]:
                states = self._closure(
                    {arc.target for state in states for arc in self._over.get(state, ()) if arc.word == piece}
                )
        return Fit(exact=1 in states, prefix=bool(states))

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return all pairs of words that may follow each other."""
        found = set()
        for arc in self.arcs:
            if arc.word is None:
                continue
            for state in self._closure({arc.target}):
                found |= {(arc.word, after.word) for after in self._over.get(state, ()) if after.word}
        return frozenset(found)

    def _closure(self, states: set[int]) -> set[int]:
        reached, waiting = set(states), list(states)
        while waiting:
            for arc in self._over.get(waiting.pop(), ()):
                if arc.word is None and arc.target not in reached:
                    reached.add(arc.target)
                    waiting.append(arc.target)
        return reached

    def _state(self) -> int:
        self.states += 1
        return self.states - 1

    def _build(self, node: Node, source: int, target: int, share: float) -> None:
        match node:
            case Word(text):
                pieces = split_han(text) if self._han else [text]
                for index, piece in enumerate(pieces):
                    after = target if index == len(pieces) - 1 else self._state()
                    self.arcs.append(Arc(source, after, piece, share))
                    source, share = after, 1.0
            case Chain(items):
                for index, item in enumerate(items):
                    after = target if index == len(items) - 1 else self._state()
                    self._build(item, source, after, share)
                    source, share = after, 1.0
                if not items:
                    self.arcs.append(Arc(source, target, None, share))
            case Choice(items):
                for item in items:
                    self._build(item, source, target, share / len(items))
            case Repeat(item, minimum):
                enter, leave = self._state(), self._state()
                self.arcs.append(Arc(source, enter, None, share))
                self._build(item, enter, leave, 1.0)
                self.arcs.append(Arc(leave, enter, None, 0.5))
                self.arcs.append(Arc(leave, target, None, 0.5))
                if minimum == 0:
                    self.arcs.append(Arc(source, target, None, share))


def sentences(node: Node, limit: int) -> list[tuple[str, ...]] | None:
    """Return all that the tree accepts, or None if that is more than `limit` sentences (or endless)."""
    match node:
        case Word(text):
            return [(text,)]
        case Chain(items):
            whole: list[tuple[str, ...]] = [()]
            for item in items:
                parts = sentences(item, limit)
                if parts is None or len(whole) * len(parts) > limit:
                    return None
                whole = [before + after for before in whole for after in parts]
            return whole
        case Choice(items):
            found: dict[tuple[str, ...], None] = {}
            for item in items:
                parts = sentences(item, limit)
                if parts is None:
                    return None
                found.update(dict.fromkeys(parts))
            return list(found) if len(found) <= limit else None
        case Repeat():
            return None
