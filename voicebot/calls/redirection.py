"""Where a redirected call goes on (RFC 3261 section 8.1.3.4): the Contacts of a 300, 301 or 302, best first."""

from collections.abc import Callable, Sequence

from voicebot.calls.floor import DialFailed
from voicebot.sip import MessageError, NameAddress, Uri
from voicebot.sip.address import bracketed
from voicebot.sip.header import split_values

STATUSES = frozenset({300, 301, 302})
MOST_TARGETS = 5  # that one call of ours is redirected to, in all: a loop between two phones ends


class Redirected(DialFailed):
    """The callee is to be reached elsewhere; none of `targets` could be, unless the call goes on there."""

    def __init__(self, targets: Sequence[str], status: int) -> None:
        super().__init__("declined", status, "redirected")
        self.targets = targets


def targets_of(headers: Sequence[tuple[str, str]]) -> list[str]:
    """Return what the redirection names, by falling q: bare sip: and tel: URIs.

    URI parameters and headers are dropped: what may be dialled is decided by scheme, user and host alone.
    """
    found: list[tuple[float, str]] = []
    for name, value in headers:
        if name.lower() != "contact":
            continue
        for text in split_values(value):
            try:
                contact = NameAddress.parse(text)
            except MessageError:
                continue
            uri = contact.uri
            port = f":{uri.port}" if uri.port is not None else ""
            if uri.scheme in ("sip", "sips") and uri.user:
                found.append((_q(contact), f"{uri.scheme}:{uri.user}@{bracketed(uri.host)}{port}"))
            elif uri.scheme == "tel" and uri.user:
                found.append((_q(contact), f"tel:{uri.user}"))
    found.sort(key=lambda item: -item[0])
    return list(dict.fromkeys(target for _, target in found))[:MOST_TARGETS]


def permitted(target: str, resolve: Callable[[str], str]) -> str:
    """Return the URI to call for a target: as it stands, or its number by way of the trunk; "" if neither may be called.

    A phone names whom it forwards to at its own PBX, under whatever name it knows that by. `resolve` raises DialFailed.
    """
    for way in (target, Uri.parse(target).username):
        try:
            return resolve(way)
        except DialFailed:
            continue
    return ""


def _q(contact: NameAddress) -> float:
    try:
        return min(max(float(contact.parameter("q") or "1"), 0.0), 1.0)
    except ValueError:
        return 1.0
