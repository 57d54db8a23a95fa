"""The phone's SIP: our sans-IO endpoint on a UDP socket of the running asyncio loop, and on connections that it opens."""

import asyncio
import random
import socket
import ssl
from collections.abc import Callable

from voicebot import __version__
from voicebot.phone.errors import PhoneError
from voicebot.phone.streams import Connection, connect
from voicebot.sip import Address, Endpoint, Event, Limits, SipError, Uri
from voicebot.sip.address import DEFAULT_PORT, literal

_LARGEST_DATAGRAM = 65_535
_AT_ONCE = 32  # datagrams read before others have their turn


class Signalling:
    """One endpoint, its socket and its connections. Times are those of the loop, which is `time.monotonic`."""

    def __init__(
        self, host: str, port: int, on_event: Callable[[Event], None], *, ring: float = 180.0
    ) -> None:
        """Bind `host`:`port` (0: any free port). Raises PhoneError when that is not possible."""
        self._connections: dict[Address, Connection] = {}
        self._loop = asyncio.get_running_loop()
        self._socket = bound(host, port)
        local: tuple[str, int] = self._socket.getsockname()[:2]
        self.address = Address("udp", local[0], local[1])
        self.endpoint = Endpoint(
            rng=random.SystemRandom(),
            user_agent=f"voicebot-phone/{__version__}",
            contact=self._contact,
            limits=Limits(ring=ring),
        )
        self._on_event = on_event
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._loop.add_reader(self._socket, self._readable)

    @property
    def now(self) -> float:
        return self._loop.time()

    async def connect(self, peer: Address, tls: ssl.SSLContext | None = None, name: str = "") -> None:
        """Have a connection to `peer`; nothing to do for UDP. `name`: the host that `peer` was found by.

        Raises PhoneError, CertificateRefused.
        """
        if peer.transport != "udp" and peer not in self._connections:
            self._connections[peer] = await connect(
                peer, self.address.host, self._message, self._lost, tls=tls, name=name
            )

    def pump(self) -> None:
        """Send what is to be sent, hand out events, set the timer: call it after every method of the endpoint."""
        self._send()
        while (event := self.endpoint.next_event()) is not None:
            self._on_event(event)
            self._send()
        due = self.endpoint.next_timer()
        if due != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            self._timer = None if due is None else self._loop.call_at(due, self._timer_fired)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for connection in list(self._connections.values()):
            connection.close()

    def _contact(self, peer: Address, _local: Address | None) -> Address:
        """Return where a peer reaches us: over the connection that we opened to it."""
        connection = None if peer.transport == "udp" else self._connection(peer)
        return (connection.local if connection is not None else None) or self.address

    def _connection(self, peer: Address) -> Connection | None:
        """Return the connection to a peer, whatever port its Contact names: there is only the one that we opened."""
        return self._connections.get(peer) or next(
            (each for each in self._connections.values() if each.peer.host == peer.host), None
        )

    def _message(self, data: bytes, peer: Address) -> None:
        self.endpoint.receive(data, peer, self.now)
        self.pump()

    def _lost(self, connection: Connection) -> None:
        if self._connections.get(connection.peer) is connection:
            del self._connections[connection.peer]

    def _send(self) -> None:
        for datagram in self.endpoint.datagrams_to_send():
            if datagram.destination.transport != "udp":
                connection = self._connection(datagram.destination)
                if connection is None or not connection.send(datagram.data):
                    self.endpoint.transport_failed(datagram.data, self.now)
                continue
            try:
                self._socket.sendto(datagram.data, (datagram.destination.host, datagram.destination.port))
            except OSError:
                continue  # as if it was lost on the way: the transaction repeats it, and gives up in time

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, (host, port, *_) = self._socket.recvfrom(_LARGEST_DATAGRAM)
            except OSError:
                break
            self.endpoint.receive(data, Address("udp", host, port), self.now)
        self.pump()

    def _timer_fired(self) -> None:
        self._timer = self._timer_at = None
        self.endpoint.handle_timer(self.now)
        self.pump()


def bound(host: str, port: int) -> socket.socket:
    """Return a non-blocking UDP socket. Raises PhoneError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        what = f"port {port} of {host}" if port else host
        remedy = "choose another port" if port else "choose an address of this machine"
        raise PhoneError(f"{what} cannot be used: {error.strerror}; {remedy}") from error
    return sock


async def destination(uri: str) -> Address:
    """Return where a call to `uri` goes, by `;transport=` or UDP; names are looked up (A, AAAA). Raises PhoneError."""
    try:
        target = Uri.parse(uri)
    except SipError as error:
        raise PhoneError(f"`{uri}` is no SIP URI: write for example sip:700@127.0.0.1:5060") from error
    if target.scheme not in ("sip", "sips") or not target.host:
        raise PhoneError(f"`{uri}` is no SIP URI: write for example sip:700@127.0.0.1:5060")
    transport = "tls" if target.scheme == "sips" else (target.parameter("transport") or "udp").lower()
    if transport not in DEFAULT_PORT:
        raise PhoneError(f"`{uri}` asks for {transport}: this phone speaks udp, tcp and tls")
    port = target.port or DEFAULT_PORT[transport]
    if literal(target.host) is not None:
        return Address(transport, target.host, port)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise PhoneError(
            f"{target.host} is not known: {error.strerror or error}; write its IP address"
        ) from error
    return Address(transport, str(found[0][4][0]), port)


def local_host(peer: Address) -> str:
    """Return the address of this machine from which packets to `peer` leave. Raises PhoneError."""
    family = socket.AF_INET6 if ":" in peer.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((peer.host, peer.port))
        except OSError as error:
            raise PhoneError(f"{peer.host} cannot be reached: {error.strerror}") from error
        host: str = probe.getsockname()[0]
        return host
