"""What can be changed in a call that stands: hold, UPDATE, session timer, transfer, keys by INFO."""

from voicebot.doctor.checks_audio import section
from voicebot.doctor.evidence import Change, Evidence
from voicebot.doctor.finding import Finding, fail, not_tested, ok, warn
from voicebot.sip.session_timer import session_expires

_SOME = 5  # packets within the hold: fewer were on their way


def allows(seen: Evidence, method: str) -> bool | None:
    """Return whether the PBX allows a method in the call, None where it does not say."""
    for response in (seen.answered, seen.options):
        if response is not None and response.has("allow"):
            return method in response.tokens("allow")
    return None


def dtmf_info(seen: Evidence) -> Finding:
    allowed = allows(seen, "info")
    if allowed is None:
        return not_tested("dtmf-info", "the PBX has no Allow header")
    return ok(
        "dtmf-info", "INFO is allowed" if allowed else "INFO is not allowed: keys come by RFC 4733 alone"
    )


def hold(seen: Evidence) -> Finding:
    """RFC 3264 section 8.4: sendonly is answered with recvonly or inactive, and nothing is sent to us then."""
    change = seen.hold
    if change is None:
        return not_tested(
            "hold", "the call was over before" if seen.answered else "the call was not answered"
        )
    if change.status // 100 != 2:
        return fail("hold", _refused("re-INVITE", change))
    theirs = section(change.answer)
    found = [
        name for name in ("recvonly", "inactive", "sendonly") if theirs and theirs.attribute(name) is not None
    ]
    direction = found[0] if found else "sendrecv"
    start, end = seen.held or (0.0, 0.0)
    still = sum(start < each.at < end for each in seen.heard)
    if direction not in ("recvonly", "inactive"):
        return fail(
            "hold", f"sendonly is answered with {direction}" + (f", {still} packets came" if still else "")
        )
    if still > _SOME:
        return fail("hold", f"answered with {direction}, but {still} packets came while on hold")
    return ok("hold", f"answered with {direction}, no audio while on hold")


def resume(seen: Evidence) -> Finding:
    change = seen.resume
    if change is None:
        return not_tested("resume", "there was no hold")
    if change.status // 100 != 2:
        return fail("resume", _refused("re-INVITE", change))
    start, end = seen.resumed or (0.0, 0.0)
    again = sum(start < each.at < end for each in seen.heard)
    before = seen.hold.asked_at if seen.hold else start
    talked = sum(before - 1.0 < each.at < before for each in seen.heard) > _SOME
    if talked and not again:
        return fail("resume", "accepted, but no audio comes any more")
    return ok("resume", "accepted, audio comes again" if again else "accepted")


def update(seen: Evidence) -> Finding:
    """RFC 3311."""
    if seen.update is not None:
        if seen.update.status // 100 == 2:
            return ok("update", "UPDATE is accepted")
        return fail("update", "allowed, but " + _refused("UPDATE", seen.update))
    if seen.answered is None:
        return not_tested("update", "the call was not answered")
    if allows(seen, "update"):
        return not_tested("update", "the call was over before")
    return ok("update", "not allowed: changes go by re-INVITE")


def session_timer(seen: Evidence) -> Finding:
    """RFC 4028."""
    response = seen.answered
    if response is None:
        return not_tested("session-timer", "the call was not answered")
    seconds, refresher = session_expires(response)
    raised = f"; its least is {seen.too_brief[-1].first('min-se')} s" if seen.too_brief else ""
    if seconds:
        who = {"uac": "we refresh", "uas": "it refreshes"}.get(refresher, "nobody is named to refresh")
        text = f"{seconds} s, {who}{raised}"
        return (ok if refresher and seconds >= 90 else warn)("session-timer", text)
    if any("timer" in each.tokens("supported") for each in (response, seen.options) if each is not None):
        return ok("session-timer", "supported, not asked for")
    return ok("session-timer", "none: a call whose BYE gets lost ends by the missing audio")


def refer(seen: Evidence) -> Finding:
    """RFC 3515: only a NOTIFY that says 200 is a transfer that has worked."""
    allowed = allows(seen, "refer")
    if seen.refer is not None:
        if 200 <= seen.refer < 300:
            told = "a NOTIFY says 200" if seen.refer_told else "accepted, and the PBX hung up"
            return ok("refer", f"the transfer worked: {told}")
        if 100 <= seen.refer < 200:
            text = f"the transfer was begun, the target did not answer while we waited: {seen.refer} was the last word"
            return warn("refer", text)
        return fail("refer", f"the transfer failed: {seen.refer or 'no answer to REFER, or no NOTIFY'}")
    if seen.answered is None:
        return not_tested("refer", "the call was not answered")
    if allowed is None:
        return not_tested("refer", "the PBX has no Allow header; --refer sip:NUMBER@PBX tries it")
    if not allowed:
        return warn("refer", "REFER is not allowed: transfers keep both legs here (mode: bridge)")
    return ok("refer", "REFER is allowed; --refer sip:NUMBER@PBX tries it")


def _refused(what: str, change: Change) -> str:
    return f"{what} is refused: {change.status}" if change.status else f"{what} is not answered"
