"""How fast the bot reacts, in packets: speech or a key of the caller until the bot is heard, or falls silent.

The caller's instants are those at which its packets leave; the bot's are the kernel's timestamps of the arrivals.
Answers are checked by ear: only a reaction that says what the menu's choice says counts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.crowd import Crowd, listeners_audio
from bench.figures import VOICED, Figure, silent_from, single, spread, voiced_part
from bench.plan import Plan
from bench.server import Server
from voicebot.media import rtp
from voicebot.media.g711 import PCMU
from voicebot.phone import Clip, Ear, HeardTimeline, Phone, PhoneCall, Wire
from voicebot.phone.hearing import rms
from voicebot.phone.voice import CALLER_VOICES, speak

REPLY = "We are open from nine to five."
_BOT_VOICE = "en-us"
_PATIENCE = 10.0  # seconds for the bot to finish its prompt
_INTO_PROMPT = 1.5  # seconds after which the prompt is interrupted
_REPLY = 3.0  # seconds from the end of an utterance to the end of the reply to it
_PER_CALL = 4  # reactions
_UNEVEN = 0.0037  # seconds
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


class Reaction(NamedTuple):
    """The caller acted at the instant `since`; the bot reacted after so many seconds, if it did."""

    since: float
    seconds: float | None


class Caller:
    """A phone in a call, with the log of what it sends."""

    def __init__(self, call: PhoneCall, log: SendLog) -> None:
        self.call = call
        self.log = log

    async def speak(self, phrase: NDArray[np.int16]) -> Reaction:
        """Answer the prompt; from the packet with the last voiced samples to the first audible one."""
        return await self._answer(lambda: self.call.say(phrase), lambda: self.log.voice[-1])

    async def press(self, key: str) -> Reaction:
        """Press a key after the prompt; from its first packet to the first audible one."""
        return await self._answer(lambda: self.call.send_keys(key), lambda: self.log.keys[0])

    async def interrupt(self, phrase: NDArray[np.int16]) -> Reaction:
        """Speak into the prompt; from the first voiced packet until the bot is silent."""
        await self.call.other_speaks(timeout=_PATIENCE)
        await asyncio.sleep(_INTO_PROMPT)
        self.log.forget()
        self.call.say(phrase)
        await self.call.said_all()
        since = self.log.voice[0]
        await asyncio.sleep(_REPLY)
        packets = self.call.heard.packets
        silent = silent_from([p.arrived_at for p in packets], [p.level for p in packets], since)
        return Reaction(since, None if silent is None else silent - since)

    async def _answer(self, act: Callable[[], object], acted_at: Callable[[], float]) -> Reaction:
        await self.call.other_has_spoken(timeout=_PATIENCE)
        self.log.forget()
        act()
        await self.call.said_all()
        since = acted_at()
        await asyncio.sleep(_REPLY)
        first = self.call.heard.first_sound_after(since)
        return Reaction(since, None if first is None else first - since)


async def run(plan: Plan) -> list[Figure]:
    """With nobody else on the line; then with others that listen to a prompt."""
    with Server(plan.folder) as server:
        figures = await _reactions(plan, server, "")
        busy = min(_BUSY_CALLS, max(plan.calls))
        async with Crowd(server.uri("load"), busy, audio=listeners_audio(plan.folder)) as crowd:
            crowd.measure()
            figures += await _reactions(plan, server, f", {busy} other calls")
            await crowd.stop()
    return figures


async def _reactions(plan: Plan, server: Server, circumstances: str) -> list[Figure]:
    """One caller of each kind, all at the same time."""
    plan.tell(f"reaction{circumstances}")
    words = voiced_part(speak("opening hours", CALLER_VOICES["en"]))
    kinds: dict[str, tuple[str, Callable[[Caller], Awaitable[Reaction]]]] = {
        "end of speech to bot, nothing can follow": ("react", lambda caller: caller.speak(words)),
        "end of speech to bot, a word could follow": ("more", lambda caller: caller.speak(words)),
        "key to bot": ("react", lambda caller: caller.press("1")),
        "speech to bot silent, immediate": ("barge", lambda caller: caller.interrupt(words)),
        "speech to bot silent, reversible": ("reversible", lambda caller: caller.interrupt(words)),
    }
    calls = await asyncio.gather(
        *(_calls(server.uri(number), react, plan.reactions) for number, react in kinds.values())
    )
    # By ear, and only now: it takes long enough to disturb a call.
    ear = Ear([Clip(REPLY, "en", speak(REPLY, _BOT_VOICE))])
    figures: list[Figure] = []
    for name, reactions in zip(kinds, calls, strict=True):
        right = [
            reaction.seconds
            for heard, reaction in reactions
            if reaction.seconds is not None and _replied(ear, heard, reaction)
        ]
        figures.append(spread(name + circumstances, right))
        figures.append(single(f"  right ones of {len(reactions)}", len(right)))
    return figures


async def _calls(
    uri: str, react: Callable[[Caller], Awaitable[Reaction]], times: int
) -> list[tuple[HeardTimeline, Reaction]]:
    """Make calls of a few reactions each: the rhythm of a call's packets is at another point of the server's each time."""
    results: list[tuple[HeardTimeline, Reaction]] = []
    for number in range(-(-times // _PER_CALL)):
        await asyncio.sleep(number * _UNEVEN)
        log = SendLog()
        phone = Phone(wire=log)
        caller = Caller(await phone.call(uri), log)
        for _ in range(min(_PER_CALL, times - len(results))):
            results.append((caller.call.heard, await react(caller)))
        await phone.close()
    return results


async def key_reactions(uri: str, callers: int, stop: asyncio.Event) -> list[Reaction]:
    """Let some callers press keys, call after call, until `stop` is set; return their reactions."""

    async def caller(number: int) -> list[Reaction]:
        reactions: list[Reaction] = []
        await asyncio.sleep(number * _UNEVEN)
        while not stop.is_set():
            log = SendLog()
            phone = Phone(wire=log)
            each = Caller(await phone.call(uri), log)
            for _ in range(_PER_CALL):
                if not stop.is_set():
                    reactions.append(await each.press("1"))
            await phone.close()
        return reactions

    return [item for found in await asyncio.gather(*map(caller, range(callers))) for item in found]


def _replied(ear: Ear, heard: HeardTimeline, reaction: Reaction) -> bool:
    sounds = ear.listen(heard.since(reaction.since, reaction.since + _REPLY))
    return any(sound.text == REPLY for sound in sounds)
