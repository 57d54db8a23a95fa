"""A registrar (RFC 3261 section 10.3; Path of RFC 3327): who is reached where, and until when. Sans-IO.

All of a request's contacts are taken or none. Phones are reached where their REGISTER came from, since behind a NAT their
Contact leads nowhere. Of a user with more phones than are allowed the one that was heard of longest ago is forgotten.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from voicebot.sip.address import Address
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Request
from voicebot.sip.scheduler import Entry
from voicebot.sip.uri import Uri

MAX_CONTACTS = 16  # in one request
MAX_PATH = 8


@dataclass(frozen=True, slots=True)
class Policy:
    """`domain` None: any. Expiries in seconds. `contacts`: at most so many for a user."""

    domain: str | None = None
    min_expires: int = 60
    max_expires: int = 600
    contacts: int = 5


@dataclass(frozen=True, slots=True)
class Binding:
    """One phone of a user. `source` is where it is reached, from our `local`; `path` are routes on the way there."""

    uri: str
    source: Address
    local: Address | None
    expires_at: float
    q: float
    call_id: str
    sequence: int
    path: tuple[str, ...] = ()
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The response to a REGISTER. `reason` None: the usual one."""

    status: int
    headers: HeaderList = ()
    reason: str | None = None


class Registrar:
    """The bindings of all users. Scheduled by an endpoint: `on_change(user)` tells of each change, expiry included."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.entry: Entry | None = None
        self.on_change: Callable[[str], None] = _nobody
        self._bindings: dict[str, tuple[Binding, ...]] = {}

    def bindings(self, user: str, now: float) -> tuple[Binding, ...]:
        """Return a user's phones: the preferred first, among equals the one that was heard of last."""
        alive = [each for each in self._bindings.get(user, ()) if each.expires_at > now]
        return tuple(sorted(alive, key=lambda each: (-each.q, -each.expires_at)))

    def users(self) -> tuple[str, ...]:
        return tuple(self._bindings)

    def restore(self, user: str, bindings: Iterable[Binding]) -> None:
        """Know these bindings again, after a restart."""
        self._bindings[user] = tuple(bindings)

    # --- requests

    def register(
        self, request: Request, user: str | None, source: Address, local: Address | None, now: float
    ) -> Outcome:
        """Serve a REGISTER of an authenticated user. Raises MessageError for one that makes no sense."""
        if user is None:  # whatever the rules for calls are
            return Outcome(403, reason="Registrations need a password")
        domain = self.policy.domain
        if domain is not None and request.to.uri.host.lower() != domain.lower():
            return Outcome(404, reason=f"This registrar is that of {domain}")
        if request.to.uri.username != user:
            return Outcome(403, reason="Not your address of record")
        values = request.values("contact")
        known = self.bindings(user, now)
        if "*" in values:
            kept = self._without_all(request, values, known)
        elif len(values) > MAX_CONTACTS:
            return Outcome(400, reason="Too many contacts")
        else:
            kept = self._updated(request, values, known, source, local, now)
        if isinstance(kept, Outcome):
            return kept
        kept = tuple(sorted(kept, key=lambda each: each.expires_at))[-self.policy.contacts :]
        if values:
            self._set(user, kept)
        lines = [
            ("contact", f"<{each.uri}>;expires={max(1, round(each.expires_at - now))};q={each.q:g}")
            for each in self.bindings(user, now)
        ]
        if "path" in request.tokens("supported"):
            lines += [("path", value) for value in request.values("path")]
        return Outcome(200, lines)

    def _without_all(
        self, request: Request, values: list[str], known: tuple[Binding, ...]
    ) -> tuple[Binding, ...] | Outcome:
        """`*` removes everything, and is allowed alone and with `Expires: 0` only (section 10.3 point 6)."""
        if len(values) > 1 or (request.first("expires") or "").strip() != "0":
            return Outcome(400, reason="* needs Expires: 0 and no other contact")
        if any(_out_of_order(each, request) for each in known):
            return Outcome(500, reason="CSeq Out Of Order")
        return ()

    def _updated(
        self,
        request: Request,
        values: list[str],
        known: tuple[Binding, ...],
        source: Address,
        local: Address | None,
        now: float,
    ) -> tuple[Binding, ...] | Outcome:
        """Section 10.3 point 7."""
        kept = {each.uri: each for each in known}
        path = tuple(request.values("path")[:MAX_PATH])
        for value in values:
            contact = NameAddress.parse(value)
            if contact.uri.scheme not in ("sip", "sips"):
                return Outcome(400, reason="Contacts must be sip: URIs")
            expires = self._expires(contact, request)
            if 0 < expires < self.policy.min_expires:
                return Outcome(423, [("min-expires", str(self.policy.min_expires))])
            same = [each for each in known if contact.uri.equivalent(Uri.parse(each.uri))]
            if any(_out_of_order(each, request) for each in same):
                return Outcome(500, reason="CSeq Out Of Order")
            for each in same:
                kept.pop(each.uri, None)
            if expires:
                uri = str(replace(contact.uri, headers=""))
                kept[uri] = Binding(
                    uri,
                    source,
                    local,
                    now + min(expires, self.policy.max_expires),
                    _q(contact.parameter("q")),
                    request.call_id,
                    request.cseq.number,
                    path,
                    (request.first("user-agent") or "")[:80],
                )
        return tuple(kept.values())

    def _expires(self, contact: NameAddress, request: Request) -> int:
        for text in (contact.parameter("expires"), request.first("expires")):
            if text is not None and text.strip().isascii() and text.strip().isdigit():
                return min(int(text.strip()[:10]), 2**31)
        return self.policy.max_expires

    def _set(self, user: str, bindings: tuple[Binding, ...]) -> None:
        if bindings:
            self._bindings[user] = bindings
        else:
            self._bindings.pop(user, None)
        self.on_change(user)

    # --- time

    def next_timer(self) -> float | None:
        return min((each.expires_at for all in self._bindings.values() for each in all), default=None)

    def handle_timer(self, now: float) -> None:
        """Forget what has run out."""
        for user, bindings in list(self._bindings.items()):
            alive = tuple(each for each in bindings if each.expires_at > now)
            if alive != bindings:
                self._set(user, alive)


def _out_of_order(binding: Binding, request: Request) -> bool:
    return binding.call_id == request.call_id and binding.sequence >= request.cseq.number


def _q(text: str | None) -> float:
    """Return a preference from 0 to 1; 1 where none is given, or none that makes sense."""
    try:
        value = float(text) if text else 1.0
    except ValueError:
        return 1.0
    return round(min(max(value, 0.0), 1.0), 3) if value == value else 1.0


def _nobody(_user: str) -> None:
    """Until an endpoint says who hears of changes."""
