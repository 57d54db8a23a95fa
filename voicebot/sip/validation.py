"""What a UAS checks before it acts on a request (RFC 3261 section 8.2)."""

from dataclasses import dataclass

from voicebot.sip.message import HeaderList, Request
from voicebot.sip.session_timer import too_short

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "NOTIFY", "REFER")
ALLOW = ("allow", ", ".join(METHODS))
EXTENSIONS = frozenset({"timer", "100rel", "replaces", "norefersub", "tdialog"})
SUPPORTED = ("supported", "timer, 100rel, replaces, norefersub")
SUPPORTED_LATE = (
    "supported",
    "timer, replaces, norefersub",
)  # of an INVITE without offer: its offer is to come with the 2xx
ACCEPT = ("accept", "application/sdp")
SCHEMES = frozenset({"sip", "sips", "tel"})


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    reason: str | None = None
    headers: HeaderList = ()


def problem_with(request: Request, min_expires: int, *, registrar: bool = False) -> Refusal | None:
    """Return why a request cannot be served, or None. Raises MessageError for a malformed one.

    `min_expires`: our Min-SE. `registrar`: whether REGISTER is served.
    """
    if request.method not in METHODS and not (registrar and request.method == "REGISTER"):
        return Refusal(405, headers=(ALLOW,))
    if request.target.scheme not in SCHEMES:
        return Refusal(416)
    if request.target.headers:
        return Refusal(400, "Headers in the Request-URI")  # section 19.1.1, table 1
    known = EXTENSIONS | {"path"} if request.method == "REGISTER" else EXTENSIONS
    unsupported = [tag for tag in request.values("require") if tag.lower() not in known]
    if unsupported and request.method != "CANCEL":
        return Refusal(420, headers=(("unsupported", ", ".join(unsupported)),))
    if request.method == "INVITE" and not _accepts_sdp(request):
        return Refusal(406)
    if request.method in ("INVITE", "UPDATE"):
        problem = _problem_with_body(request)
        least = too_short(request, min_expires)
        return problem or (None if least is None else Refusal(422, headers=least))
    return None


def _accepts_sdp(request: Request) -> bool:
    """Section 20.1: whoever says nothing wants session descriptions."""
    ranges = {value.partition(";")[0].strip().lower() for value in request.values("accept")}
    return not ranges or not ranges.isdisjoint({"application/sdp", "application/*", "*/*"})


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
