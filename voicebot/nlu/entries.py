"""What a caller has entered so far, and how far it goes."""

from enum import Enum
from typing import Literal, NamedTuple


class Entry(NamedTuple):
    """One finished piece of input: an utterance, or keys, in the order of arrival.

    `language` is the recogniser's that heard it ("" for keys). When several recognisers listen, `alternatives` holds
    the other languages' results for the same utterance as (language, text, confidence).
    """

    kind: Literal["speech", "keys"]
    text: str
    language: str = ""
    confidence: float = 1.0
    alternatives: tuple[tuple[str, str, float], ...] = ()


class Completeness(Enum):
    """How far what was entered goes towards what is expected."""

    NONE = "none"  # nothing that could become a match
    PREFIX = "prefix"  # a proper beginning of a match: the rest is waited for
    MATCH = "match"  # matches, but a longer match can follow
    FINAL = "final"  # matches, and nothing longer can


class Judgement(NamedTuple):
    """What entries mean to the step that asked. `meaning` is the step's own; nobody between looks into it."""

    completeness: Completeness
    meaning: object = None
    confidence: float = 1.0
