"""Refreshing a session (RFC 4028 section 7.4, 10): by UPDATE where the peer allows it, else by a re-INVITE."""

from voicebot.sip import ending, session_timer
from voicebot.sip.core import Core
from voicebot.sip.message import Response
from voicebot.sip.outbound import Outbound, busy_with_offer
from voicebot.sip.session import Session, Stage, Wait
from voicebot.sip.validation import ALLOW, SUPPORTED

_NO_UPDATE = frozenset({405, 420, 501})


class Refreshing:
    def __init__(self, core: Core, outbound: Outbound) -> None:
        self._core = core
        self._outbound = outbound

    def on_wait(self, session: Session, wait: Wait, now: float) -> None:
        if wait is Wait.REFRESH:
            self.refresh(session, now)
        elif wait is Wait.SESSION_EXPIRES and session.open:
            ending.send_bye(self._core, session, now, cause='SIP;cause=408;text="Session timer"')

    def refresh(self, session: Session, now: float) -> bool:
        """Tell the peer that the call still stands. False when the session is not at the stage for it."""
        if session.stage is not Stage.CONFIRMED or session.dialog is None:
            return False
        if busy_with_offer(session):
            self._core.wait(session, Wait.REFRESH, now + session_timer.BUSY_FOR)
        elif "update" in session.peer_allows:
            headers = [ALLOW, SUPPORTED, *session_timer.asked(self._core, session)]
            self._core.request(session, "UPDATE", now, self._updated, headers)
        else:
            self._outbound.reinvite(session, session.sdp, now, refresh=True)
        return True

    def _updated(self, session: Session, response: Response, now: float) -> None:
        core = self._core
        if not session.open:
            return
        if response.status < 300:
            if session.dialog is not None:
                session.dialog.refresh_target_quietly(response)
            session_timer.agree_as_uac(core, session, response, now)
        elif response.status in (408, 481):
            ending.lost(core, session, response.status, now)
        elif response.status in _NO_UPDATE:
            session.peer_allows -= {"update"}
            self.refresh(session, now)
        else:
            session_timer.refresh_refused(core, session, response, now)
