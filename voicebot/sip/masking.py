"""What nobody needs to read in a SIP message, and nobody may: credentials, SRTP keys, keyed digits, texts of people."""

import re

_MASK = b"***"
# The answer of a digest (RFC 7616) proves the password to whoever can try passwords; Basic and Bearer are the secret itself.
_DIGEST = re.compile(rb'(?i)\b(response|cnonce)\s*=\s*("[^"\r\n]*"|[^,\s]+)')
_AUTHORIZATION = re.compile(
    rb"(?im)^((?:proxy-)?authorization[ \t]*:[ \t]*)([^\s]+)([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"
)
_CRYPTO = re.compile(rb"(?im)^(a=crypto:\S+[ \t]+\S+[ \t]+)[^\r\n]*")  # RFC 4568
_INLINE = re.compile(
    rb"(?i)(inline[ \t]*:)[^\r\n]*"
)  # the same where blanks or line ends are not as the RFC has them
_KEY = re.compile(rb"(?im)^(k=|a=key-mgmt:)[^\r\n]*")  # RFC 8866 section 5.12, RFC 4567
# What stands in a body, in lower case, wherever the expression finds something.
_SECRETS = ((b"a=crypto:", _CRYPTO), (b"k=", _KEY), (b"a=key-mgmt:", _KEY), (b"inline", _INLINE))
_NEWLINE = ord("\n")
_TYPE = re.compile(rb"(?im)^(?:content-type|c)[ \t]*:[ \t]*([^\s;]+)")
_REQUEST = re.compile(rb"\s*(INFO|MESSAGE)\s")
_SPOKEN_FOR = (b"application/sdp", b"message/sipfrag")  # bodies that are shown, without their keys


def masked(message: bytes) -> bytes:
    """Return a SIP message (RFC 3261) as it may be kept and shown: of the same lines, without its secrets.

    Bodies of INFO and MESSAGE (digits, texts) and those of unknown types are replaced by their length. Takes any bytes.
    """
    head, gap, body = _split(message)
    if b"authorization" in head.lower():  # most have none, and the expressions are slow to say so
        head = _AUTHORIZATION.sub(_authorization, head)
    if not body:
        return head + gap
    found = _TYPE.search(head)
    kind = found.group(1).lower() if found is not None else b""
    if _REQUEST.match(head) is not None or (kind not in _SPOKEN_FOR and not kind.startswith(b"multipart/")):
        return head + gap + b"[%d bytes not shown]" % len(body)
    lowered = body.lower()
    for word, secret in _SECRETS:
        if word in lowered:
            body = secret.sub(rb"\1" + _MASK, body)
    return head + gap + body


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
    if scheme.lower() != b"digest":
        return name + scheme + b" " + _MASK
    return name + scheme + _DIGEST.sub(rb"\1=" + _MASK, rest)
