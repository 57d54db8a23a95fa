"""SIP over TCP and TLS: the table of connections, how they are reused, and their limits (RFC 3261 section 18)."""

import asyncio
import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory, Factory
from twisted.python.failure import Failure

from voicebot.runtime.net.sip_connection import NO_PONG, SipConnection
from voicebot.runtime.net.tls import TlsContexts
from voicebot.sip import Address, Datagram, MessageError, Request, Response
from voicebot.sip.address import site
from voicebot.sip.message import parse
from voicebot.sip.transaction_layer import way_back

TCP_WITHIN = 4.0  # seconds until the peer's SYN-ACK
TEND_EVERY = 2.0
CLOSED_WITHIN = 2.0
# A peer that refused TCP gets large requests over UDP for so long.
REFUSAL_REMEMBERED = 600.0
_KEPT = 4_096
TOLD_EVERY = 60.0  # seconds between two lines in the log about a host's connections; the counters tell all
_RESPONSE = b"SIP/2.0 "
_OUR_REASONS = frozenset(
    {"garbage", "slow", "silent", "unread", "flood", "idle", "crowded", "shutdown", NO_PONG}
)

log = structlog.get_logger("sip")


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many connections there may be, in all and from one address that is not known."""

    connections: int = 2_000
    per_address: int = 200


class Shell(Protocol):
    """The endpoint's shell, as far as connections need it."""

    @property
    def admits(self) -> Callable[[str, float], bool]:
        """Asked by (host, now) for every message; False: it sends too many."""

    @property
    def knows(self) -> Callable[[str], bool]:
        """Say whether a host is that of a trunk or of phones: it finds room where strangers have taken all."""

    def now(self) -> float: ...

    def datagram_received(self, data: bytes, source: Address, local: Address | None) -> None: ...

    def awaits_answer(self, request: Request) -> bool:
        """Say whether a request of ours is still open, and wanted."""

    def transport_failed(self, data: bytes) -> None: ...

    def peers(self) -> Iterable[Address]:
        """Return the addresses whose connections are in use."""


class SipStreams:
    """`counters`: accepted, opened, refused_connections, unsendable, and closed_WHY."""

    def __init__(self, reactor: Any, shell: Shell, limits: StreamLimits, tls: TlsContexts | None) -> None:
        self.counters: Counter[str] = Counter()
        self.tls = tls
        self._reactor = reactor
        self._shell = shell
        self._limits = limits
        self._ports: list[Any] = []
        self._connections: set[SipConnection] = set()
        self._accepted: Counter[str] = Counter()  # by site
        self._by_peer: dict[Address, SipConnection] = {}
        self._names: OrderedDict[str, str] = OrderedDict()
        self._refusals: OrderedDict[Address, float] = OrderedDict()
        self._told: OrderedDict[str, float] = OrderedDict()
        self._tending: Any = None
        self._all_closed: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def listen(self, descriptor: int, family: int, local: Address) -> None:
        """Accept connections on a socket that is bound to `local` and listens."""
        factory: Any = _Acceptor(self, local)
        if local.transport == "tls":
            assert self.tls is not None
            factory = self.tls.accepting(factory, self._reactor)
        self._ports.append(self._reactor.adoptStreamPort(descriptor, family, factory))

    def know_name(self, host: str, name: str) -> None:
        """The peer at this IP address was found by that name: its certificate must be for it."""
        _remember(self._names, host, name)

    def refused_tcp(self, destination: Address) -> bool:
        """Return whether a connection to that host and port failed lately."""
        until = self._refusals.get(destination._replace(transport="tcp"))
        return until is not None and until > self._shell.now()

    def send(self, datagram: Datagram, source_host: str) -> None:
        """Send over the connection to the destination; make one if there is none, from `source_host` ("": any).

        A response goes over the connection that its request came on; if that is gone, to the Via (section 18.2.2).
        """
        destination = _plain(datagram.destination)
        connection = self._by_peer.get(destination)
        if connection is None and datagram.data.startswith(_RESPONSE):
            back = self._way_back(datagram.data, destination.transport)
            if back is None:
                self.counters["unsendable"] += 1
                return
            destination = _plain(back)
            connection = self._by_peer.get(destination)
        connection = connection or self._connect(destination, source_host)
        if connection is None or not connection.send(datagram.data):
            self._unsendable(datagram.data)

    async def close(self) -> None:
        """Close all in order: what was written is sent first."""
        if self._tending is not None and self._tending.active():
            self._tending.cancel()
        self.stop_listening()
        self._all_closed = asyncio.Event()
        for connection in list(self._connections):
            connection.close("shutdown")
        try:
            async with asyncio.timeout(CLOSED_WITHIN):
                if self._connections:
                    await self._all_closed.wait()
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort("shutdown")

    def stop_listening(self) -> None:
        ports, self._ports = self._ports, []
        for port in ports:
            port.stopListening()

    # --- making connections

    def accept(self, peer: Address, local: Address) -> SipConnection | None:
        """Return the protocol for a connection that a peer opens; None where there are too many."""
        known = self._shell.knows(peer.host)
        most = self._limits.connections if known else self._limits.per_address
        if self._accepted[site(peer.host)] >= most or not self._has_room(known):
            self.counters["refused_connections"] += 1
            return None
        connection = SipConnection(self, peer, local)
        self._accepted[site(peer.host)] += 1
        self.counters["accepted"] += 1
        self._add(connection)
        return connection

    def _connect(self, destination: Address, source_host: str) -> SipConnection | None:
        if self._all_closed is not None or (destination.transport == "tls" and not self.tls):
            return None
        if not self._has_room(True):
            return None
        name = self._names.get(destination.host, destination.host)
        connection = SipConnection(self, destination, None, name)
        connection.source_host = source_host
        factory: Any = _Connector(connection)
        if destination.transport == "tls" and self.tls is not None:
            factory = self.tls.connecting(factory, name, self._reactor)
        self.counters["opened"] += 1
        self._add(connection)
        connection.connector = self._reactor.connectTCP(
            destination.host,
            destination.port,
            factory,
            timeout=TCP_WITHIN,
            bindAddress=(source_host, 0) if source_host else None,
        )
        return connection

    def _has_room(self, known: bool) -> bool:
        """Say whether there may be one more; for who is known a stranger has to give way."""
        if len(self._connections) < self._limits.connections:
            return True
        strangers = (
            each
            for each in self._connections
            if each.local is not None and not each.closed and not self._shell.knows(each.peer.host)
        )
        stranger = next(strangers, None) if known else None
        if stranger is not None:
            stranger.abort("crowded")
        return stranger is not None

    def _add(self, connection: SipConnection) -> None:
        self._connections.add(connection)
        self._by_peer[connection.peer] = connection
        if self._tending is None or not self._tending.active():
            self._tending = self._reactor.callLater(TEND_EVERY, self._tend)

    # --- what connections tell

    def now(self) -> float:
        return self._shell.now()

    def message_received(self, connection: SipConnection, data: bytes) -> None:
        if self._shell.admits(connection.peer.host, self._shell.now()):
            self._shell.datagram_received(data, connection.peer, connection.local)
        else:  # in a stream nothing can be left out
            connection.abort("flood")

    def connection_ready(self, connection: SipConnection) -> str:
        if connection.local is not None or connection.peer.transport != "tls" or self.tls is None:
            return ""
        return self.tls.problem_with(connection.transport.getHandle(), connection.name)  # type: ignore[union-attr]

    def stream_broken(self, connection: SipConnection, why: str) -> None:
        # After the shell's turn, in which the last message is answered.
        self._reactor.callLater(0, connection.close, why)

    def connection_closed(self, connection: SipConnection, why: str) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        if self._by_peer.get(connection.peer) is connection:
            del self._by_peer[connection.peer]
        if connection.local is not None:
            name = site(connection.peer.host)
            self._accepted[name] -= 1
            if not self._accepted[name]:
                del self._accepted[name]
        if self._all_closed is not None and not self._connections:
            self._all_closed.set()
        if connection.ready or connection.local is not None:
            self.counters[f"closed_{_kind(why)}"] += 1
            if _kind(why) in ("by_peer", NO_PONG):
                self._gone(connection, why)
            if _kind(why) not in ("by_peer", "idle", "shutdown") and self._is_news(connection.peer.host):
                log.info("a SIP connection was closed", peer=str(connection.peer), why=why)
        else:
            self._not_connected(connection, why)

    def _gone(self, connection: SipConnection, why: str) -> None:
        """What went into a connection of ours that the peer, or a firewall, had let go of goes over another one.

        Else it fails (RFC 3261 section 18.4): who opened the connection is gone with it, and one over which nothing
        ever came would end as before; a peer of TLS 1.3 refuses our certificate so.
        """
        lost = connection.unheard(self._shell.now())
        if lost and not connection.spoke:
            log.warning(
                "a SIP connection was closed instead of an answer", peer=str(connection.peer), why=why
            )
        for data in lost:
            if connection.spoke and connection.local is None and self._is_wanted(data):
                self.send(Datagram(data, connection.peer), connection.source_host)
            else:
                self._unsendable(data)

    def _is_news(self, host: str) -> bool:
        """Say whether to tell of a host's connections again: who opens thousands must not fill the disk."""
        told, now = self._told.get(site(host)), self._shell.now()
        if told is not None and now - told < TOLD_EVERY:
            return False
        _remember(self._told, site(host), now)
        return True

    def _not_connected(self, connection: SipConnection, why: str) -> None:
        self.counters["not_connected"] += 1
        log.warning("no SIP connection", peer=str(connection.peer), why=why)
        _remember(self._refusals, connection.peer, self._shell.now() + REFUSAL_REMEMBERED)
        # A peer behind a NAT or firewall is reached over the connection that it opened, if over any. Not for responses:
        # theirs is gone, and the next may be somebody else's.
        other = next(
            (
                each
                for each in self._connections
                if each.ready
                and not each.closed
                and (each.peer.transport, each.peer.host) == (connection.peer.transport, connection.peer.host)
            ),
            None,
        )
        for data in connection.unsent:
            if other is None or data.startswith(_RESPONSE) or not other.send(data):
                self._unsendable(data)

    def _unsendable(self, data: bytes) -> None:
        self.counters["unsendable"] += 1
        if not data.startswith(_RESPONSE):
            self._shell.transport_failed(data)

    def _is_wanted(self, data: bytes) -> bool:
        """Whether a request still waits for its answer: a call that was given up must make no phone ring later."""
        try:
            request = parse(data)
        except MessageError:
            return False
        return isinstance(request, Request) and self._shell.awaits_answer(request)

    def _way_back(self, data: bytes, transport: str) -> Address | None:
        try:
            response = parse(data)
            return way_back(response, transport) if isinstance(response, Response) else None
        except MessageError:
            return None

    # --- time

    def _tend(self) -> None:
        """Close connections that break a rule or that nobody uses; keep the others alive."""
        now = self._shell.now()
        idle = []
        for connection in list(self._connections):
            broken = connection.overdue(now)
            if broken:
                connection.abort(broken)
            else:
                connection.keep_alive(now)
                if connection.idle(now):
                    idle.append(connection)
        used = {_plain(peer) for peer in self._shell.peers()} if idle else set()
        for connection in idle:
            if connection.peer not in used:
                connection.close("idle")
        if self._connections:
            self._tending = self._reactor.callLater(TEND_EVERY, self._tend)


class _Acceptor(Factory):
    noisy = False

    def __init__(self, streams: SipStreams, local: Address) -> None:
        self._streams = streams
        self._local = local

    def buildProtocol(self, addr: Any) -> SipConnection | None:
        """`addr` is an IPv4Address or IPv6Address of Twisted."""
        return self._streams.accept(Address(self._local.transport, addr.host, addr.port), self._local)


class _Connector(ClientFactory):
    noisy = False

    def __init__(self, connection: SipConnection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: IAddress | None) -> SipConnection:
        return self._connection

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self._connection.failed(reason.getErrorMessage())


def _plain(address: Address) -> Address:
    """Return the address with IPv6 as the kernel writes it."""
    if ":" not in address.host:
        return address
    try:
        return address._replace(host=str(ipaddress.ip_address(address.host)))
    except ValueError:
        return address


def _kind(why: str) -> str:
    return why if why in _OUR_REASONS else "by_peer"


def _remember(table: "OrderedDict[Any, Any]", key: Any, value: Any) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > _KEPT:
        table.popitem(last=False)
