"""Who is listened to at all: strangers get little, scanners nothing, and guessing a password takes for ever.

An address is banned only by what cannot be done in its name: a datagram's source is easily forged, so that one from a
"scanner" would shut out whom it pretends to be. A connection proves an address, and so does the answer to a challenge
that went there. A scanner's datagrams have no answer; other requests from its address get the trickle that all
strangers get, without the burst.

Looked at are requests that begin something: calls in progress go on whatever their address does otherwise. The clock is
the `now` of the endpoint. A host is an IPv4 address or an IPv6 network of 64 bits, which is what one customer gets.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeVar

from voicebot.sip.address import Address, site
from voicebot.sip.digest import parse_parameters
from voicebot.sip.errors import MessageError, SipError
from voicebot.sip.message import Request
from voicebot.sip.token_bucket import TokenBucket

STRANGERS_PER_SECOND = 100.0  # that get an answer, from wherever they come: their addresses may be forged
MOST_HOSTS = 20_000  # that are remembered; the one not seen for longest gives way
SHOWN_FOR = 3600.0  # seconds for which an address is known by a password that came from it
_K = TypeVar("_K")
# What the tools for scanning call themselves. Whoever renames them is a stranger like any other.
_SCANNER = re.compile(
    r"friendly-scanner|friendly-request|sipvicious|sundayddr|sip-scan|sipcli|iwar|vaxsipuseragent|"
    r"\bscanner\b|\bsvmap\b|\bsvwar\b|\bsvcrack\b|pplsip|smap\b",
    re.IGNORECASE,
)
# What also watches over servers: a scanner only where nobody knows it.
_WATCHER = re.compile(r"sipsak", re.IGNORECASE)


class Admission(Enum):
    """What becomes of a request."""

    PASS = "pass"
    DROP = "drop"  # no answer: there is nothing here
    BUSY = "busy"  # 503: a peer that we know, faster than agreed


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Rates are per host; `ban_seconds` is how long nothing of a host, or of a user at it, is listened to."""

    strangers_per_minute: float = 10.0
    registers_per_second: float = 50.0
    wrong_passwords_per_minute: float = 20.0
    ban_seconds: float = 600.0


class Known(NamedTuple):
    """What is agreed with a peer: new calls a second, None for any number.

    `by_password`: it may be at any address, so that one from which no password has come is a stranger's.
    """

    calls_per_second: float | None = None
    by_password: bool = False


class Guard:
    """One for all addresses.

    `known(request, source)` says what is agreed with its sender, None for a stranger; pure. `on_ban(host, user)` hears of
    each ban: of a stranger's host (user ""), or of a user at a host that is known. Behind that one there may be a PBX or
    five hundred phones: one of them with a wrong password, or somebody who forges its address, costs the others nothing.
    """

    def __init__(
        self,
        known: Callable[[Request, Address], Known | None],
        rules: GuardRules | None = None,
        on_ban: Callable[[str, str], None] = lambda host, user: None,
    ) -> None:
        self.counters: Counter[str] = Counter()  # scanner, banned, stranger, busy, register, bans
        self._known = known
        self._rules = rules or GuardRules()
        self._on_ban = on_ban
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self._banned: OrderedDict[str, float] = OrderedDict()  # until when
        self._banned_users: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._shown: OrderedDict[str, float] = (
            OrderedDict()
        )  # where a password came from: until when it counts

    def admit(self, request: Request, source: Address, now: float) -> Admission:
        """Judge a request without a To tag."""
        rules, name = self._rules, site(source.host)
        known = self._known(request, source)
        asked = known is not None and known.by_password and not self.has_shown_password(source.host, now)
        if asked:
            known = None
        if _is_scanner(request, stranger=known is None):
            if known is None and source.transport == "udp":
                self._slow_down(name, now)
            elif known is None:
                self._ban(name, now)
            return self._refuse("scanner")
        if known is None:
            if self.is_banned(source.host, now):
                return self._refuse("banned")
            if not asked and request.method not in ("INVITE", "REGISTER"):
                return self._refuse("stranger")
            if not self._answers_stranger(request, name, now):
                return self._refuse("stranger")
        elif self._banned_users and self._is_banned_user(request, name, now):
            return self._refuse("banned")
        elif (
            request.method == "INVITE"
            and known.calls_per_second is not None
            and not self._take("call", name, known.calls_per_second, 1.0, now)
        ):
            self.counters["busy"] += 1
            return Admission.BUSY
        if request.method == "REGISTER" and not self._take(
            "register", name, rules.registers_per_second, 1.0, now
        ):
            return self._refuse("register")
        return Admission.PASS

    def may_answer_nonsense(self, request: Request, source: Address, now: float) -> bool:
        """Say whether a request that cannot be used, or belongs to no call, gets the error that it deserves."""
        try:
            known = self._is_known(request, source, now)
        except SipError:
            known = False  # not even whom it wants can be read
        if _is_scanner(request, stranger=not known):
            return False
        if known:
            return True
        return not self.is_banned(source.host, now) and self._take(
            "stranger", site(source.host), self._rules.strangers_per_minute, 1 / 60, now
        )

    def wrong_password(self, request: Request, source: Address, user: str, now: float) -> None:
        """A challenge that `source` has received was answered with a wrong password."""
        name, rate = site(source.host), self._rules.wrong_passwords_per_minute
        if not self._is_known(request, source, now):
            if not self._take("password", name, rate, 1 / 60, now):
                self._ban(name, now)
        elif not self._take(f"password {user}", name, rate, 1 / 60, now):
            self._ban_user(name, user, now)

    def right_password(self, source: Address, now: float) -> None:
        """A challenge that `source` has received was answered rightly."""
        name = site(source.host)
        self._shown[name] = now + SHOWN_FOR
        self._shown.move_to_end(name)
        if len(self._shown) > MOST_HOSTS:
            self._shown.popitem(last=False)

    def has_shown_password(self, host: str, now: float) -> bool:
        """Say whether a right password has come from there of late."""
        return _holds(self._shown, site(host), now)

    def _is_known(self, request: Request, source: Address, now: float) -> bool:
        known = self._known(request, source)
        return known is not None and (not known.by_password or self.has_shown_password(source.host, now))

    def is_banned(self, host: str, now: float) -> bool:
        return _holds(self._banned, site(host), now)

    def _answers_stranger(self, request: Request, name: str, now: float) -> bool:
        """Who wants to call, or to register, may have been forgotten in the configuration: it is told so, a few times.

        Answers to a challenge have tries of their own: of many phones that come at once from an address one gets in,
        and then the address is known. All strangers together get no more than transactions can be spared for.
        """
        kind = "stranger with password" if request.has("authorization") else "stranger"
        return self._take(kind, name, self._rules.strangers_per_minute, 1 / 60, now) and self._take(
            "strangers", "", STRANGERS_PER_SECOND, 1.0, now
        )

    def _is_banned_user(self, request: Request, name: str, now: float) -> bool:
        try:
            users = [parse_parameters(value).get("username", "") for value in request.raw("authorization")]
        except MessageError:
            return False
        return any(_holds(self._banned_users, (name, user), now) for user in users)

    def banned(self, now: float) -> tuple[str, ...]:
        """Return the hosts that are not listened to now."""
        return tuple(name for name, until in self._banned.items() if now < until)

    def _slow_down(self, name: str, now: float) -> None:
        """Leave a stranger no burst. What trickles in goes on: repeating this must not shut anybody out."""
        per_minute = self._rules.strangers_per_minute
        self._bucket("stranger", name, per_minute, now).leave(1.0, per_minute / 60, now)

    def _take(self, kind: str, name: str, size: float, per_second: float, now: float) -> bool:
        bucket = self._bucket(kind, name, size, now)
        return bucket.take(max(size, 1.0), size * per_second, now)

    def _bucket(self, kind: str, name: str, size: float, now: float) -> TokenBucket:
        key = (kind, name)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(max(size, 1.0), now)
            if len(self._buckets) > MOST_HOSTS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket

    def _ban_user(self, name: str, user: str, now: float) -> None:
        if (name, user) not in self._banned_users:
            self.counters["bans"] += 1
            self._on_ban(name, user)
        self._banned_users[name, user] = now + self._rules.ban_seconds
        if len(self._banned_users) > MOST_HOSTS:
            self._banned_users.popitem(last=False)

    def _ban(self, name: str, now: float) -> None:
        if name not in self._banned:
            self.counters["bans"] += 1
            self._on_ban(name, "")
        self._banned[name] = now + self._rules.ban_seconds
        self._banned.move_to_end(name)
        if len(self._banned) > MOST_HOSTS:
            self._banned.popitem(last=False)

    def _refuse(self, why: str) -> Admission:
        self.counters[why] += 1
        return Admission.DROP


def _is_scanner(request: Request, *, stranger: bool) -> bool:
    agent = request.first("user-agent") or ""
    return _SCANNER.search(agent) is not None or (stranger and _WATCHER.search(agent) is not None)


def _holds(bans: "OrderedDict[_K, float]", key: "_K", now: float) -> bool:
    until = bans.get(key)
    if until is not None and now >= until:
        del bans[key]
        return False
    return until is not None
