"""The exchange: every leg by its SIP session. Hands SIP events to legs, places outgoing legs, ends them."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog

from voicebot.calls.answering import Unanswered
from voicebot.calls.call import Call
from voicebot.calls.causes import DIGEST, EXITS, exit_of, refusal_of, release_cause, tell_refused
from voicebot.calls.floor import DialFailed, ReferRefused
from voicebot.calls.forking import ELSEWHERE, Phone, first_answer
from voicebot.calls.identity import user_part
from voicebot.calls.leg import Gone, Leg
from voicebot.calls.loops import Loops, hops_left, tell_loop
from voicebot.calls.protocols import Media, NoMediaPort
from voicebot.calls.redirection import MOST_TARGETS, STATUSES, Redirected, permitted, targets_of
from voicebot.calls.referral import Referral, with_headers
from voicebot.calls.routing import Route, by_first, by_profile
from voicebot.calls.signalling import Signalling
from voicebot.calls.unheard import tell_unheard
from voicebot.sdp import (
    KEY_BYTES,
    SUITES,
    Codec,
    Local,
    SdpError,
    Settled,
    SrtpPolicy,
    accept_answer,
    answer_offer,
    create_offer,
    withdraw_offer,
)
from voicebot.sdp import Media as SettledMedia
from voicebot.sip import SipError
from voicebot.sip import events as sip
from voicebot.sip.address import bracketed, literal
from voicebot.sip.info_keys import key_of

SDP_SESSIONS_FROM = 1_000_000  # o= session ids count from here, by media leg

log = structlog.get_logger("calls")


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told how the ringing of a leg goes on."""

    on_ringing: Callable[[], None] | None = None
    on_early_media: Callable[[Leg], None] | None = None


NOBODY = Told()


@dataclass(slots=True)
class Talking:
    """What the exchange keeps of a leg: our side of its SDP, where its signalling comes from, what waits for it.

    `settled` is what the last offer and answer came to; `early`, by fork, while we call. `unanswered`: we are called, and have not answered yet.
    """

    leg: Leg
    local: Local
    source_host: str
    answered: "asyncio.Future[sip.Answered | sip.Rejected | None] | None" = (
        None  # None: taken at another phone
    )
    established: "asyncio.Future[None] | None" = None
    referred: "asyncio.Future[sip.ReferProgress] | None" = None
    told: Told = NOBODY
    ringing: bool = False
    settled: Settled | None = None
    early: dict[str, Settled] = field(default_factory=dict)
    unanswered: Unanswered | None = None


@dataclass(slots=True)
class Exchange:
    """`calls.transferring.Telephones` and `calls.floor.Dialler`, on a SIP endpoint and the media plane."""

    signalling: Signalling
    media: Media
    codecs: tuple[Codec, ...]
    rtp_timeout: float
    resolve: Callable[[Call, str], str]
    # The same without counting it as dialled; None: nothing is counted.
    gate: Callable[[Call, str], str] | None = None
    on_incoming: Callable[[sip.IncomingCall], None] = lambda event: None
    # The phones behind a URI that stands for those registered with us; None for any other URI.
    phones: Callable[[str], Sequence[Phone] | None] = lambda uri: None
    # By which trunks a URI is called, the first choice first.
    routes: Callable[[Call, str], Sequence[Route]] = lambda call, uri: (Route(uri, call.trunk),)
    # Whether the audio of a call's caller (None), or of a leg by a route, is encrypted.
    srtp: Callable[[Call, Route | None], SrtpPolicy] = lambda call, route: "off"
    follow: bool = True  # the peer's order of codecs, not ours
    legs: dict[int, Talking] = field(default_factory=dict)
    loops: Loops = field(default_factory=Loops)
    _closing: "set[asyncio.Future[None]]" = field(default_factory=set)

    # --- legs ---------------------------------------------------------------------------------------------------------

    def open_media(self, call: Call, leg: Leg, peer_host: str, srtp: SrtpPolicy) -> Local:
        """Give the leg a media leg on the way to its peer; return our side of its SDP. Raises NoMediaPort."""
        media = self.media.open_leg(call.uid, self.signalling.local_host(peer_host), leg.on_message)
        leg.media = media
        leg.on_unheard = partial(tell_unheard, call, leg)
        keys = () if srtp == "off" else tuple(secrets.token_bytes(KEY_BYTES) for _ in SUITES)
        number = SDP_SESSIONS_FROM + media.id
        return Local(
            self.signalling.advertised_host(peer_host),
            media.port,
            number,
            self.codecs,
            follow=self.follow,
            srtp=srtp,
            keys=keys,
        )

    def register(self, leg: Leg, local: Local, source_host: str) -> Talking:
        """Know the leg by its session from now on."""
        talking = self.legs[leg.session] = Talking(leg, local, source_host)
        self.signalling.belongs(leg.session, leg.call)
        return talking

    def configure(self, talking: Talking, settled: Settled) -> None:
        """Let media flow as offer and answer settled it."""
        leg, media = talking.leg, settled.media
        talking.local, talking.settled = settled.local, settled
        both = media.receive and media.send and talking.unanswered is None
        leg.codec = media.codec
        _let_flow(talking, media, self.rtp_timeout if both else 0.0)
        leg.hold(media.held)

    def hang_up(self, leg: Leg, cause: str = "normal") -> None:
        """See `Telephones.hang_up`."""
        if not leg.gone.done():
            leg.end(Gone(cause, by_peer=False))
        gone = leg.gone.result()  # with its media gone, the dialog still stands and wants its BYE
        talking = self.legs.get(leg.session)
        if talking is not None and talking.unanswered is not None:
            self.signalling.reject(leg.session, refusal_of(gone.cause))
        elif talking is not None and not gone.by_peer:
            cause = "" if gone.cause in ("normal", "transferred") else gone.cause
            self.signalling.bye(leg.session, cause=cause)
        self._close(leg)

    def drop(self, leg: Leg) -> None:
        """Release a leg whose dialog never came about."""
        leg.end(Gone("refused", by_peer=False))
        self._close(leg)

    def _close(self, leg: Leg) -> None:
        """Forget the leg and release its media, in the background."""
        if self.legs.pop(leg.session, None) is not None or (leg.media is not None and not leg.closed.done()):
            closed = leg.close_media()
            if not closed.done():
                self._closing.add(closed)
                closed.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Hang up what no story holds any more, and wait until every leg's media is released."""
        for talking in list(self.legs.values()):
            self.hang_up(talking.leg)
        await asyncio.gather(*self._closing, return_exceptions=True)

    # --- outgoing -----------------------------------------------------------------------------------------------------

    def target(self, call: Call, to: str) -> str:
        """See `Telephones.target`."""
        return self.resolve(call, to)

    async def check(self, call: Call, to: str) -> None:
        """See `calls.callbacks.Telephones.check`."""
        try:
            first = self.routes(call, (self.gate or self.resolve)(call, to))[0]
            await self.signalling.resolve(first.uri, first.trunk)
        except SipError as error:
            raise DialFailed("unreachable", error.status) from error

    async def dial(
        self,
        call: Call,
        uri: str,
        *,
        name: str,
        headers: Sequence[tuple[str, str]] = (),
        on_ringing: Callable[[], None] | None = None,
        on_early_media: Callable[[Leg], None] | None = None,
    ) -> Leg:
        """See `Telephones.dial`. Redirections are followed, each new target through the gate of what may be dialled."""
        waiting, seen = [uri], {uri}
        told = Told(on_ringing, on_early_media)
        while True:
            try:
                routes = self.routes(call, waiting.pop(0))
                return await by_first(
                    call, routes, lambda route: self._ring_phones(call, route, name, headers, told)
                )
            except Redirected as redirected:
                for target in redirected.targets:
                    uri = permitted(target, partial(self.resolve, call))
                    if uri and uri not in seen and len(seen) <= MOST_TARGETS:
                        seen.add(uri)
                        waiting.append(uri)
                if not waiting:
                    raise
            except DialFailed:
                if not waiting:
                    raise

    async def _ring_phones(
        self,
        call: Call,
        route: Route,
        name: str,
        headers: Sequence[tuple[str, str]],
        told: Told,
    ) -> Leg:
        """Ring a URI, or, where it stands for phones that registered with us, all of them at once."""

        def ring(route: Route, phone: Phone | None = None) -> Coroutine[Any, Any, Leg]:
            return by_profile(
                self.srtp(call, route),
                lambda srtp: self._ring(call, route, name, headers, told, srtp, phone),
            )

        phones = self.phones(route.uri)
        if phones is None:
            return await ring(route)
        if not phones:
            raise DialFailed("unreachable", 480, "not_registered")
        rings = [ring(Route(phone.uri), phone) for phone in phones]
        return await rings[0] if len(rings) == 1 else await first_answer(rings, self.hang_up)

    async def _ring(
        self,
        call: Call,
        route: Route,
        name: str,
        headers: Sequence[tuple[str, str]],
        told: Told,
        srtp: SrtpPolicy,
        phone: Phone | None,
    ) -> Leg:
        hops, sent_at = hops_left(call), asyncio.get_running_loop().time()
        if hops < 0:
            log.warning("a call has come through too many hops to go on", call=call.uid, leg=name)
            raise DialFailed("unreachable", 483, "too_many_hops")
        leg = Leg(call.uid, name, 0, call.plays)
        routes = [("Route", route) for route in phone.routes] if phone is not None else []
        try:
            destination = (
                phone.destination
                if phone is not None
                else await self.signalling.resolve(route.uri, route.trunk)
            )
            local, body = create_offer(self.open_media(call, leg, destination.host, srtp))
        except NoMediaPort as error:
            log.error("no media port for an outgoing leg", call=call.uid, problem=str(error))
            raise DialFailed("unreachable", 503) from error
        except SipError as error:
            log.error("an outgoing leg leads nowhere", call=call.uid, leg=name, problem=str(error))
            raise DialFailed("unreachable", error.status) from error
        try:
            leg.session = self.signalling.invite(
                route.uri,
                destination,
                from_uri=f"sip:{user_part(call.from_number)}@{bracketed(local.host)}",
                display_name=call.from_name,
                sdp=body,
                headers=[
                    ("X-Voicebot-Call", call.uid),
                    ("Max-Forwards", str(hops)),
                    *headers,
                    *routes,
                ],
                local=phone.local if phone is not None else None,
                trunk=route.trunk,
                impatient=route.another,
            )
        except SipError as error:
            log.error("an outgoing leg cannot be called", call=call.uid, leg=name, problem=str(error))
            self.drop(leg)
            raise DialFailed("unreachable", error.status) from error
        talking = self.register(leg, local, destination.host)
        talking.told = told
        talking.answered = asyncio.get_running_loop().create_future()
        try:
            event = await talking.answered
        except asyncio.CancelledError as cancelled:
            answered = talking.answered
            if (
                not answered.cancelled()
                and answered.done()
                and not isinstance(answered.result(), sip.Rejected)
            ):
                self.signalling.bye(leg.session)  # the 200 was faster: a CANCEL comes too late
            else:
                self.signalling.cancel(leg.session, elsewhere=ELSEWHERE in cancelled.args)
            leg.end(Gone("cancelled", by_peer=False))
            self._close(leg)
            raise
        if event is None:
            return leg
        if isinstance(event, sip.Rejected):
            leg.end(Gone("rejected", by_peer=True))
            self._close(leg)
            if event.status in STATUSES:
                raise Redirected(targets_of(event.headers), event.status)
            tell_refused("a leg was not answered", call.uid, destination.host, event.status, event.why)
            raise DialFailed(exit_of(event, ringing=talking.ringing), event.status, event.why)
        try:
            told_early = talking.early.get(event.branch) if event.sdp is None else None
            self.configure(talking, told_early or accept_answer(talking.local, event.sdp or b""))
        except SdpError as error:
            log.warning("an answer cannot be used", call=call.uid, leg=name, problem=str(error))
            self.hang_up(leg)
            raise DialFailed("unreachable", 488) from error
        back = self.loops.answered(call, destination, sent_at, asyncio.get_running_loop().time())
        if back is not None and back.caller is not None:
            tell_loop(back)
            back.releases("came_back", "server")
            self.hang_up(back.caller, "came_back")
        return leg

    async def refer(
        self, leg: Leg, uri: str, *, headers: Sequence[tuple[str, str]] = (), replacing: Leg | None = None
    ) -> str:
        """See `Telephones.refer`."""
        talking = self.legs.get(leg.session)
        if talking is None:
            raise DialFailed("caller_left")
        talking.referred = asyncio.get_running_loop().create_future()
        replaced = replacing.session if replacing is not None else None
        if not self.signalling.refer(leg.session, with_headers(uri, headers), replacing=replaced):
            raise ReferRefused("unreachable", 491, "another transfer is open")
        try:
            progress = await talking.referred
        except asyncio.CancelledError:
            leg.settled.clear()
            self.signalling.give_up_refer(leg.session)
            raise
        if progress.why == "no_news":
            if progress.status == 202:
                return "unconfirmed"
            raise DialFailed("timeout", progress.status, "no_news")
        if 200 <= progress.status < 300:
            return ""
        if progress.why == "told":
            leg.settled.clear()
            raise DialFailed(EXITS.get(progress.status, "unreachable"), progress.status, "refused")
        exit = "auth_failed" if progress.why in DIGEST else EXITS.get(progress.status, "unreachable")
        tell_refused("a transfer was refused", leg.call, talking.source_host, progress.status, progress.why)
        raise ReferRefused(exit, progress.status, progress.why)

    def answer_refer(self, leg: Leg, status: int) -> None:
        """See `Telephones.answer_refer`."""
        self.signalling.answer_refer(leg.session, status)

    def notify_refer(self, leg: Leg, status: int) -> None:
        """See `Telephones.notify_refer`."""
        self.signalling.notify_refer(leg.session, status)

    def own_uri(self, leg: Leg, replaces: str) -> str | None:
        """See `Telephones.own_uri`."""
        return self.signalling.own_uri(leg.session, replaces)

    # --- events of the endpoint ---------------------------------------------------------------------------------------

    def on_event(self, event: sip.Event) -> None:
        """Take one event of the SIP endpoint."""
        if isinstance(event, sip.IncomingCall):
            self.on_incoming(event)
            return
        session = getattr(event, "session", 0)
        talking = self.legs.get(session)
        if talking is None:
            if isinstance(event, sip.Answered):  # a 200 that crossed our CANCEL
                self.signalling.bye(session)
            return
        if isinstance(event, (sip.Answered, sip.Rejected)):
            if talking.answered is not None and not talking.answered.done():
                talking.answered.set_result(event)
        elif isinstance(event, sip.Progress):
            self._progressed(talking, event)
        elif isinstance(event, sip.Established):
            self._established(talking, event)
        elif isinstance(event, sip.Offer):
            self._offer(talking, event)
        elif isinstance(event, sip.OfferAnswered):
            self._offer_answered(talking, event)
        elif isinstance(event, sip.OfferRejected):
            talking.local = withdraw_offer(talking.local)
        elif isinstance(event, sip.InfoReceived):
            if (key := key_of(event.content_type, event.body)) is not None:
                talking.leg.info_key(key)
        elif isinstance(event, sip.ReferProgress):
            if event.final and talking.referred is not None and not talking.referred.done():
                talking.referred.set_result(event)
        elif isinstance(event, sip.ReferReceived):
            self._refer_received(talking.leg, event)
        elif isinstance(event, sip.Ended):
            cause = "normal" if event.by_peer else release_cause(event.cause)
            talking.leg.end(Gone(cause, by_peer=event.by_peer))
        elif isinstance(event, sip.Cancelled):
            talking.leg.end(Gone("cancelled" if event.by_peer else "not_answered", by_peer=event.by_peer))

    def _progressed(self, talking: Talking, event: sip.Progress) -> None:
        """It rings. Early media is heard, but not answered to; of several forks that of the last description."""
        leg, told = talking.leg, talking.told
        if event.status >= 180 and not talking.ringing:
            talking.ringing = True
            if told.on_ringing is not None:
                told.on_ringing()
        if event.sdp is None or told.on_early_media is None:
            return
        try:
            self._early_media(talking, accept_answer(talking.local, event.sdp).media)
        except SdpError as error:
            log.info("early media cannot be used", call=leg.call, leg=leg.name, problem=str(error))

    def _early_media(self, talking: Talking, media: SettledMedia) -> None:
        if talking.told.on_early_media is not None and talking.leg.media is not None:
            _let_flow(talking, replace(media, direction="recvonly" if media.receive else "inactive"), 0.0)
            talking.told.on_early_media(talking.leg)

    def _refer_received(self, leg: Leg, event: sip.ReferReceived) -> None:
        """Let the story decide; callers, and whoever else is in no talk, may transfer nobody."""
        try:
            referral = Referral.of(event)
        except SipError as error:
            self.signalling.answer_refer(event.session, error.status)
            return
        if leg.on_refer is None:
            log.info("a transfer by the peer is declined", call=leg.call, leg=leg.name)
            self.signalling.answer_refer(event.session, 603)
        else:
            leg.on_refer(referral)

    def _established(self, talking: Talking, event: sip.Established) -> None:
        if event.sdp is not None:
            try:
                self.configure(talking, accept_answer(talking.local, event.sdp))
            except SdpError as error:
                log.warning("the answer in an ACK cannot be used", leg=talking.leg.name, problem=str(error))
                self.hang_up(talking.leg, "bad_answer")
                return
        if talking.established is not None and not talking.established.done():
            talking.established.set_result(None)

    def _offer_answered(self, talking: Talking, event: sip.OfferAnswered) -> None:
        """The answer to an offer of ours: in an ACK, or to a session refresh, whose offer is what holds already."""
        talking.leg.settled.set()
        if event.sdp is None:
            talking.local = withdraw_offer(talking.local)
            return
        local = talking.local
        if event.refresh and local.offered is None:
            local = replace(local, offered=local.previous)
        try:
            self.configure(talking, accept_answer(local, event.sdp))
        except SdpError as error:
            log.warning("an answer in a call cannot be used", leg=talking.leg.name, problem=str(error))
            talking.local = withdraw_offer(talking.local)

    def _offer(self, talking: Talking, event: sip.Offer) -> None:
        """The peer changes the session: hold, resume, another address or codec."""
        if event.sdp is None:
            talking.local, body = create_offer(talking.local)
            self.signalling.answer(event.session, body)
            return
        try:
            settled = answer_offer(talking.local, event.sdp)
        except SdpError as error:
            log.info("an offer in a call is refused", leg=talking.leg.name, problem=str(error))
            self.signalling.reject_offer(event.session, 488)
            return
        self.signalling.answer(event.session, settled.body)
        if talking.answered is not None and not talking.answered.done():
            talking.early[event.branch] = settled
            self._early_media(talking, settled.media)
            return
        if talking.unanswered is not None:
            talking.unanswered.body = settled.body  # the 200 tells what holds then
        self.configure(talking, settled)


def _let_flow(talking: Talking, media: SettledMedia, timeout: float) -> None:
    if talking.leg.media is not None:
        host = media.remote_host if literal(media.remote_host) else talking.source_host
        talking.leg.media.configure(media, remote_host=host, source_host=talking.source_host, timeout=timeout)
