"""One call of the test phone: what it says and keys, what it hears, when what happened."""

import asyncio
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.phone.errors import CallFailed, PhoneError
from voicebot.phone.hearing import SpeechWatch
from voicebot.phone.rtp_line import RtpLine, Wire
from voicebot.phone.signalling import Signalling
from voicebot.phone.ticker import Ticker
from voicebot.phone.timeline import HeardTimeline, Timeline
from voicebot.sdp import Local, SdpError, Settled, accept_answer, answer_offer, create_offer
from voicebot.sip import events as sip

_AFTER_ACTION = 0.3  # seconds: what was on its way when we acted is no answer to it
_ENDED_WITHIN = 2.0  # seconds for the answer to our BYE

EventKind = Literal[
    "calling",
    "incoming",
    "ringing",
    "answered",
    "failed",
    "speech_begins",
    "speech_ends",
    "key",
    "says",
    "keys",
    "ended",
]


class PhoneEvent(NamedTuple):
    """What happened `at` (monotonic seconds). `text`: the key, the words, the status or the reason."""

    at: float
    kind: EventKind
    text: str = ""
    level_db: float = -90.0


class PhoneCall:
    """A call, outgoing or incoming. Made by `Phone`."""

    def __init__(
        self,
        signalling: Signalling,
        ticker: Ticker,
        wire: Wire,
        uri: str,
        direction: Literal["out", "in"],
        on_event: Callable[["PhoneCall", PhoneEvent], None],
    ) -> None:
        self.uri = uri
        self.direction = direction
        self.session = 0
        self.status = 0  # the final response
        self.events: list[PhoneEvent] = []
        self.keys_received = ""
        self.keys_sent = ""
        self.invited_at = signalling.now
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ended_by_peer = False
        self.watch = SpeechWatch()
        self.on_frame: Callable[[NDArray[np.int16]], None] | None = None  # gets every tick's audio
        self._signalling = signalling
        self._notify = on_event
        self._rtp = RtpLine(signalling.address.host, ticker, wire, self._frame, self._key)
        self._local = Local(signalling.address.host, self._rtp.port, self._rtp.port)
        self._offer: bytes | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[bool]]] = []
        self._acted_at = signalling.now
        self._failure: CallFailed | None = None

    # --- what it hears and says

    @property
    def heard(self) -> HeardTimeline:
        return self._rtp.heard

    @property
    def said(self) -> Timeline:
        return self._rtp.said

    @property
    def codec(self) -> str:
        return self._rtp.codec

    @property
    def jitter_ms(self) -> float:
        return self._rtp.jitter_ms

    @property
    def up(self) -> bool:
        return self.answered_at is not None and self.ended_at is None

    @property
    def over(self) -> bool:
        return self.ended_at is not None

    def say(self, samples: NDArray[np.int16], text: str = "") -> float:
        """Speak (int16 mono, 8 kHz) after what is being said; return for how many seconds. `text` is for `events`."""
        self._rtp.say(samples)
        self._event("says", text)
        return len(samples) / 8000

    def speak_on(self, samples: NDArray[np.int16], at_most_frames: int) -> None:
        """Speak live audio: no event tells of it, and what would wait behind `at_most_frames` (20 ms each) is dropped."""
        self._rtp.speak_on(samples, at_most_frames)

    def hush(self) -> None:
        """Stop speaking at once."""
        self._rtp.hush()

    def send_keys(self, keys: str) -> None:
        """Send keys as telephone events (RFC 4733), after those that are being sent."""
        self.keys_sent += keys
        self._rtp.send_keys(keys)
        self._event("keys", keys)

    # --- waiting

    async def until(self, fact: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until `fact()`, looked at every tick; False when the time or the call is over before."""
        if fact():
            return True
        if self.over:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((fact, future))
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return fact()
        finally:
            self._waiting = [waiting for waiting in self._waiting if waiting[1] is not future]

    async def answered(self, timeout: float) -> None:
        """Wait until the call is answered. Raises CallFailed; after `timeout` the call is given up."""
        if not await self.until(lambda: self.answered_at is not None, timeout) and not self.over:
            self._signalling.endpoint.cancel(self.session, self._signalling.now)
            self._signalling.pump()
            if any(
                event.kind == "ringing" for event in self.events
            ):  # else nobody is there to answer the CANCEL
                await self.until(lambda: self.over, _ENDED_WITHIN)
            self._failed(408, "nobody answered")
        if self._failure is not None:
            raise self._failure

    async def connected(self, timeout: float) -> bool:
        """Wait until an incoming call that was accepted stands (its ACK has come)."""
        return await self.until(lambda: self.up, timeout)

    async def said_all(self, timeout: float = 60.0) -> bool:
        """Wait until everything is said and keyed."""
        done = await self.until(lambda: self._rtp.idle, timeout)
        self._acted_at = self._signalling.now
        return done

    async def other_has_spoken(self, quiet: float = 0.4, timeout: float = 20.0) -> bool:
        """Wait until the other side has spoken since our last action, and then was silent for `quiet` seconds."""

        def fact() -> bool:
            last = self.watch.last_loud_at
            return (
                last is not None
                and last > self._acted_at + _AFTER_ACTION
                and self._signalling.now - last >= quiet
            )

        return await self.until(fact, timeout)

    async def other_speaks(self, timeout: float = 20.0) -> bool:
        """Wait until the other side is speaking."""
        return await self.until(lambda: self.watch.speaking, timeout)

    async def ended(self, timeout: float) -> bool:
        """Wait until the call is over."""
        return await self.until(lambda: self.over, timeout)

    # --- signalling

    def accept(self) -> None:
        """Answer an incoming call. Raises PhoneError when its offer cannot be answered."""
        self._signalling.endpoint.accept(self.session, self._answer_body(), self._signalling.now)
        self._signalling.pump()

    def reject(self, status: int = 486) -> None:
        """Refuse an incoming call (486: busy)."""
        self._signalling.endpoint.reject(self.session, status, self._signalling.now)
        self._signalling.pump()
        self._over("failed", str(status))

    async def hang_up(self) -> None:
        """End the call, in whatever state it is; returns when it is over."""
        if self.over:
            return
        endpoint, now = self._signalling.endpoint, self._signalling.now
        if self.answered_at is None and self.direction == "in":
            self.reject(480)
            return
        if self.answered_at is None:
            endpoint.cancel(self.session, now)
        else:
            endpoint.bye(self.session, now)
        self._signalling.pump()
        if not await self.until(lambda: self.over, _ENDED_WITHIN):
            self._over("ended", "no answer to our BYE")

    def abandon(self) -> None:
        """Let go of the media of a call that was never sent."""
        self._rtp.close()

    def offer_body(self) -> bytes:
        self._local, body = create_offer(self._local)
        return body

    def incoming(self, offer: bytes | None) -> None:
        """Take the offer of an incoming call, and ring."""
        self._offer = offer
        self._event("incoming")
        self._signalling.endpoint.ring(self.session, self._signalling.now)

    def _answer_body(self) -> bytes:
        if self._offer is None:
            return self.offer_body()
        try:
            settled = answer_offer(self._local, self._offer)
        except SdpError as error:
            self.reject(488)
            raise PhoneError(f"the caller's offer cannot be answered: {error}") from error
        self._settle(settled)
        return settled.body

    def _settle(self, settled: Settled) -> None:
        self._local = settled.local
        self._rtp.configure(settled.media)

    def take(self, event: sip.Event) -> None:
        """Take one event of this call's session."""
        if isinstance(event, sip.Progress):
            self._event("ringing", str(event.status))
        elif isinstance(event, sip.Answered):
            self.status = 200
            self._answered_with(event.sdp)
        elif isinstance(event, sip.Established):
            if event.sdp is not None:
                self._answered_with(event.sdp)
            else:
                self._stands()
        elif isinstance(event, sip.Rejected):
            self._failed(event.status, event.reason)
        elif isinstance(event, sip.Offer):
            self._changed(event)
        elif isinstance(event, sip.Cancelled):
            self.ended_by_peer = True
            self._over("ended", "the caller gave up")
        elif isinstance(event, sip.Ended):
            self.ended_by_peer = event.by_peer
            self._over("ended", "by the other side" if event.by_peer else "by us")

    def _answered_with(self, sdp: bytes | None) -> None:
        if sdp is None and self._local.offered is None:  # the peer has changed it while it rang
            self._stands()
            return
        try:
            self._settle(accept_answer(self._local, sdp or b""))
        except SdpError as error:
            self._signalling.endpoint.bye(self.session, self._signalling.now)
            self._failed(488, f"the answer cannot be used: {error}")
            return
        self._stands()

    def _stands(self) -> None:
        if self.answered_at is None:
            self.answered_at = self._acted_at = self._signalling.now
            self._event("answered", self.codec)
            self._look()

    def _changed(self, event: sip.Offer) -> None:
        endpoint, now = self._signalling.endpoint, self._signalling.now
        try:
            if event.sdp is None:
                endpoint.answer(self.session, self.offer_body(), now)
                return
            settled = answer_offer(self._local, event.sdp)
        except SdpError:
            endpoint.reject_offer(self.session, 488, now)
            return
        self._settle(settled)
        endpoint.answer(self.session, settled.body, now)

    def _failed(self, status: int, reason: str) -> None:
        self.status = status
        if self._failure is None:
            self._failure = CallFailed(status, reason)
        self._over("failed", f"{status} {reason}")

    def _over(self, kind: EventKind, text: str) -> None:
        if self.ended_at is not None:
            return
        self.ended_at = self._signalling.now
        self._rtp.close()
        self._event(kind, text)
        self._look()  # who waits for the end has it; the others wait in vain
        for _, future in self._waiting:
            if not future.done():
                future.set_result(False)

    # --- media

    def _frame(self, frame: NDArray[np.int16], at: float) -> None:
        edge = self.watch.feed(frame, at)
        if edge is not None:
            self._event("speech_begins" if edge.begins else "speech_ends", level_db=edge.level_db)
        if self.on_frame is not None:
            self.on_frame(frame)
        self._look()

    def _key(self, key: str, at: float) -> None:
        self.keys_received += key
        self._event("key", key)

    def _look(self) -> None:
        for fact, future in self._waiting:
            if not future.done() and fact():
                future.set_result(True)

    def _event(self, kind: EventKind, text: str = "", level_db: float = -90.0) -> None:
        event = PhoneEvent(self._signalling.now, kind, text, level_db)
        self.events.append(event)
        self._notify(self, event)
