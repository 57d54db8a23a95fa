"""What callers say: phrases that two choices share or that sound alike, phrases that mean another choice, unknown words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.inputs import Choice, InputStep, Link, Phrase
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.slots import Values
from voicebot.dialplan.source import Finding, Position, finding
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.texts import Text
from voicebot.nlu.phrasebook import PhraseBook
from voicebot.nlu.sound import ALIKE, coarse, sounds, units_distance
from voicebot.nlu.templates import parse_template
from voicebot.nlu.text import tokens

MAX_CORES = 16  # variants of one template that are compared, as in PhraseBook
_LIST = re.compile(r"[,.;:?!]|\b(?:or|say|press|and)\b")
LIKELY = 0.6  # coarse likeness under which the exact distance is not worth computing


@dataclass(frozen=True, slots=True)
class Sayable:
    """One thing that a question can hear, in one language."""

    key: str
    label: str
    position: Position
    templates: tuple[str, ...]
    link: bool = False


@dataclass(frozen=True, slots=True)
class _Core:
    words: tuple[str, ...]
    units: str
    coarse: str


@lru_cache(maxsize=8192)
def _cores(template: str, language: str) -> tuple[_Core, ...]:
    found = []
    for words in parse_template(template, language).expansions(MAX_CORES):
        units = "".join(sounds(words, language))
        found.append(_Core(words, units, coarse(units, language)))
    return tuple(found)


def check_sounds(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB122: a phrase of two choices; VB123: two that sound alike; VB124: one that means another choice."""
    told: set[tuple[str, Position, str]] = set()
    for step in (item for item in everything(dialplan) if isinstance(item, InputStep)):
        for language in dialplan.hotline.languages:
            for item in _question(dialplan, step, language):
                same = (item.code, Position(item.file, item.line, item.column), item.message)
                if same not in told:
                    told.add(same)
                    yield item


def _question(dialplan: Dialplan, step: InputStep, language: str) -> Iterator[Finding]:
    sayable = [item for item in sayables(dialplan, step, language) if item.templates]
    own = [item for item in sayable if not item.link]
    if not own:
        return
    shared: set[frozenset[str]] = set()
    for one, two in combinations(sayable, 2):
        if one.link and two.link:
            continue
        words, alike = _compare(one.templates, two.templates, language)
        between = f"{one.label} and {two.label}"
        if words and one.link == two.link:  # a step's own choices win over links
            shared.add(frozenset((one.key, two.key)))
            hint = "say it in one of them only, or make the phrase longer"
            message = f"the phrase {words!r} belongs to both {between}"
            yield finding("VB122", two.position, message, hint, "warning")
        elif alike and not words:
            message = f"{alike[0]!r} and {alike[1]!r} sound alike, of {between}"
            hint = "callers would be asked which they meant: choose another word for one of them"
            yield finding("VB123", two.position, message, hint, "warning")
    book = PhraseBook(language, {item.key: item.templates for item in sayable})
    yield from _strays(book, sayable, own, shared)
    if isinstance(step, Menu) and language == "en":
        yield from _offered(book, dialplan, step)


def _strays(
    book: PhraseBook, sayable: list[Sayable], own: list[Sayable], shared: set[frozenset[str]]
) -> Iterator[Finding]:
    """Find phrases that, said bare, mean another choice."""
    labels = {item.key: item.label for item in sayable}
    for item in own:
        for template in item.templates:
            for core in _cores(template, book.language)[:1]:
                words = _written(core.words, book.language)
                keys = [match.key for match in book.match(words)]
                others = [key for key in keys if key != item.key and frozenset((key, item.key)) not in shared]
                if item.key not in keys and others:
                    message = f"{words!r} does not mean its own choice, {item.label}, but {labels[others[0]]}"
                    hint = "whoever says just this is led there: remove it, or make the other more exact"
                    yield finding("VB124", item.position, message, hint, "warning")


def _offered(book: PhraseBook, dialplan: Dialplan, step: Menu) -> Iterator[Finding]:
    """Find intents whose name the prompt says, and which are not meant by whoever repeats it."""
    offered = _offers(step.prompt, book.language) | _offers(step.brief, book.language)
    for number, choice in enumerate(step.choices):
        if choice.intent is None or choice.intent.name not in dialplan.intents:
            continue
        name = " ".join(tokens(choice.intent.name.replace("_", " "), book.language))
        phrases = dialplan.intents[choice.intent.name].phrases
        if name not in offered or not phrases.get(book.language):
            continue
        if f"c{number}" not in [match.key for match in book.match(name)]:
            message = f"the prompt offers {name!r}, and whoever says just that is not understood so"
            hint = f"let a phrase of the intent {choice.intent.name!r} be met by it"
            yield finding("VB124", choice.position, message, hint, "warning")


def _offers(text: Text | None, language: str) -> set[str]:
    """Return what a prompt names: the pieces of its lists ("say balance, lost card, or agent")."""
    items = text.in_language(language) if text is not None else ()
    pieces = [piece for item in items for one in item.sentences for piece in _LIST.split(one.source.lower())]
    return {" ".join(tokens(piece, language)) for piece in pieces}


def sayables(dialplan: Dialplan, step: InputStep, language: str) -> list[Sayable]:
    """Return what a question hears in one language: choices, values of its slot, links."""
    found: list[Sayable] = []
    if isinstance(step, Menu):
        found += [_item(dialplan, item, f"c{n}", language) for n, item in enumerate(step.choices)]
    if isinstance(step, Collect):
        values = dialplan.types.get(step.type) or step.values
        if values is not None:
            found += list(_values(values, step.position, language))
    links = (*step.all_links(), *dialplan.all_links())
    return found + [_item(dialplan, item, f"l{n}", language) for n, item in enumerate(links)]


def _item(dialplan: Dialplan, item: Choice | Link, key: str, language: str) -> Sayable:
    intent = dialplan.intents.get(item.intent.name) if item.intent is not None else None
    phrases: list[Phrase] = [*(item.phrases or {}).get(language, ())]
    if intent is not None:
        phrases += intent.phrases.get(language, ())
    label = intent.name if intent is not None else (phrases[0].source if phrases else item.dtmf or "")
    templates = tuple(dict.fromkeys(phrase.source for phrase in phrases))
    return Sayable(key, repr(label), item.position, templates, isinstance(item, Link))


def _values(values: Values, position: Position, language: str) -> Iterator[Sayable]:
    for name, synonyms in values.synonyms.items():
        yield Sayable(f"v{name}", repr(name), position, tuple(synonyms.get(language, ())))


@lru_cache(maxsize=16384)
def _compare(
    ones: tuple[str, ...], twos: tuple[str, ...], language: str
) -> tuple[str, tuple[str, str] | None]:
    """Return a phrase that both can be said by, and two that sound alike."""
    mine = [core for template in ones for core in _cores(template, language)]
    theirs = [core for template in twos for core in _cores(template, language)]
    same = {core.words for core in mine} & {core.words for core in theirs}
    if same:
        return _written(min(same), language), None
    rivals = [core.coarse for core in theirs]
    for core in mine:
        if not core.units:
            continue
        likely = process.extract(
            core.coarse,
            rivals,
            scorer=Levenshtein.normalized_similarity,
            processor=None,
            score_cutoff=LIKELY,
            limit=None,
        )
        for _, _, index in likely:
            if units_distance(core.units, theirs[index].units, language) <= ALIKE:
                return "", (_written(core.words, language), _written(theirs[index].words, language))
    return "", None


def _written(words: Iterable[str], language: str) -> str:
    return ("" if language == "zh" else " ").join(words)


# --- words that the recogniser does not know -----------------------------------------------------------------------


def check_words(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB125: a word that the recogniser's dictionary lacks: how it sounds is a guess."""
    if around.is_listed is None:
        return
    told: set[tuple[str, str]] = set()
    for phrase, language in _phrases(dialplan):
        for word in parse_template(phrase.source, language).exact.symbols:
            if (word, language) in told:
                continue
            told.add((word, language))
            if not around.is_listed(word, language):
                message = f"the recogniser's dictionary for {language} lacks {word!r}"
                hint = "it is spelled out by rule and may be misheard: prefer a common word, or add one"
                yield finding("VB125", phrase.position, message, hint, "info")


def _phrases(dialplan: Dialplan) -> Iterator[tuple[Phrase, str]]:
    groups: list[Mapping[str, tuple[Phrase, ...]]] = [item.phrases for item in dialplan.intents.values()]
    groups += [
        item.phrases
        for item in everything(dialplan)
        if isinstance(item, (Choice, Link)) and item.phrases is not None
    ]
    for group in groups:
        for language, phrases in group.items():
            for phrase in phrases:
                yield phrase, language
