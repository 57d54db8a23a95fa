"""The recognisers of a worker: as many as callers speak at once, not as many as there are calls.

One that was used holds 16 MB, and what it learned of a caller is a line of text. So a call borrows one while its caller
speaks, and hands it over with what it learned.
"""

from collections.abc import Callable
from typing import NamedTuple

from voicebot.speech.asr import Recogniser

OpenRecogniser = Callable[[str, str, str, str], Recogniser]  # engine, language, model, state


class Kind(NamedTuple):
    engine: str
    language: str
    model: str


class Recognisers:
    """Lends recognisers. Whoever met an error with one drops it instead of giving it back."""

    def __init__(self, open_recogniser: OpenRecogniser) -> None:
        self._open = open_recogniser
        self._idle: dict[Kind, list[Recogniser]] = {}

    def take(self, kind: Kind, state: str) -> Recogniser:
        """Return one that knows of its caller what `state` tells. Raises SpeechError."""
        idle = self._idle.get(kind)
        if not idle:
            return self._open(kind.engine, kind.language, kind.model, state)
        recogniser = idle.pop()
        recogniser.seed(state)
        return recogniser

    def give(self, kind: Kind, recogniser: Recogniser) -> None:
        self._idle.setdefault(kind, []).append(recogniser)

    def try_grammar(self, kind: Kind, state: str, phrases: tuple[str, ...]) -> None:
        """Raise SpeechError if `phrases` could not be heard. The next who takes one finds it ready for them."""
        recogniser = self.take(kind, state)
        recogniser.start(phrases)
        self.give(kind, recogniser)
