"""How long it takes to say what a dialplan says: an estimate that errs on the long side.

The embedded voices take 0.043 to 0.075 s a letter and 0.24 to 0.29 s a Han character (demo.yaml, pauses included); the slow end counts, and
`PAUSE` for each piece. What a variable will hold is not known: it counts `VARIABLE`. Audio files are as long as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from voicebot.dialplan.builtin import builtin
from voicebot.dialplan.checks.sounds import Sound, read_sound
from voicebot.dialplan.expressions import Expression, Template
from voicebot.dialplan.inputs import Files, Handler
from voicebot.dialplan.texts import Text

PAUSE = 0.3  # seconds around each piece of speech
LETTER = 0.07
HAN = 0.27
DIGIT = 0.35  # a digit is read as a word
VARIABLE = 2.5
UNKNOWN_FILE = 5.0  # an audio file that cannot be read, which is a finding of its own

Measure = Callable[
    [str, str], float | None
]  # (text, language) -> seconds of the rendered prompt, if there is one


def seconds_of(text: str) -> float:
    """Return how long it takes to say `text`, in seconds."""
    return PAUSE + sum(
        DIGIT if character.isdigit() else HAN if ord(character) > 0x2E80 else LETTER for character in text
    )


@dataclass(slots=True)
class Speaking:
    """The lengths of a dialplan's speech in whichever of `languages` takes longest, in seconds."""

    languages: tuple[str, ...]
    prompts: Path
    measure: Measure | None = None
    sound: Callable[[Path], Sound | None] = read_sound
    _known: dict[int, tuple[Text, float]] = field(default_factory=dict)  # by id; the text is kept alive

    def text(self, text: Text | None) -> float:
        if text is None:
            return 0.0
        known = self._known.get(id(text))
        if known is None:
            known = text, max(self._in(text, language) for language in self.languages)
            self._known[id(text)] = known
        return known[1]

    def _in(self, text: Text, language: str) -> float:
        return sum(
            self._sentence(sentence, item.language or language)
            for item in text.in_language(language)
            for sentence in item.sentences
        )

    def _sentence(self, sentence: Template, language: str) -> float:
        if sentence.constant:
            measured = self.measure(sentence.source, language) if self.measure is not None else None
            return measured if measured is not None else seconds_of(sentence.source)
        return PAUSE + sum(
            VARIABLE if isinstance(piece, Expression) else seconds_of(piece) - PAUSE
            for piece in sentence.pieces
        )

    def files(self, files: Files | None) -> float:
        if files is None:
            return 0.0
        return max(self.file(files.in_language(language)) for language in self.languages)

    def file(self, name: str) -> float:
        found = self.sound(self.prompts / name)
        return PAUSE + (UNKNOWN_FILE if found is None else found.seconds)

    def builtin(self, names: Iterable[str]) -> float:
        return max(sum(seconds_of(builtin(name, language)) for name in names) for language in self.languages)

    def handler(self, handler: Handler) -> float:
        return self.text(handler.say) + self.files(handler.play)
