"""Where a SIP URI leads: transport, addresses and their order (RFC 3263 section 4)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voicebot.sip import Address, SipError, Uri
from voicebot.sip.address import DEFAULT_PORT, literal

# NAPTR services (RFC 3263 section 4.1, table of section 8), and the labels of SRV.
_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
MAX_ADDRESSES = 8  # tried for one request


@dataclass(frozen=True, slots=True)
class Naptr:
    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    priority: int
    weight: int
    port: int
    target: str


class Lookup(Protocol):
    """DNS. Nothing found is an empty list; a server that does not answer raises SipError (480)."""

    async def naptr(self, name: str) -> Sequence[Naptr]: ...

    async def srv(self, name: str) -> Sequence[Srv]: ...

    async def hosts(self, name: str) -> Sequence[str]:
        """Return the IP addresses of a name, in the order of preference."""


async def locate(uri: Uri, lookup: Lookup, rng: random.Random) -> tuple[Address, ...]:
    """Return where requests for a sip: or sips: URI go: first choice first, each of the others when it fails.

    A literal address asks no DNS; a port asks for no SRV. Raises SipError: 404 for a name that nobody has, 480 for a
    transport that we do not speak or a DNS that does not answer.
    """
    secure = uri.scheme == "sips"
    wanted = "tls" if secure else (uri.parameter("transport") or "").lower()
    if uri.scheme not in ("sip", "sips") or (wanted and wanted not in DEFAULT_PORT):
        raise SipError(480, "only sip: and sips: over UDP, TCP and TLS can be called")
    if literal(uri.host) is not None:
        return (_address(wanted or "udp", uri.host, uri.port),)
    if uri.port is not None:
        found = [_address(wanted or "udp", host, uri.port) for host in await lookup.hosts(uri.host)]
    else:
        found = await _by_service(uri.host, wanted, lookup, rng)
    if not found:
        raise SipError(404, f"{uri.host} does not resolve: no such name, or it has no address")
    return tuple(dict.fromkeys(found))[:MAX_ADDRESSES]


async def _by_service(host: str, wanted: str, lookup: Lookup, rng: random.Random) -> list[Address]:
    """Sections 4.1 and 4.2: NAPTR names the transport unless the URI does, then SRV, then the name's addresses."""
    services: list[tuple[str, str]] = []
    if not wanted:
        for way in sorted(await lookup.naptr(host), key=lambda each: (each.order, each.preference)):
            transport = _SERVICES.get(way.service.upper(), "")
            if transport and way.flags.lower() == "s":
                services.append((transport, way.replacement))
    if not services:
        transports = (wanted,) if wanted else tuple(_SRV)
        services = [(transport, f"{_SRV[transport]}.{host}") for transport in transports]
    found: list[Address] = []
    for transport, name in services:
        for record in by_weight(await lookup.srv(name), rng):
            if record.target not in ("", "."):  # RFC 2782: the service is decidedly not there
                found += [
                    _address(transport, each, record.port) for each in await lookup.hosts(record.target)
                ]
        if len(found) >= MAX_ADDRESSES:
            break
    if found:
        return found
    return [_address(wanted or "udp", each, None) for each in await lookup.hosts(host)]


def by_weight(records: Sequence[Srv], rng: random.Random) -> list[Srv]:
    """Return SRV records in the order in which they are tried (RFC 2782): by priority, then drawn by weight."""
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        left = sorted((each for each in records if each.priority == priority), key=lambda each: each.weight)
        while left:
            point = rng.randint(0, sum(each.weight for each in left))
            for record in left:
                point -= record.weight
                if point <= 0:
                    break
            left.remove(record)
            ordered.append(record)
    return ordered


def _address(transport: str, host: str, port: int | None) -> Address:
    return Address(transport, host, DEFAULT_PORT[transport] if port is None else port)
