"""One TCP or TLS connection that SIP messages travel on, with what bounds it: memory, and time."""

import socket
from typing import Any, Protocol

from twisted.internet.interfaces import IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from voicebot.sip.address import Address
from voicebot.sip.framing import KeepAlive, StreamFramer

# Bytes that wait for a peer that does not read, beyond the 64 kB of Twisted and what the kernel holds.
MAX_UNSENT = 256 * 1024
# Seconds: until a connection of ours stands, TLS included, from a message's first byte to its last, until the first message, until what we sent is read, of silence.
CONNECT_WITHIN = 6.0
MESSAGE_WITHIN = 10.0
FIRST_MESSAGE_WITHIN = 30.0
READ_WITHIN = 20.0
IDLE = 300.0
# Requests that the peer has not said a word since they were sent: how many are remembered, and for how many seconds.
MAX_UNHEARD = 32
UNHEARD_FOR = 32.0
# RFC 5626 section 4.4.1: at most this long between keep-alives over a connection that is in use.
KEEP_ALIVE_EVERY = 110.0
# The same section: who does not answer one within so long is gone. Many never answer, so only who once has is held to it.
PONG_WITHIN = 10.0
NO_PONG = "no_pong"


_UNANSWERED = (b"SIP/2.0 ", b"ACK ")


class Owner(Protocol):
    """The table of connections."""

    def now(self) -> float: ...

    def message_received(self, connection: "SipConnection", data: bytes) -> None: ...

    def connection_ready(self, connection: "SipConnection") -> str:
        """Return why it must not be used after all; "" if it may."""

    def stream_broken(self, connection: "SipConnection", why: str) -> None:
        """Nothing more can be understood: close it, once what was received is answered."""

    def connection_closed(self, connection: "SipConnection", why: str) -> None: ...


@implementer(IHandshakeListener, IPushProducer)
class SipConnection(TwistedProtocol):
    """`peer` is what the connection is found by. `local`: the address of ours that accepted it; None: we opened it.

    `name`: the host whose certificate the peer must have. `unsent`: what waits for the connection to be made.
    """

    def __init__(self, owner: Owner, peer: Address, local: Address | None, name: str = "") -> None:
        self.peer = peer
        self.local = local
        self.name = name
        self.unsent: list[bytes] = []
        self.ready = False
        self.closed = False
        self.connector: Any = None
        self.source_host = ""
        self.spoke = False  # the peer has sent a message
        self._unheard: list[bytes] = []
        self._pongs = False
        self._pinged_at: float | None = None  # a ping has had no answer since then
        self._owner = owner
        self._transport: Any = None
        self._framer = StreamFramer()
        self._opened_at = self._used_at = self._active_at = owner.now()
        self._partial_since: float | None = None
        self._paused_since: float | None = None
        self._paused_bytes = 0
        self._why = ""

    # --- from the table

    def send(self, data: bytes) -> bool:
        """Send, now or when the connection is made; False when the peer takes no more."""
        if self.closed:
            return False
        if not self.ready:
            if sum(map(len, self.unsent)) + len(data) > MAX_UNSENT:
                return False
            self.unsent.append(data)
            return True
        if self._paused_since is not None:
            self._paused_bytes += len(data)
            if self._paused_bytes > MAX_UNSENT:
                self.abort("unread")
                return False
        self._active_at = self._used_at = self._owner.now()
        if not data.startswith(_UNANSWERED) and len(self._unheard) < MAX_UNHEARD:
            self._unheard.append(data)
        self._transport.write(data)
        return True

    def unheard(self, now: float) -> list[bytes]:
        """Return the requests that the peer, which has closed the connection, may never have read."""
        return self._unheard if now - self._used_at < UNHEARD_FOR else []

    def close(self, why: str) -> None:
        """Send what was written, then close."""
        self._end(why)
        if self._transport is not None:
            self._transport.unregisterProducer()
            self._transport.loseConnection()
        elif self.connector is not None:
            self.connector.disconnect()

    def abort(self, why: str) -> None:
        """Close at once; what was not read is lost."""
        self._end(why)
        if self._transport is not None:
            self._transport.abortConnection()
        elif self.connector is not None:
            self.connector.disconnect()

    def overdue(self, now: float) -> str:
        """Return the rule that the peer has broken, if any."""
        if self._partial_since is not None and now - self._partial_since > MESSAGE_WITHIN:
            return "slow"
        if self._paused_since is not None and now - self._paused_since > READ_WITHIN:
            return "unread"
        if self.local is not None and not self.spoke and now - self._opened_at > FIRST_MESSAGE_WITHIN:
            return "silent"
        if self.local is None and not self.ready and now - self._opened_at > CONNECT_WITHIN:
            return "no connection in time"
        if self._pongs and self._pinged_at is not None and now - self._pinged_at > PONG_WITHIN:
            return NO_PONG
        return ""

    def idle(self, now: float) -> bool:
        """Whether it has carried no message, and no keep-alive of a peer that opened it, for long."""
        return now - self._used_at > IDLE

    def keep_alive(self, now: float) -> None:
        """Send a ping (RFC 5626) if this connection, which we opened, has been quiet."""
        if self.ready and not self.closed and self.local is None and now - self._active_at > KEEP_ALIVE_EVERY:
            self._active_at = self._pinged_at = now
            self._transport.write(KeepAlive.PING.value)

    def failed(self, why: str) -> None:
        """The connection that we wanted cannot be made."""
        self._end(why)
        self._owner.connection_closed(self, self._why)

    # --- from Twisted

    def connectionMade(self) -> None:
        self._transport = self.transport
        self._transport.setTcpNoDelay(True)
        self._transport.setTcpKeepAlive(True)
        if hasattr(
            socket, "TCP_USER_TIMEOUT"
        ):  # Linux: a peer that is off is noticed before transactions time out
            within = round(READ_WITHIN * 1000)
            self._transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, within)
        self._transport.registerProducer(self, True)
        if self.closed:
            self._transport.abortConnection()
        elif self.peer.transport != "tls":
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        problem = self._owner.connection_ready(self)
        if problem:
            self.abort(problem)
            return
        self.ready = True
        unsent, self.unsent = self.unsent, []
        for data in unsent:
            self.send(data)

    def dataReceived(self, data: bytes) -> None:
        if self.closed:
            return
        now = self._active_at = self._owner.now()
        pinged, self._pinged_at = self._pinged_at is not None, None
        items = self._framer.feed(data)
        if pinged and items == [KeepAlive.PONG, KeepAlive.PING]:
            pinged = False  # it has not answered, but asked in its turn
        if self.local is not None or any(isinstance(item, bytes) for item in items):
            self._used_at = now
        for item in items:
            if self.closed:
                return
            if pinged and isinstance(
                item, KeepAlive
            ):  # the second pong in a row looks like the end of a ping
                pinged, self._pongs = False, True
            elif item is KeepAlive.PING:
                self.send(KeepAlive.PONG.value)
            elif isinstance(item, bytes):
                self.spoke = True
                self._unheard.clear()
                self._owner.message_received(self, item)
        if not self._framer.partial:
            self._partial_since = None
        elif self._partial_since is None or items:
            self._partial_since = now
        if self._framer.broken:
            self._owner.stream_broken(self, "garbage")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._end("" if self.spoke else reason.getErrorMessage())
        self._owner.connection_closed(self, self._why)

    def pauseProducing(self) -> None:
        if self._paused_since is None:  # Twisted says it again at every write
            self._paused_since = self._owner.now()
            self._paused_bytes = 0

    def resumeProducing(self) -> None:
        self._paused_since = None

    def stopProducing(self) -> None:
        """The connection is lost; `connectionLost` follows."""

    def _end(self, why: str) -> None:
        self.closed = True
        self._why = self._why or why
