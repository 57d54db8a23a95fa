"""The demo's caller: waits until its ear has recognised what the hotline should say, then answers."""

import asyncio
from collections.abc import Sequence

from voicebot.cli.demo.checks import Checks, names, short
from voicebot.cli.demo.screen import Screen
from voicebot.phone.call import PhoneCall
from voicebot.phone.ear import Clip, Ear, Heard, hears_voice
from voicebot.phone.voice import CALLER_VOICES, speak

WITHIN = 8.0  # seconds for the hotline to begin to say what is expected
LONGEST_PROMPTS = 40.0  # seconds for it to have said it
_QUIET = 0.5
_LOOK_AGAIN = 2.0  # seconds, while the other side goes on and on (music)
_INTO_PROMPT = 1.6  # seconds of a prompt before the caller breaks in: within a sentence, not in a pause


class Caller:
    """One caller in one call. `texts` were rendered by the caller's own phone; nothing is asked of the server."""

    def __init__(
        self,
        call: PhoneCall,
        ear: Ear,
        repairs: frozenset[str],
        screen: Screen,
        checks: Checks,
        language: str,
    ) -> None:
        self.call = call
        self._ear = ear
        self._repairs = repairs
        self._screen = screen
        self._checks = checks
        self._voice = CALLER_VOICES[language]
        self._from = 0.0  # seconds of what was heard that are dealt with
        self._shown: set[tuple[str, int]] = set()

    # --- doing

    async def say(self, text: str) -> None:
        self._screen.caller(f"“{text}”")
        samples = await asyncio.get_running_loop().run_in_executor(None, speak, text, self._voice)
        self.call.say(samples, text)
        await self.call.said_all()

    async def key(self, keys: str, *, sensitive: bool = False) -> None:
        self._screen.caller(f"keys {'•' * len(keys) if sensitive else keys}")
        self.call.send_keys(keys)
        await self.call.said_all()

    async def answer(self, text: str, expected: Sequence[str], what: str) -> None:
        """Say `text` and wait for `expected`; when the hotline asks again, say it once more, as people do."""
        await self.say(text)
        if not await self.hear(expected, what, asked_again_is_failure=False):
            await self.say(text)
            await self.hear(expected, what)

    # --- hearing

    async def hear(self, expected: Sequence[str], what: str, *, asked_again_is_failure: bool = True) -> bool:
        """Wait until exactly the texts `expected` were heard, in this order, complete; raises Stopped otherwise.

        False: the hotline did not understand and asks again (only where that is no failure).
        """
        name = f"heard: {what}"
        loop = asyncio.get_running_loop()
        start = loop.time()
        looked_at = -1.0
        while True:
            results = await self._listen()
            known = [each for each in results if each.text is not None]
            said = [each.text or "" for each in known if each.complete]
            self._show(known)
            wrong = next((a for a, b in zip(said, expected, strict=False) if a != b), None)
            if wrong is not None:
                if wrong in self._repairs and not asked_again_is_failure:
                    self._from = max(each.end for each in results)
                    return False
                detail = (
                    f"expected {names([expected[said.index(wrong)]], short)}, heard {names([wrong], short)}"
                )
                self._checks.demand(name, good=False, detail=detail)
            if len(said) >= len(expected):
                last = [each for each in known if each.complete][len(expected) - 1]
                self._from = last.end
                self._checks.note(name, good=True)
                return True
            waited = loop.time() - start
            late = waited > (LONGEST_PROMPTS if known or self.call.watch.speaking else WITHIN)
            if late or not self.call.up:
                end = "" if self.call.up else "; then the call was over"
                strange = "speech that is none of its texts" if results and not known else names(said, short)
                self._checks.demand(
                    name, good=False, detail=f"expected {names(list(expected), short)}, heard {strange}{end}"
                )
            looked_at = await self._worth_listening(looked_at)

    async def interrupt(self, prompt: str, text: str, what: str) -> None:
        """Break into `prompt` by saying `text`: the hotline has to fall silent in the middle of it."""
        name = f"barge-in: {what}"
        if not await self.call.other_speaks(WITHIN):
            self._checks.demand(name, good=False, detail="the hotline says nothing")
        await self.call.until(lambda: False, _INTO_PROMPT)
        began_at = asyncio.get_running_loop().time()
        talking = asyncio.get_running_loop().create_task(self.say(text))
        silent = await self.call.until(lambda: not self.call.watch.speaking, 4.0)
        silent_at = self.call.watch.last_loud_at
        await talking
        results = await self._listen(until_instant=silent_at)
        cut = [each for each in results if each.text == prompt and not each.complete]
        for each in cut:
            self._screen.bot(short(each.text or "", 40) + " — (breaks off)", each.start)
        good = silent and silent_at is not None and bool(cut)
        delay = max(0.0, (silent_at or began_at) - began_at)
        detail = (
            f"silent {delay:.2f} s after the caller began" if good else "the hotline did not stop speaking"
        )
        self._checks.demand(name, good=good, detail=detail)
        self._from = max((each.end for each in results), default=self._from)

    async def hear_voice(self, clip: Clip, what: str, within: float) -> bool:
        """Wait until another person's sentence is heard."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        found: Heard | None = None
        while found is None and loop.time() < deadline and self.call.up:
            await self.call.until(lambda: False, 0.4)
            samples, _ = self.call.heard.part(self._from, self.call.heard.seconds)
            found = await loop.run_in_executor(None, hears_voice, samples, clip.samples)
        if found is not None:
            self._from += found.end
        return self._checks.note(f"bridge: {what}", found is not None, f"“{clip.text}”")

    async def _listen(self, until_instant: float | None = None) -> list[Heard]:
        """Return what was heard since the last thing that was dealt with; times are seconds of the timeline."""
        heard = self.call.heard
        end = heard.seconds
        if until_instant is not None and heard.started_at is not None:
            end = min(end, until_instant - heard.started_at + 0.1)
        start = self._from
        samples, missing = heard.part(start, end)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, self._ear.listen, samples, missing)
        return [each._replace(start=each.start + start, end=each.end + start) for each in found]

    async def _worth_listening(self, looked_at: float) -> float:
        """Wait until the other side has finished something, or has gone on for long; return up to when it spoke."""

        def fact() -> bool:
            last = self.call.watch.last_loud_at
            return (
                last is not None and last > looked_at and asyncio.get_running_loop().time() - last >= _QUIET
            )

        await self.call.until(fact, _LOOK_AGAIN)
        return self.call.watch.last_loud_at or looked_at

    def _show(self, known: Sequence[Heard]) -> None:
        for each in known:
            key = (each.text or "", round(each.start))
            near = {(each.text or "", round(each.start) + by) for by in (-1, 0, 1)}
            if each.complete and not near & self._shown:
                self._shown.add(key)
                self._screen.bot(each.text or "", each.start)
