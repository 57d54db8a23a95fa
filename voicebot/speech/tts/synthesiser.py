"""What every voice engine can do, and speech as a telephone wants it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voicebot.speech import levels
from voicebot.speech.resample import resample
from voicebot.speech.tts.text import normalise

TELEPHONE_HZ = 8000


@dataclass(frozen=True, slots=True)
class Clip:
    """int16 mono audio of shape (n,) at `sample_rate`."""

    samples: NDArray[np.int16]
    sample_rate: int


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice as the engine names it, with the languages that it speaks ("en-us", "cmn", ...)."""

    name: str
    languages: tuple[str, ...]


class Synthesiser(Protocol):
    """One engine. Calls may come from any thread; they are served one after the other."""

    @property
    def name(self) -> str:
        """The engine's name in config.yaml."""

    def voices(self) -> tuple[VoiceInfo, ...]: ...

    def check(self, voice: str) -> None:
        """Raise VoiceUnknown, with the nearest names, unless `voice` can speak."""

    def language(self, voice: str) -> str:
        """Return "en" or "zh" or another ISO 639-1 code where there is one, else the engine's own code."""

    def synthesise(
        self,
        text: str,
        voice: str,
        *,
        words_per_minute: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Clip:
        """Speak `text` as it stands, at the engine's own rate and level.

        `cancelled` is asked now and then; when it says True, what is there so far is returned. Raises VoiceUnknown
        or EngineProblem. Not bit-identical from call to call.
        """

    def close(self) -> None:
        """Let go of processes and files. A closed engine is not used again."""


def speak_8k(
    synthesiser: Synthesiser,
    text: str,
    voice: str,
    *,
    words_per_minute: int | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NDArray[np.int16]:
    """Return `text` as telephone speech: 8 kHz, active speech at levels.ACTIVE_LEVEL, at most 40 ms of silence at the ends.

    The text is normalised for the voice's language first (money, thousands, dates). Text with nothing to say in it
    gives an empty array.
    """
    spoken = normalise(text, synthesiser.language(voice))
    if not spoken:
        synthesiser.check(voice)
        return np.zeros(0, np.int16)
    clip = synthesiser.synthesise(spoken, voice, words_per_minute=words_per_minute, cancelled=cancelled)
    narrow = resample(clip.samples, clip.sample_rate, TELEPHONE_HZ)
    return levels.at_level(levels.trimmed(narrow, TELEPHONE_HZ), TELEPHONE_HZ)
