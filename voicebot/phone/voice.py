"""The phone's voices: what its caller says, and what a hotline's texts sound like in the hotline's voice."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from voicebot.phone.errors import PhoneError
from voicebot.speech.errors import SpeechError
from voicebot.speech.tts import open_synthesiser, speak_8k

# Not the voices that a hotline has by default (en-us, cmn). The caller's is the one of espeak's that pocketsphinx
# understands best: of 16 phrases of the demo 15, the others 5 to 14.
CALLER_VOICES: Mapping[str, str] = {"en": "en-us+adam", "zh": "cmn+adam"}
AGENT_VOICES: Mapping[str, str] = {"en": "en-us+f2", "zh": "cmn+f2"}


def speak(text: str, voice: str, engine: str = "espeak") -> NDArray[np.int16]:
    """Return `text` as telephone speech, int16 mono at 8 kHz. Raises PhoneError for an unknown voice or engine."""
    try:
        return speak_8k(open_synthesiser(engine), text, voice)
    except SpeechError as error:
        raise PhoneError(str(error)) from error
