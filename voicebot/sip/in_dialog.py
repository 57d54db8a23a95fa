"""Requests within a dialog, received and sent: re-INVITE, UPDATE, INFO, OPTIONS (RFC 3261 section 12.2, 14.2)."""

from voicebot.sip import ending, session_timer
from voicebot.sip.core import SDP_HEADER, Core, safe_headers, why_failed
from voicebot.sip.events import InfoReceived, Offer, OfferAnswered, OfferRejected
from voicebot.sip.inbound import Inbound
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.outbound import busy_with_offer
from voicebot.sip.refer import Transfers
from voicebot.sip.session import Session, Stage
from voicebot.sip.transaction_layer import Server
from voicebot.sip.validation import ACCEPT, ALLOW, SUPPORTED


class InDialog:
    def __init__(self, core: Core, inbound: Inbound, transfers: Transfers) -> None:
        self._core = core
        self._inbound = inbound
        self._transfers = transfers

    # --- from the peer

    def request_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        """Take a valid request that belongs to the session's dialog. Raises MessageError for a bad Contact."""
        core = self._core
        dialog = session.dialog
        if dialog is None or session.stage is Stage.CALLING:
            self._early_request_received(session, server, request, now)
            return
        if session.stage is Stage.LEFT and request.method == "NOTIFY":
            self._transfers.notify_received(
                session, server, request, now
            )  # older than the BYE: so is its CSeq
            return
        if not dialog.accepts(request):
            core.respond(server, 500, now, "CSeq Out Of Order")
            return
        session.peer = server.source
        if (
            session.stage is not Stage.INCOMING and request.method != "PRACK"
        ):  # which may have crossed our 2xx
            self._inbound.acknowledged_implicitly(session, now)
        if request.method == "BYE":
            ending.bye_received(core, session, server, request, now)
        elif request.method == "OPTIONS":
            core.respond(server, 200, now, headers=[ALLOW, ACCEPT, SUPPORTED])
        elif not session.open:
            core.respond(server, 481, now)
        elif request.method == "INVITE":
            self._reinvite_received(session, server, request, now)
        elif request.method == "UPDATE":
            self._update_received(session, server, request, now)
        elif request.method == "INFO":
            core.respond(server, 200, now)
            core.emit(InfoReceived(session.id, request.content_type, request.body))
        elif request.method == "PRACK":
            self._inbound.prack_received(session, server, request, now)
        elif request.method == "NOTIFY":
            self._transfers.notify_received(session, server, request, now)
        elif request.method == "REFER":
            self._transfers.refer_received(session, server, request, now)
        else:
            core.respond(server, 405, now, headers=[ALLOW])

    def _early_request_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        """We have called, and who rings updates the early dialog (RFC 3311 section 5.2)."""
        core, call = self._core, session.outgoing
        early = call.early.get(request.from_.tag) if call is not None else None
        if call is None or early is None or call.cancel_wanted or request.method != "UPDATE":
            core.respond(server, 481, now)
        elif not early.dialog.accepts(request):
            core.respond(server, 500, now, "CSeq Out Of Order")
        elif request.sdp is None:
            early.dialog.refresh_target(request)
            core.respond(server, 200, now, headers=self._early_headers(server))
        elif not early.settled:  # our offer in the INVITE has no answer yet
            core.respond(server, 491, now)
        elif session.offer_server is not None:
            core.respond(server, 500, now, headers=[("retry-after", str(core.rng.getrandbits(3) + 1))])
        else:
            early.dialog.refresh_target(request)
            session.offer_server = server
            core.emit(Offer(session.id, request.sdp, "update", request.from_.tag))

    def _early_headers(self, server: Server) -> HeaderList:
        """Return what a 2xx to UPDATE carries while it rings: the session timer is settled by the answer to the INVITE."""
        return [self._core.contact_header(server.source, server.local), ALLOW, SUPPORTED]

    def _reinvite_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        core = self._core
        if session.invite_server is not None or session.offer_server is not None:
            core.respond(server, 500, now, headers=[("retry-after", str(core.rng.getrandbits(3) + 1))])
            return
        if busy_with_offer(session) or session.stage is not Stage.CONFIRMED:
            core.respond(server, 491, now)
            return
        assert session.dialog is not None
        session.dialog.refresh_target(request)
        session.invite_server = server
        server.session = session.id
        core.emit(Offer(session.id, request.sdp, "reinvite"))

    def _update_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        """RFC 3311 section 5.2."""
        core = self._core
        assert session.dialog is not None
        if request.sdp is None:
            session.dialog.refresh_target(request)
            headers = self._inbound.success_headers(session, server, now)
            core.respond(server, 200, now, headers=headers)
            return
        # In an early dialog an offer may follow once the first one has its answer, reliably (RFC 3311 section 5.1).
        early = session.stage is Stage.INCOMING and session.settled_early and session.unpracked is None
        if (session.invite_server is not None and not early) or session.offer_server is not None:
            core.respond(server, 500, now, headers=[("retry-after", str(core.rng.getrandbits(3) + 1))])
            return
        if not early and (busy_with_offer(session) or session.stage is not Stage.CONFIRMED):
            core.respond(server, 491, now)
            return
        session.dialog.refresh_target(request)
        session.offer_server = server
        core.emit(Offer(session.id, request.sdp, "update"))

    # --- from our user

    def answer(self, session: Session, sdp: bytes, now: float) -> bool:
        """Answer an Offer event: with an answer, or with our offer where the re-INVITE had none."""
        server = session.offer_server
        if server is not None and server.request.method == "PRACK":
            session.offer_server = None
            session.sdp = sdp
            self._core.respond(server, 200, now, headers=[SDP_HEADER], body=sdp)
            return True
        if server is None and session.stage is not Stage.CONFIRMED:
            return False
        if server is not None and session.stage is Stage.CALLING and session.outgoing is not None:
            session.offer_server = None
            session.outgoing.early[server.request.from_.tag].ours = sdp
            self._core.respond(server, 200, now, headers=[*self._early_headers(server), SDP_HEADER], body=sdp)
            return True
        if server is not None:
            session.offer_server = None
            headers = [*self._inbound.success_headers(session, server, now), SDP_HEADER]
            session.sdp = sdp
            self._core.respond(server, 200, now, headers=headers, body=sdp)
            return True
        if session.invite_server is not None:
            self._inbound.accept_invite(session, session.invite_server, sdp, now, ())
            return True
        return False

    def reject_offer(self, session: Session, status: int, now: float) -> bool:
        server = session.offer_server
        if server is None and session.stage is Stage.CONFIRMED:
            server, session.invite_server = session.invite_server, None
        if server is None:
            return False
        session.offer_server = None
        self._core.respond(server, status, now)
        return True

    def info(self, session: Session, content_type: str, body: bytes, now: float) -> bool:
        if session.stage is not Stage.CONFIRMED:
            return False
        headers = safe_headers([("content-type", content_type)])

        def on_final(session: Session, response: Response, now: float) -> None:
            if response.status in (408, 481):
                ending.lost(self._core, session, response.status, now)

        self._core.request(session, "INFO", now, on_final, headers, body)
        return True

    def update(self, session: Session, sdp: bytes, now: float, headers: HeaderList = ()) -> bool:
        """Send an UPDATE with an offer."""
        if session.stage is not Stage.CONFIRMED or session.update_sent or busy_with_offer(session):
            return False
        core = self._core

        def on_final(session: Session, response: Response, now: float) -> None:
            session.update_sent = False
            if response.status in (408, 481):
                ending.lost(core, session, response.status, now)
            elif session.open:
                if response.status < 300:
                    session.sdp = sdp
                    if session.dialog is not None:
                        session.dialog.refresh_target_quietly(response)
                    session_timer.agree_as_uac(core, session, response, now)
                    core.emit(OfferAnswered(session.id, response.sdp))
                else:
                    why = why_failed(response)
                    core.emit(OfferRejected(session.id, response.status, response.reason, why))

        session.update_sent = True
        lines = [*safe_headers(headers), *session_timer.asked(core, session), ALLOW, SUPPORTED, SDP_HEADER]
        core.request(session, "UPDATE", now, on_final, lines, sdp)
        return True
