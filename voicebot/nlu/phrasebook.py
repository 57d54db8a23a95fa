"""What a caller's words mean: phrases of several keys, matched in three tiers, the first tier with a match wins.

1. *template*: the whole utterance is an expansion. Score 1.0.
2. *core*: the template without its optional parts is found inside, fillers aside. Score 0.75 to 1.0 by how much of the
   utterance it explains. A core directly behind a "not" does not count.
3. *sound*: a core sounds like a stretch of whole words of the utterance (`sound.ALIKE`). Score 0.9 at distance 0, and
   0.4 at the bound, so that a caller is asked to confirm what is only similar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rapidfuzz import fuzz, process

from voicebot.nlu.automaton import CoreMatch
from voicebot.nlu.languages import require_language
from voicebot.nlu.sound import ALIKE, coarse, costs, sounds
from voicebot.nlu.templates import Template, denied, parse_template
from voicebot.nlu.text import expand, is_han, skippable, strip_fillers, tokens

MAX_CORES = 16  # variants of one template that are compared by sound
_SHORT_UNITS = (
    4  # an English core with fewer sound units must be all that was said; so must a single Han character
)

_LIKELY = 70.0  # percent of coarse likeness under which the exact distance is not worth computing

Tier = Literal["template", "core", "sound"]


class PhraseMatch(NamedTuple):
    """`core_length` counts the words (en) or characters (zh) that the core asks for; `template` is as written."""

    key: str
    tier: Tier
    core_length: int
    score: float
    template: str


class Reading(NamedTuple):
    """What was said against all phrases.

    `matches`: the best ones, all of the same tier and core length: one, several when tied, or none. `begun`: the keys of
    which it is, as it stands or without fillers, a proper beginning of some expansion.
    """

    matches: tuple[PhraseMatch, ...]
    begun: frozenset[str]


class _Found(NamedTuple):
    match: PhraseMatch
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _SoundCore:
    key: str
    template: str
    length: int
    units: str


class PhraseBook:
    """Keys with their templates in one language. Raises TemplateError for a template that cannot be read."""

    def __init__(self, language: str, phrases: Mapping[str, Sequence[str]]) -> None:
        self.language = require_language(language)
        self._templates: list[tuple[str, Template]] = [
            (key, parse_template(text, language)) for key, texts in phrases.items() for text in texts
        ]
        self._exact_by_first = self._index("exact")
        self._core_by_first = self._index("core")
        self._sound_cores = self._listen()
        self._coarse_cores = [coarse(core.units, language) for core in self._sound_cores]
        self._jsgf: tuple[str, ...] | None = None

    def _index(self, kind: Literal["exact", "core"]) -> dict[str, list[tuple[str, Template]]]:
        index: dict[str, list[tuple[str, Template]]] = {}
        for key, template in self._templates:
            automaton = template.exact if kind == "exact" else template.core
            for symbol in {automaton.symbols[position] for position in automaton.first}:
                index.setdefault(symbol, []).append((key, template))
        return index

    def jsgf(self) -> tuple[str, ...]:
        """Return the JSGF expansions to bias the recogniser, without those in another script than the language's."""
        if self._jsgf is None:
            self._jsgf = tuple(
                dict.fromkeys(
                    template.jsgf()
                    for _, template in self._templates
                    if self.language == "zh" or not any(map(is_han, template.exact.symbols))
                )
            )
        return self._jsgf

    def match(self, text: str) -> tuple[PhraseMatch, ...]:
        """Return what `read` finds, without the beginnings."""
        return self.read(text).matches

    def read(self, text: str) -> Reading:
        """Return what `text` means, and what it could become."""
        items = expand(tokens(text, self.language), self.language)
        if not items:
            return Reading((), frozenset())
        whole, begun = self._from_start(items)
        stripped = strip_fillers(items, self.language)
        if stripped and stripped != items:
            begun |= self._from_start(stripped)[1]
        found = (
            whole or self._inside(items, skippable(items, self.language, light=True)) or self._by_sound(items)
        )
        return Reading(_best(found), frozenset(begun))

    def _from_start(self, items: tuple[str, ...]) -> tuple[list[_Found], set[str]]:
        """Return the templates of which `items` are an expansion, and the keys of which they are a beginning."""
        found: list[_Found] = []
        begun: set[str] = set()
        for key, template in self._exact_by_first.get(items[0], ()):
            live = template.exact.walk(items)
            if not live:
                continue
            length = template.exact.ended(live)
            if length is not None:
                found.append(_Found(PhraseMatch(key, "template", length, 1.0, template.text), 0, len(items)))
            if template.exact.goes_on(live):
                begun.add(key)
        return found, begun

    def _inside(self, items: tuple[str, ...], skip: tuple[bool, ...]) -> list[_Found]:
        candidates = {id(t): (key, t) for item in set(items) for key, t in self._core_by_first.get(item, ())}
        found = []
        for key, template in candidates.values():
            core = template.find_core(items, skip)
            if core is not None:
                score = 0.75 + 0.25 * _explained(core, skip)
                match = PhraseMatch(key, "core", core.length, score, template.text)
                found.append(_Found(match, core.start, core.end))
        return found

    def _by_sound(self, items: tuple[str, ...]) -> list[_Found]:
        spoken = strip_fillers(items, self.language) or items
        words = sounds(spoken, self.language)
        text = "".join(words)
        if not text:
            return []
        starts, ends = _boundaries(words)
        found = []
        likely = process.extract(
            coarse(text, self.language),
            self._coarse_cores,
            scorer=fuzz.partial_ratio,
            processor=None,
            score_cutoff=_LIKELY,
            limit=None,
        )
        for _, _, index in likely:
            core = self._sound_cores[index]
            whole = core.length < 2 if self.language == "zh" else len(core.units) < _SHORT_UNITS
            if not _can_fit(core.units, text, whole):
                continue
            distance, start, end = _closest(
                core.units,
                text,
                {0: 0} if whole else starts,
                {len(text): len(words)} if whole else ends,
                self.language,
            )
            if distance <= ALIKE and not denied(spoken, start, self.language):
                score = 0.9 - 0.5 * distance / ALIKE
                match = PhraseMatch(core.key, "sound", core.length, score, core.template)
                found.append(_Found(match, start, end))
        return found

    def _listen(self) -> list[_SoundCore]:
        cores: list[_SoundCore] = []
        for key, template in self._templates:
            for items in template.expansions(MAX_CORES):
                units = "".join(sounds(items, self.language))
                if units:
                    cores.append(_SoundCore(key, template.text, len(items), units))
        return cores


def _explained(core: CoreMatch, skip: Sequence[bool]) -> float:
    """Return the share of the utterance, fillers aside, that lies within the core."""
    total = skip.count(False)
    return sum(not mark for mark in skip[core.start : core.end]) / total if total else 1.0


def _best(found: list[_Found]) -> tuple[PhraseMatch, ...]:
    """Return the longest cores, one for each key; one that lies within another's wider stretch is no rival."""
    if len(found) < 2:
        return tuple([item.match for item in found])
    longest = max(item.match.core_length for item in found)
    top = [item for item in found if item.match.core_length == longest]
    if top[0].match.tier == "sound":
        nearest = max(item.match.score for item in top)
        top = [item for item in top if item.match.score == nearest]
    by_key: dict[str, _Found] = {}
    for item in top:
        inside = any(
            other.start <= item.start
            and item.end <= other.end
            and (other.end - other.start) > (item.end - item.start)
            and other.match.key != item.match.key
            for other in top
        )
        known = by_key.get(item.match.key)
        if not inside and (known is None or item.match.score > known.match.score):
            by_key[item.match.key] = item
    return tuple(sorted((item.match for item in by_key.values()), key=lambda match: -match.score))


def _boundaries(words: Sequence[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Return offset in the units -> word index, for beginnings and for ends of words."""
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    offset = 0
    for index, word in enumerate(words):
        starts.setdefault(offset, index)
        offset += len(word)
        ends[offset] = index + 1
    return starts, ends


def _can_fit(core: str, text: str, whole: bool) -> bool:
    """Tell cheaply whether the bound can be met: enough units of the core must occur at all."""
    if whole and abs(len(core) - len(text)) > 1 + ALIKE * len(core):
        return False
    return len(text) >= 0.7 * len(core)


def _closest(
    core: str, text: str, starts: Mapping[int, int], ends: Mapping[int, int], language: str
) -> tuple[float, int, int]:
    """Return (distance, first word, word after the last) of the stretch of whole words that sounds most like `core`.

    Weighted edit distance with a free start and a free end, both only between words (Sellers' algorithm).
    """
    close, light = costs(language)
    far = float("inf")
    height = len(core) + 1
    drops = [light.get(unit, 1.0) for unit in core]
    column: list[tuple[float, int]] = [(far, -1)] * height
    best = (1.0, 0, 0)
    for offset in range(len(text) + 1):
        fresh: list[tuple[float, int]] = []
        unit = text[offset - 1] if offset else ""
        add = light.get(unit, 1.0)
        for at in range(height):
            options = [(0.0, offset)] if at == 0 and offset in starts else [(far, -1)]
            if offset:
                options.append((column[at][0] + add, column[at][1]))
                if at:
                    swap = 0.0 if core[at - 1] == unit else close.get(frozenset((core[at - 1], unit)), 1.0)
                    options.append((column[at - 1][0] + swap, column[at - 1][1]))
            if at:
                options.append((fresh[at - 1][0] + drops[at - 1], fresh[at - 1][1]))
            fresh.append(min(options))
        column = fresh
        if offset in ends:
            cost, start = column[-1]
            distance = cost / max(len(core), offset - start) if cost < far else 1.0
            if distance < best[0]:
                best = (distance, starts[start], ends[offset])
    return best
