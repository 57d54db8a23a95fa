"""SIPp scenarios from steps: each function here returns the XML of one step."""

from collections.abc import Iterable
from pathlib import Path

Steps = Iterable[str]

PCMU = (
    "m=audio [{port}] RTP/AVP 0 101",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-16",
    "a=ptime:20",
)


def sdp(
    *media: str,
    version: int = 1,
    direction: str = "sendrecv",
    host: str = "[media_ip]",
    port: str = "auto_media_port",
) -> str:
    """Return an SDP body. `media` are the lines from m= on; absent: G.711 mu-law with telephone events as 101."""
    lines = [line.replace("{port}", port) for line in (media or PCMU)]
    head = ["v=0", f"o=sipp 4711 {version} IN IP4 [local_ip]", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    return "\n".join([*head, *lines, f"a={direction}"])


def request(
    method: str,
    cseq: int,
    body: str = "",
    *,
    headers: Iterable[str] = (),
    content_type: str = "application/sdp",
    dialog: bool = True,
    branch: str = "[branch]",
    retransmit: bool = True,
    user: str = "[service]",
    line: str = "",
    allow: str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY",
) -> str:
    """Return the step that sends a request: within the dialog, or (`dialog` False) to begin one."""
    target = "[next_url]" if dialog else f"sip:{user}@[remote_ip]:[remote_port]"
    to_tag = "[peer_tag_param]" if dialog else ""
    lines = [
        line or f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch};rport",
        'From: "SIPp" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]t[call_number]',
        f"To: <sip:{user}@[remote_ip]:[remote_port]>{to_tag}",
        *(["[routes]"] if dialog else []),
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>",
        "Max-Forwards: 70",
        f"Allow: {allow}",
        *headers,
        *([f"Content-Type: {content_type}"] if body else []),
        "Content-Length: [len]",
    ]
    repeat = ' retrans="500"' if retransmit and method != "ACK" else ""
    return _send("\n".join([*lines, "", body]), repeat)


def invite(body: str | None = None, **options: object) -> str:
    """Return the step that sends the first INVITE. `body` absent: an offer of mu-law; empty: none, a late offer."""
    return request("INVITE", 1, sdp() if body is None else body, dialog=False, **options)  # type: ignore[arg-type]


def ack(cseq: int = 1, body: str = "", **options: object) -> str:
    return request("ACK", cseq, body, **options)  # type: ignore[arg-type]


def ack_refusal(cseq: int = 1) -> str:
    """Return the ACK of a final response that is no 2xx: it goes the way of the INVITE (RFC 3261 section 17.1.1.3)."""
    lines = [
        "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        "[last_Via:]",
        "[last_From:]",
        "[last_To:]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} ACK",
        "Max-Forwards: 70",
        "Content-Length: 0",
    ]
    return _send("\n".join([*lines, "", ""]))


def respond(
    status: int,
    reason: str,
    body: str = "",
    *,
    tag: bool = True,
    cseq: str = "[last_CSeq:]",
    via: str = "[last_Via:]",
    fork: str = "",
    contact: str = "",
    headers: Iterable[str] = (),
    retransmit: bool = True,
) -> str:
    """Return the response of a callee; `tag` for responses to the first INVITE, with `fork` at its end."""
    lines = [
        f"SIP/2.0 {status} {reason}",
        via,
        "[last_From:]",
        f"[last_To:];tag=[pid]t[call_number]{fork}" if tag else "[last_To:]",
        "[last_Record-Route:]",
        "[last_Call-ID:]",
        cseq,
        contact or "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>",
        *headers,
        *(["Content-Type: application/sdp"] if body else []),
        "Content-Length: [len]",
    ]
    repeat = ' retrans="500"' if status >= 200 and tag and retransmit else ""
    return _send("\n".join([*lines, "", body]), repeat)


def recv(what: int | str, *actions: str, optional: bool = False, options: str = "") -> str:
    """Return the step that waits for a response (a status) or a request (a method)."""
    kind = "response" if isinstance(what, int) else "request"
    extra = (' optional="true"' if optional else "") + (f" {options}" if options else "")
    inner = f"<action>{''.join(actions)}</action>" if actions else ""
    return f'<recv {kind}="{what}"{extra} rrs="true">{inner}</recv>'


def progress() -> str:
    """Return the steps that let provisional responses pass."""
    return "".join(recv(status, optional=True) for status in (100, 180, 183))


def answered(*actions: str) -> str:
    """Return the steps up to the 200 of an INVITE."""
    return progress() + recv(200, *actions)


def connect(offer: str | None = None, *checks: str) -> str:
    """Return the steps of a call up to the ACK of its 200, whose answer passes the `checks`."""
    return invite(offer) + answered(*checks) + ack()


def refused(status: int, *actions: str) -> str:
    """Return the steps of an INVITE that is refused so, with its ACK."""
    return progress() + recv(status, *actions) + ack_refusal()


def hang_up(cseq: int = 2, **options: object) -> str:
    return request("BYE", cseq, **options) + recv(200)  # type: ignore[arg-type]


def hung_up(*actions: str, options: str = "") -> str:
    """Return the steps of the side that is hung up on."""
    return recv("BYE", *actions, options=options) + respond(200, "OK", tag=False)


def invited(*actions: str) -> str:
    """Return the step that takes the INVITE, and keeps what the BYE and later responses need of it."""
    kept = [keep("via", ".*", "Via:"), keep("cseq", ".*", "CSeq:")]
    kept += [keep("callee", ".*", "To:"), keep("caller", ".*", "From:")]
    return recv("INVITE", *kept, *actions)


def callee_hangs_up(fork: str = "") -> str:
    """Return the BYE of who was called, after `invited`, and its 200; `fork` as in `respond`."""
    lines = [
        "BYE [next_url] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        f"From:[$callee];tag=[pid]t[call_number]{fork}",
        "To:[$caller]",
        "[routes]",
        "Call-ID: [call_id]",
        "CSeq: 1 BYE",
        "Max-Forwards: 70",
        "Content-Length: 0",
    ]
    return _send("\n".join([*lines, "", ""]), ' retrans="500"') + recv(200)


def reinvite(cseq: int, body: str, *actions: str) -> str:
    """Return a re-INVITE, its 200 and ACK."""
    return request("INVITE", cseq, body) + answered(*actions) + ack(cseq)


def must_match(expression: str, where: str = "body", header: str = "") -> str:
    """Return the action that fails the call unless the message matches."""
    place = f'search_in="hdr" header="{header}"' if header else f'search_in="{where}"'
    return f'<ereg regexp="{expression}" {place} check_it="true" assign_to="ignored"/>'


def keep(variable: str, expression: str, header: str) -> str:
    """Return the action that keeps the first match in a header field; `$variable` then stands for it."""
    return f'<ereg regexp="{expression}" search_in="hdr" header="{header}" check_it="true" assign_to="{variable}"/>'


def pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>'


def action(**attributes: str | Path) -> str:
    """Return `exec`, for example `action(play_dtmf="123")`."""
    return (
        "<nop><action>"
        + "".join(f'<exec {key}="{value}"/>' for key, value in attributes.items())
        + "</action></nop>"
    )


def write(path: Path, steps: Steps) -> Path:
    """Write the scenario file."""
    body = "\n".join(steps)
    known = [
        name
        for name in ("ignored", "sequence", "via", "cseq", "callee", "caller")
        if f'assign_to="{name}"' in body
    ]
    reference = f'<Reference variables="{",".join(known)}"/>' if known else ""
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
        f'<scenario name="{path.stem}">\n{body}\n{reference}\n</scenario>\n',
        "utf-8",
    )
    return path


def _send(message: str, attributes: str = "") -> str:
    return f"<send{attributes}><![CDATA[\n{message}\n]]></send>"
