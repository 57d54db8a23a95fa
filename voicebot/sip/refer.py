"""Transfer by REFER, blind or in the place of a call of ours, followed to its end by NOTIFY (RFC 3515, RFC 5589 section 6)."""

import re
from dataclasses import replace

from voicebot.sip import ending
from voicebot.sip.core import Core, why_failed
from voicebot.sip.errors import MessageError
from voicebot.sip.events import ReferProgress, ReferReceived, ReferWhy
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.outbound import Outbound
from voicebot.sip.reasons import REASONS
from voicebot.sip.replaces import Replaces, uri_header
from voicebot.sip.session import Session, Stage, Wait
from voicebot.sip.transaction_layer import Server
from voicebot.sip.uri import Uri

SUBSCRIPTION_SECONDS = 60
_STATUS_LINE = re.compile(rb"\s*SIP/2\.0\s+([1-6]\d\d)\b[ \t]*([^\r\n]{0,200})", re.IGNORECASE)


class Transfers:
    """`accept_refer`: whether REFERs of peers reach our user; otherwise they are declined."""

    def __init__(self, core: Core, outbound: Outbound, *, accept_refer: bool) -> None:
        self._core = core
        self._outbound = outbound
        self._accept_refer = accept_refer

    # --- we are the transferor

    def refer(
        self,
        session: Session,
        target: Uri,
        now: float,
        headers: HeaderList,
        replaced: Session | None = None,
    ) -> bool:
        """Ask the peer to call `target`; in the place of our call `replaced`, if it is given (RFC 5589 section 7)."""
        if session.stage is not Stage.CONFIRMED or session.refer_pending or session.dialog is None:
            return False
        session.refer_pending, session.refer_accepted, session.refer_told = True, False, False
        core = self._core
        local = session.dialog.local
        if replaced is not None:
            if replaced.stage is not Stage.CONFIRMED or replaced.dialog is None:
                session.refer_pending = False
                return False
            target = replace(target, headers=uri_header(replaced.dialog))
        lines = [("refer-to", f"<{target}>"), ("referred-by", f"<{local.uri}>"), *headers]
        core.wait(session, Wait.REFER_LIMIT, now + core.limits.refer)
        core.request(session, "REFER", now, self._refer_answered, lines)
        return True

    def _refer_answered(self, session: Session, response: Response, now: float) -> None:
        if not session.refer_pending or not (session.open or session.stage is Stage.LEFT):
            return
        if response.status < 300:
            # A peer without subscription (RFC 4488) has nothing more to say: its BYE or the time limit ends the wait.
            session.refer_accepted = True
            return
        why = session.challenge_failed or why_failed(response)
        self._progress(session, response.status, response.reason, now, final=True, why=why)
        if response.status in (408, 481):
            ending.lost(self._core, session, response.status, now)

    def notify_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        core = self._core
        event = _event(request)
        if event != "refer":
            core.respond(server, 489, now, headers=[("allow-events", "refer")])
            return
        if not session.refer_pending:
            core.respond(server, 481, now)
            return
        core.respond(server, 200, now)
        state = (request.first("subscription-state") or "").partition(";")[0].strip().lower()
        match = _STATUS_LINE.match(request.body)
        status = int(match[1]) if match else 0
        reason = match[2].decode("utf-8", "replace").strip() if match else ""
        if state == "terminated" and status < 200:
            # The peer will not tell how it ended.
            status, reason = 487, "Transfer state unknown"
        if status:
            session.refer_told = True
            self._progress(session, status, reason, now, final=status >= 200)

    def _progress(
        self, session: Session, status: int, reason: str, now: float, *, final: bool, why: ReferWhy = "told"
    ) -> None:
        if final:
            session.refer_pending = False
            session.stop(Wait.REFER_LIMIT)
        self._core.emit(ReferProgress(session.id, status, reason or REASONS.get(status, ""), final, why))
        if final and session.left is not None:
            self._leave(session, session.left)
        elif final and status >= 300:
            self._resume(session, now)

    def give_up(self, session: Session, now: float) -> None:
        """Wait for no more news: a NOTIFY that still comes gets 481, which ends the subscription (RFC 6665)."""
        if not session.refer_pending:
            return
        session.refer_pending = False
        session.stop(Wait.REFER_LIMIT)
        if session.left is not None:
            self._leave(session, session.left)
        else:
            self._resume(session, now)

    def _resume(self, session: Session, now: float) -> None:
        """Take the peer back after a transfer that it had begun (RFC 5589 section 6.3), by an INVITE.

        Some have let go of the caller by then and keep only the dialog: Asterisk answers an UPDATE as if nothing had
        happened, but an INVITE with a BYE.
        """
        if session.refer_accepted:
            self._outbound.reinvite(session, session.sdp, now, refresh=True)

    def _leave(self, session: Session, bye: Request) -> None:
        cause = bye.first("reason") or ""
        ending.finish(self._core, session, by_peer=True, cause=cause, headers=bye.headers)

    def on_wait(self, session: Session, wait: Wait, now: float) -> None:
        if wait is Wait.REFER_LIMIT and session.refer_pending:
            self._progress(session, 408, "No news of the transfer", now, final=True, why="no_news")
        elif wait is Wait.LAST_NOTIFY and session.left is not None:
            if session.refer_accepted and not session.refer_told:
                self._progress(session, 202, "", now, final=True, why="no_news")
            else:
                self._leave(session, session.left)

    # --- we are the transferee

    def own_uri(self, session: Session, replaces: str) -> str | None:
        """Return our own URI if `replaces` names a dialog of ours that the peer of `session` could know, else None."""
        core = self._core
        try:
            found = core.dialogs.get(Replaces.parse(replaces).dialog)
        except MessageError:
            return None
        if found is None or not found.open or found.peer.host != session.peer.host:
            return None
        return f"sip:{core.contact(found.peer, found.local).host_port}"

    def refer_received(self, session: Session, server: Server, request: Request, now: float) -> None:
        core = self._core
        targets = request.values("refer-to")
        if len(targets) != 1:
            core.respond(server, 400, now, "Exactly one Refer-To is needed")
            return
        if not self._accept_refer or session.stage is not Stage.CONFIRMED:
            core.respond(server, 603, now)
            return
        if session.refer_server is not None:
            core.respond(server, 491, now)
            return
        target = NameAddress.parse(targets[0])
        session.refer_server = server
        session.refer_event = f"refer;id={request.cseq.number}"
        core.emit(ReferReceived(session.id, str(target.uri), request))

    def answer_refer(self, session: Session, status: int, now: float) -> bool:
        """Accept (202) or decline a REFER. A 202 is followed by a first NOTIFY (RFC 3515 section 2.4.4)."""
        server = session.refer_server
        if server is None or server.answered or session.stage is not Stage.CONFIRMED:
            return False
        headers = [self._core.contact_header(server.source, server.local)]
        silent = (server.request.first("refer-sub") or "").partition(";")[0].strip().lower() == "false"
        if silent and status < 300:  # RFC 4488: no subscription, so no NOTIFY
            headers.append(("refer-sub", "false"))
        self._core.respond(server, status, now, headers=headers)
        if status < 300 and not silent:
            self.notify(session, 100, now)
        else:
            session.refer_server = None
        return True

    def notify(self, session: Session, status: int, now: float) -> bool:
        if session.refer_server is None or session.stage is not Stage.CONFIRMED:
            return False
        state = f"active;expires={SUBSCRIPTION_SECONDS}" if status < 200 else "terminated;reason=noresource"
        headers = [
            ("event", session.refer_event),
            ("subscription-state", state),
            ("content-type", "message/sipfrag;version=2.0"),
        ]
        body = f"SIP/2.0 {status} {REASONS.get(status, 'Unknown')}\r\n".encode()
        if status >= 200:
            session.refer_server = None
        self._core.request(session, "NOTIFY", now, _ignore, headers, body)
        return True


def unsolicited(request: Request) -> tuple[int, HeaderList]:
    """Return the answer to a NOTIFY outside of every dialog (RFC 6665 section 4.1.3); keep-alives of phones are welcome."""
    event = _event(request)
    if event == "keep-alive":
        return 200, ()
    return (481, ()) if event == "refer" else (489, [("allow-events", "refer")])


def _event(request: Request) -> str:
    return (request.first("event") or "").partition(";")[0].strip().lower()


def _ignore(_session: Session, _response: Response, _now: float) -> None:
    """Whatever the transferor says to a NOTIFY, the transfer goes on."""
