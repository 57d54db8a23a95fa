"""Is the PBX there, does it know us, does it answer, how fast."""

from voicebot.doctor.evidence import Evidence
from voicebot.doctor.finding import Finding, fail, not_tested, ok, warn
from voicebot.sip.digest import challenges
from voicebot.sip.errors import MessageError

SLOW_ANSWER = 10.0  # seconds until the 200
SLOW_FIRST = 0.5  # seconds until any response: T1, after which a request over UDP is sent again (RFC 3261 section 17.1.1.2)
FAR = 0.3  # seconds of OPTIONS there and back: audio both ways is then beyond the 400 ms of ITU-T G.114


def reachable(seen: Evidence) -> Finding:
    own = seen.transports.get(seen.peer.transport, "")
    if seen.options is not None:
        text = f"{seen.peer} answers OPTIONS: {seen.options.status}"
        text += f" ({seen.software})" if seen.software else ""
        refused = seen.options.status in (403, 503) or seen.options.status >= 600
        return (warn if refused else ok)("reachable", text)
    if seen.final is not None or seen.provisionals:
        return warn("reachable", f"{seen.peer} does not answer OPTIONS, but it answers calls")
    return fail("reachable", own or f"{seen.peer} does not answer")


def transports(seen: Evidence) -> Finding:
    if not seen.transports or (not seen.pings and seen.final is None):
        return not_tested("transports", "nobody answers")
    there = [name for name, problem in seen.transports.items() if not problem]
    missing = [name for name, problem in seen.transports.items() if problem]
    text = ", ".join(sorted(there)) or "none answers OPTIONS"
    return ok("transports", text + (f"; not {', '.join(sorted(missing))}" if missing else ""))


def certificate(seen: Evidence) -> Finding:
    if seen.peer.transport != "tls":
        return not_tested("certificate", "only over TLS (;transport=tls)")
    if seen.transports.get("tls") and not seen.pings:
        return not_tested("certificate", "there is no connection")
    return (
        fail("certificate", seen.certificate)
        if seen.certificate
        else ok("certificate", "trusted, for this name")
    )


def large_request(seen: Evidence) -> Finding:
    if seen.peer.transport != "udp":
        return not_tested("large-request", "only UDP has a limit")
    if seen.large is None:
        return not_tested("large-request", "OPTIONS is not answered")
    size = f"a request of {seen.large_bytes} bytes over UDP"
    return (
        ok("large-request", f"{size} is answered")
        if seen.large
        else fail("large-request", f"{size} is not answered")
    )


def round_trip(seen: Evidence) -> Finding:
    if not seen.pings:
        return not_tested("round-trip", "OPTIONS is not answered")
    best = min(seen.pings)
    return (warn if best > FAR else ok)("round-trip", f"OPTIONS {1000 * best:.0f} ms there and back")


def authentication(seen: Evidence) -> Finding:
    final = seen.final[1] if seen.final is not None else None
    if final is None:
        return not_tested("authentication", "the call got no final answer")
    if not seen.challenges:
        if final.status == 403:
            return fail("authentication", "403: the PBX knows neither our address nor our user")
        return ok("authentication", "no password asked for: known by address")
    if not seen.credentials:
        return fail(
            "authentication", f"{final.status}: the PBX asks for a password; give --user and --password-env"
        )
    if final.status in (401, 407, 403):
        return fail("authentication", f"{final.status}: user or password is wrong")
    return ok("authentication", f"password accepted ({_algorithms(seen)})")


def _algorithms(seen: Evidence) -> str:
    try:
        found = {given.get("algorithm", "MD5") for each in seen.challenges for _, given in challenges(each)}
    except MessageError:
        return "digest"
    return ", ".join(sorted(found)) or "digest"


def answer(seen: Evidence) -> Finding:
    if seen.final is None:
        if not seen.provisionals:
            return fail("answer", "INVITE gets no response")
        return fail(
            "answer", f"it rings ({_steps(seen)}), but nobody answers: {seen.cut_short or 'given up'}"
        )
    status, reason = seen.final[1].status, seen.final[1].reason
    if status >= 300:
        return fail("answer", f"{status} {reason} after {_after(seen, seen.final[0])}")
    if seen.unusable:
        return fail("answer", f"200, but its SDP cannot be used: {seen.unusable}")
    first = seen.provisionals[0][0] if seen.provisionals else seen.final[0]
    text = f"{_steps(seen)} 200 {_after(seen, seen.final[0])}".strip()
    slow = first - seen.invited_at > SLOW_FIRST or seen.final[0] - seen.invited_at > SLOW_ANSWER
    return (warn if slow else ok)("answer", text)


def _steps(seen: Evidence) -> str:
    shown: dict[int, str] = {}
    for at, response in seen.provisionals:
        shown.setdefault(response.status, f"{response.status} {_after(seen, at)},")
    return " ".join(shown.values())


def _after(seen: Evidence, at: float) -> str:
    return f"{at - seen.invited_at:.3f} s"


def early_media(seen: Evidence) -> Finding:
    if seen.final is None:
        return not_tested("early-media", "the call got no final answer")
    described = [each.status for _, each in seen.provisionals if each.sdp is not None]
    before = [each for each in seen.heard if each.at < seen.final[0]]
    if described:
        sound = f"{len(before)} packets before the answer" if before else "no audio before the answer"
        return ok("early-media", f"{described[0]} with SDP, {sound}")
    if before and min(each.at for each in before) < seen.final[0] - 0.1:
        return warn("early-media", f"{len(before)} packets before the answer, without any SDP for them")
    return ok("early-media", "none")


def reliable(seen: Evidence) -> Finding:
    if seen.final is None and not seen.provisionals:
        return not_tested("100rel", "the call got no response")
    used = [each.status for _, each in seen.provisionals if "100rel" in each.tokens("require")]
    if used:
        return ok("100rel", f"{used[0]} was sent reliably")
    known = any(
        each is not None and "100rel" in each.tokens("supported") for each in (seen.options, seen.answered)
    )
    return ok(
        "100rel", "supported, not used here" if known else "not used; 180 and 183 may get lost over UDP"
    )


def stability(seen: Evidence) -> Finding:
    if seen.answered is None:
        return not_tested("stability", "the call was not answered")
    if seen.ended_by_peer is not None and seen.refer is None:
        return warn(
            "stability", f"the other side hung up after {seen.ended_by_peer - seen.answered_at:.1f} s"
        )
    if seen.cut_short:
        return warn("stability", f"not everything was tried: {seen.cut_short}")
    return ok("stability", "the call stood until we hung up")
