"""The phone's connections over TCP and TLS: opened before a call, then used both ways (RFC 3261 section 18)."""

import asyncio
import ssl
from collections.abc import Callable

from voicebot.phone.errors import PhoneError
from voicebot.sip.address import Address
from voicebot.sip.framing import KeepAlive, StreamFramer

CONNECT_WITHIN = 4.0  # seconds, TLS included


class CertificateRefused(PhoneError):
    """The server's certificate is not to be trusted."""


class Connection(asyncio.Protocol):
    """One connection. `on_message` gets each message with the peer's address, `on_lost` hears of the end."""

    def __init__(
        self,
        peer: Address,
        on_message: Callable[[bytes, Address], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self.peer = peer
        self.local: Address | None = None
        self._on_message = on_message
        self._on_lost = on_lost
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port, *_ = transport.get_extra_info("sockname")
        self.local = Address(self.peer.transport, host, port)

    def data_received(self, data: bytes) -> None:
        for item in self._framer.feed(data):
            if item is KeepAlive.PING:
                self.send(KeepAlive.PONG.value)
            elif isinstance(item, bytes):
                self._on_message(item, self.peer)
        if self._framer.broken:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._on_lost(self)

    def send(self, data: bytes) -> bool:
        """Return False when the connection is gone."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def connect(
    peer: Address,
    own_host: str,
    on_message: Callable[[bytes, Address], None],
    on_lost: Callable[[Connection], None] = lambda _connection: None,
    *,
    tls: ssl.SSLContext | None = None,
    name: str = "",
) -> Connection:
    """Open a connection to `peer` from `own_host`; `tls` and the host's `name` are needed where it is "tls".

    Raises CertificateRefused, or PhoneError for any other reason that there is no connection.
    """
    loop = asyncio.get_running_loop()
    secure = peer.transport == "tls"
    context = (tls or ssl.create_default_context()) if secure else None
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            _, connection = await loop.create_connection(
                lambda: Connection(peer, on_message, on_lost),
                peer.host,
                peer.port,
                ssl=context,
                server_hostname=(name or peer.host) if secure else None,
                local_addr=(own_host, 0),
            )
    except ssl.SSLCertVerificationError as error:
        raise CertificateRefused(f"the certificate of {peer}: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise PhoneError(f"{peer} does not speak TLS with us: {error.reason or error}") from error
    except TimeoutError as error:
        raise PhoneError(f"{peer} does not answer within {CONNECT_WITHIN:g} s") from error
    except OSError as error:
        raise PhoneError(f"{peer} cannot be connected to: {error.strerror or error}") from error
    return connection
