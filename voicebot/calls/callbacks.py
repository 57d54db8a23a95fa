"""Callbacks: a booking waits in the queue without its caller, then an agent is rung, and only then the caller.

What holds whatever happens: one booking a number and queue; one attempt at a time; the number is dialled `attempts`
times at most, each counted in storage before it is dialled, and never again once it was answered. A booking that is told
to its caller is committed: it is taken up again after a restart (`restore`).
"""

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from voicebot.acd import AcdError
from voicebot.calls.booking import Booking
from voicebot.calls.call import Call
from voicebot.calls.floor import COMMIT_WITHIN, Connected, DialFailed, Floor, Ticket
from voicebot.calls.leg import Leg
from voicebot.calls.line import Sounds, utc_now
from voicebot.calls.protocols import Speech, Store
from voicebot.calls.story import summary
from voicebot.dialplan.builtin import builtin
from voicebot.dialplan.line import CallbackRequest, Spoken
from voicebot.wire import PromptItem

AGENT_LEFT = "agent_left"  # the agent hung up before the caller was dialled: no attempt
EXPIRED = "expired"
AGAIN_AFTER = 10.0  # seconds until another agent is asked after one who hung up

log = structlog.get_logger("callbacks")


class Telephones(Protocol):
    """Outgoing legs; see `calls.transferring.Telephones`."""

    def target(self, call: Call, to: str) -> str: ...

    async def check(self, call: Call, to: str) -> None:
        """Raise DialFailed for a target that may not be dialled or leads nowhere."""

    async def dial(self, call: Call, uri: str, *, name: str) -> Leg: ...

    def hang_up(self, leg: Leg, cause: str = "normal") -> None: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """How often and how long a caller is tried; in seconds."""

    attempts: int = 3
    retry: float = 300.0
    ring: float = 45.0
    keep: float = 86_400.0


@dataclass(slots=True)
class Callbacks:
    """All bookings that are still to be made. Belongs to the control process's loop."""

    floor: Floor
    telephones: Telephones
    speech: Speech
    store: Store
    sounds: Sounds
    new_uid: Callable[[], str]
    rules: Rules = Rules()
    clock: Callable[[], datetime.datetime] = utc_now
    open: dict[str, Booking] = field(default_factory=dict)
    _stories: "set[asyncio.Task[None]]" = field(default_factory=set)

    # --- booking ------------------------------------------------------------------------------------------------------

    def may_call(self, call: Call, number: str) -> bool:
        """Say whether the call's trunk lets `number` be dialled."""
        try:
            self.telephones.target(call, number)
        except DialFailed:
            log.warning(
                "a callback is not booked, or not offered, since its number may not be dialled", call=call.uid
            )
            return False
        return True

    async def book(self, call: Call, request: CallbackRequest, ticket: Ticket | None = None) -> bool:
        """Book; true once it is committed. `ticket`: the caller's own, whose place the booking takes.

        False: storage does not keep it, or an agent has just answered; the caller is then told nothing.
        """
        if known := self._known(request):
            call.trace("callback_booked", callback=known.uid, queue=request.queue, again=True)
            return True
        booking = self._booking(call, request, ticket)
        self.open[booking.uid] = booking
        kept = False
        try:
            kept = await self._committed(booking)
            if ticket is not None and ticket.outcome.done():
                kept = kept and not isinstance(ticket.outcome.result(), Connected)
        finally:
            if not kept:  # also where the caller has hung up meanwhile, and never heard that it is booked
                self._close(booking.now("withdrawn"))
        if kept:
            call.trace("callback_booked", callback=booking.uid, queue=booking.queue)
            begun = None
            if booking.due_at <= self.clock():
                attempt = self._call(booking)
                begun = self._join(booking, attempt, ticket)
            self._begin(booking, begun)
        return kept

    def restore(self, stored: Iterable[Mapping[str, Any]]) -> None:
        """Take up what an earlier process has booked."""
        for data in stored:
            try:
                booking = Booking.of(data)
            except ValueError as error:
                log.error("a booked callback cannot be read", problem=str(error))
                continue
            self.open[booking.uid] = booking
            self._begin(booking, None)

    async def close(self) -> None:
        """End what goes on. Bookings whose caller was not reached stay in storage."""
        if stories := list(self._stories):
            for story in stories:
                story.cancel()
            await asyncio.gather(*stories, return_exceptions=True)

    def _known(self, request: CallbackRequest) -> Booking | None:
        wanted = (request.number, request.queue)
        return next((item for item in self.open.values() if (item.number, item.queue) == wanted), None)

    def _booking(self, call: Call, request: CallbackRequest, ticket: Ticket | None) -> Booking:
        now = self.clock()
        waited = 0.0
        if ticket is not None and request.keep_place:
            waited = asyncio.get_running_loop().time() - ticket.joined_at
        due_at = request.at or now
        return Booking(
            self.new_uid(),
            call.uid,
            request.number,
            call.to_number,
            call.trunk,
            request.queue,
            request.language,
            max(due_at, now) - datetime.timedelta(seconds=waited),
            due_at,
            request.priority,
            request.require,
            tuple((spoken.text, spoken.language, spoken.voice) for spoken in request.whisper),
        )

    async def _committed(self, booking: Booking) -> bool:
        """Keep the booking as it is now; say whether storage has it."""
        future = asyncio.wrap_future(self.store.callback(booking.uid, booking.stored()))
        try:
            async with asyncio.timeout(COMMIT_WITHIN):
                await asyncio.shield(future)
        except Exception as error:  # whatever storage reports: what is not kept is not promised
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            log.error("a callback could not be kept", callback=booking.uid, problem=type(error).__name__)
            return False
        return True

    def _close(self, booking: Booking) -> None:
        self.open.pop(booking.uid, None)
        future = asyncio.wrap_future(self.store.callback(booking.uid, booking.stored()))
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

    # --- the story of one booking ----------------------------------------------------------------------------------------

    def _begin(self, booking: Booking, begun: tuple[Call, Ticket] | None) -> None:
        story = asyncio.get_running_loop().create_task(
            self._story(booking, begun), name=f"callback {booking.uid}"
        )
        self._stories.add(story)
        story.add_done_callback(self._stories.discard)

    async def _story(self, booking: Booking, begun: tuple[Call, Ticket] | None) -> None:
        last_at = booking.due_at + datetime.timedelta(seconds=self.rules.keep)
        try:
            while True:
                if begun is None:
                    await asyncio.sleep((booking.due_at - self.clock()).total_seconds())
                    begun = await self._queued(booking)
                booking, outcome = await self._attempt(booking, *begun, last_at)
                begun = None
                log.info("callback", callback=booking.uid, outcome=outcome, attempts=booking.attempts)
                if outcome == "normal":
                    return
                pause = AGAIN_AFTER if outcome == AGENT_LEFT else self.rules.retry
                again_at = self.clock() + datetime.timedelta(seconds=pause)
                if again_at >= last_at or booking.attempts >= self.rules.attempts:
                    break
                booking = self.open[booking.uid] = replace(booking, due_at=again_at)
                await self._committed(booking)
        except (AcdError, DialFailed) as error:
            log.error("a callback cannot be made", callback=booking.uid, problem=str(error))
        except Exception:  # the edge of a callback: it ends this one, and is told
            log.exception("a callback failed", callback=booking.uid)
        self._close(booking.now("given_up"))

    async def _queued(self, booking: Booking) -> tuple[Call, Ticket]:
        call = self._call(booking)
        await self.telephones.check(call, booking.number)
        return self._join(booking, call, None)

    def _call(self, booking: Booking) -> Call:
        return Call(
            self.new_uid(),
            booking.number,  # as long as only an agent is rung, who is to see whose call it is
            booking.number,
            self.store,
            booking.trunk,
            direction="out",
            language=booking.language,
            queue=booking.queue,
        )

    def _join(self, booking: Booking, call: Call, instead_of: Ticket | None) -> tuple[Call, Ticket]:
        """Begin the record of a call that may become an attempt, and take the place in the queue. Raises AcdError."""
        self.store.call_started(
            call.uid,
            {
                "direction": "out",
                "from_number": booking.hotline,
                "to_number": booking.number,
                "trunk": booking.trunk,
                "callback": booking.uid,
                "booked_by": booking.booked_by,
            },
        )
        waits_for = (self.clock() - booking.since).total_seconds()
        try:
            ticket = self.floor.join_booked(
                call,
                booking.queue,
                priority=booking.priority,
                require=frozenset(booking.require),
                since=asyncio.get_running_loop().time() - waits_for,
                instead_of=instead_of,
            )
        except AcdError:
            self._over(call, "no_queue", "server")
            raise
        return call, ticket

    def _over(
        self, call: Call, cause: str, by: str, counters: Mapping[str, float] | None = None, attempt: int = 0
    ) -> None:
        """End the record. `attempt`: which one it was, counted from 1; 0 if the number was not dialled."""
        call.releases(cause, by)
        call.trace("ended", cause=call.release_cause, by=call.ended_by)
        dialled = {"attempt": attempt} if attempt else {}
        self.store.call_ended(call.uid, {**summary(call, counters or {}), **dialled})

    # --- one attempt ------------------------------------------------------------------------------------------------------

    async def _attempt(
        self, booking: Booking, call: Call, ticket: Ticket, last_at: datetime.datetime
    ) -> tuple[Booking, str]:
        """Wait for an agent until `last_at`, whisper, dial, talk; return the booking as it is then, and what came of it."""
        loop = asyncio.get_running_loop()
        joined_at, outcome, by = loop.time(), "server_shutdown", "server"
        customer: Leg | None = None
        attempt = 0
        try:
            await asyncio.wait({ticket.outcome}, timeout=(last_at - self.clock()).total_seconds())
            call.queue_seconds = loop.time() - joined_at
            connected = ticket.outcome.result() if ticket.outcome.done() else None
            how = "agent" if isinstance(connected, Connected) else EXPIRED
            call.trace("queue_left", queue=booking.queue, exit=how, waited=round(call.queue_seconds, 2))
            if not isinstance(connected, Connected):
                outcome = EXPIRED
                return booking, outcome
            agent = connected.leg
            call.agent = connected.assignment.agent
            try:
                await self._speak(call, agent, booking.speech())
                if agent.gone.done():
                    outcome, by = AGENT_LEFT, "agent"
                    return booking, outcome
                booking = self.open[booking.uid] = booking.attempted()
                if not await self._committed(booking):
                    outcome = "not_kept"
                    return booking, outcome
                attempt = booking.attempts
                try:
                    customer = await self._reach(booking, call, agent)
                except DialFailed as failure:
                    outcome, by = failure.exit, "agent" if failure.exit == AGENT_LEFT else "peer"
                    call.trace("callback_missed", cause=failure.exit, status=failure.status)
                    unreached = Spoken(
                        builtin("callback_unreached", booking.language), booking.language, constant=False
                    )
                    await self._speak(call, agent, (unreached,))
                    return booking, outcome
                self._close(booking.now("called"))
                outcome = "normal"
                by = await self._talk(call, agent, customer)
            finally:
                self.telephones.hang_up(agent)
                self.floor.talk_ended(connected)
            return booking, outcome
        finally:
            self.floor.leave(call)
            if customer is not None:
                self.telephones.hang_up(customer)
                await asyncio.shield(customer.close_media())
            self.speech.end_call(call.uid)
            self._over(call, outcome, by, customer.counters if customer is not None else None, attempt)

    async def _speak(self, call: Call, leg: Leg, speech: Sequence[Spoken]) -> None:
        """Say something to the agent, as long as the agent is there."""
        if not speech or leg.media is None or leg.gone.done():
            return
        items = self.speech.play_items(call.uid, leg.media, leg.codec, speech, call.streams)
        playing = leg.play(items)
        waits: set[asyncio.Future[Any]] = {playing.ended, leg.gone}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            playing.stop()
            self.speech.cancel(call.uid, items)

    async def _reach(self, booking: Booking, call: Call, agent: Leg) -> Leg:
        """Dial the caller while the agent hears the ringing. Raises DialFailed."""
        uri = self.telephones.target(call, booking.number)
        call.from_number = booking.hotline  # not before: it is dialled at the caller's share of the day
        call.trace("callback_dialled", attempt=booking.attempts)
        ringback = agent.play([PromptItem(str(self.sounds.ringback))], loop=True)
        dialling = asyncio.get_running_loop().create_task(self.telephones.dial(call, uri, name="caller"))
        waits: set[asyncio.Future[Any]] = {dialling, agent.gone}
        try:
            await asyncio.wait(waits, timeout=self.rules.ring, return_when=asyncio.FIRST_COMPLETED)
            if not dialling.done():
                raise DialFailed(AGENT_LEFT if agent.gone.done() else "no_answer")
            return dialling.result()
        finally:
            ringback.stop()
            if not dialling.done():
                dialling.cancel()
                with contextlib.suppress(asyncio.CancelledError, DialFailed):
                    self.telephones.hang_up(await dialling)  # answered in the very last moment

    async def _talk(self, call: Call, agent: Leg, customer: Leg) -> str:
        """Bridge both until one hangs up; return who did."""
        loop = asyncio.get_running_loop()
        call.caller = customer
        call.trace("answered")
        if agent.media is None or customer.media is None:
            return "server"
        started_at = loop.time()
        customer.media.bridge(agent.media.id)
        call.trace("bridged", agent=agent.name)
        try:
            await asyncio.wait({agent.gone, customer.gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            customer.media.unbridge()
            call.talk_seconds = loop.time() - started_at
            call.trace("agent_left", agent=agent.name, seconds=round(call.talk_seconds, 2))
        return "caller" if customer.gone.done() else "agent"
