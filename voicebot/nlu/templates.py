"""Phrase templates: `(a|b)` alternatives, `[x]` and `[a|b]` optional, nested as needed.

A template is compiled to its position automaton (Glushkov): one state per token, so that matching never backtracks and
never lists expansions. Full-width brackets count like plain ones. In Chinese, spaces between Han characters mean nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from voicebot.nlu.languages import NluError, require_language, words
from voicebot.nlu.numerals import cardinal
from voicebot.nlu.text import expand, join, light_words, skippable, tokens

MAX_LENGTH = 1000  # characters of one template
MAX_DEPTH = 16  # brackets within brackets

_PLAIN = str.maketrans("（）［］【】｜", "()[][]|")
_MEANINGLESS = "{}<>*/\\"
_CLOSES = {"(": ")", "[": "]"}
_NEGATIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("not",),
        ("never",),
        ("not", "want"),
        ("not", "want", "to"),
        ("not", "need"),
        ("not", "need", "to"),
    ),
    "zh": tuple(
        tuple(phrase) for phrase in words("不 没 别 不是 不要 不想 不用 不想要 不需要 没有 别给我 不要给我")
    ),
}


class TemplateError(NluError):
    """A template that cannot be read. `column` counts characters from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Words:
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sequential:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple["Node", ...]
    optional: bool


Node = Words | Sequential | Choice


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
        live = {p: self.weights[p] for p in self.first if items and self.symbols[p] == items[0]}
        for item in items[1:]:
            if not live:
                break
            live = self._step(live, item)
        return live

    def _step(self, live: dict[int, int], item: str) -> dict[int, int]:
        after: dict[int, int] = {}
        for state, weight in live.items():
            for p in self.follow[state]:
                if self.symbols[p] == item:
                    after[p] = max(after.get(p, 0), weight + self.weights[p])
        return after

    def accepted(self, items: Sequence[str]) -> int | None:
        """Return the core length with which the whole of `items` is accepted, or None."""
        lengths = [weight for state, weight in self.walk(items).items() if state in self.last]
        return max(lengths, default=None)

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


class Template:
    """One parsed template. `text` is as written, `root` its tree."""

    def __init__(self, text: str, language: str, root: Node) -> None:
        self.text = text
        self.language = language
        self.root = root
        self.exact = _compile(root, language, light_optional=False)
        self.core = _compile(root, language, light_optional=True)

    def __repr__(self) -> str:
        return f"Template({self.text!r}, {self.language!r})"

    def jsgf(self) -> str:
        """Return the JSGF expansion, in words: `[what is] [my] balance`. Han runs are left to the recogniser to split."""
        return _jsgf(self.root)

    def matches(self, text: str) -> bool:
        """Return whether the whole of `text` is one of the expansions."""
        return self.exact.accepted(expand(tokens(text, self.language), self.language)) is not None

    def core_matches(self, text: str) -> bool:
        """Return whether the template without its optional parts is found inside `text`, fillers aside."""
        items = expand(tokens(text, self.language), self.language)
        return self.find_core(items, skippable(items, self.language, light=True)) is not None

    def find_core(self, items: Sequence[str], skip: Sequence[bool]) -> CoreMatch | None:
        """Return the longest core found in expanded tokens, the widest of equals; one that is denied does not count."""
        found = (
            match for match in self.core.find(items, skip) if not denied(items, match.start, self.language)
        )
        return max(
            found, key=lambda match: (match.length, match.end - match.start, -match.start), default=None
        )

    def is_prefix(self, text: str) -> bool:
        """Return whether `text` is a proper beginning, in whole tokens, of some expansion. Silence is none."""
        return self.is_prefix_tokens(expand(tokens(text, self.language), self.language))

    def is_prefix_tokens(self, items: Sequence[str]) -> bool:
        return any(self.exact.follow[state] for state in self.exact.walk(items))

    def expansions(self, limit: int) -> tuple[tuple[str, ...], ...]:
        """Return up to `limit` cores as tokens, optional parts left out."""
        found: dict[tuple[str, ...], None] = {}
        for items in _cores(self.root, limit):
            found.setdefault(expand(items, self.language))
            if len(found) >= limit:
                break
        return tuple(found)


def parse_template(text: str, language: str) -> Template:
    """Parse a template; raises TemplateError with the column of what is wrong, UnknownLanguage for the language."""
    require_language(language)
    if len(text) > MAX_LENGTH:
        raise TemplateError(f"a phrase has at most {MAX_LENGTH} characters", MAX_LENGTH + 1)
    reader = _Reader(text.translate(_PLAIN), language)
    root = reader.alternatives("", 0, 0)
    if _nullable(root):
        raise TemplateError(
            "the phrase matches silence: at least one word must stand outside [ ]"
            if reader.words
            else "no words",
            1,
        )
    return Template(text, language, root)


class _Reader:
    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.at = 0
        self.words = False

    def alternatives(self, opened: str, column: int, depth: int) -> Node:
        """Read up to the bracket that closes `opened` ("" = the end), with the `|` in between."""
        if depth > MAX_DEPTH:
            raise TemplateError(f"more than {MAX_DEPTH} brackets within each other", column)
        options = [self.sequence(depth)]
        separator = 0
        while self.at < len(self.text) and self.text[self.at] == "|":
            self.at += 1
            separator = self.at
            options.append(self.sequence(depth))
        if self.at < len(self.text) and (not opened or self.text[self.at] != _CLOSES[opened]):
            raise TemplateError(f"`{self.text[self.at]}` closes nothing", self.at + 1)
        if opened and self.at >= len(self.text):
            raise TemplateError(f"`{opened}` is never closed", column)
        self.at += 1
        if (opened or separator) and any(option is None for option in options):
            raise TemplateError(
                "an alternative is empty; write [x] for what may be left out", column or separator
            )
        present = tuple(option for option in options if option is not None)
        if not present:
            return Words(())
        if len(present) == 1 and opened != "[":
            return present[0]
        return Choice(present, optional=opened == "[")

    def sequence(self, depth: int) -> Node | None:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)]":
            character = self.text[self.at]
            if character in _CLOSES:
                self.at += 1
                parts.append(self.alternatives(character, self.at, depth + 1))
            elif character in _MEANINGLESS:
                raise TemplateError(f"`{character}` has no meaning in a phrase", self.at + 1)
            else:
                parts.extend(self.literal())
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else Sequential(tuple(parts))

    def literal(self) -> list[Node]:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in "()[]|" + _MEANINGLESS:
            self.at += 1
        items = _spelled(tokens(self.text[start : self.at], self.language), self.language)
        self.words = self.words or bool(items)
        return [Words(items)] if items else []


def _spelled(items: Sequence[str], language: str) -> tuple[str, ...]:
    """Write short whole numerals as the words that a recogniser hears ("24" is "twenty four")."""
    out: list[str] = []
    for item in items:
        spelled = (
            cardinal(int(item), language) if item.isascii() and item.isdigit() and len(item) < 6 else item
        )
        out.extend(tokens(spelled, language) if spelled != item else (item,))
    return tuple(out)


def _nullable(node: Node) -> bool:
    match node:
        case Words(items):
            return not items
        case Sequential(parts):
            return all(map(_nullable, parts))
        case Choice(options, optional):
            return optional or any(map(_nullable, options))


def _jsgf(node: Node) -> str:
    match node:
        case Words(items):
            return join(items)
        case Sequential(parts):
            return " ".join(_jsgf(part) for part in parts)
        case Choice(options, optional):
            inner = " | ".join(_jsgf(option) for option in options)
            return f"[{inner}]" if optional else f"({inner})"


@dataclass(slots=True)
class _Part:
    """What Glushkov's construction knows of a subtree."""

    first: frozenset[int]
    last: frozenset[int]
    nullable: bool


def _compile(root: Node, language: str, *, light_optional: bool) -> Automaton:
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


def _cores(node: Node, limit: int) -> Iterator[tuple[str, ...]]:
    match node:
        case Words(items):
            yield items
        case Choice(options, optional):
            if optional:
                yield ()
            else:
                for option in options:
                    yield from _cores(option, limit)
        case Sequential(parts):
            heads: list[tuple[str, ...]] = [()]
            for part in parts:
                tails: list[tuple[str, ...]] = []
                for items in _cores(part, limit):
                    tails.append(items)
                    if len(tails) >= limit:
                        break
                heads = [head + tail for head in heads for tail in tails][:limit]
            yield from heads


def denied(items: Sequence[str], start: int, language: str) -> bool:
    """Return whether a "not" stands before `start`, light words between. 是不是 and 能不能 ask, they do not deny."""
    light = light_words(items[:start], language)
    while start > 0 and light[start - 1]:
        start -= 1
    for phrase in _NEGATIONS[language]:
        begin = start - len(phrase)
        if begin >= 0 and tuple(items[begin:start]) == phrase:
            asks = begin > 0 and begin + 1 < len(items) and items[begin - 1] == items[begin + 1]
            if not (language == "zh" and asks):
                return True
    return False
