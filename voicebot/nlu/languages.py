"""The languages that nlu understands, and the errors that it raises."""

LANGUAGES = ("en", "zh")


class NluError(ValueError):
    """Base of every error of this package. Its text never holds what a caller said."""


class UnknownLanguage(NluError):
    """A language for which there are no rules."""

    def __init__(self, language: str) -> None:
        super().__init__(f"unknown language {language!r}: known are {', '.join(LANGUAGES)}")
        self.language = language


def require_language(language: str) -> str:
    """Return `language` if it is known; raises UnknownLanguage otherwise."""
    if language not in LANGUAGES:
        raise UnknownLanguage(language)
    return language


def words(text: str) -> tuple[str, ...]:
    """Return the words of a table that is written as one string, so that long tables stay readable."""
    return tuple(text.split())
