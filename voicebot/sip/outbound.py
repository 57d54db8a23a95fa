"""Outgoing calls: INVITE with credentials, forked answers, ACK, CANCEL (RFC 3261 sections 9.1, 13.2)."""

from collections.abc import Sequence
from functools import partial

from voicebot.sip import ending, reliable, session_timer
from voicebot.sip.address import Address
from voicebot.sip.core import SDP_HEADER, Core, why_failed
from voicebot.sip.dialog import Dialog
from voicebot.sip.digest import Credentials
from voicebot.sip.errors import Why
from voicebot.sip.events import Answered, OfferAnswered, OfferRejected, Progress, Rejected
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.reasons import REASONS
from voicebot.sip.session import EarlyDialog, OutgoingCall, Session, Stage, Wait
from voicebot.sip.timers import NEXT_ADDRESS, TIMEOUT
from voicebot.sip.transaction_invite_client import InviteClientTransaction
from voicebot.sip.transaction_layer import Client
from voicebot.sip.uri import Uri
from voicebot.sip.validation import ALLOW, SUPPORTED, SUPPORTED_LATE

MAX_FORKS = 16  # early dialogs of one INVITE


class Outbound:
    def __init__(self, core: Core) -> None:
        self._core = core

    # --- from our user

    def invite(
        self,
        target: Uri,
        from_: NameAddress,
        sdp: bytes | None,
        now: float,
        destination: Address | None,
        alternatives: Sequence[Address],
        local: Address | None,
        credentials: Credentials | None,
        headers: HeaderList,
        impatient: bool,
    ) -> Session:
        core = self._core
        goal = destination or core.destination(target, None)
        session = core.new_session(Stage.CALLING, goal, local, credentials)
        if not any(name == "route" for name, _ in headers):
            session.behind = (target.host, target.port)
        session.outgoing = OutgoingCall(
            target=str(target),
            from_=from_.with_tag(core.token()),
            to=NameAddress(target),
            call_id=core.token(),
            headers=[line for line in headers if line[0] != "max-forwards"],
            max_forwards=dict(headers).get("max-forwards", "70"),
            sdp=sdp,
            destination=goal,
            alternatives=tuple(alternatives),
            impatient=impatient,
            sequence=core.rng.getrandbits(16),
        )
        core.wait(session, Wait.RING_LIMIT, now + core.limits.ring)
        self._send_invite(session, session.outgoing, now)
        return session

    def cancel(self, session: Session, now: float, headers: HeaderList) -> bool:
        """Section 9.1: a CANCEL goes out once a provisional response has come; until then it waits, and no INVITE is repeated."""
        call = session.outgoing
        if session.stage is not Stage.CALLING or call is None:
            return False
        if not call.cancel_wanted:
            call.cancel_wanted = True
            call.cancel_headers = headers
            self._send_cancel(session, call, now)
            self._repeat_no_more(session, call, now)
        return True

    def answer_late_offer(self, session: Session, sdp: bytes, now: float) -> bool:
        """Send the ACK that was waiting for our answer."""
        response, client = session.late_2xx, session.invite_client
        if session.stage is not Stage.ACCEPTED or response is None or client is None:
            return False
        session.late_2xx = None
        session.stop(Wait.NO_ANSWER_TO_OFFER)
        session.stage = Stage.CONFIRMED
        session.sdp = sdp
        self._acknowledge(session, client.request, response, now, sdp)
        session.invite_client = None
        return True

    def decline_late_offer(self, session: Session, now: float, headers: HeaderList, cause: str = "") -> bool:
        """End a call whose offer we do not answer: its 2xx is acknowledged first (section 13.2.2.4)."""
        response, client = session.late_2xx, session.invite_client
        if session.stage is not Stage.ACCEPTED or response is None or client is None:
            return False
        session.late_2xx = session.invite_client = None
        self._acknowledge(session, client.request, response, now)
        ending.send_bye(self._core, session, now, headers, cause)
        return True

    def reinvite(self, session: Session, sdp: bytes, now: float, *, refresh: bool = False) -> bool:
        """Offer `sdp`. `refresh`: it is what holds already, and only tells the peer that the call stands."""
        if session.stage is not Stage.CONFIRMED or session.dialog is None or busy_with_offer(session):
            return False
        session.reinvite_sdp = sdp
        session.refreshing = refresh
        session.stop(Wait.REINVITE_AGAIN)
        request, destination = self._core.dialog_request(
            session, "INVITE", (ALLOW, SUPPORTED, *session_timer.asked(self._core, session), SDP_HEADER), sdp
        )
        on_response = partial(self._on_reinvite_response, session)
        session.invite_client = self._core.transactions.start_client(
            request, destination, session.local, on_response, now
        )
        return True

    # --- the INVITE

    def _send_invite(self, session: Session, call: OutgoingCall, now: float) -> None:
        core = self._core
        call.sequence += 1
        call.provisional = False
        headers: list[tuple[str, str]] = [
            ("via", core.via(call.destination, session.local)),
            ("max-forwards", call.max_forwards),
            ("from", str(call.from_)),
            ("to", str(call.to)),
            ("call-id", call.call_id),
            ("cseq", f"{call.sequence} INVITE"),
            core.contact_header(call.destination, session.local, secure=call.to.uri.scheme == "sips"),
            ALLOW,
            SUPPORTED_LATE if call.sdp is None else SUPPORTED,
            ("user-agent", core.user_agent),
            *session_timer.asked(core, session),
            *call.headers,
            *session.authentication.headers("INVITE", call.target, core.token()),
        ]
        if call.sdp is not None:
            headers.append(SDP_HEADER)
        request = Request("INVITE", call.target, headers, call.sdp or b"")
        on_response = partial(self._on_response, session, call)
        if call.alternatives or call.impatient:
            core.wait(session, Wait.NEXT_ADDRESS, now + NEXT_ADDRESS)
        session.invite_client = core.transactions.start_client(
            request, call.destination, session.local, on_response, now
        )

    def _try_next_address(self, session: Session, call: OutgoingCall, now: float) -> bool:
        """Call the peer at its next address (RFC 3263 section 4.3); False when there is none.

        The earlier transaction stays: should its 2xx still come, it is the answer, or it is acknowledged and ended;
        should it ring, it is cancelled where it rings.
        """
        session.stop(Wait.NEXT_ADDRESS)
        if not call.alternatives or call.cancel_wanted:
            return False
        self._core.transactions.failed(call.destination, now)
        session.authentication.begin_anew("INVITE")
        if session.invite_client is not None:
            call.left[session.invite_client] = call.destination
        call.destination, *rest = call.alternatives
        call.alternatives = tuple(rest)
        session.peer = call.destination
        self._core.counters["next_addresses"] += 1
        if session.invite_client is not None:
            session.invite_client.let_go(now + self._core.limits.ring)
        self._send_invite(session, call, now)
        return True

    def _give_up_silent(self, session: Session, call: OutgoingCall, now: float) -> None:
        """No address of the peer has said a word: the call fails, as it would after 64*T1."""
        core, client = self._core, session.invite_client
        core.transactions.failed(call.destination, now)
        if client is not None:
            call.left[client] = call.destination
            client.let_go(now + core.limits.ring)
        self._repeat_no_more(session, call, now)
        self._forget(session, now)
        core.emit(Rejected(session.id, 408, REASONS[408], "timeout"))

    def _forget(self, session: Session, now: float) -> None:
        if session.offer_server is not None:  # an UPDATE of who rang
            self._core.respond(session.offer_server, 487, now)
        self._core.forget(session)

    def _repeat_no_more(self, session: Session, call: OutgoingCall, now: float) -> None:
        """The call is given up, answered or refused: no INVITE that was not heard yet makes a phone ring for it any more."""
        for client in (session.invite_client, *call.left):
            if client is not None:
                client.give_up(now)

    def _send_cancel(self, session: Session, call: OutgoingCall, now: float) -> None:
        client = session.invite_client
        if client is None or not call.provisional or call.cancel_sent:
            return
        call.cancel_sent = True
        self._cancel(client, call.cancel_headers, now)
        self._core.wait(session, Wait.CANCEL_TIMEOUT, now + TIMEOUT)

    def _cancel(self, client: Client, headers: HeaderList, now: float) -> None:
        """Cancel an INVITE that has had a provisional response, by the way that it took (section 9.1)."""
        invite = client.request
        lines = [("via", str(invite.via)), ("max-forwards", "70")]
        lines += [("route", value) for value in invite.raw("route")]
        lines += [("from", invite.first("from") or ""), ("to", invite.first("to") or "")]
        lines += [("call-id", invite.call_id), ("cseq", f"{invite.cseq.number} CANCEL")]
        lines += [*headers, ("user-agent", self._core.user_agent)]
        self._core.transactions.start_client(
            Request("CANCEL", invite.uri, lines),
            client.destination,
            client.local,
            lambda _client, _response, _now: None,
            now,
        )

    def _on_response(
        self, session: Session, call: OutgoingCall, client: Client, response: Response, now: float
    ) -> None:
        if response.status >= 300:
            if session.stage is Stage.CALLING and client is session.invite_client:
                self._failed(session, call, response, now)
        elif response.status >= 200:
            self._succeeded(session, call, client, response, now)
        elif session.stage is Stage.CALLING and client is session.invite_client:
            self._progressed(session, call, client, response, now)
        elif call.left.pop(client, None) is not None:
            self._cancel(client, (), now)

    def _progressed(
        self, session: Session, call: OutgoingCall, client: Client, response: Response, now: float
    ) -> None:
        call.provisional = True
        session.stop(Wait.NEXT_ADDRESS)
        if call.cancel_wanted:
            self._send_cancel(session, call, now)
        elif response.status > 100:
            tag = response.to.tag
            early = call.early.get(tag)
            if early is None and tag and len(call.early) < MAX_FORKS:
                early = call.early[tag] = EarlyDialog(Dialog.as_uac(client.request, response))
                session.dialog = early.dialog
                self._core.register(session, early.dialog)
            if early is not None and not reliable.taken(self._core, session, early, response, now):
                return
            sdp = response.sdp
            if sdp is not None and len(call.early_sdp) < MAX_FORKS:
                call.early_sdp[tag] = sdp
                if early is not None and early.rseq and response.has("rseq"):
                    early.settled = call.sdp is not None
            self._core.emit(Progress(session.id, response.status, sdp, tag))

    def _failed(self, session: Session, call: OutgoingCall, response: Response, now: float) -> None:
        core = self._core
        if (response.local or response.status == 503) and self._try_next_address(session, call, now):
            return
        why: Why = why_failed(response)
        if response.status in (401, 407) and not call.cancel_wanted:
            refusal = core.answer_challenge(session, response)
            if refusal is None:
                self._send_invite(session, call, now)
                return
            why = refusal
        if call.cancel_wanted and (response.local or response.status == 487):
            why = "cancelled"
        if response.status == 422 and not call.cancel_wanted and session_timer.raised(session, response):
            session.authentication.begin_anew("INVITE")
            self._send_invite(session, call, now)
            return
        self._repeat_no_more(session, call, now)
        self._forget(session, now)
        core.emit(Rejected(session.id, response.status, response.reason, why, response.headers))

    def _succeeded(
        self, session: Session, call: OutgoingCall, client: Client, response: Response, now: float
    ) -> None:
        core = self._core
        tag = response.to.tag
        known = session.acks.get((tag, client.request.cseq.number))
        if known is not None:
            core.send(known[0], known[1], session.local)
            return
        if session.late_2xx is not None and session.late_2xx.to.tag == tag:
            return
        dialog = Dialog.as_uac(client.request, response)
        early = call.early.get(tag)
        if early is not None:  # it has sent PRACKs (section 13.2.2.4: only the route set is computed anew)
            dialog.local_sequence = early.dialog.local_sequence
            dialog.remote_sequence = early.dialog.remote_sequence
        where = call.left.pop(client, session.peer)
        if session.stage is not Stage.CALLING:
            self._end_extra_dialog(session, dialog, client.request, response, now, where)
            return
        self._leave_the_others(session, call, client, where, now)
        self._repeat_no_more(session, call, now)
        session.authentication.begin_anew("INVITE")
        session.stop(Wait.RING_LIMIT, Wait.CANCEL_TIMEOUT, Wait.NEXT_ADDRESS)
        session.dialog = dialog
        core.register(session, dialog)
        if call.cancel_wanted:
            # The CANCEL came too late (section 9.1): the call exists, and is ended at once.
            self._end_extra_dialog(session, dialog, client.request, response, now, where)
            self._forget(session, now)
            core.emit(Rejected(session.id, 487, REASONS[487], "cancelled"))
            return
        if call.sdp is None:
            session.stage = Stage.ACCEPTED
            session.late_2xx = response
            self._agree(session, response, now)
            core.wait(session, Wait.NO_ANSWER_TO_OFFER, now + TIMEOUT)
            core.emit(Answered(session.id, response.sdp, response.headers))
            return
        session.stage = Stage.CONFIRMED
        session.invite_client = None
        session.sdp = call.sdp
        self._acknowledge(session, client.request, response, now)
        self._agree(session, response, now)
        sdp = response.sdp if response.sdp is not None else call.early_sdp.get(tag)
        if early is not None and early.ours:  # what an UPDATE has changed holds (RFC 6337 section 3.1.1)
            session.sdp, sdp = early.ours, None
        core.emit(Answered(session.id, sdp, response.headers, tag))

    def _leave_the_others(
        self, session: Session, call: OutgoingCall, client: Client, where: Address, now: float
    ) -> None:
        """An INVITE was answered at `where`; should that be the earlier one, the later one is not waited for."""
        later = session.invite_client
        if later is None or later is client:
            return
        session.peer = where
        session.stop(Wait.CANCEL_TIMEOUT)
        later.let_go(now + self._core.limits.ring)
        if not call.provisional:
            call.left[later] = call.destination
        elif not call.cancel_sent:
            self._cancel(later, (), now)

    def _agree(self, session: Session, response: Response, now: float) -> None:
        session.note_allowed(response)
        session_timer.agree_as_uac(self._core, session, response, now)

    def _acknowledge(
        self,
        session: Session,
        invite: Request,
        response: Response,
        now: float,
        sdp: bytes | None = None,
        dialog: Dialog | None = None,
        where: Address | None = None,
    ) -> None:
        """Send the ACK to a 2xx, with the INVITE's credentials (section 13.2.2.4), and keep it for repeated ones."""
        core = self._core
        dialog = dialog or session.dialog
        assert dialog is not None
        destination = core.destination(dialog.next_hop, where or session.peer, session.behind)
        headers: list[tuple[str, str]] = [("user-agent", core.user_agent)]
        for name in ("authorization", "proxy-authorization"):
            headers += [(name, value) for value in invite.raw(name)]
        if sdp is not None:
            headers.append(SDP_HEADER)
        ack = dialog.request(
            "ACK", invite.cseq.number, core.via(destination, session.local), headers, sdp or b""
        )
        data = ack.to_bytes()
        if len(session.acks) >= 16:
            session.acks.pop(next(iter(session.acks)))
        session.acks[(response.to.tag, invite.cseq.number)] = (data, destination)
        core.send(data, destination, session.local)

    def _end_extra_dialog(
        self,
        session: Session,
        dialog: Dialog,
        invite: Request,
        response: Response,
        now: float,
        where: Address,
    ) -> None:
        """Acknowledge and end a dialog that nobody wants: a fork's second answer, or one that crossed a CANCEL.

        `where`: the address that the INVITE went to.
        """
        core = self._core
        core.counters["extra_dialogs"] += 1
        self._acknowledge(session, invite, response, now, None, dialog, where)
        extra = core.new_session(Stage.ENDING, where, session.local, None)
        core.forget(extra)
        extra.dialog, extra.behind = dialog, session.behind
        extra.authentication = session.authentication
        core.request(extra, "BYE", now, lambda _session, _response, _now: None)

    # --- the re-INVITE

    def _on_reinvite_response(self, session: Session, client: Client, response: Response, now: float) -> None:
        core = self._core
        if 200 <= response.status < 300:
            known = session.acks.get((response.to.tag, client.request.cseq.number))
            if known is not None:
                core.send(known[0], known[1], session.local)
                return
            self._acknowledge(session, client.request, response, now)
        if response.status < 200 or client is not session.invite_client:
            return
        session.invite_client = None
        if response.status not in (401, 407):
            session.authentication.begin_anew("INVITE")
        if session.stage is not Stage.CONFIRMED:
            return
        if response.status < 300:
            self._reinvite_accepted(session, response, now)
        elif response.status == 491 and not response.local:
            # Section 14.1: who made the Call-ID waits for longer, so that the two do not collide again.
            steps = core.rng.getrandbits(16)
            delay = 2.1 + steps % 191 / 100 if session.outgoing is not None else steps % 201 / 100
            core.wait(session, Wait.REINVITE_AGAIN, now + delay)
        else:
            self._reinvite_failed(session, response, now)

    def _reinvite_accepted(self, session: Session, response: Response, now: float) -> None:
        if session.dialog is not None:
            session.dialog.refresh_target_quietly(response)
        session.sdp = session.reinvite_sdp
        self._agree(session, response, now)
        self._core.emit(OfferAnswered(session.id, response.sdp, session.refreshing))

    def _reinvite_failed(self, session: Session, response: Response, now: float) -> None:
        core = self._core
        why = why_failed(response)
        if response.status in (401, 407):
            refusal = core.answer_challenge(session, response)
            if refusal is None:
                self.reinvite(session, session.reinvite_sdp, now, refresh=session.refreshing)
                return
            session.authentication.begin_anew("INVITE")
            why = refusal
        if response.status == 422 and session_timer.raised(session, response):
            self.reinvite(session, session.reinvite_sdp, now, refresh=session.refreshing)
            return
        if response.status in (408, 481):
            ending.lost(core, session, response.status, now)
            return
        if session.refreshing:
            session_timer.refresh_refused(core, session, response, now)
            return
        core.emit(OfferRejected(session.id, response.status, response.reason, why))

    # --- time

    def on_wait(self, session: Session, wait: Wait, now: float) -> None:
        core = self._core
        if wait is Wait.RING_LIMIT and session.stage is Stage.CALLING:
            self.cancel(session, now, ())
        elif wait is Wait.CANCEL_TIMEOUT and session.stage is Stage.CALLING:
            client = session.invite_client
            if client is not None and isinstance(client.transaction, InviteClientTransaction):
                client.transaction.abandon(now)
                core.transactions.settle_client(client, now)
            self._forget(session, now)
            core.emit(Rejected(session.id, 487, REASONS[487], "cancelled"))
        elif wait is Wait.NEXT_ADDRESS and session.outgoing is not None:
            if (
                not self._try_next_address(session, session.outgoing, now)
                and not session.outgoing.cancel_wanted
            ):
                self._give_up_silent(session, session.outgoing, now)
        elif wait is Wait.NO_ANSWER_TO_OFFER:
            self.decline_late_offer(session, now, (), 'SIP;cause=488;text="No answer to the offer"')
        elif wait is Wait.REINVITE_AGAIN and session.open:
            # What the peer has changed meanwhile holds: a refresh offers that.
            sdp = session.sdp if session.refreshing else session.reinvite_sdp
            if not self.reinvite(session, sdp, now, refresh=session.refreshing):  # the peer was faster again
                core.wait(session, Wait.REINVITE_AGAIN, now + session_timer.BUSY_FOR)


def busy_with_offer(session: Session) -> bool:
    """Whether an offer/answer exchange is under way, so that none may begin (section 14.1, RFC 6337)."""
    waiting = session.unacknowledged
    return (
        session.invite_client is not None
        or session.invite_server is not None
        or session.offer_server is not None
        or session.update_sent
        or (waiting is not None and waiting.offered)
    )
