"""Recognisers: a caller's speech in, words of a grammar out.

Which engine serves which language is decided by `available`; `open_recogniser` makes one for a call. All of them keep
the same Protocol, `Recogniser`. The engines hold native code that can crash its process on bad input, so they run in
speech workers only.
"""

from voicebot.speech.asr.models import VoskModel, check_model, find_models
from voicebot.speech.asr.recogniser import Recogniser, Result, TimedWord
from voicebot.speech.asr.registry import Choice, available, open_recogniser

__all__ = [
    "Choice",
    "Recogniser",
    "Result",
    "TimedWord",
    "VoskModel",
    "available",
    "check_model",
    "find_models",
    "open_recogniser",
]
