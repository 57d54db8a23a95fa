"""Phrase templates: `(a|b)` alternatives, `[x]` and `[a|b]` optional, nested as needed.

A template is compiled to its position automaton (Glushkov): one state per token, so that matching never backtracks and
never lists expansions. Full-width brackets count like plain ones. In Chinese, spaces between Han characters mean nothing.
"""

from collections.abc import Sequence

from voicebot.nlu.automaton import CoreMatch, compile_tree
from voicebot.nlu.languages import NluError, require_language, words
from voicebot.nlu.numerals import cardinal
from voicebot.nlu.text import expand, light_words, skippable, tokens
from voicebot.nlu.tree import Choice, Node, Sequential, Words, cores, nullable, to_jsgf

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


class Template:
    """One parsed template. `text` is as written, `root` its tree."""

    def __init__(self, text: str, language: str, root: Node) -> None:
        self.text = text
        self.language = language
        self.root = root
        self.exact = compile_tree(root, language, light_optional=False)
        self.core = compile_tree(root, language, light_optional=True)

    def __repr__(self) -> str:
        return f"Template({self.text!r}, {self.language!r})"

    def jsgf(self) -> str:
        """Return the JSGF expansion, in words: `[what is] [my] balance`. Han runs are left to the recogniser to split."""
        return to_jsgf(self.root)

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
        return self.exact.goes_on(self.exact.walk(items))

    def expansions(self, limit: int) -> tuple[tuple[str, ...], ...]:
        """Return up to `limit` cores as tokens, optional parts left out."""
        found: dict[tuple[str, ...], None] = {}
        for items in cores(self.root, limit):
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
    if nullable(root):
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
