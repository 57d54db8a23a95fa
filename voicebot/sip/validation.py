"""What a UAS checks before it acts on a request (RFC 3261 section 8.2), and session timer headers (RFC 4028)."""

from dataclasses import dataclass

from voicebot.sip.message import HeaderList, Message, Request

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "NOTIFY", "REFER")
ALLOW = ("allow", ", ".join(METHODS))
EXTENSIONS = frozenset({"timer", "norefersub"})
SUPPORTED = ("supported", "timer")
ACCEPT = ("accept", "application/sdp")
SCHEMES = frozenset({"sip", "sips", "tel"})
MIN_SESSION_EXPIRES = 90


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    reason: str | None = None
    headers: HeaderList = ()


def problem_with(request: Request) -> Refusal | None:
    """Return why a request cannot be served, or None. Raises MessageError for a malformed one."""
    if request.method not in METHODS:
        return Refusal(405, headers=(ALLOW,))
    if request.target.scheme not in SCHEMES:
        return Refusal(416)
    unsupported = [tag for tag in request.values("require") if tag.lower() not in EXTENSIONS]
    if unsupported and request.method != "CANCEL":
        return Refusal(420, headers=(("unsupported", ", ".join(unsupported)),))
    if request.method in ("INVITE", "UPDATE"):
        return _problem_with_body(request) or _problem_with_session_timer(request)
    return None


def _problem_with_body(request: Request) -> Refusal | None:
    if not request.body.strip():
        return None
    encoding = (request.first("content-encoding") or "identity").strip().lower()
    if encoding != "identity":
        return Refusal(415, headers=(("accept-encoding", "identity"),))
    disposition = (request.first("content-disposition") or "").lower()
    if request.sdp is None and "handling=optional" not in disposition.replace(" ", ""):
        return Refusal(415, headers=(ACCEPT,))
    return None


def _problem_with_session_timer(request: Request) -> Refusal | None:
    seconds = _session_expires(request)[0]
    if 0 < seconds < MIN_SESSION_EXPIRES and "timer" in request.tokens("supported"):
        return Refusal(422, headers=(("min-se", str(MIN_SESSION_EXPIRES)),))
    return None


def _session_expires(message: Message) -> tuple[int, str]:
    """Return (seconds, refresher); 0 without the header field or when it makes no sense."""
    value, _, parameters = (message.first("session-expires") or "").partition(";")
    value = value.strip()
    if not (value.isascii() and value.isdigit() and len(value) < 8):
        return 0, ""
    refresher = parameters.lower().replace(" ", "").partition("refresher=")[2][:3]
    return int(value), refresher


def session_timer(request: Request) -> tuple[int, HeaderList]:
    """Return (seconds after which an unrefreshed session is dead, header fields for the 2xx); 0 = no timer.

    The peer is the refresher. Where it wants us to refresh, we answer as a UAS without the extension, and it has to do
    so itself (RFC 4028 section 7.2).
    """
    seconds, refresher = _session_expires(request)
    if not seconds or refresher == "uas" or "timer" not in request.tokens("supported"):
        return 0, ()
    seconds = max(seconds, MIN_SESSION_EXPIRES)
    return seconds, (("session-expires", f"{seconds};refresher=uac"), ("require", "timer"))
