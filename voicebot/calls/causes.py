"""What SIP says, in the words of dialplan and record, and the other way round."""

import structlog

from voicebot.sip import events as sip

DIGEST = {
    "no_credentials": "it asks for a password, and the trunk of its host has none (`login` or `register`)",
    "credentials_refused": "it does not take the user and the password that are configured",
    "tries_exhausted": "it kept asking after each answer",
}
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

log = structlog.get_logger("calls")


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


def tell_refused(what: str, call: str, peer: str, status: int, why: str) -> None:
    """Say in the log why a peer did not do what we asked for, where it is for whoever keeps the passwords to mend."""
    if why in DIGEST:
        log.warning(f"{what}: {DIGEST[why]}", call=call, peer=peer, status=status, why=why)
    else:
        log.info(what, call=call, peer=peer, status=status, why=why)
