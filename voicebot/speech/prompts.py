"""Rendered prompts on disk: constant text, spoken once, named by what decides how it sounds.

The name needs no engine to be loaded, so whoever plays a prompt can ask for its file. Two processes may render the same
prompt at once: each writes its own temporary file and renames it, and the last one stays. Only constant texts of a
dialplan belong here, never what holds a caller's data.
"""

import hashlib
import json
import os
import tempfile
import wave
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicebot.speech.errors import SpeechError
from voicebot.speech.tts import Synthesiser, engine_version, open_synthesiser, speak_8k
from voicebot.speech.tts.synthesiser import TELEPHONE_HZ

# Part of every name: raise it when normalisation, level or trimming change how the same text sounds.
_RECIPE = 1
_EMPTY_SECONDS = 0.02  # of silence for a text with nothing to say: a file without samples is no prompt


class PromptProblem(SpeechError):
    """A prompt could not be written; the text names the file and says why."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A constant text in one voice. `rate` in words per minute, None = the voice's own."""

    engine: str
    voice: str
    text: str
    rate: int | None = None


class PromptCache:
    """`DIR/<name>.wav`: 16-bit mono, 8 kHz."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path_for(self, prompt: Prompt) -> Path:
        """Return where the prompt lies or will lie. Raises EngineProblem if its engine is not installed."""
        parts = [
            _RECIPE, prompt.engine, engine_version(prompt.engine), prompt.voice, prompt.text, prompt.rate, TELEPHONE_HZ,
        ]  # fmt: skip
        content = json.dumps(parts, ensure_ascii=False)
        return self.directory / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.wav"

    def missing(self, prompts: Iterable[Prompt]) -> list[Prompt]:
        """Return those that are not on disk yet, each once."""
        return [prompt for prompt in dict.fromkeys(prompts) if not self.path_for(prompt).is_file()]

    def render_missing(
        self,
        prompts: Iterable[Prompt],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Speak and write what is missing; return how many. `progress(done, total)` is called after each.

        Takes milliseconds a prompt and loads the engines: not for a process that must stay responsive. Raises
        VoiceUnknown, EngineProblem or PromptProblem; what was written until then is whole and stays.
        """
        wanted = self.missing(prompts)
        opened: dict[str, Synthesiser] = {}
        try:
            for done, prompt in enumerate(wanted, 1):
                if prompt.engine not in opened:
                    opened[prompt.engine] = open_synthesiser(prompt.engine)
                voice = opened[prompt.engine]
                samples = speak_8k(voice, prompt.text, prompt.voice, words_per_minute=prompt.rate)
                write_wav(self.path_for(prompt), samples)
                progress(done, len(wanted))
        finally:
            for synthesiser in opened.values():
                synthesiser.close()
        return len(wanted)


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write a mono 8 kHz WAV file so that a reader sees all of it or nothing. Raises PromptProblem."""
    if not len(samples):
        samples = np.zeros(int(_EMPTY_SECONDS * TELEPHONE_HZ), np.int16)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    except OSError as error:
        raise PromptProblem(f"cannot write prompts into {path.parent}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file, wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(TELEPHONE_HZ)
            wav.writeframes(samples.astype("<i2").tobytes())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise PromptProblem(f"cannot write {path}: {error.strerror}") from error
