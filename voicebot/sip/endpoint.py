"""The user agent: bytes in, bytes out, events; no socket, no clock (RFC 3261).

After every call of a method, send `datagrams_to_send()`, look at `next_timer()`, and drain `next_event()`. `now` is
any monotonic clock in seconds, the same for all calls. Methods about a session return False when the session is over
or not at the stage for it (a CANCEL may cross our 200): the events say what happened instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from voicebot.sip import ending
from voicebot.sip.address import Address, Datagram
from voicebot.sip.asking_who import AskingWho, Authenticate
from voicebot.sip.core import Contact, Core, Counters, Limits, Randomness, safe_headers
from voicebot.sip.digest import Credentials
from voicebot.sip.errors import MessageError, SipError
from voicebot.sip.events import BindingsChanged, Event
from voicebot.sip.guard import Admission, Guard
from voicebot.sip.header import NameAddress
from voicebot.sip.in_dialog import InDialog
from voicebot.sip.inbound import Inbound
from voicebot.sip.message import HeaderList, Request, Response, UnusableRequest, parse
from voicebot.sip.outbound import Outbound
from voicebot.sip.pings import Pings
from voicebot.sip.refer import Transfers, unsolicited
from voicebot.sip.refreshing import Refreshing
from voicebot.sip.registrar import Binding, Registrar
from voicebot.sip.registration import Account, Registrations
from voicebot.sip.session import Session, Wait
from voicebot.sip.session_timer import SessionTimers
from voicebot.sip.transaction_invite_server import InviteServerTransaction
from voicebot.sip.transaction_layer import Server
from voicebot.sip.uri import Uri
from voicebot.sip.validation import ACCEPT, ALLOW, SUPPORTED, problem_with

# A message, its peer, our address, whether we sent it.
Passed = Callable[[bytes, Address, Address | None, bool], None]
_OUTBOUND_WAITS = frozenset(
    {Wait.CANCEL_TIMEOUT, Wait.NO_ANSWER_TO_OFFER, Wait.REINVITE_AGAIN, Wait.NEXT_ADDRESS}
)


class Endpoint:
    """A SIP user agent for many calls.

    `rng`: getrandbits(k). `contact`: our address as peers are to use it, or a function of the peer's address
    and of the one of ours that it reached (None: it reached none yet).
    `authenticate(request, source)`: the Realm whose users may send this request, or None to let it pass; pure.
    `credentials(invite, source)`: what answers challenges to our requests in a call that came in; pure.
    `accept_refer`: whether REFERs of peers become events; otherwise they get 603.
    `registrar`: where peers may register, if they authenticate themselves (None: REGISTER gets 405).
    `may_speak_tcp`: whether a request too large for UDP may go to that (UDP) address over TCP instead.
    """

    def __init__(
        self,
        *,
        rng: Randomness,
        user_agent: str,
        contact: Address | Contact,
        limits: Limits | None = None,
        session_timers: SessionTimers | None = None,
        authenticate: Authenticate | None = None,
        credentials: Callable[[Request, Address], Credentials | None] | None = None,
        accept_refer: bool = False,
        registrar: Registrar | None = None,
        may_speak_tcp: Callable[[Address], bool] = lambda _address: False,
    ) -> None:
        find = (lambda _peer, _local: contact) if isinstance(contact, Address) else contact
        timers = session_timers or SessionTimers()
        self.guard: Guard | None = None
        self.on_message: Passed | None = None  # sees every message as it passes
        self._core = Core(rng, user_agent, find, limits or Limits(), timers, may_speak_tcp)
        self._core.on_wait = self._on_wait
        self.awaits_answer = self._core.transactions.awaits_answer
        if credentials is not None:
            self._core.credentials_for = credentials
        self._inbound = Inbound(self._core)
        self._outbound = Outbound(self._core)
        self._refreshing = Refreshing(self._core, self._outbound)
        self._transfers = Transfers(self._core, self._outbound, accept_refer=accept_refer)
        self._in_dialog = InDialog(self._core, self._inbound, self._transfers)
        self._registrations = Registrations(self._core)
        self._registrar = registrar
        if registrar is not None:
            registrar.on_change = lambda user: self._core.emit(BindingsChanged(user))
            self._core.scheduler.schedule(registrar)
        self._asking_who = AskingWho(self._core, authenticate)
        self._retry_after: int | None = None
        self._pings = Pings(self._core)

    # --- in and out

    def receive(
        self, data: bytes, source: Address, now: float, local: Address | None = None, *, late: bool = False
    ) -> None:
        """Take one datagram (or framed message); `late`: no new call shall come of it. Never raises; drops are counted."""
        core = self._core
        core.counters["received"] += 1
        if self.on_message is not None:
            self.on_message(data, source, local, False)
        try:
            message = parse(data)
            if message is None:
                core.counters["keep_alives"] += 1
            elif isinstance(message, Response):
                self._response_received(message, now)
            else:
                self._request_received(message, source, local, now, late)
        except UnusableRequest as error:
            if self.guard is None or self.guard.may_answer_nonsense(error.request, source, now):
                self._core.refuse_unusable(error, source, local)
        except MessageError:
            core.counters["dropped_unparseable"] += 1

    def datagrams_to_send(self) -> list[Datagram]:
        sent, self._core.outbox = self._core.outbox, []
        if self.on_message is not None:
            for datagram in sent:
                self.on_message(datagram.data, datagram.destination, datagram.local, True)
        return sent

    def transport_failed(self, data: bytes, now: float) -> None:
        """A datagram of ours cannot be sent: there is no connection to its destination, and none can be made."""
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._core.transactions.transport_failed(message, now)
        except MessageError:
            self._core.counters["dropped_unparseable"] += 1

    def next_timer(self) -> float | None:
        """Return the instant at which `handle_timer` must be called at the latest; it may come too early."""
        return self._core.scheduler.next_timer()

    def handle_timer(self, now: float) -> None:
        self._core.scheduler.handle_timer(now)

    def next_event(self) -> Event | None:
        return self._core.events.popleft() if self._core.events else None

    # --- incoming calls

    def ring(self, session: int, now: float, status: int = 180, sdp_body: bytes | None = None) -> bool:
        """Send a provisional response; it is repeated every minute."""
        found = self._core.sessions.get(session)
        return found is not None and self._inbound.ring(found, now, status, sdp_body)

    def accept(self, session: int, sdp_body: bytes, now: float, headers: HeaderList = ()) -> bool:
        """Send 200 with our answer (or our offer, if the INVITE had none); Established follows."""
        found = self._core.sessions.get(session)
        return found is not None and self._inbound.accept(found, sdp_body, now, headers)

    def reject(
        self, session: int, status: int, now: float, reason: str | None = None, headers: HeaderList = ()
    ) -> bool:
        """Refuse an incoming call with a final status of 300..699. No event follows."""
        found = self._core.sessions.get(session)
        return found is not None and self._inbound.reject(found, status, now, reason, headers)

    # --- outgoing calls

    def invite(
        self,
        target_uri: str,
        from_uri: str,
        sdp_body: bytes | None,
        now: float,
        *,
        display_name: str = "",
        destination: Address | None = None,
        alternatives: Sequence[Address] = (),
        local: Address | None = None,
        credentials: Credentials | None = None,
        headers: HeaderList = (),
        impatient: bool = False,
    ) -> int:
        """Call somebody; returns the session. Without `sdp_body` the peer makes the offer.

        `destination` (a proxy, or what the host resolves to) is needed unless the URI's host is an IP address. One that
        is silent, unreachable or says 503 is followed by the next of `alternatives` (RFC 3263 section 4.3). `impatient`: the
        last one, too, is given so little time to say a word; Rejected follows.
        Raises SipError for a URI or a header that cannot be sent.
        """
        target = _sip_uri(target_uri)
        name = "".join(char for char in display_name if char.isprintable())
        from_ = NameAddress(_sip_uri(from_uri), name)
        if len(self._core.sessions) >= self._core.limits.sessions:
            raise SipError(503, "Too many calls")
        lines = safe_headers(headers)
        session = self._outbound.invite(
            target, from_, sdp_body, now, destination, alternatives, local, credentials, lines, impatient
        )
        return session.id

    def cancel(self, session: int, now: float, headers: HeaderList = ()) -> bool:
        """Give up an outgoing call that was not answered; Rejected follows, with `why` "cancelled"."""
        found = self._core.sessions.get(session)
        return found is not None and self._outbound.cancel(found, now, safe_headers(headers))

    # --- calls that stand

    def bye(self, session: int, now: float, headers: HeaderList = ()) -> bool:
        """Hang up; Ended follows. A BYE waits for the ACK of our 2xx; a 2xx that still waits for a PRACK becomes a 480."""
        found = self._core.sessions.get(session)
        lines = safe_headers(headers)
        return found is not None and (
            self._outbound.decline_late_offer(found, now, lines)
            or ending.bye(self._core, found, now, lines)
            or (found.accept_waiting is not None and self._inbound.reject(found, 480, now, None, lines))
        )

    def answer(self, session: int, sdp_body: bytes, now: float) -> bool:
        """Answer an Offer, or the offer in Answered when the call was sent without one."""
        found = self._core.sessions.get(session)
        return found is not None and (
            self._outbound.answer_late_offer(found, sdp_body, now)
            or self._in_dialog.answer(found, sdp_body, now)
        )

    def reject_offer(self, session: int, status: int, now: float) -> bool:
        """Refuse an Offer (488 ...); the session stays as it was."""
        found = self._core.sessions.get(session)
        return found is not None and self._in_dialog.reject_offer(found, status, now)

    def reinvite(self, session: int, sdp_body: bytes, now: float) -> bool:
        """Offer a changed session; OfferAnswered or OfferRejected follows. False while another offer is open."""
        found = self._core.sessions.get(session)
        return found is not None and self._outbound.reinvite(found, sdp_body, now)

    def update(self, session: int, sdp_body: bytes | None, now: float) -> bool:
        """The same by UPDATE (RFC 3311); without SDP it only refreshes the session."""
        found = self._core.sessions.get(session)
        if found is None:
            return False
        if sdp_body is None:
            return self._refreshing.refresh(found, now)
        return self._in_dialog.update(found, sdp_body, now)

    def info(self, session: int, content_type: str, body: bytes, now: float) -> bool:
        found = self._core.sessions.get(session)
        return found is not None and self._in_dialog.info(found, content_type, body, now)

    def refer(
        self,
        session: int,
        target_uri: str,
        now: float,
        headers: HeaderList = (),
        *,
        replacing: int | None = None,
    ) -> bool:
        """Transfer the peer to `target_uri`; ReferProgress follows until it is final. Raises SipError.

        `replacing`: the session that stands with `target_uri`, whose place the peer is to take.
        """
        found = self._core.sessions.get(session)
        replaced = self._core.sessions.get(replacing) if replacing is not None else None
        if found is None or (replacing is not None and replaced is None):
            return False
        return self._transfers.refer(found, Uri.parse(target_uri), now, safe_headers(headers), replaced)

    def give_up_refer(self, session: int, now: float) -> None:
        """Wait no longer for how a transfer ends: the call goes on, if the peer is still there."""
        if (found := self._core.sessions.get(session)) is not None:
            self._transfers.give_up(found, now)

    def own_uri(self, session: int, replaces: str) -> str | None:
        """Return our URI if a Replaces value names another dialog between us and the peer of `session`, else None."""
        found = self._core.sessions.get(session)
        return None if found is None else self._transfers.own_uri(found, replaces)

    def answer_refer(self, session: int, status: int, now: float) -> bool:
        """Accept (202) or decline a ReferReceived."""
        found = self._core.sessions.get(session)
        return found is not None and self._transfers.answer_refer(found, status, now)

    def notify_refer(self, session: int, status: int, now: float) -> bool:
        """Tell the transferor how the accepted transfer goes; a status >= 200 is the last."""
        found = self._core.sessions.get(session)
        return found is not None and self._transfers.notify(found, status, now)

    # --- registrations

    def register(self, account: Account, now: float) -> int:
        """Keep our contact bound at a registrar; returns the registration's number. RegistrationDue follows."""
        return self._registrations.add(account, now)

    def begin_registration(
        self,
        registration: int,
        destination: Address | None,
        now: float,
        problem: str = "",
        alternatives: Sequence[Address] = (),
    ) -> None:
        """Answer RegistrationDue: where to send the REGISTER, or None and the `problem` that prevents it.

        `alternatives`: see `invite`.
        """
        found = self._registrations.get(registration)
        if found is not None and destination is not None:
            found.begin(destination, alternatives, None, now)
        elif found is not None:
            found.cannot_begin(problem, now)

    def unregister(self, registration: int, now: float) -> None:
        """Have our contact removed; RegistrationChanged with `gone` follows."""
        if (found := self._registrations.get(registration)) is not None:
            found.leave(now)

    def bindings(self, user: str, now: float) -> tuple[Binding, ...]:
        """Return the phones of a user of our registrar, the preferred first."""
        return () if self._registrar is None else self._registrar.bindings(user, now)

    def learned(self, peer_host: str) -> str | None:
        """Return our own address as this peer sees it, where a registration has told us."""
        found = self._core.learned.get(peer_host)
        return None if found is None else found.host

    # --- pings and draining

    def options(
        self,
        target_uri: str,
        from_uri: str,
        now: float,
        destination: Address | None = None,
        local: Address | None = None,
        headers: HeaderList = (),
        alternatives: Sequence[Address] = (),
    ) -> int:
        """Ask a peer whether it is there; PingAnswered with the returned number follows. Raises SipError.

        `alternatives`: see `invite`.
        """
        goals = (destination, alternatives)
        return self._pings.send(_sip_uri(target_uri), _sip_uri(from_uri), now, *goals, local, headers)

    def drain(self, retry_after: int | None) -> None:
        """From now on answer new calls and OPTIONS with 503 and Retry-After (seconds); None: serve again."""
        self._retry_after = retry_after

    # --- what it holds

    def call_id(self, session: int) -> str:
        """Return the Call-ID of a session, empty when it is over."""
        found = self._core.sessions.get(session)
        if found is None:
            return ""
        if found.dialog is not None:
            return found.dialog.call_id
        if found.outgoing is not None:
            return found.outgoing.call_id
        return found.invite_server.request.call_id if found.invite_server is not None else ""

    @property
    def counters(self) -> dict[str, int]:
        """Totals since the start: received, sent, keep_alives, dropped_*, refused_STATUS, extra_dialogs."""
        return dict(self._core.counters)

    def suspect(self, address: Address, now: float) -> bool:
        """Return whether requests to that address failed within the last minute, and none since was answered."""
        return self._core.transactions.suspect(address, now)

    def peers(self) -> set[Address]:
        """Return the addresses that calls and transactions are with: connections to them are in use."""
        core = self._core
        return (
            {session.peer for session in core.sessions.values()}
            | {client.destination for client in core.transactions.clients.values()}
            | {server.destination for server in core.transactions.servers.values()}
        )

    @property
    def held(self) -> Counters:
        core = self._core
        return Counters(len(core.sessions), len(core.dialogs), len(core.transactions))

    # --- received messages

    def _response_received(self, response: Response, now: float) -> None:
        response.validate()
        if not self._core.transactions.receive_response(response, now):
            self._core.counters["dropped_stray_responses"] += 1

    def _request_received(
        self, request: Request, source: Address, local: Address | None, now: float, late: bool
    ) -> None:
        request = request.received_from(source.host, source.port)
        try:
            request.validate()
        except MessageError as error:
            raise UnusableRequest(error.status, error.reason, request) from error
        core = self._core
        if request.method == "ACK":
            self._ack_received(request, now)
            return
        if core.transactions.is_repetition(request, source, local, now):
            return
        if self._leads_nowhere(request):
            # Without a transaction: whoever sends many of these must not use up those that calls need.
            if self.guard is None or self.guard.may_answer_nonsense(request, source, now):
                core.refuse_statelessly(request, 481, source, local)
            return
        if self.guard is not None and not request.to.tag and request.method != "CANCEL":
            admission = self.guard.admit(request, source, now)
            if admission is Admission.BUSY:
                core.refuse_statelessly(request, 503, source, local, headers=[("retry-after", "5")])
            if admission is not Admission.PASS:
                core.counters["dropped_by_guard"] += 1
                return
        if len(core.transactions) >= core.limits.transactions:
            if request.method == "INVITE":
                core.refuse_busy(request, source, local)
            else:
                core.counters["dropped_flood"] += 1
            return
        if request.method == "INVITE" and core.refuse_late(request, source, local, now, late=late):
            return
        server = core.transactions.start_server(request, source, local, now)
        try:
            self._new_request(server, request, now)
        except MessageError as error:
            core.respond(server, error.status, now, error.reason)

    def _leads_nowhere(self, request: Request) -> bool:
        """Whether it belongs to a call, or to an INVITE, that there is not."""
        if request.method == "CANCEL":
            transactions = self._core.transactions
            return transactions.find_cancelled(request) is None and not transactions.comes_too_late(request)
        return bool(request.to.tag) and self._core.find(request) is None

    def _ack_received(self, ack: Request, now: float) -> None:
        core = self._core
        server = core.transactions.find_acknowledged(ack)
        passed: Request | None = ack
        if server is not None and isinstance(server.transaction, InviteServerTransaction):
            passed = server.transaction.receive_ack(ack, now)
            core.transactions.settle_server(server)
        session = core.find(ack) or core.find_by_branch(ack, server)
        if passed is not None and session is not None:
            self._inbound.ack_received(session, passed, now)

    def _new_request(self, server: Server, request: Request, now: float) -> None:
        core = self._core
        if request.method == "CANCEL":
            self._inbound.cancel_received(server, request, now)
            return
        session = core.find(request) if request.to.tag else None
        if session is None and core.transactions.is_merged(server):
            core.respond(server, 482, now)
            return
        refusal = problem_with(request, core.timers.minimum, registrar=self._registrar is not None)
        if refusal is not None:
            core.counters[f"refused_{refusal.status}"] += 1
            core.respond(server, refusal.status, now, refusal.reason, refusal.headers)
            return
        if session is None and request.method in ("INVITE", "OPTIONS") and self._retry_after is not None:
            core.respond(server, 503, now, headers=[("retry-after", str(self._retry_after))])
            return
        if session is not None:
            self._in_dialog.request_received(session, server, request, now)
            return
        sender = self._asking_who.sender(server, request, self.guard, now)
        if sender is None:
            return
        if request.method == "INVITE":
            self._inbound.invite_received(server, request, sender.user, now)
        elif request.method == "OPTIONS":
            core.respond(server, 200, now, headers=[ALLOW, ACCEPT, SUPPORTED])
        elif request.method == "REGISTER" and self._registrar is not None:
            outcome = self._registrar.register(request, sender.user, server.source, server.local, now)
            core.respond(server, outcome.status, now, outcome.reason, outcome.headers)
            core.scheduler.schedule(self._registrar)
        elif request.method == "NOTIFY":
            status, lines = unsolicited(request)
            core.respond(server, status, now, headers=lines)
        else:
            core.respond(server, 481, now)

    def _on_wait(self, session: Session, wait: Wait, now: float) -> None:
        if wait in (Wait.REFER_LIMIT, Wait.LAST_NOTIFY):
            self._transfers.on_wait(session, wait, now)
        elif wait in (Wait.REFRESH, Wait.SESSION_EXPIRES):
            self._refreshing.on_wait(session, wait, now)
        elif wait in _OUTBOUND_WAITS or (wait is Wait.RING_LIMIT and session.outgoing is not None):
            self._outbound.on_wait(session, wait, now)
        else:
            self._inbound.on_wait(session, wait, now)


def _sip_uri(text: str) -> Uri:
    uri = Uri.parse(text)
    if uri.scheme not in ("sip", "sips"):
        raise SipError(416, "Only sip: and sips: URIs can be called")
    # Headers in a URI would become header fields of the request (section 19.1.5): never from outside.
    return replace(uri, headers="")
