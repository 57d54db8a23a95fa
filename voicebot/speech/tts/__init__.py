"""Voices: text in, 16-bit mono audio out.

An engine is opened by name with `open_synthesiser`; all of them keep the same Protocol, `Synthesiser`. espeak-ng is
GPL software: its library is loaded only when the engine is opened, which happens in a speech worker, in the child
process that renders prompts, and in the test phone, never in control.
"""

from voicebot.speech.tts.registry import engine_version, engines, open_synthesiser
from voicebot.speech.tts.synthesiser import Clip, Synthesiser, VoiceInfo, speak_8k

__all__ = ["Clip", "Synthesiser", "VoiceInfo", "engine_version", "engines", "open_synthesiser", "speak_8k"]
