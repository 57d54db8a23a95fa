"""The examination from beginning to end: one call, told as a story. What was seen becomes `Evidence`."""

import asyncio
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from voicebot.doctor import echo
from voicebot.doctor.audio import Audio
from voicebot.doctor.evidence import Change, Evidence
from voicebot.doctor.probing import ask, probe_transports
from voicebot.doctor.witness import Witness
from voicebot.phone.errors import PhoneError
from voicebot.phone.signalling import Signalling
from voicebot.phone.streams import CertificateRefused
from voicebot.phone.ticker import Ticker
from voicebot.sdp import Direction, Local, Media, SdpError, accept_answer, answer_offer, create_offer
from voicebot.sip import Address, Credentials, Event, SipError
from voicebot.sip import events as sip

LARGE_BYTES = 1700  # more than one Ethernet frame, and than the 1300 bytes of RFC 3261 section 18.1.1
_CLOSED_WITHIN = 2.0
_GRACE = 0.3  # seconds until what was on its way has arrived


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that the parts of the examination take; `answer` bounds the ringing, `reply` a request in the call."""

    answer: float = 20.0
    reply: float = 4.0
    listen: float = 2.5
    echo: float = 1.5
    key: float = 1.0
    hold: float = 1.5
    resume: float = 1.2
    refer: float = 8.0


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call, how, and as whom. `name` is the host that `peer` was found by; `key` "" sends none."""

    uri: str
    peer: Address
    own_host: str
    from_uri: str
    name: str = ""
    credentials: Credentials | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    refer_to: str | None = None
    key: str = "1"


async def examine(target: Target, pace: Pace, seconds: float) -> Evidence:
    """Examine; it is over after `seconds` at the latest, and a little for hanging up. Raises PhoneError.

    PhoneError is for what hinders the examination here; what is wrong with the peer is evidence.
    """
    return await Examination(target, pace).run(seconds)


class Examination:
    def __init__(self, target: Target, pace: Pace) -> None:
        self._target, self._pace = target, pace
        self._signalling = Signalling(target.own_host, 0, self._event)
        own = self._signalling.address._replace(transport=target.peer.transport)
        self.evidence = Evidence(own=own, peer=target.peer, credentials=target.credentials is not None)
        self._witness = Witness(self.evidence, self._now)
        self._signalling.endpoint.on_message = self._witness.message
        self._audio = Audio(target.own_host, Ticker())
        self._local = Local(target.own_host, self._audio.port, random.SystemRandom().getrandbits(31))
        self._media: Media | None = None
        self._session = 0
        self._up = self._over = False
        self._change: Change | None = None
        self._pinged: dict[int, bool] = {}
        self._refer_final = False
        self._news = asyncio.Event()

    async def run(self, seconds: float) -> Evidence:
        evidence = self.evidence
        try:
            async with asyncio.timeout(seconds):
                await self._examine()
        except TimeoutError:
            evidence.cut_short = f"the {seconds:g} seconds were over"
        finally:
            await self._hang_up()
            evidence.heard, evidence.reports = self._audio.heard, self._audio.reports
            evidence.keys_heard, evidence.sent_audio = self._audio.keys_heard, self._audio.sent
            self._audio.close()
            self._signalling.close()
        return evidence

    async def _examine(self) -> None:
        if not await self._reach():
            return
        await self._ask()
        await self._call()
        if not self._up:
            return
        for part in (self._listen, self._chirp, self._key, self._hold, self._update, self._refer):
            if self._over:
                self.evidence.cut_short = "the other side hung up"
                return
            await part()

    # --- the parts

    async def _reach(self) -> bool:
        """Connect where the transport needs it, without the certificate's blessing if it must be."""
        target = self._target
        try:
            await self._signalling.connect(target.peer, target.tls, target.name)
        except CertificateRefused as error:
            self.evidence.certificate = str(error)
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            await self._signalling.connect(target.peer, context, target.name)
        except PhoneError as error:
            self.evidence.transports[target.peer.transport] = str(error)
            return False
        return True

    async def _ask(self) -> None:
        """OPTIONS three times, a large one, and by the other transports."""
        evidence, target = self.evidence, self._target
        others = asyncio.create_task(probe_transports(target.peer, target.own_host, target.name))
        try:
            for _ in range(3):
                start = self._now()
                if await self._ping():
                    evidence.pings.append(self._now() - start)
                elif not evidence.pings:
                    break
            if evidence.pings and target.peer.transport == "udp":
                self._witness.large = True
                evidence.large_bytes = LARGE_BYTES
                evidence.large = 200 if await self._ping([("x-padding", "0" * (LARGE_BYTES - 400))]) else 0
                self._witness.large = False
            evidence.transports |= await others
        finally:
            others.cancel()
        evidence.transports[target.peer.transport] = "" if evidence.pings else "no answer to OPTIONS"

    async def _call(self) -> None:
        target, evidence = self._target, self.evidence
        self._local, evidence.offer = create_offer(self._local)
        evidence.invited_at = self._now()
        try:
            self._session = self._signalling.endpoint.invite(
                target.uri,
                target.from_uri,
                evidence.offer,
                self._now(),
                destination=target.peer,
                credentials=target.credentials,
            )
        except SipError as error:
            raise PhoneError(f"`{target.uri}` cannot be called: {error}") from error
        self._signalling.pump()
        if not await self._until(lambda: self._up or self._over, self._pace.answer):
            self.evidence.cut_short = f"nobody answered within {self._pace.answer:g} s"

    async def _listen(self) -> None:
        await self._wait(self._pace.listen)

    async def _chirp(self) -> None:
        sound, started = echo.chirp(), [0.0]
        payload = self._audio.play(sound, lambda at: started.__setitem__(0, at))
        await self._wait(len(sound) / 8000 + self._pace.echo)
        if started[0] and not self._over:
            self.evidence.chirped = True
            self.evidence.echo = echo.find(self._audio.heard, sound, payload, started[0])

    async def _key(self) -> None:
        if self._target.key and self._media is not None and self._media.event_payload_type is not None:
            self.evidence.keys_sent = self._target.key
            self._audio.key(self._target.key)
            await self._wait(self._pace.key)

    async def _hold(self) -> None:
        """Hold, listen whether it is silent, resume, listen whether it is not."""
        evidence = self.evidence
        change = evidence.hold = await self._offer("sendonly")
        if change.status // 100 != 2:
            return
        self._audio.muted = True  # else an echo would be taken for a PBX that talks on
        start = max(self._now(), change.answered_at) + _GRACE
        await self._wait(_GRACE + self._pace.hold)
        evidence.held = (start, self._now())
        self._audio.muted = False
        change = evidence.resume = await self._offer("sendrecv")
        if change.status // 100 == 2:
            await self._wait(self._pace.resume)
            evidence.resumed = (change.answered_at, self._now())

    async def _update(self) -> None:
        answered = self.evidence.answered
        if answered is not None and "update" in answered.tokens("allow"):
            self.evidence.update = await self._offer("sendrecv", by_update=True)

    async def _refer(self) -> None:
        if self._target.refer_to is None:
            return
        self.evidence.refer = 0
        self._signalling.endpoint.refer(self._session, self._target.refer_to, self._now())
        self._signalling.pump()
        await self._until(lambda: self._refer_final or self._over, self._pace.refer)

    async def _hang_up(self) -> None:
        endpoint = self._signalling.endpoint
        if not self._session or self._over:
            return
        self.evidence.hung_up_at = self._now()
        if self._up:
            endpoint.bye(self._session, self._now())
        else:
            endpoint.cancel(self._session, self._now())
        self._signalling.pump()
        if self._up or self.evidence.provisionals:  # a CANCEL waits for a first response
            await self._until(lambda: self._over, _CLOSED_WITHIN)

    # --- one exchange

    async def _ping(self, headers: list[tuple[str, str]] | None = None) -> bool:
        """Send OPTIONS; whether any response came."""
        target = self._target
        number = ask(self._signalling, target.uri, target.from_uri, target.peer, headers or [])
        return await self._until(lambda: number in self._pinged, self._pace.reply) and self._pinged[number]

    async def _offer(self, direction: Direction, *, by_update: bool = False) -> Change:
        """Offer a change and wait for its end; the media follow."""
        endpoint = self._signalling.endpoint
        self._local, body = create_offer(replace(self._local, direction=direction))
        self._change, asked_at = None, self._now()
        send = endpoint.update if by_update else endpoint.reinvite
        if not send(self._session, body, self._now()):
            return Change(0, None, asked_at, asked_at)
        self._signalling.pump()
        await self._until(lambda: self._change is not None or self._over, self._pace.reply)
        change = self._change or Change(0, None, asked_at, self._now())
        return replace(change, asked_at=asked_at)

    # --- events

    def _event(self, event: Event) -> None:
        if isinstance(event, sip.PingAnswered):
            self._pinged[event.ping] = not event.local
        elif isinstance(event, sip.Answered):
            self._answered(event.sdp)
        elif isinstance(event, sip.OfferAnswered) and not event.refresh:
            self._settle(event.sdp)
            self._change = Change(200, event.sdp, 0.0, self._now())
        elif isinstance(event, sip.OfferRejected):
            self._change = Change(event.status, None, 0.0, self._now())
        elif isinstance(event, sip.Offer):
            self._offered(event)
        elif isinstance(event, sip.ReferProgress):
            self.evidence.refer, self._refer_final = event.status, event.final
            self.evidence.refer_told = event.why == "told"
        elif isinstance(event, sip.Rejected):
            self._over = True
        elif isinstance(event, sip.Ended):
            self._over = True
            if event.by_peer:
                self.evidence.ended_by_peer = self._now()
        self._news.set()

    def _answered(self, sdp: bytes | None) -> None:
        self._up = True
        self.evidence.answer = sdp
        self._settle(sdp)

    def _settle(self, sdp: bytes | None) -> None:
        evidence = self.evidence
        if sdp is None and self._local.offered is None:  # the PBX has changed it while it rang
            return
        try:
            settled = accept_answer(self._local, sdp or b"")
        except SdpError as error:
            evidence.unusable = evidence.unusable or str(error)
            return
        self._local = settled.local
        self._let_flow(settled.media)

    def _offered(self, event: sip.Offer) -> None:
        """The PBX changes the session, as Asterisk does to join the media of two phones."""
        endpoint = self._signalling.endpoint
        try:
            if event.sdp is None:
                self._local, body = create_offer(self._local)
            else:
                settled = answer_offer(self._local, event.sdp)
                self._local, body = settled.local, settled.body
                self._let_flow(settled.media)
        except SdpError:
            endpoint.reject_offer(event.session, 488, self._now())
            return
        endpoint.answer(event.session, body, self._now())

    def _let_flow(self, media: Media) -> None:
        self._media = media
        self.evidence.audio_payload_type = media.payload_type
        self.evidence.event_payload_type = media.event_payload_type
        self._audio.configure(media)

    # --- waiting

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _wait(self, seconds: float) -> None:
        """Let time pass, unless the call is over before."""
        await self._until(lambda: self._over, seconds)

    async def _until(self, fact: Callable[[], bool], seconds: float) -> bool:
        end = self._now() + seconds
        while not fact():
            left = end - self._now()
            if left <= 0:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                continue
        return True
