"""A hotline in virtual time: the real line, floor and turn with simulated media, speech and telephones."""

import asyncio
import datetime
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voicebot.acd import Agent, QueueSpec
from voicebot.calls.call import Call
from voicebot.calls.callbacks import Callbacks, Rules
from voicebot.calls.floor import Floor
from voicebot.calls.leg import Leg
from voicebot.calls.line import Sounds, TelephoneLine
from voicebot.dialplan.line import Completeness, Entry, Judgement, Spoken
from voicebot.sim.media import SimLeg, SimMedia
from voicebot.sim.speech import SimSpeech
from voicebot.sim.store import SimServices, SimStore
from voicebot.sim.telephones import Extension, SimTelephones

NOON = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
SOUNDS = Sounds(Path("music"), Path("ringback"), Path("beep"))


class Choices:
    """Accepts any of some words or keys, each with its prefixes."""

    def __init__(self, *accepted: str) -> None:
        self._accepted = accepted

    def phrases(self, language: str) -> tuple[str, ...]:
        return self._accepted

    def accepts_speech(self) -> bool:
        return True

    def accepts_keys(self) -> bool:
        return True

    def judge(self, entries: Sequence[Entry], *, closed: bool = False) -> Judgement:
        text = " ".join(entry.text for entry in entries)
        if text in self._accepted:
            longer = any(item.startswith(text) and item != text for item in self._accepted)
            return Judgement(Completeness.MATCH if longer and not closed else Completeness.FINAL, text)
        prefix = text and any(item.startswith(text) for item in self._accepted)
        return Judgement(Completeness.PREFIX if prefix and not closed else Completeness.NONE)


@dataclass(slots=True)
class Caller:
    """One caller on the line."""

    call: Call
    leg: Leg
    media: SimLeg
    line: TelephoneLine


class Hotline:
    """Build it inside a virtual-time loop, and `close` it there."""

    def __init__(self, *, extensions: dict[str, Extension] | None = None, **queue: object) -> None:
        self.speech = SimSpeech()
        self.media = SimMedia(self.speech)
        self.store = SimStore()
        self.services = SimServices()
        self.telephones = SimTelephones(self.media, extensions or {})
        agents = [
            Agent(uri.removeprefix("sip:").partition("@")[0], uri) for uri in self.telephones.extensions
        ]
        spec = QueueSpec("agents", **queue)  # type: ignore[arg-type]
        self.floor = Floor(self.telephones, random.Random(1), agents, [spec])
        self._uids = itertools.count(1)
        self.callbacks = Callbacks(
            self.floor,
            self.telephones,
            self.speech,
            self.store,
            SOUNDS,
            lambda: f"out-{next(self._uids)}",
            Rules(),
            self.clock,
        )
        self._number = 0

    def clock(self) -> datetime.datetime:
        return NOON + datetime.timedelta(seconds=asyncio.get_running_loop().time())

    def caller(self) -> Caller:
        """A caller whose call was just answered."""
        self._number += 1
        call = Call(f"call-{self._number}", "100", "700", self.store)
        leg = Leg(call.uid, "caller", self._number, call.plays)
        call.caller = leg
        media = self.media.open_leg(call.uid, "127.0.0.1", leg.on_message)
        leg.media = media
        line = TelephoneLine(
            call,
            leg,
            speech=self.speech,
            floor=self.floor,
            callbacks=self.callbacks,
            telephones=self.telephones,
            services=self.services,
            sounds=SOUNDS,
            folder=Path("recordings"),
            recorded=True,
        )
        return Caller(call, leg, media, line)

    async def close(self) -> None:
        await self.callbacks.close()
        await self.floor.close()


def text(words: str) -> Spoken:
    return Spoken(words, "en")
