"""The options of a question, made once for a dialplan: every call that comes to the step shares them."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from voicebot.dialplan.matchers import Option
from voicebot.nlu.phrasebook import PhraseBook

T = TypeVar("T")


_Phrases = tuple[tuple[str, tuple[str, ...]], ...]  # (option, templates)

# A dialplan holds the books of its questions: those that only a version which is gone had, go with it.
_BOOKS: WeakValueDictionary[tuple[str, _Phrases], PhraseBook] = WeakValueDictionary()


@lru_cache(maxsize=64)
def _recent(language: str, phrases: _Phrases) -> PhraseBook:
    return _BOOKS.setdefault((language, phrases), PhraseBook(language, dict(phrases)))


def phrase_book(language: str, phrases: _Phrases) -> PhraseBook:
    """Return the book of a question; questions of the same phrases share it, those of another version as well."""
    found = _BOOKS.get((language, phrases))
    return _recent(language, phrases) if found is None else found


def book_of(options: Iterable[Option], language: str) -> PhraseBook:
    """Return the phrases of all options in one language."""
    return phrase_book(language, tuple((item.key, dict(item.phrases).get(language, ())) for item in options))


class OptionSet:
    """Options with their phrase books, which are made when they are first needed."""

    def __init__(self, options: Sequence[Option]) -> None:
        self.options = tuple(options)
        self.by_key = {option.key: option for option in options}
        self._books: dict[str, PhraseBook] = {}
        self._spoken = {code for option in options for code, templates in option.phrases if templates}

    def book(self, language: str) -> PhraseBook:
        found = self._books.get(language)
        if found is None:
            found = self._books[language] = book_of(self.options, language)
        return found

    def spoken_of(self, languages: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the languages in which any of them can be said."""
        return tuple([language for language in languages if language in self._spoken])


class Memo:
    """What was derived from a dialplan, kept as long as the dialplan is."""

    def __init__(self) -> None:
        self._known: dict[object, Any] = {}

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what `make` returned when `key` was asked for first."""
        try:
            known: T = self._known[key]  # a key has one maker
        except KeyError:
            known = self._known[key] = make()
        return known
