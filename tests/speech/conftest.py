"""Voices, telephone lines and models for the speech tests."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.media.g711 import PCMU
from voicebot.speech.asr import Recogniser, Result
from voicebot.speech.tts import open_synthesiser, speak_8k

FIXTURES = Path(__file__).parents[1] / "fixtures"
Telephone = Callable[..., NDArray[np.int16]]


@pytest.fixture(scope="session")
def say() -> Telephone:
    """Return (text, voice) -> what arrives over a telephone line: mu-law, a little noise, silence round the speech."""
    synthesiser = open_synthesiser("espeak")

    def telephone(text: str, voice: str, gain: float = 1.0) -> NDArray[np.int16]:
        speech = speak_8k(synthesiser, text, voice) * gain
        silence = np.zeros(2400)
        noise = np.random.default_rng(1).standard_normal(len(speech) + 4800) * 3
        line = (np.concatenate([silence, speech, silence]) + noise).astype(np.int16)
        return PCMU.decode(PCMU.encode(line))

    return telephone


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a models folder with the two tiny vosk models in it, for English and Mandarin."""
    folder = tmp_path_factory.mktemp("models")
    for language in ("en", "zh"):
        with tarfile.open(FIXTURES / f"vosk_{language}.tgz") as archive:
            archive.extractall(folder, filter="data")
        (folder / f"q_{language}").rename(folder / f"vosk-model-tiny-{'cn' if language == 'zh' else 'en'}")
    return folder


def hear(recogniser: Recogniser, phrases: tuple[str, ...], audio: NDArray[np.int16]) -> Result:
    """Let it listen for `phrases` to 8 kHz audio, one packet after the other."""
    recogniser.start(phrases)
    for at in range(0, len(audio), 160):
        recogniser.feed(audio[at : at + 160])
    return recogniser.finish()
