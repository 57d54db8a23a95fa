"""Waiting for a human agent: music, announcements, ways out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from voicebot.acd import AcdError
from voicebot.calls.floor import Connected, Ticket
from voicebot.calls.leg import Playing
from voicebot.calls.offering import accepted
from voicebot.calls.talking import talk
from voicebot.dialplan.line import (
    CallbackRequest,
    Completeness,
    Entry,
    Judgement,
    QueueResult,
    QueueView,
    QueueWait,
    Spoken,
)
from voicebot.wire import Key, Message

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine

ANNOUNCE_PAUSE = 10.0  # seconds of music at least between two announcements
OFFER_CHECK = 10.0  # seconds between two looks at whether a callback is worth an offer
OFFER_AGAIN = 120.0  # seconds after which a callback that was not taken is offered again
LINK_TIMEOUT = 3.0  # seconds after which keys that could still become a longer link are taken as they are


async def wait_in_queue(line: "TelephoneLine", wait: QueueWait) -> QueueResult:
    """Join, wait, talk; return by which exit the caller is back in the dialplan."""
    call, floor = line.call, line.floor
    loop = asyncio.get_running_loop()
    joined_at = loop.time()
    call.queue = wait.name
    try:
        ticket = floor.join(
            call,
            wait.name,
            priority=wait.priority,
            require=frozenset(wait.require),
            max_wait=wait.max_wait,
            headers=wait.headers,
        )
    except AcdError as error:
        call.trace("queue_left", queue=wait.name, exit="no_agents", problem=str(error))
        return QueueResult("no_agents")
    outcome: str | Connected | Judgement = "caller_left"
    waited = 0.0
    waiting = _Waiting(line, wait, ticket)
    try:
        try:
            outcome = await waiting.run()
        finally:
            waited = loop.time() - joined_at
            call.queue_seconds += waited
            exit = (
                "agent" if isinstance(outcome, Connected) else outcome if isinstance(outcome, str) else "link"
            )
            call.trace("queue_left", queue=wait.name, exit=exit, waited=round(waited, 2))
        if isinstance(outcome, str):
            return QueueResult(outcome, waited)
        if isinstance(outcome, Judgement):
            return QueueResult("link", waited, judgement=outcome)
        agent = outcome.assignment.agent
        call.agent = agent
        whisper = wait.whisper if wait.speak_whisper is None else wait.speak_whisper(waiting.view())
        await accepted(line, outcome.leg, whisper, None)
        await talk(line, outcome.leg, on_left=lambda: floor.talk_ended(outcome))
        return QueueResult("agent_done", waited, agent)
    finally:
        floor.leave(call)


async def _talk_about(
    offer: "Awaitable[CallbackRequest | Judgement | None]",
) -> CallbackRequest | Judgement | None:
    return await offer


async def _run(steps: Callable[[], Awaitable[None]]) -> None:
    await steps()


class _Waiting:
    """The time in the queue: music, interrupted by announcements and by the keys of links."""

    def __init__(self, line: "TelephoneLine", wait: QueueWait, ticket: Ticket) -> None:
        self._line = line
        self._wait = wait
        self._ticket = ticket
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._keys = ""
        self._key_at = 0.0
        self._link: Judgement | None = None
        self._told_position = 0
        self._position_told_at = float("-inf")
        self._wait_told_at = self._loop.time()
        self._place = 0
        self._estimate: float | None = None
        self._offer_checked_at = self._offered_at = float("-inf")
        self._offer_chosen = False  # by its key

    def view(self) -> QueueView:
        """Return what `queue.*` tells; of a caller who waits no more, what it told last."""
        if not self._ticket.outcome.done():
            self._place = self._ticket.position
            self._estimate = self._line.floor.estimated_wait(self._line.call, self._wait.quantile)
        return QueueView(self._loop.time() - self._ticket.joined_at, self._place, self._estimate)

    async def run(self) -> str | Connected | Judgement:
        self._ticket.outcome.add_done_callback(lambda _: self._wake.set())
        self._ticket.on_position = lambda _position: self._wake.set()
        for key in self._line.caller.take_keys(wanted=self._takes):
            self._key(key)
        speaking: Playing | None = None
        music: Playing | None = None
        steps: asyncio.Task[None] | None = None
        offering: asyncio.Task[CallbackRequest | Judgement | None] | None = None
        self.view()
        try:
            with self._line.caller.listening(self._on_message):
                while True:
                    if offering is not None and offering.done():
                        if await self._booked(offering.result()):
                            return "callback_booked"
                        offering = None
                    if self._ticket.outcome.done():
                        outcome = self._ticket.outcome.result()
                        if offering is None or isinstance(outcome, Connected):
                            return (
                                outcome  # who is about to book may finish, unless an agent is there already
                            )
                    self._settle_keys(self._loop.time())
                    if self._link is not None:
                        return self._link
                    busy = (
                        (speaking is not None and not speaking.ended.done())
                        or (steps is not None and not steps.done())
                        or offering is not None
                    )
                    if offering is None and (offer := self._offer(busy=busy)) is not None:
                        if steps is not None:
                            steps.cancel()
                        offering = self._loop.create_task(_talk_about(offer))
                        offering.add_done_callback(lambda _: self._wake.set())
                    elif not busy and (announcement := self._announcement()):
                        speaking = self._line.caller.play(self._line.items(self._line.caller, announcement))
                        speaking.ended.add_done_callback(lambda _: self._wake.set())
                    elif not busy and steps is None and self._wait.while_waiting is not None:
                        steps = self._loop.create_task(_run(self._wait.while_waiting))
                        steps.add_done_callback(lambda _: self._wake.set())
                    elif not busy and (music is None or music.ended.done()):
                        music = self._line.caller.play(self._line.music(self._wait.music), loop=True)
                    await self._until(None if busy else self._next_due())
        finally:
            for task in (steps, offering):
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            for playing in (speaking, music):
                if playing is not None:
                    playing.stop()

    def _offer(self, *, busy: bool) -> "Awaitable[CallbackRequest | Judgement | None] | None":
        """Return the talk about a callback if its time has come, or if the caller has asked for it."""
        offer, now = self._wait.offer, self._loop.time()
        if offer is None:
            return None
        if self._offer_chosen:
            self._offer_chosen = False
            self._offered_at = now
            return offer.talk(True)
        if busy or now < max(self._offered_at + OFFER_AGAIN, self._offer_checked_at + OFFER_CHECK):
            return None
        self._offer_checked_at = now
        if not offer.due(self.view()):
            return None
        self._offered_at = now
        return offer.talk(False)

    async def _booked(self, found: CallbackRequest | Judgement | None) -> bool:
        if isinstance(found, Judgement):
            self._link = found
        if not isinstance(found, CallbackRequest):
            return False
        return await self._line.callbacks.book(self._line.call, found, self._ticket)

    async def _until(self, at: float | None) -> None:
        """Wait for news, or until `at`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(at):
                await self._wake.wait()
        self._wake.clear()

    def _announcement(self) -> tuple[Spoken, ...]:
        """Return what is to be told now: the place when it has improved, the estimated wait when its time has come."""
        now = self._loop.time()
        position = self._ticket.position
        if (
            self._wait.announce_position is not None
            and position
            and now >= self._position_told_at + ANNOUNCE_PAUSE
            and self._place_is_news(position, now)
        ):
            self._told_position, self._position_told_at = position, now
            self._line.call.trace("queue_position", queue=self._wait.name, position=position)
            return self._wait.announce_position(position)
        if self._wait.announce_wait is not None and now >= self._wait_told_at + self._wait.announce_every:
            self._wait_told_at = now
            estimate = self.view().ewt
            if estimate is not None:
                return self._wait.announce_wait(estimate)
        return ()

    def _place_is_news(self, position: int, now: float) -> bool:
        every = self._wait.position_every
        if every is None:
            return not self._told_position or position < self._told_position
        return position != self._told_position or now >= self._position_told_at + every

    def _next_due(self) -> float | None:
        due = [self._key_at + LINK_TIMEOUT] if self._keys else []
        if self._wait.announce_wait is not None:
            due.append(self._wait_told_at + self._wait.announce_every)
        if self._told_position and self._ticket.position:
            if self._place_is_news(self._ticket.position, self._loop.time()):
                due.append(self._position_told_at + ANNOUNCE_PAUSE)
            elif self._wait.position_every is not None:
                due.append(self._position_told_at + self._wait.position_every)
        if self._wait.offer is not None:
            due.append(max(self._offered_at + OFFER_AGAIN, self._offer_checked_at + OFFER_CHECK))
        return min(due, default=None)

    def _on_message(self, message: Message) -> None:
        if isinstance(message, Key):
            self._key(message.key)
            self._wake.set()

    def _key(self, key: str) -> None:
        if self._wait.keys is None:
            return
        self._keys += key
        self._key_at = self._loop.time()
        judgement = self._wait.keys.judge([Entry("keys", self._keys)])
        if judgement.completeness is Completeness.FINAL:
            self._take(judgement)
        elif judgement.completeness is Completeness.NONE:
            self._keys = ""

    def _takes(self, key: str) -> bool:
        keys = self._wait.keys
        return keys is not None and keys.judge([Entry("keys", key)]).completeness is not Completeness.NONE

    def _settle_keys(self, now: float) -> None:
        if (
            self._wait.keys is not None
            and self._keys
            and self._link is None
            and now >= self._key_at + LINK_TIMEOUT
        ):
            judgement = self._wait.keys.judge([Entry("keys", self._keys)], closed=True)
            self._keys = ""
            if judgement.completeness in (Completeness.MATCH, Completeness.FINAL):
                self._take(judgement)

    def _take(self, judgement: Judgement) -> None:
        """Follow a link, or take the offer of a callback, if one was made."""
        offer = self._wait.offer
        if offer is None or not offer.takes(judgement):
            self._link = judgement
            return
        self._keys = ""
        self._offer_chosen = self._offered_at > float("-inf")
