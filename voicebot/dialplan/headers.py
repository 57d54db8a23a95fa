"""SIP header fields that a dialplan sets on the legs that it dials: which ones, and what may stand in them."""

import re

from voicebot.dialplan.expressions import Scope, Template
from voicebot.dialplan.fields import Reader, string, template
from voicebot.dialplan.source import Node

MAX_HEADERS = 20
MAX_VALUE = 512  # characters
# Besides X-...: what tells the callee about the call. All others belong to the protocol, or say who may do what.
NAMES = (
    "Alert-Info",
    "Call-Info",
    "Diversion",
    "History-Info",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Priority",
    "Privacy",
    "Remote-Party-ID",
    "Subject",
    "User-to-User",
)
_KNOWN = {name.lower(): name for name in NAMES}
_OWN = re.compile(r"[Xx]-[A-Za-z0-9.!%*_+`'~-]{1,60}")
_OURS = "x-voicebot-"


def header_name(reader: Reader, node: Node) -> str:
    """The name of a header field that may be set, as it is commonly spelled."""
    text = string(reader, node)
    known = _KNOWN.get(text.lower())
    if known is not None:
        return known
    if not _OWN.fullmatch(text) or text.lower().startswith(_OURS):
        reader.refuse(node, "VB023", f"the header {text!r} cannot be set", f"X-..., {', '.join(NAMES)} can")
    return text


def header_value(reader: Reader, node: Node) -> Template:
    """One line of at most MAX_VALUE characters."""
    header_line(reader, node)
    return template(reader, node)


def header_line(reader: Reader, node: Node) -> str:
    """The same without variables, as it is received: bare of spaces around it."""
    text = string(reader, node)
    if len(text) > MAX_VALUE or not text.isprintable():
        reader.refuse(node, "VB021", f"a header is one line of at most {MAX_VALUE} characters")
    return text.strip()


def rendered(headers: dict[str, Template] | None, scope: Scope, language: str) -> dict[str, str]:
    """Return the header fields with their values: on one line whatever a variable holds, and without empty ones."""
    values = {name: one_line(value.text(scope, language)) for name, value in (headers or {}).items()}
    return {name: value for name, value in values.items() if value}


def one_line(text: str) -> str:
    """Return `text` without line ends and control characters, at most MAX_VALUE characters of it."""
    kept = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(kept.split())[:MAX_VALUE]
