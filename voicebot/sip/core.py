"""What the parts of an endpoint share: names and addresses, the outbox, events, sessions, requests in a dialog."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from voicebot.sip.address import DEFAULT_PORT, Address, Datagram, bracketed, literal
from voicebot.sip.dialog import Dialog, DialogId
from voicebot.sip.digest import ClientAuthentication, Credentials
from voicebot.sip.errors import DigestError, MessageError, SipError, Why
from voicebot.sip.events import Event
from voicebot.sip.header import MAGIC_COOKIE
from voicebot.sip.message import HeaderList, Message, Request, Response, UnusableRequest
from voicebot.sip.refusals import Refusals
from voicebot.sip.scheduler import Scheduler
from voicebot.sip.session import Place, Session, Stage, Wait
from voicebot.sip.session_timer import SessionTimers
from voicebot.sip.timers import TIMER_C
from voicebot.sip.transaction_layer import (
    Client,
    Server,
    TransactionLayer,
    response_destination,
    server_key,
)
from voicebot.sip.uri import Uri

SDP_HEADER = ("content-type", "application/sdp")
# Larger requests must not go over UDP while the path's MTU is unknown (RFC 3261 section 18.1.1), bytes.
MAX_UDP_REQUEST = 1300
RETRY_AFTER = "10"  # seconds, of a server that has more calls than it can serve
_TARGET_REFRESH = frozenset({"INVITE", "UPDATE", "REFER", "NOTIFY"})

# (the peer, the address of ours that it reached) -> our address as this peer is to use it
Contact = Callable[[Address, Address | None], Address]
OnFinal = Callable[[Session, Response, float], None]


class Randomness(Protocol):
    """`random.Random` or `random.SystemRandom`."""

    def getrandbits(self, k: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """`ring` and `refer` in seconds: an unanswered call, or a transfer without news, ends then.

    A call leaves two transactions for up to 32 s (of most, no more than spent.py keeps): 60,000 are enough for 900 calls a
    second.
    """

    transactions: int = 60_000
    sessions: int = 10_000
    ring: float = TIMER_C
    refer: float = 90.0


@dataclass(frozen=True, slots=True)
class Counters:
    """What an endpoint holds; all zero when every call is over and its transactions have timed out."""

    sessions: int
    dialogs: int
    transactions: int


class Core:
    """Mutable state of one endpoint. `contact` gives the address of ours that a peer is to use.

    `may_speak_tcp`: whether large requests to that UDP address may go over TCP.
    """

    def __init__(
        self,
        rng: Randomness,
        user_agent: str,
        contact: Contact,
        limits: Limits,
        timers: SessionTimers,
        may_speak_tcp: Callable[[Address], bool],
    ) -> None:
        self.rng = rng
        self.user_agent = user_agent
        self.contact = contact
        self.limits = limits
        self.timers = timers
        self.scheduler = Scheduler()
        self.transactions = TransactionLayer(self.send, self.scheduler, self._by_size)
        self._may_speak_tcp = may_speak_tcp
        self.sessions: dict[int, Session] = {}
        self.dialogs: dict[DialogId, Session] = {}
        self._refused = Refusals()
        self.events: deque[Event] = deque()
        self.outbox: list[Datagram] = []
        self.counters: Counter[str] = Counter()
        self.secret = rng.getrandbits(256).to_bytes(32, "big")
        self.on_wait: Callable[[Session, Wait, float], None] = _ignore_wait
        # Whose password answers the challenges to our requests in a call that this INVITE began.
        self.credentials_for: Callable[[Request, Address], Credentials | None] = _no_credentials
        # By a peer's host: our address as that peer sees it, where it told us (received and rport of our Via).
        self.learned: dict[str, Address] = {}
        self._sessions_made = 0

    # --- names and addresses

    def token(self) -> str:
        return f"{self.rng.getrandbits(80):020x}"

    def via(self, destination: Address, local: Address | None) -> str:
        ours = self.contact(destination, local)
        return f"SIP/2.0/{destination.transport.upper()} {ours.host_port};branch={MAGIC_COOKIE}{self.token()};rport"

    def contact_header(
        self, peer: Address, local: Address | None, *, secure: bool = False
    ) -> tuple[str, str]:
        """`secure`: the dialog is one of sips: URIs (section 8.1.1.8, 12.1.1)."""
        ours = self.learned.get(peer.host) if peer.transport == "udp" else None
        ours = ours or self.contact(peer, local)
        if secure:
            return ("contact", f"<sips:{ours.host_port}>")
        transport = "" if peer.transport == "udp" else f";transport={peer.transport}"
        return ("contact", f"<sip:{ours.host_port}{transport}>")

    def destination(self, uri: Uri, fallback: Address | None, behind: Place | None = None) -> Address:
        """Return where a request for `uri` goes. Raises SipError for a name that was not resolved beforehand.

        A peer whose Contact has a name, or a private address although it came from a public one, is reached where it
        was seen, and so is the address that is known to be `behind` a NAT: names are not resolved within a call, and a
        private address means nothing here.
        """
        transport = (uri.parameter("transport") or "").lower()
        if uri.scheme == "sips":
            transport = "tls"
        elif transport not in DEFAULT_PORT:
            transport = fallback.transport if fallback else "udp"
        address = literal(uri.host)
        if fallback is not None:
            if behind == (uri.host, uri.port) and transport == fallback.transport:
                return fallback
            seen = literal(fallback.host)
            if address is None or address.is_unspecified:
                return fallback
            if address.is_private and seen is not None and not seen.is_private:
                return fallback
        if address is None:
            raise SipError(404, f"{bracketed(uri.host)} is not an address: resolve it first")
        port = DEFAULT_PORT[transport] if uri.port is None else uri.port
        return Address(transport, uri.host, port)

    def _by_size(self, request: Request, goal: Address, local: Address | None) -> tuple[Request, Address]:
        if goal.transport != "udp" or not self._may_speak_tcp(goal):
            return request, goal
        if len(request.to_bytes()) <= MAX_UDP_REQUEST:
            return request, goal
        self.counters["moved_to_tcp"] += 1
        goal = goal._replace(transport="tcp")
        ours = self.contact(goal, None)
        via = replace(request.via, transport="tcp", host=ours.host, port=ours.port)
        return request.with_headers([("via", str(via)), *request.headers[1:]]), goal

    # --- out

    def send(self, data: bytes, destination: Address, local: Address | None) -> None:
        self.counters["sent"] += 1
        self.outbox.append(Datagram(data, destination, local))

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def respond(
        self,
        server: Server,
        status: int,
        now: float,
        reason: str | None = None,
        headers: HeaderList = (),
        body: bytes = b"",
        to_tag: str = "",
    ) -> Response:
        tag = to_tag or ("" if status == 100 else self._stateless_tag(server.request))
        lines = [*headers, ("server", self.user_agent)]
        response = server.request.response(status, reason, to_tag=tag, headers=lines, body=body)
        server.respond(response, now)
        return response

    def refuse_statelessly(
        self,
        request: Request,
        status: int,
        source: Address,
        local: Address | None,
        reason: str | None = None,
        headers: HeaderList = (),
    ) -> None:
        """Answer without a transaction (RFC 3261 section 8.2.7): equal requests get equal answers."""
        tag = self._stateless_tag(request)
        response = request.response(
            status, reason, to_tag=tag, headers=[*headers, ("server", self.user_agent)]
        )
        self.counters[f"refused_{status}"] += 1
        self.send(response.to_bytes(), response_destination(request, source), local)

    def refuse_unusable(self, error: UnusableRequest, source: Address, local: Address | None) -> None:
        """Answer a malformed request if it can be answered at all."""
        request = error.request
        if request.method == "ACK" or not request.has("cseq") or not request.has("call-id"):
            self.counters["dropped_unparseable"] += 1
            return
        try:
            request = request.received_from(source.host, source.port)
        except MessageError:
            self.counters["dropped_unparseable"] += 1
            return
        self.refuse_statelessly(request, error.status, source, local, error.reason)

    def refuse_late(
        self, request: Request, source: Address, local: Address | None, now: float, *, late: bool
    ) -> bool:
        """Answer an INVITE that comes too late for us to serve it with 503, and so whenever it is repeated."""
        if not late and not self._refused:
            return False
        key = server_key(request)
        if key not in self._refused:
            if not late or request.to.tag or request.has("replaces"):  # of a call that runs
                return False
            self._refused.add(key, now)
            self.counters["refused_late"] += 1
        self.refuse_busy(request, source, local)
        return True

    def refuse_busy(self, request: Request, source: Address, local: Address | None) -> None:
        self.refuse_statelessly(request, 503, source, local, headers=[("retry-after", RETRY_AFTER)])

    def _stateless_tag(self, request: Request) -> str:
        text = f"{request.via}|{request.first('call-id')}|{request.first('cseq')}"
        return hashlib.blake2s(
            text.encode("utf-8", "surrogateescape"), key=self.secret, digest_size=10
        ).hexdigest()

    # --- sessions

    def new_session(
        self,
        stage: Stage,
        peer: Address,
        local: Address | None,
        credentials: Credentials | None,
    ) -> Session:
        self._sessions_made += 1
        authentication = ClientAuthentication(credentials)
        session = Session(self._sessions_made, stage, peer, local, authentication, self.on_wait)
        self.sessions[session.id] = session
        return session

    def register(self, session: Session, dialog: Dialog) -> None:
        self.dialogs[dialog.id] = session
        session.dialog_ids.add(dialog.id)

    def find(self, message: Message) -> Session | None:
        """Return the session whose dialog a received request belongs to."""
        return self.dialogs.get((message.call_id, message.to.tag, message.from_.tag))

    def tag_for(self, cancel: Request) -> str:
        """Return our tag in the call that a CANCEL came too late for; empty when that is over, too."""
        ends = (cancel.call_id, cancel.from_.tag)
        return next((ours for call_id, ours, theirs in self.dialogs if (call_id, theirs) == ends), "")

    def find_by_branch(self, ack: Request, server: Server | None) -> Session | None:
        """Return the session of an ACK that has the branch of its INVITE, but a To tag of the peer's own making (pyVoIP)."""
        if server is None or (server.request.call_id, server.request.from_.tag) != (
            ack.call_id,
            ack.from_.tag,
        ):
            return None
        return self.sessions.get(server.session)

    def forget(self, session: Session) -> None:
        """The session is over: whatever still comes for it finds no dialog."""
        session.stage = Stage.ENDED
        session.waits.clear()
        self.scheduler.cancel(session)
        session.unacknowledged = None
        self.sessions.pop(session.id, None)
        for dialog_id in session.dialog_ids:
            self.dialogs.pop(dialog_id, None)
        session.dialog_ids.clear()

    def wait(self, session: Session, wait: Wait, at: float) -> None:
        session.waits[wait] = at
        self.scheduler.schedule(session)

    # --- requests within a dialog

    def request(
        self,
        session: Session,
        method: str,
        now: float,
        on_final: OnFinal,
        headers: HeaderList = (),
        body: bytes = b"",
        dialog: Dialog | None = None,
    ) -> None:
        """Send a request (not INVITE) in the session's dialog, or in `dialog`; a challenge to it is answered."""
        self._attempt(session, method, on_final, headers, body, now, dialog)

    def _attempt(
        self,
        session: Session,
        method: str,
        on_final: OnFinal,
        headers: HeaderList,
        body: bytes,
        now: float,
        dialog: Dialog | None,
    ) -> None:
        request, destination = self.dialog_request(session, method, headers, body, dialog)
        on_response = partial(self._on_response, session, on_final, headers, body, dialog)
        self.transactions.start_client(request, destination, session.local, on_response, now)

    def _on_response(
        self,
        session: Session,
        on_final: OnFinal,
        headers: HeaderList,
        body: bytes,
        dialog: Dialog | None,
        client: Client,
        response: Response,
        now: float,
    ) -> None:
        if response.status < 200:
            return
        session.challenge_failed = None
        if response.status in (401, 407):
            session.challenge_failed = self.answer_challenge(session, response)
            if session.challenge_failed is None:
                self._attempt(session, client.request.method, on_final, headers, body, now, dialog)
                return
        session.authentication.begin_anew(client.request.method)
        on_final(session, response, now)

    def dialog_request(
        self,
        session: Session,
        method: str,
        headers: HeaderList = (),
        body: bytes = b"",
        dialog: Dialog | None = None,
    ) -> tuple[Request, Address]:
        dialog = dialog or session.dialog
        assert dialog is not None
        destination = self.destination(dialog.next_hop, session.peer, session.behind)
        lines = list(headers)
        if method in _TARGET_REFRESH:
            secure = dialog.remote_target.scheme == "sips"
            lines.append(self.contact_header(destination, session.local, secure=secure))
        lines.append(("user-agent", self.user_agent))
        lines += session.authentication.headers(method, dialog.request_uri, self.token())
        request = dialog.request(
            method, dialog.next_sequence(), self.via(destination, session.local), lines, body
        )
        return request, destination

    def answer_challenge(self, session: Session, response: Response) -> Why | None:
        """Take a 401 or 407; None if the request can be sent again with an answer, else why not."""
        return answer_challenge(session.authentication, response)


def answer_challenge(authentication: ClientAuthentication, response: Response) -> Why | None:
    """Take a 401 or 407; None if a request with `authentication.headers` answers it, else why there is no use."""
    if response.local:
        return "unreachable"
    try:
        authentication.challenged(response)
    except DigestError as error:
        return error.why
    except SipError:
        return "no_credentials"
    return None


def _ignore_wait(_session: Session, _wait: Wait, _now: float) -> None:
    """Until an endpoint says who hears of sessions' timers."""


def _no_credentials(_invite: Request, _source: Address) -> Credentials | None:
    """Until an endpoint says which peers have passwords for us."""
    return None


def why_failed(response: Response) -> Why:
    if not response.local:
        return "refused"
    return "timeout" if response.status == 408 else "unreachable"


def safe_headers(headers: HeaderList) -> list[tuple[str, str]]:
    """Return header fields of the application with lower-case names. Raises SipError for one that breaks its line."""
    for name, value in headers:
        if any(char in value or char in name for char in "\r\n\0"):
            raise SipError(500, "A header value must be one line")
    return [(name.lower(), value) for name, value in headers]
