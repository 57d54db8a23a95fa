"""Transport addresses: where a message came from and where it goes."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from voicebot.sip.errors import SipError

_LONGEST = 64  # characters of an IP address, with its zone
DEFAULT_PORT = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Address(NamedTuple):
    """A transport (udp, tcp, tls), a host (IPv6 without brackets) and a port. Written `udp:192.0.2.1:5060`."""

    transport: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse `udp:HOST:PORT`, `HOST:PORT` or `HOST`; IPv6 in brackets. Raises SipError."""
        transport, _, rest = text.strip().partition(":")
        if transport.lower() not in DEFAULT_PORT:
            transport, rest = "udp", text.strip()
        transport = transport.lower()
        if rest.startswith("["):
            host, _, port = rest[1:].partition("]")
            port = port.removeprefix(":")
        else:
            host, _, port = rest.partition(":")
        if not host or (port and not (port.isascii() and port.isdigit() and int(port) < 65536)):
            raise SipError(400, f"`{text}` is not an address: write udp:HOST:PORT")
        return cls(transport, host, int(port) if port else DEFAULT_PORT[transport])

    @property
    def host_port(self) -> str:
        """Host and port as a URI or a Via writes them."""
        return f"{bracketed(self.host)}:{self.port}"

    def __str__(self) -> str:
        return f"{self.transport}:{self.host_port}"


class Datagram(NamedTuple):
    """Bytes to send. `local` is the address of ours that the peer knows (None: any will do)."""

    data: bytes
    destination: Address
    local: Address | None = None


def bracketed(host: str) -> str:
    """Return `host` as URIs, Vias and Contacts write it: IPv6 literals in brackets."""
    return f"[{host}]" if ":" in host else host


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that `host` spells, or None for a name."""
    return _literal(host) if len(host) <= _LONGEST else None


def site(host: str) -> str:
    """Return what one customer gets of the internet: an IPv4 address, or the IPv6 network of 64 bits."""
    return host if ":" not in host else _network(host)


@lru_cache(4096)
def _network(host: str) -> str:
    try:
        return str(ipaddress.IPv6Network((host.partition("%")[0], 64), strict=False))
    except ValueError:
        return host


@lru_cache(4096)
def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
