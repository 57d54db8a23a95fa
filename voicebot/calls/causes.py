"""What SIP says, in the words of dialplan and record, and the other way round."""

from voicebot.sip import events as sip

DIGEST = ("no_credentials", "credentials_refused", "tries_exhausted")
EXITS = {
    486: "busy",
    600: "busy",
    408: "no_answer",
    480: "no_answer",
    487: "no_answer",
    603: "declined",
    403: "declined",
    401: "auth_failed",
    407: "auth_failed",
}
_REFUSALS = {
    "busy": 486,
    "declined": 603,
    "forbidden": 403,
    "not_found": 404,
    "error": 500,
    "loop": 500,
    "came_back": 482,
    "media_lost": 500,
    "server_shutdown": 503,
}


def refusal_of(cause: str) -> int:
    """Return the status by which a call that was never answered is refused; `cause` as in the record's `release_cause`.

    480 (Temporarily Unavailable) for every other: the number exists, and nobody takes the call now.
    """
    return _REFUSALS.get(cause, 480)


def release_cause(reason: str) -> str:
    """Return the record's word for why the endpoint gave a call up; `reason` as in `sip.Ended`."""
    if "Session timer" in reason:
        return "session_expired"
    if "No ACK" in reason:
        return "no_ack"
    return "peer_lost" if "cause=408" in reason or "cause=481" in reason else reason or "normal"


def exit_of(event: sip.Rejected, *, ringing: bool) -> str:
    """Return the dialplan's word for why an outgoing leg was not answered."""
    if event.why in DIGEST:
        return "auth_failed"
    if event.why == "timeout":
        return "no_answer" if ringing else "unreachable"
    return EXITS.get(event.status, "unreachable")
