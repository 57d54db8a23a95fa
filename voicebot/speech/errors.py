"""What can go wrong with speech, as errors whose text tells an admin what to do."""

import difflib
from collections.abc import Iterable


class SpeechError(Exception):
    """Base of all errors of `voicebot.speech`. The text never holds what a caller said."""


class EngineProblem(SpeechError):
    """An engine is missing, cannot be loaded, or failed at its work."""


class ModelProblem(SpeechError):
    """A model folder cannot be used; the text names the folder and what is wrong with it."""


class VoiceUnknown(SpeechError):
    """The engine has no such voice; `nearest` are names that it has."""

    def __init__(self, engine: str, voice: str, known: Iterable[str]) -> None:
        names = sorted(set(known))
        self.engine = engine
        self.voice = voice
        self.nearest = tuple(difflib.get_close_matches(voice, names, n=3, cutoff=0.4)) or tuple(names[:3])
        meant = ", ".join(self.nearest) if self.nearest else "none at all"
        super().__init__(
            f'{engine} has no voice "{voice}"; nearest: {meant}. Set `voice` under speech.tts to one of these.'
        )
