"""The trunks of a running server: registered where they ask for it, pinged, and recognised when they call."""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import structlog

from voicebot.calls.routing import Route
from voicebot.config import Config
from voicebot.config.dialling import number_uri, outgoing, proxy_uri
from voicebot.config.model import KeyPair, Network, SrtpPolicy, Trunk
from voicebot.runtime.net.signalling import SipSignalling, Way
from voicebot.sip import Account, Address, Credentials, PingAnswered, Request, SipError, Uri
from voicebot.sip import RegistrationChanged as Changed
from voicebot.sip import RegistrationDue as Due
from voicebot.sip.events import Event
from voicebot.sip.guard import Known

KEY_FILE = "line.key"
LEAVES_WITHIN = 2.0  # seconds for registrars to take note that we stop
FIRST_PING = 1.0  # seconds after the start
PRIVATE_PREFIX = 7  # bits: the widest network that somebody can own (fc00::/7, RFC 4193; 10.0.0.0/8)

log = structlog.get_logger("trunks")


@dataclass(slots=True)
class Health:
    """What is known of one trunk. `answered` None: not asked yet; `problem` is the last one that there was."""

    registration: int = 0
    standing: Changed | None = None
    problem: str = ""
    addresses: set[str] = field(default_factory=set)  # where its names led so far
    answered: bool | None = None
    ping_status: int = 0
    ping_seconds: float = 0.0


class Trunks:
    """Belongs to the control process's loop."""

    def __init__(self, config: Config, signalling: SipSignalling, key: bytes) -> None:
        """`key` makes the marks by which calls for a registered contact are known; the same after a restart."""
        self._config = config
        self._signalling = signalling
        self._network = lru_cache(4096)(config.network_for)
        self._health = {name: Health() for name in config.trunks}
        self._lines = {
            _line(key, trunk): trunk for trunk in config.trunks.values() if trunk.register is not None
        }
        self._by_registration: dict[int, Trunk] = {}
        self._pings: dict[int, tuple[str, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()
        self.calls_in: Counter[str] = Counter()

    def start(self) -> None:
        """Register, and begin to ask."""
        now = self._signalling.shell.now()
        for trunk in unheard(self._config):
            log.warning(
                "sip.listen has no address of this transport: what the peer sends in a call may not arrive",
                trunk=trunk.name,
                transport=trunk.transport,
            )
        for line, trunk in self._lines.items():
            number = self._signalling.endpoint.register(_account(trunk, line), now)
            self._health[trunk.name].registration = number
            self._by_registration[number] = trunk
        for trunk in self._config.trunks.values():
            if trunk.host is not None and trunk.ping_seconds:
                self._spawn(self._ask_again_and_again(trunk), f"ping {trunk.name}")
        # Registrations that are due now are asked for at the endpoint's next timer.
        self._signalling.shell.flush()

    async def stop(self) -> None:
        """Take our contacts back, so that no call comes any more; wait a little for the answers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for number in self._by_registration:
            self._signalling.endpoint.unregister(number, self._signalling.shell.now())
        self._signalling.shell.flush()
        if self._by_registration:
            try:
                async with asyncio.timeout(LEAVES_WITHIN):
                    await self._all_gone.wait()
            except TimeoutError:
                log.warning("a registrar does not say that it took our contact back")

    # --- whose call it is -----------------------------------------------------------------------------------------------

    def trunk_for(self, request: Request, source: Address) -> Trunk | None:
        """Return the trunk of a request: by the mark in the contact that it registered, by its user, by its address."""
        line = request.target.parameter("line")
        if line is not None and (trunk := self._lines.get(line)) is not None:
            return trunk
        found = self._network(source.host)
        by_network = None if found is None else found[1]
        user = request.target.username
        for trunk in self._lines.values():
            known = source.host in self._health[trunk.name].addresses or trunk is by_network
            if known and trunk.register is not None and trunk.register.user == user:
                return trunk
        if by_network is not None:
            return by_network
        return next(
            (
                self._config.trunks[name]
                for name, each in self._health.items()
                if source.host in each.addresses
            ),
            None,
        )

    def owns(self, host: str) -> bool:
        """Say whether an address is a trunk's: by its networks, or because its name was resolved to it."""
        found = self._network(host)
        named = found is not None and not _holds_anybody(*found)
        return named or any(host in each.addresses for each in self._health.values())

    def agreed(self, request: Request, source: Address) -> Known | None:
        """Return what is agreed with the trunk of a request, None if it has none."""
        trunk = self.trunk_for(request, source)
        if trunk is None:
            return None
        found = self._network(source.host)
        resolved = source.host in self._health[trunk.name].addresses
        named = resolved or found is None or found[1] is not trunk or not _holds_anybody(*found)
        return Known(trunk.calls_per_second, by_password=not named)

    def credentials(self, request: Request, source: Address) -> Credentials | None:
        """Return what answers challenges to our requests in a call that came in."""
        trunk = self.trunk_for(request, source)
        return None if trunk is None else _credentials(trunk)

    def way(self, uri: Uri, wanted: str = "") -> Way:
        """Return how requests to a peer are sent: those of the trunk whose host and port it is, of `wanted` among several."""
        where = (uri.host, uri.port or 5060)
        found = [
            trunk
            for trunk in self._config.trunks.values()
            if ((trunk.host or "").strip("[]"), trunk.port or 5060) == where
        ]
        if not found:
            return Way()
        accounts = [each for each in found if _credentials(each) is not None] or found
        trunk = next((each for each in accounts if each.name == wanted), accounts[0])
        standing = self._health[trunk.name].standing
        routes = _routes(trunk) + (standing.service_route if standing is not None else ())
        return Way(trunk.name, _credentials(trunk), _address_of_record(trunk), tuple(dict.fromkeys(routes)))

    def routes(self, came_by: str, uri: str) -> tuple[Route, ...]:
        """Return by which trunks a call that came by one goes on to a URI that it may dial, the first choice first."""
        trunk = self._config.trunks.get(came_by)
        if trunk is not None and trunk.via:
            number = unquote(Uri.parse(uri).user or "")
            ways = outgoing(number, trunk, self._config.trunks)
            routes = [Route(number_uri(number, each), each.name) for each in ways]
            for index, route in enumerate(routes):
                if route.uri == uri:
                    # One that does not answer OPTIONS comes last.
                    return tuple(
                        sorted(routes[index:], key=lambda each: self._health[each.trunk].answered is False)
                    )
        return (Route(uri, came_by),)

    def srtp(self, came_by: str, route: Route | None) -> SrtpPolicy:
        """Return whether audio is encrypted: of a call that came by a trunk, or of one that leaves by a route."""
        name = came_by if route is None else self.way(Uri.parse(route.uri), route.trunk).trunk
        trunk = self._config.trunks.get(name)
        return (trunk.srtp if trunk is not None else None) or self._config.media.srtp

    # --- events ---------------------------------------------------------------------------------------------------------

    def on_event(self, event: Event) -> bool:
        """Take an event of the endpoint that is about trunks; False if it is not."""
        if isinstance(event, Due):
            self._spawn(self._locate(event), "registrar's address")
        elif isinstance(event, Changed):
            self._changed(event)
        elif isinstance(event, PingAnswered) and event.ping in self._pings:
            name, asked_at = self._pings.pop(event.ping)
            self._answered(name, event, self._signalling.shell.now() - asked_at)
        else:
            return False
        return True

    async def _locate(self, due: Due) -> None:
        trunk = self._by_registration[due.registration]
        found: tuple[Address, ...] = ()
        problem = ""
        try:
            found = await self._signalling.locations(due.uri)
            self._health[trunk.name].addresses.update(each.host for each in found)
        except SipError as error:
            problem = error.reason
        now, first = self._signalling.shell.now(), found[0] if found else None
        self._signalling.endpoint.begin_registration(due.registration, first, now, problem, found[1:])
        self._signalling.shell.flush()

    def _changed(self, event: Changed) -> None:
        """Note and tell how a registration stands; what stays as it was is told once."""
        trunk = self._by_registration[event.registration]
        health = self._health[trunk.name]
        before, health.standing = health.standing, event
        health.problem = event.problem or health.problem
        same = before is not None and (before.state, before.problem) == (event.state, event.problem)
        if event.state == "gone":
            if all(each.standing and each.standing.state == "gone" for each in self._registering()):
                self._all_gone.set()
        elif same:
            return
        elif event.state == "registered":
            log.info("registered", trunk=trunk.name)
        elif event.state == "refused":
            log.error("the registrar refuses us: calls do not come", trunk=trunk.name, problem=event.problem)
        else:
            log.warning("not registered, trying again", trunk=trunk.name, problem=event.problem)

    def _registering(self) -> list[Health]:
        return [self._health[trunk.name] for trunk in self._by_registration.values()]

    # --- is it there? ---------------------------------------------------------------------------------------------------

    async def _ask_again_and_again(self, trunk: Trunk) -> None:
        await asyncio.sleep(FIRST_PING)
        while True:
            try:
                uri = _uri(trunk)
                found = await self._signalling.locations(proxy_uri(trunk) or uri)
                self._health[trunk.name].addresses.update(each.host for each in found)
                ping = self._signalling.ping(uri, found[0], routes=_routes(trunk))
                now = self._signalling.shell.now()
                self._pings[ping] = (trunk.name, now)
            except SipError as error:
                health = self._health[trunk.name]
                health.answered, health.problem = False, error.reason
            await asyncio.sleep(trunk.ping_seconds)

    def _answered(self, name: str, event: PingAnswered, seconds: float) -> None:
        health = self._health[name]
        answered = not event.local
        if health.answered is not False and not answered:
            log.warning("a trunk does not answer", trunk=name)
        elif health.answered is False and answered:
            log.info("a trunk answers again", trunk=name)
        health.answered, health.ping_status, health.ping_seconds = answered, event.status, seconds
        if not answered:
            health.problem = "OPTIONS is not answered"

    # --- for people -----------------------------------------------------------------------------------------------------

    def state(self) -> list[dict[str, object]]:
        """Return a row for each trunk, for `voicebot trunks`."""
        now = self._signalling.shell.now()
        return [self._row(trunk, self._health[trunk.name], now) for trunk in self._config.trunks.values()]

    def _row(self, trunk: Trunk, health: Health, now: float) -> dict[str, object]:
        standing = health.standing
        until = standing.until if standing is not None else None
        retry_at = standing.retry_at if standing is not None else None
        if trunk.register is None:
            state = "by address"
        elif until is not None and until > now:
            state = "registered"
        else:
            state = "refused" if standing is not None and standing.state == "refused" else "not registered"
        return {
            "name": trunk.name,
            "host": None if trunk.host is None else _uri(trunk).removeprefix("sip:"),
            "dialplan": trunk.dialplan,
            "user": None if trunk.register is None else trunk.register.user,
            "state": state,
            "registered_for": None if until is None or until <= now else round(until - now),
            "retry_in": None if retry_at is None else max(0, round(retry_at - now)),
            "answers": health.answered,
            "ping_status": health.ping_status,
            "ping_ms": round(1000 * health.ping_seconds, 1),
            "last_problem": health.problem,
            "calls_in": self.calls_in[trunk.name],
            "calls_out": self._signalling.dialled[trunk.name],
        }

    def _spawn(self, story: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(story, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def unheard(config: Config) -> list[Trunk]:
    """Return the trunks that are called by a transport on which nobody can call us back.

    The Contact of such a call leads nowhere: a BYE or re-INVITE comes only from peers that use our own connection again.
    """
    heard = {each.transport for each in config.sip.listen}
    trunks = config.trunks.values()
    return [each for each in trunks if each.host is not None and each.transport not in (None, *heard)]


def client_certificates(config: Config) -> dict[str, KeyPair]:
    """Return what is shown to a trunk's host and proxy when we connect to them by TLS, where it has its own."""
    return {
        host.strip("[]").lower(): trunk.tls
        for trunk in config.trunks.values()
        for host in (trunk.host, trunk.proxy[0] if trunk.proxy is not None else None)
        if trunk.tls is not None and host is not None
    }


def line_key(folder: Path) -> bytes:
    """Return the key of this data folder, made (mode 0600) if there is none."""
    path = folder / KEY_FILE
    try:
        found = path.read_bytes()
        if len(found) >= 16:
            return found
        path.unlink()
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(32)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(key)
    return key


def _line(key: bytes, trunk: Trunk) -> str:
    text = f"{trunk.name} {trunk.host} {trunk.register.user if trunk.register else ''}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:20]


def _holds_anybody(network: Network, trunk: Trunk) -> bool:
    """Say whether an address of a network says nothing of who is there: it is the internet, and the password decides."""
    return trunk.auth and network.prefixlen < PRIVATE_PREFIX


def _uri(trunk: Trunk) -> str:
    port = "" if trunk.port is None else f":{trunk.port}"
    transport = f";transport={trunk.transport}" if trunk.transport else ""
    return f"sip:{trunk.host}{port}{transport}"


def _address_of_record(trunk: Trunk) -> str | None:
    """Return whom a registered trunk is: a name with no more in it than needed, since registrars compare it."""
    if trunk.register is None:
        return None
    port = "" if trunk.port in (None, 5060) else f":{trunk.port}"
    return f"sip:{trunk.register.user}@{trunk.host}{port}"


def _routes(trunk: Trunk) -> tuple[str, ...]:
    proxy = proxy_uri(trunk)
    return () if proxy is None else (f"<{proxy}>",)


def _credentials(trunk: Trunk) -> Credentials | None:
    if trunk.register is not None:
        return Credentials(trunk.register.auth_user or trunk.register.user, trunk.register.password)
    return None if trunk.login is None else Credentials(trunk.login.user, trunk.login.password)


def _account(trunk: Trunk, line: str) -> Account:
    assert trunk.register is not None
    return Account(
        _address_of_record(trunk) or "",
        _uri(trunk),
        Credentials(trunk.register.auth_user or trunk.register.user, trunk.register.password),
        line,
        trunk.register.expires_seconds,
        _routes(trunk),
    )
