"""SIP for calls: implements `calls.signalling.Signalling` with a sans-IO endpoint and its shell."""

import asyncio
import contextlib
import importlib
import random
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import structlog

from voicebot.calls.later import Later
from voicebot.config.model import KeyPair, Tls
from voicebot.runtime.net.addresses import LocalAddresses
from voicebot.runtime.net.capture import Capture
from voicebot.runtime.net.dns import Resolver
from voicebot.runtime.net.locating import locate
from voicebot.runtime.net.public_address import PublicAddress
from voicebot.runtime.net.randomness import SystemRandomness
from voicebot.runtime.net.sip_shell import SipShell
from voicebot.runtime.net.sip_streams import StreamLimits
from voicebot.runtime.net.tls import TlsContexts, TlsError, described
from voicebot.sip import (
    Address,
    Credentials,
    Endpoint,
    Event,
    NameAddress,
    Realm,
    Registrar,
    Request,
    SessionTimers,
    SipError,
    Uri,
)
from voicebot.sip.address import bracketed, literal
from voicebot.sip.reasons import ANSWERED_ELSEWHERE

RESOLVE_WITHIN = 4.0  # seconds for all questions to DNS
LOCATIONS = 1_000  # peers whose further addresses are remembered
CERTIFICATES_EVERY = 5.0  # seconds between looks at the files
LAST_WORDS = 2.0  # seconds after a call in which its last messages arrive

log = structlog.get_logger("sip")


@dataclass(frozen=True, slots=True)
class Way:
    """How requests to a peer are sent: with which credentials, as whom (None: as the caller), by which routes.

    `trunk` is the name of the trunk whose peer it is, "" for none.
    """

    trunk: str = ""
    credentials: Credentials | None = None
    from_uri: str | None = None
    routes: tuple[str, ...] = ()


class SipSignalling:
    """One endpoint on all bound addresses. What is called here leaves at once."""

    def __init__(
        self,
        *,
        user_agent: str,
        public_address: str | None,
        stun: tuple[str, int] | None = None,
        local_networks: Sequence[IPv4Network | IPv6Network] = (),
        authenticate: Callable[[Request, Address], Realm | None],
        way: Callable[[Uri, str], Way],
        credentials: Callable[[Request, Address], Credentials | None],
        on_event: Callable[[Event], None],
        tls: Tls,
        client_certificates: Mapping[str, KeyPair],
        limits: StreamLimits,
        session_timers: SessionTimers | None = None,
        capture: Capture | None = None,
        registrar: Registrar | None = None,
    ) -> None:
        """`client_certificates`: by the name of a peer, what is shown to it instead of the certificate of `tls`.

        `way(uri, trunk)` leads to the peer that the URI names, by that trunk if it has this peer; `credentials(invite, source)` answer challenges in calls that came in.

        `local_networks`: see `LocalAddresses`. `stun`: the server (host, port) from which our public address is learned. `capture` sees all messages.
        Raises TlsError.
        """
        reactor: Any = importlib.import_module(
            "twisted.internet.reactor"
        )  # installed by `reactor.run` by now
        self._addresses = LocalAddresses(public_address, local_networks=local_networks)
        self._way = way
        self.dialled: Counter[str] = Counter()  # calls by trunk
        self._on_event = on_event
        self._capture = capture
        self.endpoint = Endpoint(
            rng=SystemRandomness(),
            user_agent=user_agent,
            contact=self._addresses.contact,
            session_timers=session_timers,
            authenticate=authenticate,
            credentials=credentials,
            registrar=registrar,
            accept_refer=True,
            may_speak_tcp=lambda address: self.shell.may_speak_tcp(address),
        )
        self._tls = TlsContexts(tls, client_certificates)
        self._rng = random.SystemRandom()
        self._resolver = Resolver()
        self._public = (
            PublicAddress(stun, self._resolver, self._learned, self._rng) if stun is not None else None
        )
        self._learning: asyncio.Task[None] | None = None
        self._others: OrderedDict[Address, tuple[Address, ...]] = OrderedDict()
        self._reactor = reactor
        self._last_words = Later(LAST_WORDS)
        self._watching: Any = None
        if capture is not None:
            self.endpoint.on_message = self._passed
        self.shell = SipShell(
            asyncio.get_running_loop(),
            reactor,
            self.endpoint,
            self._addresses,
            self._event,
            limits=limits,
            tls=self._tls,
        )

    def bind(self, listen: Sequence[Address]) -> list[Address]:
        """Open the sockets; return what is bound. Raises BindError, which says what to do."""
        self.shell.start(listen)
        for pair in self._tls.certificates():
            log.info("the certificate of SIP over TLS", **described(pair.certificate))
        self._watching = self._reactor.callLater(CERTIFICATES_EVERY, self._watch_certificates)
        if self._public is not None:
            self._learning = asyncio.get_running_loop().create_task(self._public.run())
        return list(self.shell.bound)

    async def address_learned(self, within: float) -> None:
        """Wait until the STUN server has answered, for so many seconds; without one, return at once."""
        if self._public is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._public.known.wait()

    def _learned(self, host: str) -> None:
        self._addresses.learned = host

    async def close(self) -> None:
        """Close connections and sockets in order; what was to be said must have been flushed."""
        if self._learning is not None:
            self._learning.cancel()
        if self._watching is not None and self._watching.active():
            self._watching.cancel()
        await self.shell.close()

    def reload_certificates(self, *, again: bool = True) -> bool:
        """New TLS connections get the files as they are now; False: they have not changed.

        Raises TlsError: the certificate that was served before goes on being served. `again`: say so as often as asked.
        """
        changed = self._tls.reload(again=again)
        for pair in self._tls.certificates() if changed else ():
            log.info("a new certificate of SIP over TLS", **described(pair.certificate))
        return changed

    @property
    def has_certificate(self) -> bool:
        return self._tls.files.certificate is not None

    def _watch_certificates(self) -> None:
        self._watching = self._reactor.callLater(CERTIFICATES_EVERY, self._watch_certificates)
        try:
            self.reload_certificates(again=False)
        except TlsError as error:
            log.error("the certificate was not taken, the old one stays", problem=str(error))

    def drain(self, retry_after: int | None) -> None:
        """Answer new calls and OPTIONS with 503 from now on; None: serve again."""
        self.endpoint.drain(retry_after)

    # --- Signalling -----------------------------------------------------------------------------------------------------

    def ring(self, session: int, status: int, sdp: bytes | None) -> None:
        self.endpoint.ring(session, self.shell.now(), status, sdp)
        self.shell.flush()

    def accept(self, session: int, sdp: bytes) -> None:
        self.endpoint.accept(session, sdp, self.shell.now())
        self.shell.flush()

    def reject(self, session: int, status: int, *, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.endpoint.reject(session, status, self.shell.now(), headers=headers)
        self.shell.flush()

    async def resolve(self, uri: str, trunk: str = "") -> Address:
        """See `Signalling.resolve`: the first route of the peer's trunk, else the URI itself."""
        routes = self._way(Uri.parse(uri), trunk).routes
        return await self.locate(str(NameAddress.parse(routes[0]).uri) if routes else uri)

    def ping(
        self, uri: str, destination: Address, local: Address | None = None, routes: Sequence[str] = ()
    ) -> int:
        """Send OPTIONS; PingAnswered with the returned number follows. Raises SipError.

        Without `local` it goes on to the peer's other addresses as a call does, see `locations`.
        """
        ours = bracketed(self.advertised_host(destination.host))
        from_uri = self._way(Uri.parse(uri), "").from_uri or f"sip:voicebot@{ours}"
        lines = [("Route", route) for route in routes]
        others = self._others.get(destination, ()) if local is None else ()
        number = self.endpoint.options(uri, from_uri, self.shell.now(), destination, local, lines, others)
        self.shell.flush()
        return number

    async def locate(self, uri: str) -> Address:
        """Return where requests for a URI go first. Raises SipError: see `locations`."""
        return (await self.locations(uri))[0]

    async def locations(self, uri: str) -> tuple[Address, ...]:
        """Return all addresses that a URI leads to (RFC 3263), those that failed lately last.

        Calls, registrations and pings to the first go on to the others when it fails. Raises SipError: 404 for a name that nobody has, 480 where
        DNS does not answer or we have no socket for what it says.
        """
        target = Uri.parse(uri)
        try:
            async with asyncio.timeout(RESOLVE_WITHIN):
                found = await locate(target, self._resolver, self._rng)
        except TimeoutError as error:
            raise SipError(480, f"{target.host} cannot be resolved to an address in time") from error
        usable = [each for each in found if each.transport != "udp" or self._addresses.choose(each)]
        if not usable:
            raise SipError(480, f"nothing is listened on from which {found[0]} could be reached")
        now = self.shell.now()
        usable.sort(key=lambda each: self.endpoint.suspect(each, now))
        if literal(target.host) is None:
            for each in usable:
                self.shell.streams.know_name(each.host, target.host)
        first, *others = usable
        self._others[first] = tuple(others)
        self._others.move_to_end(first)
        if len(self._others) > LOCATIONS:
            self._others.popitem(last=False)
        return tuple(usable)

    def invite(
        self,
        target: str,
        destination: Address,
        *,
        from_uri: str,
        display_name: str = "",
        sdp: bytes,
        headers: Sequence[tuple[str, str]] = (),
        local: Address | None = None,
        trunk: str = "",
        impatient: bool = False,
    ) -> int:
        way = self._way(Uri.parse(target), trunk) if local is None else Way()
        session = self.endpoint.invite(
            target,
            way.from_uri or from_uri,
            sdp,
            self.shell.now(),
            display_name=display_name,
            destination=destination,
            alternatives=self._others.get(destination, ()) if local is None else (),
            local=local,
            credentials=way.credentials,
            headers=[*headers, *(("Route", route) for route in way.routes)],
            impatient=impatient,
        )
        self.dialled[way.trunk] += 1
        self.shell.flush()
        return session

    def cancel(self, session: int, *, elsewhere: bool = False) -> None:
        self.endpoint.cancel(session, self.shell.now(), ANSWERED_ELSEWHERE if elsewhere else ())
        self.shell.flush()

    def bye(self, session: int, *, cause: str = "") -> None:
        headers = [("Reason", f'SIP;text="{cause}"')] if cause else []
        self.endpoint.bye(session, self.shell.now(), headers)
        self.shell.flush()

    def answer(self, session: int, sdp: bytes) -> None:
        self.endpoint.answer(session, sdp, self.shell.now())
        self.shell.flush()

    def reject_offer(self, session: int, status: int) -> None:
        self.endpoint.reject_offer(session, status, self.shell.now())
        self.shell.flush()

    def refer(self, session: int, target: str, *, replacing: int | None = None) -> bool:
        sent = self.endpoint.refer(session, target, self.shell.now(), replacing=replacing)
        self.shell.flush()
        return sent

    def give_up_refer(self, session: int) -> None:
        self.endpoint.give_up_refer(session, self.shell.now())
        self.shell.flush()

    def answer_refer(self, session: int, status: int) -> None:
        self.endpoint.answer_refer(session, status, self.shell.now())
        self.shell.flush()

    def notify_refer(self, session: int, status: int) -> None:
        self.endpoint.notify_refer(session, status, self.shell.now())
        self.shell.flush()

    def own_uri(self, session: int, replaces: str) -> str | None:
        return self.endpoint.own_uri(session, replaces)

    def local_host(self, peer_host: str) -> str:
        return self._addresses.socket_host(peer_host)

    def advertised_host(self, peer_host: str) -> str:
        return self.endpoint.learned(peer_host) or self._addresses.host_for(peer_host)

    def belongs(self, session: int, call: str) -> None:
        """See `Signalling.belongs`."""
        if self._capture is not None:
            self._capture.belongs(self.endpoint.call_id(session), call)

    def call_over(self, call: str) -> None:
        """See `Signalling.call_over`. The answers to our last BYEs are waited for."""
        if self._capture is not None:
            self._last_words.call(call, partial(self._capture.over, call))

    def _passed(self, data: bytes, peer: Address, local: Address | None, sent: bool) -> None:
        assert self._capture is not None
        self._capture.message(data, peer, self._addresses.contact(peer, local), sent=sent)

    def _event(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:  # one event of one call must not stop the others'
            log.exception("an event was not served", kind=type(event).__name__)
