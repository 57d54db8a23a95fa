"""How fast the bot reacts, in packets: speech or a key of the caller until the bot is heard, or falls silent.

The caller's instants are those at which its packets leave; the bot's are the kernel's timestamps of the arrivals.
Answers are checked by ear: only a reaction that says what the menu's choice says counts.
"""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.crowd import Crowd, listeners_audio
from bench.figures import VOICED, Figure, silent_from, single, spread, voiced_part
from bench.plan import Plan
from bench.server import Server
from voicebot.media import rtp
from voicebot.media.g711 import PCMU
from voicebot.phone import Clip, Ear, Phone, PhoneCall, Wire
from voicebot.phone.hearing import rms
from voicebot.phone.voice import CALLER_VOICES, speak

HOURS, BALANCE = "We are open from nine to five.", "Your account holds eighty dollars."
_BOT_VOICE = "en-us"
_INTO_PROMPT = 1.5  # seconds after which the prompt is interrupted
_REPLY = 4.0  # seconds for an utterance and the reply to it
_UNEVEN = 0.0137  # seconds: so that a tick of the phone is at another point of the server's tick each time
_PCMU = 0
_BUSY_CALLS = 50


class SendLog(Wire):
    """Notes when the packets leave that matter: telephone events, and audio with a voice in it."""

    def __init__(self) -> None:
        self.keys: list[float] = []
        self.voice: list[float] = []

    def passes_out(self, packet: bytes) -> bool:
        if packet[1] & 0x7F != _PCMU:
            self.keys.append(time.monotonic())
        elif rms(PCMU.decode(packet[rtp.HEADER_BYTES :])) >= VOICED:
            self.voice.append(time.monotonic())
        return True

    def forget(self) -> None:
        self.keys.clear()
        self.voice.clear()


class Tally:
    """The reactions of one kind: how long they took, and how many were no reaction, or the wrong one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.times: list[float] = []
        self.tried = 0

    def add(self, seconds: float | None) -> None:
        self.tried += 1
        if seconds is not None:
            self.times.append(seconds)

    def figures(self) -> list[Figure]:
        return [
            spread(self.name, self.times, (5, 50, 95)),
            single(f"  right ones of {self.tried}", len(self.times)),
        ]


class Caller:
    """A phone in a call, with the log of what it sends and an ear for the replies."""

    def __init__(self, call: PhoneCall, log: SendLog, ear: Ear) -> None:
        self.call = call
        self.log = log
        self._ear = ear

    async def answer(self, phrase: NDArray[np.int16] | str, expected: str) -> float | None:
        """Say `phrase` (or press it as a key) after the prompt; return the seconds until `expected` begins.

        From the packet with the last voiced samples, or the key's first packet, to the first audible one.
        """
        call = self.call
        if not await call.other_has_spoken(timeout=10.0):
            return None
        await asyncio.sleep(_UNEVEN)
        self.log.forget()
        if isinstance(phrase, str):
            call.send_keys(phrase)
        else:
            call.say(phrase)
        await call.said_all()
        since = self.log.keys[0] if isinstance(phrase, str) else self.log.voice[-1]
        if not await call.other_has_spoken(timeout=6.0):
            return None
        first = call.heard.first_sound_after(since)
        return first - since if first is not None and self._hears(expected, since) else None

    async def interrupt(self, phrase: NDArray[np.int16], expected: str) -> float | None:
        """Speak into the prompt; return the seconds from the first voiced packet until the bot is silent."""
        call = self.call
        if not await call.other_speaks(timeout=10.0):
            return None
        await asyncio.sleep(_INTO_PROMPT + _UNEVEN)
        self.log.forget()
        call.say(phrase)
        await call.said_all()
        since = self.log.voice[0]
        await asyncio.sleep(_REPLY)
        packets = call.heard.packets
        silent = silent_from([p.arrived_at for p in packets], [p.level for p in packets], since)
        return silent - since if silent is not None and self._hears(expected, since) else None

    def _hears(self, expected: str, since: float) -> bool:
        heard = self._ear.listen(self.call.heard.since(since))
        return any(item.text == expected for item in heard)


async def run(plan: Plan) -> list[Figure]:
    """With one call; then with 50 others that listen to a prompt."""
    with Server(plan.folder) as server:
        figures = await _reactions(plan, server, "")
        busy = min(_BUSY_CALLS, max(plan.calls))
        plan.tell(f"reaction: {busy} other calls")
        async with Crowd(server.uri("load"), busy, audio=listeners_audio(plan.folder)) as crowd:
            crowd.measure()
            figures += await _reactions(plan, server, f", {busy} other calls")
            await crowd.stop()
    return figures


async def _reactions(plan: Plan, server: Server, circumstances: str) -> list[Figure]:
    ear = Ear([Clip(text, "en", speak(text, _BOT_VOICE)) for text in (HOURS, BALANCE)])
    hours = voiced_part(speak("opening hours", CALLER_VOICES["en"]))
    balance = voiced_part(speak("balance", CALLER_VOICES["en"]))
    number = plan.reactions
    tallies: list[Tally] = []

    async def measure(
        name: str, called: str, turns: Sequence[tuple[NDArray[np.int16] | str, str]], *, barge: bool
    ) -> None:
        plan.tell(f"reaction: {name}{circumstances}")
        tally = Tally(f"{name}{circumstances}")
        tallies.append(tally)
        log = SendLog()
        phone = Phone(wire=log)
        caller = Caller(await phone.call(server.uri(called)), log, ear)
        for phrase, expected in turns:
            if barge:
                assert not isinstance(phrase, str)
                tally.add(await caller.interrupt(phrase, expected))
            else:
                tally.add(await caller.answer(phrase, expected))
        await phone.close()

    await measure(
        "end of speech to first audio, nothing can follow", "react", [(hours, HOURS)] * number, barge=False
    )
    await measure(
        "end of speech to first audio, more could follow", "react", [(balance, BALANCE)] * number, barge=False
    )
    await measure("key to first audio", "react", [("1", HOURS)] * number, barge=False)
    await measure("speech begins to bot silent, immediate", "barge", [(hours, HOURS)] * number, barge=True)
    await measure(
        "speech begins to bot silent, reversible", "reversible", [(hours, HOURS)] * number, barge=True
    )
    return [figure for tally in tallies for figure in tally.figures()]
