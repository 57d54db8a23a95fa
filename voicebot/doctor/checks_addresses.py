"""Where the PBX says it is, where its packets really come from, and where it sees us."""

from voicebot.doctor.evidence import Evidence
from voicebot.doctor.finding import Finding, fail, not_tested, ok, warn
from voicebot.sdp import Description, SdpError
from voicebot.sip.address import literal
from voicebot.sip.errors import MessageError


def rport(seen: Evidence) -> Finding:
    """RFC 3581: the answer comes back to the port that we sent from, and tells which one it saw."""
    response = seen.options or (seen.final[1] if seen.final is not None else None)
    if response is None:
        return not_tested("rport", "nobody answers")
    if seen.peer.transport != "udp":
        return not_tested("rport", "only over UDP")
    try:
        via = response.via
    except MessageError:
        return fail("rport", "the Via of the answer makes no sense")
    host, port = via.parameter("received") or via.host, via.parameter("rport") or ""
    if not port:
        return warn("rport", "the PBX leaves rport empty: behind a NAT its answers would get lost")
    if (host, port) != (seen.own.host, str(seen.own.port)):
        return ok("rport", f"we are behind a NAT: the PBX sees {host}:{port}, we are {seen.own.host_port}")
    return ok("rport", f"the PBX sees us as {host}:{port}: no NAT between us")


def contact(seen: Evidence) -> Finding:
    """A Contact that cannot be reached loses our ACK, and every request in the call (RFC 3261 section 12.2.1.1)."""
    response = seen.answered
    if response is None:
        return not_tested("contact", "the call was not answered")
    try:
        address = response.contact
    except MessageError:
        return fail("contact", "the Contact of the 200 makes no sense")
    if address is None:
        return fail("contact", "the 200 has no Contact: requests in the call have no goal")
    host = address.uri.host
    if _hidden(host, seen.peer.host) and not response.has("record-route"):
        return fail("contact", f"Contact is the private address {host}, but the PBX is {seen.peer.host}")
    if literal(host) is not None and host != seen.peer.host:
        return ok("contact", f"{host}, other than {seen.peer.host} that we called")
    return ok("contact", host)


def sdp_address(seen: Evidence) -> Finding:
    if seen.answer is None:
        return not_tested("sdp-address", "there is no SDP in the answer")
    host, port = media_address(seen.answer)
    if not host:
        return fail("sdp-address", "the answer has no c= line")
    if _hidden(host, seen.peer.host):
        return fail("sdp-address", f"c= is the private address {host}, but the PBX is {seen.peer.host}")
    sources = {each.host for each in seen.heard if each.at >= seen.answered_at}
    if literal(host) is not None and sources and host not in sources:
        return warn("sdp-address", f"c= says {host}, but audio comes from {', '.join(sorted(sources))}")
    return ok("sdp-address", f"{host}:{port}")


def rtp_source(seen: Evidence) -> Finding:
    """Symmetric RTP (RFC 4961): audio comes from the port that it is to be sent to, else no NAT lets ours in."""
    heard = [each for each in seen.heard if each.at >= seen.answered_at]
    if seen.answer is None or not heard:
        return not_tested("rtp-source", "no audio came")
    sources = list(dict.fromkeys((each.host, each.port) for each in heard))
    if len(sources) > 1:
        listed = ", ".join(f"{host}:{port}" for host, port in sources[:4])
        return warn("rtp-source", f"audio comes from {len(sources)} addresses: {listed}")
    (host, port), told = sources[0], media_address(seen.answer)[1]
    if port != told:
        return warn("rtp-source", f"audio comes from {host}:{port}, the SDP says port {told}: not symmetric")
    return ok("rtp-source", f"{host}:{port}, as the SDP says")


def media_address(sdp: bytes) -> tuple[str, int]:
    """Return address and port of the first audio of a description; ("", 0) for none."""
    try:
        description = Description.parse(sdp)
        section = next((each for each in description.media if each.kind == "audio"), None)
        return ("", 0) if section is None else (description.host_of(section) or "", section.port)
    except SdpError:
        return "", 0


def _hidden(told: str, peer: str) -> bool:
    """Whether an address is a private (or void) one that means nothing here, where the peer is elsewhere."""
    address, real = literal(told), literal(peer)
    if address is None or real is None or told == peer:
        return False
    if address.is_unspecified or address.is_loopback != real.is_loopback:
        return True
    return address.is_private and not real.is_private
