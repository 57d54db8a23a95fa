"""The ear while a call goes on: after each thing that the other side says, what it was."""

import asyncio
from collections.abc import Callable

from voicebot.phone.call import PhoneCall
from voicebot.phone.ear import Ear, Heard

_QUIET = 0.6  # seconds of silence after which it is worth listening back
_PATIENCE = 1.5  # the same when what was heard last may be the first part of something longer
_MARGIN = 0.2


class LiveEar:
    """Calls `on_heard` with everything that `call` hears, each once; times are seconds since the call was answered.

    The listening itself runs in a thread: the phone's 20 ms clock goes on.
    """

    def __init__(self, ear: Ear, call: PhoneCall, on_heard: Callable[[Heard], None]) -> None:
        self._ear = ear
        self._call = call
        self._on_heard = on_heard
        self._from = 0.0  # seconds of the timeline that are done
        self._looked_at = 0.0  # the loud instant up to which was listened
        self._held = False

    async def follow(self) -> None:
        """Listen until the call is over."""
        while not self._call.over:
            if await self._call.until(self._worth_listening, None):
                await self._listen(final=False)
        await self._listen(final=True)

    def _worth_listening(self) -> bool:
        last, now = self._call.watch.last_loud_at, asyncio.get_running_loop().time()
        if last is None or self._call.watch.speaking:
            return False
        quiet = now - last
        return (last > self._looked_at and quiet >= _QUIET) or (self._held and quiet >= _PATIENCE)

    async def _listen(self, *, final: bool) -> None:
        timeline, last = self._call.heard, self._call.watch.last_loud_at
        if timeline.started_at is None or last is None:
            return
        loop = asyncio.get_running_loop()
        patient = final or loop.time() - last >= _PATIENCE
        now = timeline.seconds
        samples, missing = timeline.part(self._from, now)
        results = [
            each._replace(start=each.start + self._from, end=each.end + self._from)
            for each in await loop.run_in_executor(None, self._ear.listen, samples, missing)
        ]
        self._looked_at, self._held = last, False
        if results and not patient and (results[-1].text is None or not results[-1].complete):
            self._held = True
            self._from = max(self._from, results.pop().start - _MARGIN)
        else:
            self._from = now
        for each in results:
            self._on_heard(each)
