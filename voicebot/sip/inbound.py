"""Incoming calls: INVITE, ringing, 2xx until ACK, CANCEL (RFC 3261 sections 9.2, 13.3)."""

from voicebot.sip import ending, reliable, session_timer
from voicebot.sip.address import Address
from voicebot.sip.core import SDP_HEADER, Core, safe_headers
from voicebot.sip.dialog import Dialog
from voicebot.sip.events import Cancelled, Established, IncomingCall, OfferAnswered
from voicebot.sip.message import HeaderList, Request
from voicebot.sip.replaces import Replaces
from voicebot.sip.session import Place, Session, Stage, Unacknowledged, Wait
from voicebot.sip.timers import RING_REFRESH, T2, TIMEOUT
from voicebot.sip.transaction_layer import Server
from voicebot.sip.validation import ALLOW, SUPPORTED


def find_replaced(core: Core, request: Request) -> tuple[int | None, int]:
    """Return the session that an INVITE replaces, if any, and the status that refuses it (RFC 3891 section 3).

    Raises MessageError for a Replaces that cannot be understood.
    """
    asked = Replaces.of(request)
    if asked is None:
        return None, 0
    found = core.dialogs.get(asked.dialog)
    if found is None or found.stage is Stage.INCOMING:
        return None, 481  # unknown, or early and not begun by us
    if not found.open:
        return None, 603
    if asked.early_only and found.stage is not Stage.CALLING:
        return None, 486
    return found.id, 0


def _behind_nat(request: Request, source: Address) -> Place | None:
    """Return the Contact's place where the caller came to us directly, and from elsewhere than it thinks."""
    via, contact = request.via, request.contact
    if contact is None or len(request.values("via")) != 1 or via.host == source.host:
        return None
    return (contact.uri.host, contact.uri.port) if contact.uri.host == via.host else None


class Inbound:
    def __init__(self, core: Core) -> None:
        self._core = core

    # --- from the peer

    def invite_received(self, server: Server, request: Request, user: str | None, now: float) -> None:
        """Take a valid INVITE outside of any dialog. Raises MessageError before anything was kept."""
        core = self._core
        sequence = core.rng.getrandbits(16) + 1
        dialog = Dialog.as_uas(request, core.token(), sequence)
        replaced, refusal = find_replaced(core, request)
        if refusal:
            core.respond(server, refusal, now)
            return
        if len(core.sessions) >= core.limits.sessions:
            core.respond(server, 503, now, headers=[("retry-after", "10")])
            return
        credentials = core.credentials_for(request, server.source)
        session = core.new_session(Stage.INCOMING, server.source, server.local, credentials)
        session.dialog = dialog
        session.behind = _behind_nat(request, server.source)
        session.invite_server = server
        server.session = session.id
        core.register(session, dialog)
        core.wait(session, Wait.RING_LIMIT, now + core.limits.ring)
        core.emit(IncomingCall(session.id, request, server.source, server.local, request.sdp, user, replaced))

    def cancel_received(self, server: Server, request: Request, now: float) -> None:
        """Section 9.2: the CANCEL is answered, and the INVITE too if it still was not."""
        core = self._core
        cancelled = core.transactions.find_cancelled(request)
        if cancelled is None:
            late = core.transactions.comes_too_late(request)
            core.respond(server, 200 if late else 481, now, to_tag=core.tag_for(request) if late else "")
            return
        session = core.sessions.get(cancelled.session)
        tag = session.dialog.local.tag if session and session.dialog else ""
        core.respond(server, 200, now, to_tag=tag)
        if cancelled.answered or session is None or session.invite_server is not cancelled:
            return
        core.respond(cancelled, 487, now, to_tag=tag)
        session.invite_server = None
        if session.stage is Stage.INCOMING:
            ending.settle_open_requests(core, session, now)
            core.forget(session)
            core.emit(Cancelled(session.id, request.first("reason") or ""))

    def ack_received(self, session: Session, ack: Request, now: float) -> None:
        core = self._core
        waiting = session.unacknowledged
        if waiting is None or waiting.sequence != ack.cseq.number:
            return
        self._acknowledged(session, ack.sdp, now)
        if session.bye_headers is not None and session.open:
            ending.send_bye(core, session, now, session.bye_headers, session.end_cause)

    def acknowledged_implicitly(self, session: Session, now: float) -> None:
        """A later request of the peer proves that our 2xx arrived, though the ACK was lost."""
        waiting = session.unacknowledged
        if waiting is not None and not waiting.offered:
            self._acknowledged(session, None, now)

    def _acknowledged(self, session: Session, sdp: bytes | None, now: float) -> None:
        waiting = session.unacknowledged
        assert waiting is not None
        session.unacknowledged = None
        self._core.transactions.acknowledged(waiting.server)
        session.stop(Wait.REPEAT_2XX, Wait.NO_ACK)
        if session.stage is Stage.ACCEPTED:
            session.stage = Stage.CONFIRMED
            self._core.emit(Established(session.id, sdp if waiting.offered else None))
        elif waiting.offered and session.open:
            self._core.emit(OfferAnswered(session.id, sdp))

    # --- from our user

    def ring(self, session: Session, now: float, status: int, sdp: bytes | None) -> bool:
        server = session.invite_server
        if session.stage is not Stage.INCOMING or server is None or session.dialog is None:
            return False
        if session.unpracked is not None or session.accept_waiting is not None:
            return False  # RFC 3262 section 3: one after the other
        secure = server.request.target.scheme == "sips"
        headers = [self._core.contact_header(server.source, server.local, secure=secure), ALLOW, SUPPORTED]
        headers += [("record-route", value) for value in server.request.raw("record-route")]
        if sdp is not None:
            headers.append(SDP_HEADER)
        is_reliable = reliable.is_wanted(server.request, sdp)
        if is_reliable:
            headers += reliable.begin(self._core, session)
        tag = session.dialog.local.tag
        response = self._core.respond(server, status, now, headers=headers, body=sdp or b"", to_tag=tag)
        if is_reliable:
            reliable.sent(self._core, session, server, response, now)
        session.ring_status = status
        self._core.wait(session, Wait.RING_REFRESH, now + RING_REFRESH)
        return True

    def accept(self, session: Session, sdp: bytes, now: float, headers: HeaderList) -> bool:
        server = session.invite_server
        if session.stage is not Stage.INCOMING or server is None:
            return False
        lines = safe_headers(headers)
        waiting = session.unpracked
        if session.accept_waiting is not None:
            return False
        if waiting is not None and waiting.response.body:
            session.accept_waiting = (sdp, lines)  # RFC 3262 section 3: not before its PRACK
            return True
        # What is `unpracked` still gets its 200: the PRACK may be on its way.
        session.stop(Wait.RING_LIMIT, Wait.RING_REFRESH, Wait.REPEAT_PROVISIONAL)
        session.stage = Stage.ACCEPTED
        self.accept_invite(session, server, sdp, now, lines)
        return True

    def accept_invite(
        self, session: Session, server: Server, sdp: bytes, now: float, headers: HeaderList
    ) -> None:
        """Send the 2xx to an INVITE or re-INVITE, until its ACK comes."""
        request = server.request
        # Our offer stood in a reliable provisional response, and the PRACK had its answer: another one is not made.
        settled = session.settled_early and session.stage is Stage.ACCEPTED and request.sdp is None
        body = b"" if settled else sdp
        response = self._core.respond(
            server,
            200,
            now,
            headers=[*self.success_headers(session, server, now), *([SDP_HEADER] if body else []), *headers],
            body=body,
            to_tag=session.dialog.local.tag if session.dialog else "",
        )
        session.invite_server = None
        session.sdp = sdp
        session.unacknowledged = Unacknowledged(
            server, response, request.cseq.number, offered=request.sdp is None and not settled
        )
        self._core.wait(session, Wait.REPEAT_2XX, now + session.unacknowledged.interval)
        self._core.wait(session, Wait.NO_ACK, now + TIMEOUT)

    def prack_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        if reliable.prack_received(self._core, session, server, request, now):
            waiting, session.accept_waiting = session.accept_waiting, None
            if waiting is not None:
                self.accept(session, waiting[0], now, waiting[1])

    def success_headers(self, session: Session, server: Server, now: float) -> HeaderList:
        """Return what a 2xx to INVITE and UPDATE carries."""
        request = server.request
        secure = request.target.scheme == "sips"
        headers = [self._core.contact_header(server.source, server.local, secure=secure), ALLOW, SUPPORTED]
        headers += [("record-route", value) for value in request.raw("record-route")]
        session.note_allowed(request)
        return [*headers, *session_timer.agree_as_uas(self._core, session, request, now)]

    def reject(
        self, session: Session, status: int, now: float, reason: str | None, headers: HeaderList
    ) -> bool:
        server = session.invite_server
        if session.stage is not Stage.INCOMING or server is None or session.dialog is None:
            return False
        lines = safe_headers(headers)
        tag = session.dialog.local.tag
        session.invite_server = None
        ending.settle_open_requests(self._core, session, now)
        self._core.forget(session)
        self._core.respond(server, status, now, reason, lines, to_tag=tag)
        return True

    # --- time

    def on_wait(self, session: Session, wait: Wait, now: float) -> None:
        if wait is Wait.REPEAT_2XX:
            self._repeat(session, now)
        elif wait is Wait.NO_ACK:
            session.unacknowledged = None
            session.stop(Wait.REPEAT_2XX)
            if session.open:
                cause = session.end_cause or 'SIP;cause=408;text="No ACK"'
                ending.send_bye(self._core, session, now, session.bye_headers or (), cause)
        elif wait is Wait.REPEAT_PROVISIONAL:
            if not reliable.repeat(self._core, session, now) and session.invite_server is not None:
                reliable.given_up(self._core, session, session.invite_server, now)
        elif wait is Wait.RING_REFRESH:
            self.ring(session, now, session.ring_status, None)
        elif wait is Wait.RING_LIMIT and self.reject(session, 480, now, None, ()):
            self._core.emit(Cancelled(session.id, "SIP;cause=408", by_peer=False))

    def _repeat(self, session: Session, now: float) -> None:
        """Section 13.3.1.4: the 2xx is repeated at intervals from T1 to T2, whatever the transport."""
        waiting = session.unacknowledged
        if waiting is None:
            return
        waiting.server.respond(waiting.response, now)
        waiting.interval = min(2 * waiting.interval, T2)
        self._core.wait(session, Wait.REPEAT_2XX, now + waiting.interval)
