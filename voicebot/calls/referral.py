"""What a REFER asks for: an agent's phone passes the caller on to somebody else (RFC 3515)."""

import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

from voicebot.sip import Uri
from voicebot.sip import events as sip


@dataclass(frozen=True, slots=True)
class Referral:
    """Whom the agent's phone names. `replaces`: the call of the agent with them, whose place the caller is to take."""

    target: str
    user: str
    replaces: str
    referred_by: str

    @classmethod
    def of(cls, event: sip.ReferReceived) -> "Referral":
        """Raises MessageError for a URI that cannot be understood."""
        uri = Uri.parse(event.refer_to)
        fields = dict(pair.partition("=")[::2] for pair in uri.headers.split("&"))
        replaces = next((text for name, text in fields.items() if name.lower() == "replaces"), "")
        port = "" if uri.port is None else f":{uri.port}"
        return cls(
            str(uri) if uri.scheme == "tel" else f"{uri.scheme}:{uri.user or ''}@{uri.host}{port}",
            uri.username,
            urllib.parse.unquote(replaces, errors="replace"),
            event.request.first("referred-by") or f"<{event.request.from_.uri}>",
        )


_UNRESERVED = "-_.!~*'()"  # RFC 3261 section 25.1: what need not be escaped in a header of a URI


def with_headers(uri: str, headers: Sequence[tuple[str, str]]) -> str:
    """Return the URI of a Refer-To whose headers the transferee's INVITE is to carry (RFC 3261 section 19.1.5, RFC 7433)."""
    if not headers:
        return uri
    fields = [f"{name}={urllib.parse.quote(value, safe=_UNRESERVED)}" for name, value in headers]
    return f"{uri}?{'&'.join(fields)}"
