"""The demo's agent: a phone that rings, is answered, hears the whisper, talks to the caller and hangs up."""

import asyncio
from dataclasses import dataclass, field

from voicebot.cli.demo.checks import Checks
from voicebot.cli.demo.faults import Cuttable
from voicebot.cli.demo.screen import Screen
from voicebot.phone.call import PhoneCall
from voicebot.phone.ear import Clip, hears_voice
from voicebot.phone.phone import Phone

_RINGS = 1.0  # seconds before it is answered
_WHISPER_WITHIN = 4.0
_REPLY_WITHIN = 8.0


@dataclass(slots=True)
class AgentDesk:
    """`whisper` None: the hotline whispers nothing. `cut`: the fault that cuts the caller's voice off."""

    phone: Phone
    screen: Screen
    checks: Checks
    greeting: Clip
    reply: Clip
    whisper: Clip | None
    wire: Cuttable
    cut: bool = False
    call: PhoneCall | None = None
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def take_one_call(self, within: float) -> None:
        """Take one call from its ringing to its end."""
        try:
            call = self.call = await self.phone.next_call(within)
        except TimeoutError:
            self.checks.note("agent: the phone rings", good=False, detail="nobody called it")
            return
        self.rung.set()
        self.screen.agent("rings")
        self.checks.note("agent: the phone rings", good=True)
        await call.until(lambda: False, _RINGS)
        if call.over:
            self.checks.note("agent: answers", good=False, detail="it had stopped ringing")
            return
        call.accept()
        answered = await call.connected(5.0)
        if not self.checks.note("agent: answers", answered, "" if answered else "no ACK came"):
            return
        self.screen.agent("is answered")
        if self.whisper is not None:
            await self._hear_whisper(call, self.whisper)
        if self.cut:
            self.wire.cut = True
        self.screen.agent(f"“{self.greeting.text}”")
        heard_before = call.heard.seconds
        call.say(self.greeting.samples, self.greeting.text)
        await call.said_all()
        heard = await self._hears(call, self.reply, heard_before, _REPLY_WITHIN)
        self.checks.note("bridge: the agent hears the caller", heard, f"“{self.reply.text}”")
        await call.until(lambda: False, 0.5)
        if call.up:
            self.screen.agent("hangs up")
        await call.hang_up()

    async def _hear_whisper(self, call: PhoneCall, whisper: Clip) -> None:
        heard = await self._hears(call, whisper, 0.0, _WHISPER_WITHIN)
        if heard:
            self.screen.agent(f"hears “{whisper.text}”")
        self.checks.note("agent: hears what the call is about", heard, f"“{whisper.text}”")

    async def _hears(self, call: PhoneCall, clip: Clip, start: float, within: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while loop.time() < deadline and call.up:
            await call.until(lambda: False, 0.3)
            samples, _ = call.heard.part(start, call.heard.seconds)
            if await loop.run_in_executor(None, hears_voice, samples, clip.samples):
                return True
        return False
