"""Session timers (RFC 4028): who refreshes a call, how often, and when it counts as dead.

Each INVITE and UPDATE settles it anew. "uac" and "uas" on the wire are the roles of that one transaction; what is kept
of it is `Session.expires` (seconds, 0: the session does not expire) and `Session.refreshes` (whether we are the one).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicebot.sip.message import HeaderList, Message, Request, Response
from voicebot.sip.session import Session, Wait

if TYPE_CHECKING:
    from voicebot.sip.core import Core

LEAST_MINIMUM = 90  # section 4: no Min-SE is smaller
LONGEST = 86_400  # seconds: what asks for more gets this
BUSY_FOR = 2.0  # seconds until a refresh is tried again that met another offer
MOST_RAISES = 3  # 422s in a row that a request follows


@dataclass(frozen=True, slots=True)
class SessionTimers:
    """What we want, in seconds. `expires` 0: nothing, but what the peer wants is done. `minimum`: our Min-SE."""

    expires: int = 1800
    minimum: int = LEAST_MINIMUM


def session_expires(message: Message) -> tuple[int, str]:
    """Return (seconds, "uac" / "uas" / ""); 0 without the header field or when it makes no sense."""
    value, _, parameters = (message.first("session-expires") or "").partition(";")
    refresher = parameters.lower().replace(" ", "").partition("refresher=")[2][:3]
    return _seconds(value), refresher if refresher in ("uac", "uas") else ""


def too_short(request: Request, minimum: int) -> HeaderList | None:
    """Return the header fields of a 422, or None. Only who knows the extension can be told (section 9)."""
    seconds = session_expires(request)[0]
    if 0 < seconds < minimum and "timer" in request.tokens("supported"):
        return (("min-se", str(minimum)),)
    return None


def asked(core: "Core", session: Session) -> HeaderList:
    """Return what an INVITE or UPDATE of ours carries; in a call that stands the roles stay (section 7.4)."""
    minimum = max(core.timers.minimum, session.min_expires)
    least = [("min-se", str(minimum))] if minimum > LEAST_MINIMUM else []
    if session.expires:
        refresher = "uac" if session.refreshes else "uas"
        return [("session-expires", f"{max(session.expires, minimum)};refresher={refresher}"), *least]
    if session.dialog is not None or not core.timers.expires:
        return least
    return [("session-expires", str(max(core.timers.expires, minimum))), *least]


def raised(session: Session, response: Response) -> bool:
    """Take the Min-SE of a 422; False if it names none, or after MOST_RAISES."""
    minimum = _seconds((response.first("min-se") or "").partition(";")[0])
    if minimum <= session.min_expires or session.expires_raised >= MOST_RAISES:
        return False
    session.expires_raised += 1
    session.min_expires = minimum
    return True


def agree_as_uas(core: "Core", session: Session, request: Request, now: float) -> HeaderList:
    """Settle it for a request that is about to get its 2xx (section 9, table 2); return what the 2xx carries."""
    supported = "timer" in request.tokens("supported")
    seconds, refresher = session_expires(request)
    if seconds:
        minimum = _seconds((request.first("min-se") or "").partition(";")[0])
        seconds = min(max(seconds, core.timers.minimum, minimum), LONGEST)
        refreshes = refresher == "uas" if supported else True
    else:
        seconds = (session.expires or core.timers.expires) if supported else 0
        refreshes = session.refreshes if session.expires else True
    _settle(core, session, seconds, refreshes, now)
    if not seconds:
        return ()
    headers = [("session-expires", f"{seconds};refresher={'uas' if refreshes else 'uac'}")]
    return [*headers, ("require", "timer")] if supported else headers


def agree_as_uac(core: "Core", session: Session, response: Response, now: float) -> None:
    """Settle it by the 2xx to a request of ours (section 7.2)."""
    seconds, refresher = session_expires(response)
    session.expires_raised = 0
    if seconds:
        _settle(core, session, min(max(seconds, LEAST_MINIMUM), LONGEST), refresher != "uas", now)
    elif session.refreshes:
        # The peer has dropped it, which our refreshes do no harm to.
        _settle(core, session, session.expires, True, now)
    else:
        _settle(core, session, 0, False, now)


def refresh_refused(core: "Core", session: Session, response: Response, now: float) -> None:
    """A refresh was refused, with neither 408 nor 481: it is tried again before the session expires."""
    if response.status == 422 and raised(session, response):
        core.wait(session, Wait.REFRESH, now)
    elif session.expires:
        core.wait(session, Wait.REFRESH, now + max(BUSY_FOR, session.expires / 10))


def _settle(core: "Core", session: Session, seconds: int, refreshes: bool, now: float) -> None:
    session.expires, session.refreshes = seconds, refreshes
    session.stop(Wait.SESSION_EXPIRES, Wait.REFRESH)
    if not seconds:
        return
    if refreshes:
        core.wait(session, Wait.REFRESH, now + seconds / 2)
    # Section 10: BYE a little before the session really expires, whoever failed to refresh it.
    core.wait(session, Wait.SESSION_EXPIRES, now + seconds - min(32.0, seconds / 3))


def _seconds(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
