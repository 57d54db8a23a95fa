"""The phone's voices: what its caller says, and what a hotline's texts sound like in the hotline's voice."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from voicebot.phone.errors import PhoneError
from voicebot.speech.errors import SpeechError
from voicebot.speech.tts import open_synthesiser, speak_8k

# Not the voices that a hotline has by default (en-us, cmn).
CALLER_VOICES: Mapping[str, str] = {"en": "en-gb+f3", "zh": "cmn+f2"}
AGENT_VOICES: Mapping[str, str] = {"en": "en-us+m3", "zh": "cmn+m3"}


def speak(text: str, voice: str, engine: str = "espeak") -> NDArray[np.int16]:
    """Return `text` as telephone speech, int16 mono at 8 kHz. Raises PhoneError for an unknown voice or engine."""
    try:
        return speak_8k(open_synthesiser(engine), text, voice)
    except SpeechError as error:
        raise PhoneError(str(error)) from error
