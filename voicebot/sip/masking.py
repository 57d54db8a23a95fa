"""What nobody needs to read in a SIP message, and nobody may: credentials, SRTP keys, keyed digits, texts of people."""

import re

_MASK = b"***"
# The answer of a digest and that of the server to it (RFC 7616 section 3.5) prove the password to whoever can try
# passwords; Basic and Bearer are the secret itself. A field goes on in each line that begins with a blank.
_DIGEST = re.compile(rb'(?is)\b(response|cnonce|rspauth)\s*=\s*("(?:[^"\\]|\\.)*"?|[^,\s]+)')
_AUTHORIZATION = re.compile(
    rb"(?im)^((?:proxy-)?(?:authorization|authentication-info)[ \t]*:(?:\r?\n[ \t]|[ \t])*)"
    rb"(\S+)([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"
)
_USER_PASSWORD = re.compile(rb"(sips?:[^\s:@<>\"]+:)[\w\-.!~*'()%&=+$,]+@")  # RFC 3261 section 19.1.1
_CRYPTO = re.compile(rb"(?im)^(a=crypto:\S+[ \t]+\S+[ \t]+)[^\r\n]*")  # RFC 4568
_INLINE = re.compile(
    rb"(?i)(inline[ \t]*:)[^\r\n]*"
)  # the same where blanks or line ends are not as the RFC has them
_KEY = re.compile(rb"(?im)^(k=|a=key-mgmt:)[^\r\n]*")  # RFC 8866 section 5.12, RFC 4567
# What stands in a body, in lower case, wherever the expression finds something.
_SECRETS = ((b"a=crypto:", _CRYPTO), (b"k=", _KEY), (b"a=key-mgmt:", _KEY), (b"inline", _INLINE))
_NEWLINE = ord("\n")
_TYPE = re.compile(rb"(?im)^(?:content-type|c)[ \t]*:[ \t]*([^\s;]+)")
_SHOWN = (b"application/sdp", b"message/sipfrag")  # bodies that are shown, without their secrets
_HIDING = re.compile(rb"\s*(INFO|MESSAGE)\s")  # whatever its body calls itself
_OFFERING = re.compile(rb"\s*(INVITE|ACK|PRACK|UPDATE|SIP/2\.0)\s")  # with SDP among others in its body


def masked(message: bytes) -> bytes:
    """Return a SIP message (RFC 3261) as it may be kept and shown: of the same lines, without its secrets.

    Bodies of INFO and MESSAGE (digits, texts) and those of unknown types are replaced by their length. Takes any bytes.
    """
    head, gap, body = _split(message)
    if not body:
        return _headers(head) + gap
    found = _TYPE.search(head)
    kind = found.group(1).lower() if found is not None else b""
    shown = kind in _SHOWN or (kind.startswith(b"multipart/") and _OFFERING.match(head) is not None)
    if not shown or _HIDING.match(head) is not None:
        return _headers(head) + gap + b"[%d bytes not shown]" % len(body)
    lowered = body.lower()
    for word, secret in _SECRETS:
        if word in lowered:
            body = secret.sub(rb"\1" + _MASK, body)
    return _headers(head) + gap + (body if kind == b"application/sdp" else _headers(body))


def _headers(text: bytes) -> bytes:
    text = _USER_PASSWORD.sub(rb"\1" + _MASK + b"@", text)
    # Most have none, and the expression is slow to say so.
    return _AUTHORIZATION.sub(_authorization, text) if b"auth" in text.lower() else text


def _split(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Return head, blank line and body, where the parser of messages finds the blank line."""
    start, other = message.find(b"\n\r\n"), message.find(b"\n\n")
    if start < 0 or 0 <= other < start:
        start = other
    if start < 0:
        return message, b"", b""
    end = start + (2 if message[start + 1] == _NEWLINE else 3)
    if message[:start].endswith(b"\r"):
        start -= 1
    return message[:start], message[start:end], message[end:]


def _authorization(match: "re.Match[bytes]") -> bytes:
    name, scheme, rest = match.groups()
    if b"info" in name.lower():
        return name + _DIGEST.sub(rb"\1=" + _MASK, scheme + rest)
    if scheme.lower() != b"digest":
        return name + scheme + b" " + _MASK
    return name + scheme + _DIGEST.sub(rb"\1=" + _MASK, rest)
