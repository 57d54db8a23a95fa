"""Keys in INFO requests: application/dtmf-relay and application/dtmf, as PBXs and phones send them (RFC 6086 has no package for it)."""

import re

_KEYS = "0123456789*#ABCD"
# Some peers write the number of the RFC 4733 event instead of the key.
_NUMBERED = {str(number): key for number, key in enumerate(_KEYS)}
_SIGNAL = re.compile(
    rb"(?:^|[\r\n])\s*signal\s*[=:]\s*([0-9]{1,2}|[*#A-Da-d])\s*(?:[\r\n;]|$)", re.IGNORECASE
)
_MAX_BODY = 512


def key_of(content_type: str, body: bytes) -> str | None:
    """Return the key of an INFO's body; None for anything else: a hook flash, another content type, garbage."""
    if len(body) > _MAX_BODY:
        return None
    if content_type == "application/dtmf-relay":
        match = _SIGNAL.search(body)
        text = match[1].decode() if match else ""
    elif content_type == "application/dtmf":
        match = _SIGNAL.search(body)
        text = match[1].decode() if match else body.strip().decode("ascii", "replace")
    else:
        return None
    text = text.upper()
    return text if len(text) == 1 and text in _KEYS else _NUMBERED.get(text)
