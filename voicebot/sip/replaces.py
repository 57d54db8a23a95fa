"""Replaces: a new dialog takes the place of one that stands (RFC 3891)."""

import re
import urllib.parse
from dataclasses import dataclass

from voicebot.sip.dialog import Dialog, DialogId
from voicebot.sip.errors import MessageError
from voicebot.sip.message import Request
from voicebot.sip.uri import parameter, split_parameters

_TAG = re.compile(r'[^\s"<>]+')  # a token in the RFC; some peers have = or / in theirs
_UNRESERVED = "-_.!~*'()"  # RFC 3261 section 25.1: what need not be escaped in a header of a URI


@dataclass(frozen=True, slots=True)
class Replaces:
    """A Replaces header field, as its receiver reads it: `to_tag` is its own."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> "Replaces":
        """Raises MessageError (400)."""
        call_id, _, rest = text.strip().partition(";")
        parameters = split_parameters(rest)
        names = [name.lower() for name, _ in parameters]
        tags = [parameter(parameters, name) or "" for name in ("to-tag", "from-tag")]
        once = all(names.count(name) == 1 for name in ("to-tag", "from-tag"))
        if not call_id.strip() or not once or not all(map(_TAG.fullmatch, tags)):
            raise MessageError(400, "Bad Replaces header")
        return cls(call_id.strip(), tags[0], tags[1], "early-only" in names)

    @classmethod
    def of(cls, request: Request) -> "Replaces | None":
        """Return what a request asks for. Raises MessageError; more than one is none too (section 3)."""
        found = request.raw("replaces")
        if len(found) > 1:
            raise MessageError(400, "Exactly one Replaces is possible")
        return cls.parse(found[0]) if found else None

    @property
    def dialog(self) -> DialogId:
        return (self.call_id, self.to_tag, self.from_tag)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def uri_header(dialog: Dialog) -> str:
    """Return the header part of a Refer-To URI by which its target lets `dialog` be replaced."""
    value = Replaces(dialog.call_id, dialog.remote.tag, dialog.local.tag)
    return f"Replaces={urllib.parse.quote(str(value), safe=_UNRESERVED)}"
