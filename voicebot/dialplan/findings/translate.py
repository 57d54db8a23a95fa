"""A finding in another language: its English text is looked up in a table of texts with places to fill in."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from voicebot.dialplan.findings import zh
from voicebot.dialplan.source import Finding

TABLES = {"zh": zh.TABLE}
LANGUAGES = ("en", *TABLES)

_PLACE = re.compile(r"\{(\d)\}")
_DEEPEST = 3  # what fills a place may have places itself


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a table: `pattern` finds the English text and what its places hold."""

    source: str
    pattern: re.Pattern[str]
    text: str

    @property
    def literal(self) -> int:
        """Return how much of it is fixed: of several that fit, the most exact one is meant."""
        return len(_PLACE.sub("", self.source))


@lru_cache(maxsize=4)
def entries(language: str) -> tuple[Entry, ...]:
    """Return the table of a language, the most exact entry first."""
    found = []
    for line in TABLES[language].strip().split("\n"):
        source, text = line.split(" ⇒ ")
        parts = _PLACE.split(source)
        pattern = "".join(
            re.escape(part) if number % 2 == 0 else f"(?P<p{part}>.*?)" for number, part in enumerate(parts)
        )
        found.append(Entry(source, re.compile(pattern, re.DOTALL), text))
    return tuple(sorted(found, key=lambda entry: -entry.literal))


def translate(text: str, language: str, depth: int = 0) -> str:
    """Return `text` in `language`, as it is where the table does not know it."""
    if language not in TABLES or not text or depth > _DEEPEST:
        return text
    for entry in entries(language):
        found = entry.pattern.fullmatch(text)
        if found is not None:
            places = found.groupdict().items()
            held = {f"{{{name[1:]}}}": translate(value, language, depth + 1) for name, value in places}
            return "".join(held.get(part, part) for part in re.split(r"(\{\d\})", entry.text))
    return text


def in_language(item: Finding, language: str) -> Finding:
    """Return the finding with message and hint in `language`."""
    return replace(item, message=translate(item.message, language), hint=translate(item.hint, language))
