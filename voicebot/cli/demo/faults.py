"""Faults that are made on purpose, outside of the server, to prove that the demo notices them."""

import os
from pathlib import Path
from typing import Literal

from voicebot.engines import Engines
from voicebot.phone.rtp_line import Wire
from voicebot.speech.prompts import Prompt, PromptCache

Fault = Literal["mute", "swap-prompts", "cut-bridge"]
FAULTS: tuple[Fault, ...] = ("mute", "swap-prompts", "cut-bridge")


class Muted(Wire):
    """A wire on which no RTP packet arrives, in either direction."""

    def passes_out(self, packet: bytes) -> bool:
        return False

    def passes_in(self, packet: bytes) -> bool:
        return False


class Cuttable(Wire):
    """A wire whose incoming direction can be cut while the call goes on."""

    def __init__(self) -> None:
        self.cut = False

    def passes_in(self, packet: bytes) -> bool:
        return not self.cut


def swap_prompts(cache: Path, engines: Engines, language: str, first: str, second: str) -> None:
    """Exchange two rendered prompts in a server's cache: it will say the one for the other."""
    voice = engines.voices[language]
    known = PromptCache(cache)
    one, other = (known.path_for(Prompt(voice.engine, voice.voice, text)) for text in (first, second))
    aside = one.with_suffix(".aside")
    os.replace(one, aside)
    os.replace(other, one)
    os.replace(aside, other)
