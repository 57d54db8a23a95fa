"""DNS for SIP: NAPTR, SRV, A and AAAA with dnspython on the running loop, cached by TTL; the hosts file comes first."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from voicebot.runtime.net.locating import Naptr, Srv
from voicebot.sip import SipError
from voicebot.sip.address import literal

ANSWER_WITHIN = 2.5  # seconds for one question, all servers and repetitions together
HOSTS = Path("/etc/hosts")
_HOSTS_FOR = 5.0  # seconds that the hosts file is believed unread
_MIN_TTL, _MAX_TTL = 1.0, 3600.0
_NOTHING_FOR = (
    30.0  # seconds that the absence of a record is believed (RFC 2308 allows up to the zone's minimum)
)
_KEPT = 2_048

_Found = tuple[Any, ...]


class Resolver:
    """`locating.Lookup`. `nameservers`: IP addresses instead of those of /etc/resolv.conf."""

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        *,
        port: int = 53,
        hosts: Path = HOSTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nameservers = list(nameservers)
        self._port = port
        self._hosts_file = hosts
        self._clock = clock
        self._asking: dns.asyncresolver.Resolver | None = None
        self._cache: OrderedDict[tuple[str, str], tuple[float, _Found]] = OrderedDict()
        self._names: dict[str, list[str]] = {}
        self._names_until = 0.0

    async def naptr(self, name: str) -> Sequence[Naptr]:
        return [
            Naptr(
                each.order, each.preference, _text(each.flags), _text(each.service), _name(each.replacement)
            )
            for each in await self._ask(name, "NAPTR")
        ]

    async def srv(self, name: str) -> Sequence[Srv]:
        return [
            Srv(each.priority, each.weight, each.port, _name(each.target))
            for each in await self._ask(name, "SRV")
        ]

    async def hosts(self, name: str) -> Sequence[str]:
        """See `Lookup.hosts`: IPv4 first."""
        if literal(name) is not None:
            return [name]
        written = self._written(name)
        if written:
            return written
        found = [each.address for each in await self._ask(name, "A")]
        return found + [each.address for each in await self._ask(name, "AAAA")]

    async def _ask(self, name: str, kind: str) -> _Found:
        key = (name.lower().rstrip("."), kind)
        known = self._cache.get(key)
        now = self._clock()
        if known is not None and known[0] > now:
            return known[1]
        seconds, found = await self._query(name, kind)
        self._cache[key] = (now + seconds, found)
        self._cache.move_to_end(key)
        if len(self._cache) > _KEPT:
            self._cache.popitem(last=False)
        return found

    async def _query(self, name: str, kind: str) -> tuple[float, _Found]:
        """Return (seconds for which it may be believed, records)."""
        try:
            answer = await self._resolver().resolve(name, kind, lifetime=ANSWER_WITHIN)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return _NOTHING_FOR, ()
        except (
            dns.exception.Timeout,
            dns.resolver.NoNameservers,
            dns.resolver.NoResolverConfiguration,
        ) as error:
            raise SipError(480, f"no DNS server answers for {name} ({type(error).__name__})") from error
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise SipError(404, f"{name} does not resolve ({type(error).__name__})") from error
        ttl = answer.rrset.ttl if answer.rrset is not None else 0
        return min(max(float(ttl), _MIN_TTL), _MAX_TTL), tuple(answer)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._asking is None:
            self._asking = dns.asyncresolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                self._asking.nameservers = self._nameservers
                self._asking.port = self._port
        return self._asking

    def _written(self, name: str) -> list[str]:
        """Return what the hosts file has for the name, IPv4 first."""
        now = self._clock()
        if now >= self._names_until:
            self._names, self._names_until = _read_hosts(self._hosts_file), now + _HOSTS_FOR
        return sorted(self._names.get(name.lower().rstrip("."), []), key=lambda each: ":" in each)


def _read_hosts(path: Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return names
    for line in lines:
        address, *aliases = line.partition("#")[0].split() or [""]
        if literal(address) is not None:
            for alias in aliases:
                names.setdefault(alias.lower(), []).append(address)
    return names


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")


def _name(value: dns.name.Name) -> str:
    return value.to_text(omit_final_dot=True)
