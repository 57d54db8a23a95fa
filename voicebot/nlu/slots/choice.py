"""Slot type `choice`, and every type of the dialplan's own: one of `values`, by its synonyms or by its key."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.languages import require_language
from voicebot.nlu.phrasebook import PhraseBook
from voicebot.nlu.slots.base import NOTHING, SlotJudgement, SlotSpec, SlotType, Value, keyed, said, settle
from voicebot.nlu.templates import parse_template
from voicebot.nlu.text import join


@lru_cache(maxsize=256)
def _book(language: str, phrases: tuple[tuple[str, tuple[str, ...]], ...]) -> PhraseBook:
    return PhraseBook(language, dict(phrases))


def synonyms(spec: SlotSpec, language: str) -> dict[str, tuple[str, ...]]:
    """Return value -> its synonyms in one language."""
    require_language(language)
    return {value: tuple(by.get(language, ())) for value, by in (spec.values or {}).items()}


class Choice(SlotType):
    """A tie of two values is no match: the dialplan asks again."""

    name = "choice"

    def problems(self, spec: SlotSpec) -> tuple[str, ...]:
        found = list(super().problems(spec))
        if not spec.values:
            found.append("`values` must name at least one value")
        found += [
            f"key `{key}` stands for `{value}`, which is none of `values`"
            for key, value in spec.keys.items()
            if value not in (spec.values or {})
        ]
        return tuple(found)

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        return self._phrase_book(spec, language).jsgf()

    def judge(
        self, entries: Sequence[Entry], spec: SlotSpec, language: str, closed: bool = False
    ) -> SlotJudgement:
        return settle(judge_choice(entries, self._phrase_book(spec, language), self._keys(spec)), closed)

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        """Return the value's first synonym without its optional words' brackets, or the value where it has none."""
        said_as = synonyms(spec, language).get(str(value)) if spec else None
        return _first_reading(said_as[0], language) if said_as else str(value)

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        return None if value in (spec.values or {}) else "values"

    def _phrase_book(self, spec: SlotSpec, language: str) -> PhraseBook:
        return _book(language, tuple(synonyms(spec, language).items()))

    def _keys(self, spec: SlotSpec) -> Mapping[str, str]:
        return spec.keys


def judge_choice(
    entries: Sequence[Entry], book: PhraseBook, keys: Mapping[str, str], *, same_is_final: bool = False
) -> SlotJudgement:
    """Judge by the keys if there are any (they are surer), else by all that was said.

    `same_is_final`: a match is FINAL where whatever longer phrase could follow means the same.
    """
    pressed = keyed(entries)
    if pressed:
        longer = any(key.startswith(pressed) and key != pressed for key in keys)
        if pressed in keys:
            return SlotJudgement(Completeness.MATCH if longer else Completeness.FINAL, keys[pressed])
        return SlotJudgement(Completeness.PREFIX, pressed) if longer else NOTHING
    utterance = said(entries, book.language)
    if utterance is None:
        return NOTHING
    text, confidence = utterance
    matches, begun = book.read(text)
    if len(matches) == 1:
        key = matches[0].key
        longer = bool(begun - {key} if same_is_final else begun)
        found = Completeness.MATCH if longer else Completeness.FINAL
        return SlotJudgement(found, key, confidence * matches[0].score)
    return SlotJudgement(Completeness.PREFIX, None, confidence) if begun else NOTHING


def _first_reading(template: str, language: str) -> str:
    return join(parse_template(template, language).expansions(1)[0])
