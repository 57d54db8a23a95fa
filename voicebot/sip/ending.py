"""How a confirmed session ends: BYE in both directions (RFC 3261 section 15)."""

from voicebot.sip.core import Core
from voicebot.sip.events import Cancelled, Ended
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.session import Session, Stage, Wait
from voicebot.sip.timers import TIMEOUT
from voicebot.sip.transaction_layer import Server

LAST_NOTIFY_WITHIN = 4.0  # seconds: a NOTIFY is sent again after 0.5, 1.5 and 3.5


def bye(core: Core, session: Session, now: float, headers: HeaderList = (), cause: str = "") -> bool:
    """End a session that was answered; False if there is nothing to end.

    Before the ACK a callee may not send BYE (section 15.1.1): it follows when the ACK comes or is given up.
    """
    if not session.open:
        return False
    if session.stage is Stage.ACCEPTED and session.unacknowledged is not None:
        if session.bye_headers is None:
            session.bye_headers = headers
            session.end_cause = cause
        return True
    if session.stage is not Stage.CONFIRMED:
        return False
    send_bye(core, session, now, headers, cause)
    return True


def send_bye(core: Core, session: Session, now: float, headers: HeaderList = (), cause: str = "") -> None:
    settle_open_requests(core, session, now)
    session.stage = Stage.ENDING
    session.waits.clear()
    session.unacknowledged = None
    session.end_cause = cause
    lines = list(headers)
    if cause and not any(name == "reason" for name, _ in lines):
        lines.append(("reason", cause))

    def on_final(_: Session, __: Response, ___: float) -> None:
        # Whatever the peer says to a BYE, the dialog is over (section 15.1.1).
        finish(core, session, by_peer=False, cause=cause)

    core.request(session, "BYE", now, on_final, lines)


def finish(core: Core, session: Session, *, by_peer: bool, cause: str = "", headers: HeaderList = ()) -> None:
    if session.stage is not Stage.ENDED:
        core.forget(session)
        core.emit(Ended(session.id, by_peer, cause, headers))


def lost(core: Core, session: Session, status: int, now: float) -> None:
    """The peer does not know the call any more, or does not answer within it (section 12.2.1.2)."""
    if session.open:
        send_bye(core, session, now, cause=f"SIP;cause={status}")


def settle_open_requests(core: Core, session: Session, now: float) -> None:
    """Answer what the peer still waits for; what it owes us is not waited for beyond 64*T1."""
    for server in (session.invite_server, session.offer_server, session.refer_server):
        if server is not None and not server.answered:
            core.respond(server, 487, now, to_tag=session.dialog.local.tag if session.dialog else "")
    session.invite_server = session.offer_server = session.refer_server = None
    if session.invite_client is not None:
        session.invite_client.let_go(now + TIMEOUT)


def bye_received(core: Core, session: Session, server: Server, request: Request, now: float) -> None:
    core.respond(server, 200, now)
    cause = request.first("reason") or ""
    if session.stage is Stage.INCOMING:
        settle_open_requests(core, session, now)
        core.forget(session)
        core.emit(Cancelled(session.id, cause))
        return
    by_peer = session.stage is not Stage.ENDING
    settle_open_requests(core, session, now)
    if session.refer_pending and session.stage is Stage.CONFIRMED:
        # The last NOTIFY may have been lost, or overtaken: the subscription outlives the call (RFC 5057 section 4.1).
        session.stage, session.left = Stage.LEFT, request
        session.waits.clear()
        core.wait(session, Wait.LAST_NOTIFY, now + LAST_NOTIFY_WITHIN)
        return
    finish(
        core,
        session,
        by_peer=by_peer,
        cause=cause if by_peer else session.end_cause,
        headers=request.headers if by_peer else (),
    )
