"""What every slot type offers, and what the types share."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.languages import NluError, require_language

Value = str | int | float | bool
"""What a slot holds; all of it fits JSON. Dates are "2026-03-05", times "15:30", money is in whole units."""


class SlotError(NluError):
    """A slot type that does not exist, or a value that is not of its type."""


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """One slot of a dialplan: its type, and what narrows it.

    `length` counts characters (digits, phone, card, plate ...), `range` has both ends in. For dates and times `range`
    holds ISO texts. `values` maps value -> language -> synonyms (templates). `keys` maps a key to a value (choice).
    `now` is the caller's wall time, for "tomorrow"; without it nothing relative is understood.
    """

    type: str
    length: int | tuple[int, int] | None = None
    range: tuple[float, float] | tuple[str, str] | None = None
    values: Mapping[str, Mapping[str, Sequence[str]]] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    now: datetime.datetime | None = None

    def lengths(self, default: tuple[int, int]) -> tuple[int, int]:
        """Return the least and the greatest length."""
        if self.length is None:
            return default
        return self.length if isinstance(self.length, tuple) else (self.length, self.length)

    def bounds(self) -> tuple[float, float]:
        """Return the numeric range, unbounded where none is set."""
        if self.range is None:
            return float("-inf"), float("inf")
        return float(self.range[0]), float(self.range[1])


class SlotJudgement(NamedTuple):
    """How far the entries fill the slot. `value` is set for MATCH and FINAL, and holds what there is for PREFIX."""

    completeness: Completeness
    value: Value | None = None
    confidence: float = 1.0

    @property
    def accepted(self) -> bool:
        return self.completeness in (Completeness.MATCH, Completeness.FINAL)


NOTHING = SlotJudgement(Completeness.NONE)


class SlotType(ABC):
    """One type of slots. Stateless: same arguments, same answer."""

    name: str
    accepts_keys: bool = True
    relative: bool = False  # "tomorrow" is understood, so that `SlotSpec.now` means something
    range_of: Literal["numbers", "texts"] | None = None  # what `range` holds; None where it means nothing

    def problems(self, spec: SlotSpec) -> tuple[str, ...]:
        """Say what makes no sense in `spec` itself, in English, for whoever wrote the dialplan."""
        found = []
        if spec.length is not None:
            low, high = spec.lengths((0, 0))
            if not 1 <= low <= high:
                found.append("`length` must be a positive number, or two of them, the smaller first")
        if spec.range is not None:
            found += _range_problems(spec.range, self.range_of)
        return tuple(found)

    @abstractmethod
    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        """Return JSGF expansions of what may be said; empty = free speech."""

    @abstractmethod
    def judge(
        self, entries: Sequence[Entry], spec: SlotSpec, language: str, closed: bool = False
    ) -> SlotJudgement:
        """Merge spoken and keyed pieces in the order of arrival and say how far they go.

        `closed`: nothing more will come, so what is only a beginning is NONE.
        """

    @abstractmethod
    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        """Return `value` as it is read back to a caller. Raises SlotError for a value of another type."""

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        """Say why a value is refused ("range", "length", "checksum", "values", "type"), or None for a good one."""
        return None


_ORDER = "`range` must hold the smaller value first"


def _range_problems(ends: tuple[object, object], kind: Literal["numbers", "texts"] | None) -> list[str]:
    low, high = ends
    if kind is None:
        return ["`range` means nothing to this type"]
    if kind == "numbers":
        if not (isinstance(low, (int, float)) and isinstance(high, (int, float))):
            return ["`range` must hold two numbers"]
        return [] if low <= high else [_ORDER]
    if not (isinstance(low, str) and isinstance(high, str)):
        return ["`range` must hold two quoted ISO texts"]
    return [] if low <= high else [_ORDER]


def heard(entry: Entry, language: str) -> tuple[str, float] | None:
    """Return (text, confidence) of a spoken entry as the recogniser of `language` heard it, or None."""
    require_language(language)
    if entry.language in ("", language):
        return entry.text, entry.confidence
    for other, text, confidence in entry.alternatives:
        if other == language:
            return text, confidence
    return None


def said(entries: Sequence[Entry], language: str) -> tuple[str, float] | None:
    """Return all that was spoken as one text with the least confidence; None if a piece was heard in no such language."""
    texts: list[str] = []
    confidence = 1.0
    for entry in entries:
        if entry.kind == "speech":
            piece = heard(entry, language)
            if piece is None:
                return None
            texts.append(piece[0])
            confidence = min(confidence, piece[1])
    return " ".join(texts), confidence


def keyed(entries: Sequence[Entry]) -> str:
    """Return all keys as one string."""
    return "".join(entry.text for entry in entries if entry.kind == "keys")


def settle(judgement: SlotJudgement, closed: bool) -> SlotJudgement:
    """Return the judgement once nothing more will come: a mere beginning is nothing then."""
    return NOTHING if closed and judgement.completeness is Completeness.PREFIX else judgement
