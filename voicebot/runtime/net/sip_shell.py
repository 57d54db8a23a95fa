"""The shell of a `sip.Endpoint`: sockets, the clock and one timer, on the loop of Twisted's asyncio reactor."""

import asyncio
import contextlib
import errno
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from voicebot.runtime.net.addresses import WILDCARDS, LocalAddresses
from voicebot.runtime.net.datagrams import Datagrams
from voicebot.runtime.net.door import AT_A_TIME, Door, is_late
from voicebot.runtime.net.sip_streams import SipStreams, StreamLimits
from voicebot.runtime.net.tls import TlsContexts
from voicebot.sip import Address, Datagram, Endpoint, Event, Request
from voicebot.sip.address import literal

RECEIVE_BUFFER = 4 * 1024 * 1024
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; the socket module has no name for it
BACKLOG = 512
TIMERS_EVERY = 0.01  # seconds: what will be due sooner waits so long, and one look serves many
OnEvent = Callable[[Event], None]


class BindError(Exception):
    """A SIP socket cannot be opened; the text says what to do."""


class Reactor(Protocol):
    """What is needed of a Twisted reactor (IReactorSocket, IReactorTime, IReactorTCP), for streams."""

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Any: ...

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float, bindAddress: tuple[str, int] | None
    ) -> Any: ...

    def callLater(self, delay: float, callable: Callable[..., None], *args: Any) -> Any: ...


class SipShell:
    """Binds, feeds and flushes one endpoint.

    `loop` is the one that `reactor` runs on. `endpoint` must have been made with `addresses.contact`. `on_event` is called
    from the loop, never from within `flush`; it may call the endpoint, and what this sends leaves as soon as it returns.
    Whoever calls the endpoint at another time calls `flush()` afterwards. `now()` is the clock of all calls:
    time.monotonic, which is the loop's, too. Without `tls` no TLS connection is made or accepted.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reactor: Reactor,
        endpoint: Endpoint,
        addresses: LocalAddresses,
        on_event: OnEvent,
        *,
        limits: StreamLimits | None = None,
        tls: TlsContexts | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.streams = SipStreams(reactor, self, limits or StreamLimits(), tls)
        # Further addresses whose connections are to be kept: those of registered phones.
        self.kept: Callable[[], Iterable[Address]] = tuple
        self.counters: Counter[str] = Counter()
        self.door = Door()
        # Asked by (host, now) before anything of a datagram is read; False drops it.
        self.admits: Callable[[str, float], bool] = lambda _host, _now: True
        # Whether a host is a trunk's or that of phones.
        self.knows: Callable[[str], bool] = lambda _host: False
        self._loop = loop
        self._addresses = addresses
        self._on_event = on_event
        # The addresses that are listened on, with their real ports.
        self.bound: list[Address] = []
        self._ports: dict[Address, Datagrams] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._work: asyncio.Handle | None = None
        self._working = False
        self._stopped = False

    @staticmethod
    def now() -> float:
        return time.monotonic()

    def start(self, listen: Sequence[Address]) -> None:
        """Bind all; raises BindError, with nothing left open."""
        for address in listen:
            try:
                opened = _open(address)
            except OSError as error:
                self.stop()
                raise BindError(_advice(address, error)) from error
            bound = Address(address.transport, address.host, opened.getsockname()[1])
            if address.transport == "udp":
                self._ports[bound] = Datagrams(self._loop, opened, partial(self._arrived, bound))
            else:
                with opened:  # Twisted works on a duplicate of the descriptor
                    self.streams.listen(opened.fileno(), opened.family, bound)
            self.bound.append(bound)
            self._addresses.bound(bound)

    async def close(self) -> None:
        """Close in order: connections first, with what was written to them."""
        await self.streams.close()
        self.stop()

    def stop(self) -> None:
        """Close the UDP sockets and stop all work at once."""
        self._stopped = True
        for call in (self._timer, self._work):
            if call is not None:
                call.cancel()
        self.streams.stop_listening()
        ports, self._ports = self._ports, {}
        self.bound.clear()
        for port in ports.values():
            port.close()

    def _arrived(self, local: Address, data: bytes, source: tuple[Any, ...]) -> None:
        host = source[0]
        if self.admits(host, self.now()):
            self.datagram_received(data, Address("udp", host, source[1]), local)

    def datagram_received(self, data: bytes, source: Address, local: Address | None) -> None:
        now = self.now()
        if not self.door.takes(data, source, local, now):
            self.endpoint.receive(data, source, now, local)
        self._schedule_work()

    def awaits_answer(self, request: Request) -> bool:
        return self.endpoint.awaits_answer(request)

    def transport_failed(self, data: bytes) -> None:
        self.endpoint.transport_failed(data, self.now())
        self._schedule_work()

    def peers(self) -> Iterable[Address]:
        return {*self.endpoint.peers(), *self.kept()}

    def may_speak_tcp(self, destination: Address) -> bool:
        """Whether a request too large for UDP may go there over TCP: we speak it, and the peer did not refuse it."""
        return self._addresses.choose(
            destination._replace(transport="tcp")
        ) is not None and not self.streams.refused_tcp(destination)

    def flush(self) -> None:
        """Send what the endpoint wants to send, and set the timer anew. Events follow from the loop."""
        self._send_all()
        if not self._working:  # else the rest is done when the batch is
            self._set_timer()
            self._schedule_work()

    # --- once per batch: the loop hands over all datagrams that have arrived, then this runs

    def _schedule_work(self) -> None:
        if self._work is None and not self._working and not self._stopped:
            self._work = self._loop.call_soon(self._do_work)

    def _do_work(self) -> None:
        self._work = None
        self._working, done = True, False
        try:
            self._serve_events()
            self._open_door()
            done = True
        finally:
            self._working = False
            self._send_all()
            self._set_timer()
            # One event that its user fails on must not keep the others waiting; the loop logs the failure.
            if self.door or not done:
                self._schedule_work()

    def _serve_events(self) -> None:
        while not self._stopped and (event := self.endpoint.next_event()) is not None:
            self._on_event(event)

    def _open_door(self) -> None:
        """Serve new calls, those that have waited for too long with a refusal; who is left waits for the next batch."""
        start = now = self.now()
        while not self._stopped and now - start < AT_A_TIME and (knock := self.door.next()) is not None:
            self.endpoint.receive(knock.data, knock.source, now, knock.local, late=is_late(knock, now))
            self._serve_events()
            now = self.now()

    def _send_all(self) -> None:
        for datagram in self.endpoint.datagrams_to_send():
            self._send(datagram)

    def _send(self, datagram: Datagram) -> None:
        destination = datagram.destination
        if destination.transport != "udp":
            source = self._addresses.choose(destination)
            host = "" if source is None or source.host in WILDCARDS else source.host
            self.streams.send(datagram, host)
            return
        local = datagram.local if datagram.local in self._ports else self._addresses.choose(destination)
        port = None if local is None else self._ports.get(local)
        if port is None or literal(destination.host) is None:
            self.counters["unsendable"] += 1
            return
        try:
            port.send(datagram.data, (destination.host, destination.port))
        except (OSError, ValueError, OverflowError):
            # No route, too long, no room: to the protocol a loss like any other, its timers decide.
            self.counters["unsendable"] += 1

    # --- the timer

    def _set_timer(self) -> None:
        due = self.endpoint.next_timer()
        if due is None or self._stopped:
            return
        if self._timer is not None and self._timer_at <= due:
            return  # an early wake-up is harmless, a new timer for every message is not
        now = self.now()
        at = max(due, now + TIMERS_EVERY) if due > now else due
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self.endpoint.handle_timer(self.now())
        if self._work is not None:
            self._work.cancel()
        self._do_work()


def _open(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    datagrams = address.transport == "udp"
    opened = socket.socket(family, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        if datagrams:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            with contextlib.suppress(OSError):  # beyond the system's limit, for who may
                opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address.host, address.port))
        if not datagrams:
            opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def _advice(address: Address, error: OSError) -> str:
    number = error.errno
    if number == errno.EADDRINUSE:
        return f"{address} is taken by another program: stop it, or listen elsewhere (--listen {address.transport}:HOST:PORT)"
    if number == errno.EADDRNOTAVAIL:
        return f"{address.host} is no address of this machine: listen on one that is, or on 0.0.0.0"
    if number == errno.EACCES:
        return f"port {address.port} needs root: listen on a port above 1023 (--listen {address.transport}:HOST:PORT)"
    return f"cannot listen on {address}: {error.strerror or error}; choose another (--listen {address.transport}:HOST:PORT)"
