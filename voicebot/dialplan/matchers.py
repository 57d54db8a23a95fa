"""What a question accepts: choices and links by key and phrase, and a slot by its type. Pure.

A step's own choices win over links; in `collect` a key that the slot can still accept belongs to the slot, a link's key
alone is the link once nothing more comes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from voicebot.nlu.entries import Completeness, Entry, Judgement
from voicebot.nlu.phrasebook import PhraseBook
from voicebot.nlu.slots.base import SlotJudgement
from voicebot.nlu.templates import parse_template

_MATCHED = (Completeness.MATCH, Completeness.FINAL)
_NOTHING = Judgement(Completeness.NONE)
_NOTHING_AT_ALL = Judgement(Completeness.NONE, confidence=0.0)  # less than any other judgement


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be meant. `key` is unique in its question; `action` is the step's own."""

    key: str
    action: object
    dtmf: str | None = None
    phrases: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (language, templates)
    link: bool = False
    intent: str = ""

    def label(self, language: str) -> str:
        """Return what it is called when it is confirmed: the core of its first phrase, or its key."""
        for code, templates in self.phrases:
            if code == language and templates:
                cores = parse_template(templates[0], language).expansions(1)
                if cores:
                    return ("" if language == "zh" else " ").join(cores[0])
        return self.dtmf or ""


class Meant(NamedTuple):
    """The meaning in a Judgement. `tied`: these options fit equally well; `option` None: the slot has `value`.

    `template` is the phrase that fits, with its `score`: `confidence` is the lower one of that and the recogniser's.
    """

    option: Option | None = None
    value: object = None
    language: str = ""
    confidence: float = 1.0
    tier: str = ""
    text: str = ""
    tied: tuple[Option, ...] = ()
    keyed: bool = False
    template: str = ""
    score: float = 1.0


class SlotRule(Protocol):
    """A slot as the matcher needs it: the type with its specification."""

    def phrases(self, language: str) -> tuple[str, ...]: ...

    def judge(self, entries: Sequence[Entry], language: str, closed: bool) -> SlotJudgement: ...


Books = Callable[[str], PhraseBook]  # language -> the phrases of all options


class QuestionMatcher:
    """Implements `line.Matcher` for one question."""

    def __init__(
        self,
        options: Mapping[str, Option],
        languages: Sequence[str],
        takes: Sequence[str],
        books: Books,
        *,
        reject: float = 0.35,
        margin: float = 0.0,
        slot: SlotRule | None = None,
    ) -> None:
        """`options` by their keys, a step's own before links."""
        self._options = options
        self._languages = tuple(languages)
        self._takes = tuple(takes)
        self._books = books
        self._reject = reject
        self._margin = margin
        self._slot = slot
        self._judged: tuple[tuple[Entry, ...], bool, Judgement] | None = None  # the last one

    def phrases(self, language: str) -> tuple[str, ...]:
        if language not in self._languages or "speech" not in self._takes:
            return ()
        own = self._books(language).jsgf()
        if self._slot is None:
            return own
        slot = self._slot.phrases(language)
        return (*slot, *own) if slot else ()

    @property
    def options(self) -> tuple[Option, ...]:
        """Return what can be chosen, the slot apart."""
        return tuple(self._options.values())

    @property
    def slot(self) -> SlotRule | None:
        """Return the slot that is asked for, if any."""
        return self._slot

    def accepts_speech(self) -> bool:
        return "speech" in self._takes

    def accepts_keys(self) -> bool:
        return "dtmf" in self._takes

    def judge(self, entries: Sequence[Entry], *, closed: bool = False) -> Judgement:
        known, asked = self._judged, tuple(entries)
        if (
            known is not None and known[0] == asked and known[1] == closed
        ):  # a final is mostly the last partial
            return known[2]
        judgement = self._judge(asked, closed)
        self._judged = asked, closed, judgement
        return judgement

    def _judge(self, entries: Sequence[Entry], closed: bool) -> Judgement:
        if not entries:
            return _NOTHING
        judgement = _NOTHING
        if self._slot is not None:
            judgement = self._judge_slot(entries, closed)
            if judgement.completeness in _MATCHED or (
                judgement.completeness is Completeness.PREFIX and not closed
            ):
                return judgement
        options = (
            self._judge_keys(entries[-1].text) if entries[-1].kind == "keys" else self._judge_speech(entries)
        )
        return judgement if options.completeness is Completeness.NONE else options

    # --- the slot --------------------------------------------------------------------------------------------------

    def _judge_slot(self, entries: Sequence[Entry], closed: bool) -> Judgement:
        if not [True for entry in entries if entry.kind == "speech"]:  # keys mean the same in all languages
            return self._judge_slot_in(self._languages[0], entries, closed, keyed=True)
        best = _NOTHING_AT_ALL
        for language in self._languages:
            heard = [_in_language(entry, language) for entry in entries]
            readable = [entry for entry in heard if entry is not None]
            if len(readable) == len(heard):
                found = self._judge_slot_in(language, readable, closed, keyed=False)
                if best is _NOTHING_AT_ALL or _rank(found) > _rank(best):
                    best = found
        return best

    def _judge_slot_in(
        self, language: str, entries: Sequence[Entry], closed: bool, *, keyed: bool
    ) -> Judgement:
        assert self._slot is not None
        completeness, value, confidence = self._slot.judge(entries, language, closed)
        if completeness is Completeness.NONE or (not keyed and confidence < self._reject):
            return _NOTHING_AT_ALL
        meant = Meant(
            value=value,
            language="" if keyed else language,
            confidence=confidence,
            tier="slot",
            text=" ".join([entry.text for entry in entries]),
            keyed=keyed,
        )
        return Judgement(completeness, meant, confidence)

    # --- options ---------------------------------------------------------------------------------------------------

    def _judge_keys(self, keys: str) -> Judgement:
        exact: Option | None = None
        longer = False
        for option in self._options.values():
            if option.dtmf == keys:
                if exact is None or (exact.link and not option.link):
                    exact = option
            elif option.dtmf is not None and option.dtmf.startswith(keys):
                longer = True
        if exact is not None:
            meant = Meant(option=exact, tier="key", text=keys, keyed=True)
            return Judgement(Completeness.MATCH if longer else Completeness.FINAL, meant)
        return Judgement(Completeness.PREFIX if longer else Completeness.NONE)

    def _judge_speech(self, entries: Sequence[Entry]) -> Judgement:
        best = _NOTHING
        for language in self._languages:
            heard = [_in_language(entry, language) for entry in entries if entry.kind == "speech"]
            readable = [entry for entry in heard if entry is not None]
            if not readable or len(readable) < len(heard):
                continue
            text = " ".join(entry.text for entry in readable)
            found = self._match(text, language, min(entry.confidence for entry in readable))
            if best is _NOTHING or _rank(found) > _rank(best):
                best = found
        return best

    def _match(self, text: str, language: str, confidence: float) -> Judgement:
        matches, more = self._books(language).read(text)
        if matches and confidence >= self._reject:
            close = [m for m in matches if matches[0].score - m.score <= self._margin]
            fitting = [self._options[match.key] for match in close]
            own = [option for option in fitting if not option.link] or fitting
            first = next(match for match in close if match.key == own[0].key)
            sure = min(confidence, first.score)
            if sure >= self._reject:
                meant = Meant(
                    option=own[0],
                    language=language,
                    confidence=sure,
                    tier=first.tier,
                    text=text,
                    tied=self._in_order(own) if len(own) > 1 else (),
                    template=first.template,
                    score=first.score,
                )
                final = first.tier == "template" and not more
                return Judgement(Completeness.FINAL if final else Completeness.MATCH, meant, sure)
        return Judgement(Completeness.PREFIX if more else Completeness.NONE)

    def _in_order(self, options: Sequence[Option]) -> tuple[Option, ...]:
        return tuple(option for option in self._options.values() if option in options)


def _in_language(entry: Entry, language: str) -> Entry | None:
    """Return the entry as the recogniser of `language` heard it, or None if that one heard nothing."""
    if entry.kind == "keys" or entry.language == language:
        return entry
    for code, text, confidence in entry.alternatives:
        if code == language and text:
            return entry._replace(text=text, language=language, confidence=confidence)
    return None


_ORDER = (Completeness.NONE, Completeness.PREFIX, Completeness.MATCH, Completeness.FINAL)
_TIERS = ("sound", "core", "template", "slot", "key")


def _rank(judgement: Judgement) -> tuple[bool, int, float, int]:
    """Order judgements of several languages: matched before not, by tier, then by confidence."""
    meant = judgement.meaning
    matched = judgement.completeness in _MATCHED
    tier = _TIERS.index(meant.tier) if isinstance(meant, Meant) and meant.tier in _TIERS else 0
    return matched, tier if matched else 0, judgement.confidence, _ORDER.index(judgement.completeness)
