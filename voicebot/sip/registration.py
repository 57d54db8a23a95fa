"""REGISTER client: one contact of ours at one registrar, kept alive (RFC 3261 section 10.2).

With the address that the registrar sees us at (RFC 3581), Path (RFC 3327) and Service-Route (RFC 3608). Refreshes come
before the binding runs out; what fails is tried again after a growing pause, and what the registrar refuses (a wrong
password above all) after a long one, so that nobody is locked out or banned for us.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from voicebot.sip.address import Address, literal
from voicebot.sip.core import Core, answer_challenge
from voicebot.sip.digest import ClientAuthentication, Credentials
from voicebot.sip.errors import MessageError
from voicebot.sip.events import RegistrationChanged, RegistrationDue
from voicebot.sip.header import NameAddress
from voicebot.sip.message import Request, Response
from voicebot.sip.scheduler import Entry
from voicebot.sip.timers import NEXT_ADDRESS
from voicebot.sip.transaction_layer import Client
from voicebot.sip.uri import Uri

REFRESH_SHARE = 0.75  # of what was granted; up to a tenth earlier, by chance
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds after a failure, doubled by each further one
REFUSED_PAUSE, LONGEST_REFUSED_PAUSE = 300.0, 3600.0  # the same after a refusal
LONGEST_EXPIRES = 86_400
SOONEST_REFRESH = 5.0  # seconds, whatever was granted
MOST_RAISES = 2  # of one try: how often a registrar may find the time too brief
MAX_ROUTES = 8

Standing = Literal["registered", "retrying", "refused", "gone"]


class State(Enum):
    WAITING = "no binding, or none that is sure: the next try is due"
    LOCATING = "the address of the registrar is looked up"
    TRYING = "our REGISTER has no final response"
    REGISTERED = "bound; the refresh is due"
    LEAVING = "our binding is being removed"
    GONE = "over"


class Input(Enum):
    DUE = "the time has come"
    LOCATED = "the address is known"
    SUCCESS = "2xx"
    AGAIN = "what was asked for can be given: credentials, a longer expiry, a better contact; or another address is left"
    FAILED = "no answer, no address, or a failure that may pass"
    REFUSED = "the registrar does not want us as we are"
    LEAVE = "our user wants the binding removed"


class Action(Enum):
    NOTHING = "nothing"
    ASK = "have the address looked up"
    SEND = "send REGISTER"
    KEEP = "note the binding and when to refresh it"
    PAUSE = "try again later"
    LONG_PAUSE = "try again much later, with credentials that forget the last challenge"
    REMOVE = "send REGISTER with expires 0"
    END = "forget everything"


TRANSITIONS: dict[tuple[State, Input], tuple[State, Action]] = {
    (State.WAITING, Input.DUE): (State.LOCATING, Action.ASK),
    (State.WAITING, Input.LEAVE): (State.GONE, Action.END),
    (State.LOCATING, Input.LOCATED): (State.TRYING, Action.SEND),
    (State.LOCATING, Input.FAILED): (State.WAITING, Action.PAUSE),
    (State.LOCATING, Input.LEAVE): (State.GONE, Action.END),
    (State.TRYING, Input.SUCCESS): (State.REGISTERED, Action.KEEP),
    (State.TRYING, Input.AGAIN): (State.TRYING, Action.SEND),
    (State.TRYING, Input.FAILED): (State.WAITING, Action.PAUSE),
    (State.TRYING, Input.REFUSED): (State.WAITING, Action.LONG_PAUSE),
    (State.TRYING, Input.LEAVE): (State.LEAVING, Action.REMOVE),
    (State.REGISTERED, Input.DUE): (State.LOCATING, Action.ASK),
    (State.REGISTERED, Input.LEAVE): (State.LEAVING, Action.REMOVE),
    (State.LEAVING, Input.AGAIN): (State.LEAVING, Action.REMOVE),
    (State.LEAVING, Input.SUCCESS): (State.GONE, Action.END),
    (State.LEAVING, Input.FAILED): (State.GONE, Action.END),
    (State.LEAVING, Input.REFUSED): (State.GONE, Action.END),
}


@dataclass(frozen=True, slots=True)
class Account:
    """What is registered where.

    `address_of_record` and `registrar` are SIP URIs. `line` marks our Contact, so that calls for it are known by it.
    `routes` are Route values of an outbound proxy. `expires` is asked for, in seconds; the registrar decides.
    """

    address_of_record: str
    registrar: str
    credentials: Credentials
    line: str
    expires: int = 300
    routes: tuple[str, ...] = ()


class Registration:
    """One account. Scheduled by the core; told by `begin`, `cannot_begin` and `leave`."""

    def __init__(self, core: Core, number: int, account: Account, now: float) -> None:
        self.id = number
        self.account = account
        self.state = State.WAITING
        self.entry: Entry | None = None
        self.bound_until = 0.0
        self.service_route: tuple[str, ...] = ()
        self._core = core
        self._due: float | None = now
        self._user = Uri.parse(account.address_of_record).user or ""
        self._authentication = ClientAuthentication(account.credentials)
        self._call_id, self._tag = core.token(), core.token()
        self._sequence = core.rng.getrandbits(16)
        self._expires = account.expires
        self._failures = 0
        self._destination: Address | None = None
        self._alternatives: tuple[Address, ...] = ()
        self._local: Address | None = None
        self._contact: Address | None = None
        self._seen_at: Address | None = None
        self._adjusted = False
        self._raises = 0
        self._client: Client | None = None
        self._problem = ""
        self._retry_after = 0.0
        core.scheduler.schedule(self)

    # --- from outside

    def begin(
        self, destination: Address, alternatives: Sequence[Address], local: Address | None, now: float
    ) -> None:
        """Answer RegistrationDue: requests go to `destination`, from `local` (None: from wherever fits).

        Where it is silent, unreachable or says 503, the next of `alternatives` follows (RFC 3263 section 4.3).
        """
        if self.state is State.LOCATING:
            self._alternatives, self._local = tuple(alternatives), local
            self._go_to(destination)
            self._raises = 0
            self._step(Input.LOCATED, now)

    def cannot_begin(self, problem: str, now: float) -> None:
        """Answer RegistrationDue: there is no way to the registrar."""
        self._problem = problem
        self._step(Input.FAILED, now)

    def leave(self, now: float) -> None:
        """Have the binding removed; the last RegistrationChanged follows."""
        if self.state in (State.WAITING, State.LOCATING) and self.bound_until > now and self._destination:
            self.state = State.REGISTERED
        self._step(Input.LEAVE, now)

    def next_timer(self) -> float | None:
        return self._due

    def handle_timer(self, now: float) -> None:
        if self._due is not None and self._due <= now:
            silent = self.state in (State.TRYING, State.LEAVING)
            self._due = None
            if not silent:
                self._step(Input.DUE, now)
            elif self._to_next_address(now):
                self._step(Input.AGAIN, now)

    def _go_to(self, destination: Address) -> None:
        if destination != self._destination:
            self._seen_at = None
        self._destination = destination
        self._adjusted = False

    def _to_next_address(self, now: float) -> bool:
        """Turn to the registrar's next address; False if there is none. Its challenge is another one's."""
        if not self._alternatives or self._destination is None:
            return False
        self._core.transactions.failed(self._destination, now)
        self._core.counters["next_addresses"] += 1
        following, *rest = self._alternatives
        self._alternatives = tuple(rest)
        self._go_to(following)
        self._authentication.begin_anew()
        return True

    # --- the table

    def _step(self, event: Input, now: float) -> None:
        row = TRANSITIONS.get((self.state, event))
        if row is None:
            return
        self.state, action = row
        self._due = None
        if action is Action.ASK:
            first = self.account.routes[0] if self.account.routes else f"<{self.account.registrar}>"
            self._core.emit(RegistrationDue(self.id, str(NameAddress.parse(first).uri)))
        elif action is Action.SEND:
            self._send(self._expires, now)
        elif action is Action.REMOVE:
            self._send(0, now)
        elif action is Action.KEEP:
            self._failures = 0
            share = REFRESH_SHARE - 0.1 * self._chance()
            self._due = now + max(share * (self.bound_until - now), SOONEST_REFRESH)
            self._tell("registered", None)
        elif action in (Action.PAUSE, Action.LONG_PAUSE):
            self._pause(now, refused=action is Action.LONG_PAUSE)
        elif action is Action.END:
            self.bound_until = 0.0
            self._core.scheduler.cancel(self)
            self._tell("gone", None)
        self._core.scheduler.schedule(self)

    def _pause(self, now: float, *, refused: bool) -> None:
        first, longest = (REFUSED_PAUSE, LONGEST_REFUSED_PAUSE) if refused else (FIRST_PAUSE, LONGEST_PAUSE)
        pause = min(first * 2.0**self._failures, longest) * (0.75 + 0.5 * self._chance())
        self._failures = min(self._failures + 1, 16)
        self._due = now + max(pause, self._retry_after)
        if refused:
            self._authentication = ClientAuthentication(self.account.credentials)
        self._authentication.begin_anew()
        self._tell("refused" if refused else "retrying", self._due)

    def _tell(self, what: Standing, retry_at: float | None) -> None:
        until = self.bound_until or None
        problem = "" if what in ("registered", "gone") else self._problem
        self._core.emit(RegistrationChanged(self.id, what, until, retry_at, problem, self.service_route))

    def _chance(self) -> float:
        return self._core.rng.getrandbits(16) / 65_536

    # --- messages

    def _send(self, expires: int, now: float) -> None:
        core, account = self._core, self.account
        assert self._destination is not None
        self._sequence += 1
        who = NameAddress(Uri.parse(account.address_of_record))
        before, ours = self._contact, self._seen_at or core.contact(self._destination, self._local)
        self._contact = ours
        headers = [
            ("via", core.via(self._destination, self._local)),
            ("max-forwards", "70"),
            *(("route", route) for route in account.routes),
            ("from", str(who.with_tag(self._tag))),
            ("to", str(who)),
            ("call-id", self._call_id),
            ("cseq", f"{self._sequence} REGISTER"),
            ("contact", f"{self._contact_of(ours)};expires={expires}"),
        ]
        if before is not None and before != ours:
            # The registrar saw us elsewhere than we thought: what was bound before leads nowhere.
            headers.append(("contact", f"{self._contact_of(before)};expires=0"))
        headers += [
            ("expires", str(expires)),
            ("supported", "path"),
            ("user-agent", core.user_agent),
            *self._authentication.headers("REGISTER", account.registrar, core.token()),
        ]
        request = Request("REGISTER", account.registrar, headers)
        if self._alternatives:
            self._due = now + NEXT_ADDRESS
        self._client = core.transactions.start_client(
            request, self._destination, self._local, self._on_response, now
        )

    def _contact_of(self, ours: Address) -> str:
        transport = "" if ours.transport == "udp" else f";transport={ours.transport}"
        return f"<sip:{self._user}@{ours.host_port}{transport};line={self.account.line}>"

    def _on_response(self, client: Client, response: Response, now: float) -> None:
        if response.status < 200 or (self._client is not None and client is not self._client):
            return
        event = self._judge(response, now)
        fails = response.local or response.status == 503
        if event is Input.FAILED and fails and self._to_next_address(now):
            event = Input.AGAIN
        if event is Input.SUCCESS and self.state is State.TRYING and self._is_seen_elsewhere(response):
            event = Input.AGAIN
        self._step(event, now)

    def _judge(self, response: Response, now: float) -> Input:
        """Say what a final response means, and note what it tells."""
        self._retry_after = min(float(_seconds(response.first("retry-after"))), LONGEST_REFUSED_PAUSE)
        self._problem = "no answer" if response.local else f"{response.status} {response.reason}"
        if response.status < 300:
            self._authentication.begin_anew()
            granted = self._granted(response)
            if not granted and self.state is not State.LEAVING:
                self._problem = "the registrar keeps no binding of ours"
                return Input.FAILED
            self.bound_until = now + granted
            service = response.values("service-route")[:MAX_ROUTES]
            self.service_route = tuple(value for value in service if _parsed(value) is not None)
            return Input.SUCCESS
        if response.status in (401, 407) and not response.local:
            why = answer_challenge(self._authentication, response)
            if why is None:
                return Input.AGAIN
            self._problem += f" ({_WORDS.get(why, why)})"
            return Input.REFUSED
        if response.status == 423:
            least = min(_seconds(response.first("min-expires")), LONGEST_EXPIRES)
            if least > self._expires and self._raises < MOST_RAISES:
                self._expires = least
                self._raises += 1
                self._authentication.begin_anew()
                return Input.AGAIN
        return Input.REFUSED if response.status in (403, 404) and not response.local else Input.FAILED

    def _granted(self, response: Response) -> int:
        """Return for how long the registrar keeps our contact (section 10.2.4)."""
        general = _seconds(response.first("expires"), self._expires)
        values = response.values("contact")
        contacts = [contact for value in values if (contact := _parsed(value)) is not None]
        ours = [each for each in contacts if each.uri.parameter("line") == self.account.line]
        if not ours and self._contact is not None:  # a registrar that keeps no parameters
            where = (self._contact.host, self._contact.port)
            ours = [each for each in contacts if (each.uri.host, each.uri.port or 5060) == where]
        if ours:
            return min(_seconds(ours[0].parameter("expires"), general), LONGEST_EXPIRES)
        return 0 if values else min(general, LONGEST_EXPIRES)

    def _is_seen_elsewhere(self, response: Response) -> bool:
        """Learn where the registrar sees us, once a try. Over a connection its port says nothing about ours."""
        destination, ours = self._destination, self._contact
        if self._adjusted or destination is None or ours is None or destination.transport != "udp":
            return False
        host, port = response.via.parameter("received") or "", response.via.parameter("rport") or ""
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536 or len(port) > 5:
            return False
        seen = Address(ours.transport, host or response.via.host, int(port))
        if literal(seen.host) is None or seen == ours:
            return False
        self._adjusted, self._seen_at = True, seen
        self._core.learned[destination.host] = seen
        return True


_WORDS = {
    "no_credentials": "it asks for a realm or an algorithm that we have no password for",
    "credentials_refused": "user or password are wrong",
    "tries_exhausted": "it asks again and again",
}


def _parsed(value: str) -> NameAddress | None:
    try:
        return NameAddress.parse(value)
    except MessageError:
        return None


def _seconds(text: str | None, default: int = 0) -> int:
    digits = (text or "").strip().partition(";")[0].partition("(")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else default


class Registrations:
    """All accounts of an endpoint, by number."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._all: dict[int, Registration] = {}

    def add(self, account: Account, now: float) -> int:
        number = len(self._all) + 1
        self._all[number] = Registration(self._core, number, account, now)
        return number

    def get(self, number: int) -> Registration | None:
        return self._all.get(number)
