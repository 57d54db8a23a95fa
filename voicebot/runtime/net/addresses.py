"""Which of our addresses a peer is to use: in Via, Contact and SDP."""

import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache

from voicebot.sip import Address
from voicebot.sip.address import DEFAULT_PORT

_CACHED = 4_096
ROUTE_LIFETIME = (
    10.0  # seconds; asking the kernel costs some 20 us, and interfaces change while a server runs
)
_INSIDE: Sequence[
    ipaddress.IPv4Network | ipaddress.IPv6Network
] = [  # loopback, RFC 1918, link-local; of IPv4, which alone is learned
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
]
WILDCARDS = frozenset({"0.0.0.0", "::"})


class LocalAddresses:
    """Knows what is bound and what routes where.

    A socket bound to one address is reached there, but for peers beyond a NAT that this one is behind. One bound to all
    is reached at `public_address` if that is configured, by peers of the internet at the address that was `learned`, else
    at the address from which the kernel would send to the peer. Audio goes to the same places.
    `local_networks` are on our side of the NAT: peers there are told neither of the two.
    """

    def __init__(
        self,
        public_address: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        local_networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = (),
    ) -> None:
        self._public = public_address
        self._is_local = lru_cache(_CACHED)(lambda host: _is_in(host, local_networks))
        self.learned: str | None = None  # from a STUN server
        self._bound: list[Address] = []
        self._clock = clock
        self._routes: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def bound(self, address: Address) -> None:
        """Take note of a socket that was bound; the port is the real one."""
        self._bound.append(address)

    def contact(self, peer: Address, local: Address | None) -> Address:
        """Return our signalling address for `peer`; `local` is the socket that it reached, if any."""
        ours = local if local is not None and local.transport == peer.transport else self.choose(peer)
        if ours is None:
            return Address(peer.transport, self.host_for(peer.host), DEFAULT_PORT[peer.transport])
        if ours.host in WILDCARDS:
            host = self.host_for(peer.host)
        elif _is_inside(ours.host) and not _is_inside(peer.host):
            host = self._outer_for(peer.host) or ours.host
        else:
            host = ours.host
        return Address(ours.transport, host, ours.port)

    def choose(self, peer: Address) -> Address | None:
        """Return the bound address to send to `peer` from, if any fits."""
        version6 = ":" in peer.host
        fitting = [
            address
            for address in self._bound
            if address.transport == peer.transport and (":" in address.host) == version6
        ]
        if len(fitting) > 1:
            route = self._route(peer.host)
            fitting.sort(key=lambda address: (address.host != route, address.host not in WILDCARDS))
        return fitting[0] if fitting else None

    def host_for(self, peer_host: str) -> str:
        """Return the IP address at which `peer_host` can reach us: for SDP, and for a socket that is bound to all."""
        return self._outer_for(peer_host) or self.socket_host(peer_host)

    def _outer_for(self, peer_host: str) -> str | None:
        """Return the outer address of our NAT, None for a peer on this side of it, or if none is known."""
        if _is_loopback(peer_host) or self._is_local(peer_host):
            return None
        if self._public is not None and _same_version(self._public, peer_host):
            return self._public
        if self.learned is not None and _same_version(self.learned, peer_host) and not _is_inside(peer_host):
            return self.learned
        return None

    def socket_host(self, peer_host: str) -> str:
        """Return the IP address of this machine that audio for `peer_host` is to leave from.

        Where only certain addresses are listened on, it is one of them: a peer, and a firewall, expect audio from no other.
        """
        route = self._route(peer_host)
        hosts = [
            address.host
            for address in self._bound
            if _same_version(address.host, peer_host)
            and (address.host in WILDCARDS or _is_loopback(address.host) == _is_loopback(peer_host))
        ]
        return route if not hosts or route in hosts or WILDCARDS.intersection(hosts) else hosts[0]

    def _route(self, host: str) -> str:
        now = self._clock()
        known, until = self._routes.get(host, ("", now))
        if until <= now:
            known = _probe(host)
            self._routes[host] = (known, now + ROUTE_LIFETIME)
            if len(self._routes) > _CACHED:
                self._routes.popitem(last=False)
        return known


def _same_version(one: str, other: str) -> bool:
    return (":" in one) == (":" in other)


@lru_cache(_CACHED)
def _is_inside(host: str) -> bool:
    """Is that on our side of a NAT?"""
    return _is_in(host, _INSIDE)


def _is_in(host: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in networks)


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host == "::1"


def _probe(host: str) -> str:
    """Ask the kernel for the source address of a datagram to `host`; nothing is sent."""
    family, nowhere = (socket.AF_INET6, "::1") if ":" in host else (socket.AF_INET, "127.0.0.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))
            found: str = probe.getsockname()[0]
            return found
    except OSError:
        return nowhere
