"""Who calls, and what the INVITE says besides: for the dialplan, and for the record."""

import re
import urllib.parse
from dataclasses import dataclass, replace

from voicebot.sip import MessageError, NameAddress, Request, Uri
from voicebot.sip.header import readable

# RFC 3325, and what came before it: whom a network that is trusted asserts the caller to be.
ASSERTED = ("p-asserted-identity", "remote-party-id")
SECRET = frozenset({"authorization", "proxy-authorization"})
_SEPARATORS = str.maketrans("", "", "-.()")  # RFC 3966 section 3: they say nothing, `tel:+1-201` is `+1201`
_NUMBER = re.compile(r"(\+?[0-9*#.()-]+)(;.*)?")


@dataclass(frozen=True, slots=True)
class Identity:
    """`number` is the user part or the digits of a tel: URI; `name` the display name, "" for none."""

    number: str
    name: str = ""


def identity_of(request: Request, *, trusted: bool) -> Identity:
    """Return who calls: From; from a trusted peer P-Asserted-Identity or Remote-Party-ID, where there is one."""
    if trusted:
        for header in ASSERTED:
            for value in request.values(header):
                try:
                    asserted = NameAddress.parse(value)
                except MessageError:
                    continue
                if asserted.uri.scheme in ("sip", "sips", "tel") and asserted.uri.user:
                    return _identity(asserted)
    return _identity(request.from_)


def _identity(address: NameAddress) -> Identity:
    return Identity(number_of(address.uri), readable(address.display_name))


def number_of(uri: Uri) -> str:
    """Return the number or name in a URI, bare of what a telephone number may have besides (RFC 3966).

    Carriers write it as a tel: URI, or with its parameters (`;npdi`, `;phone-context=`) as the user of a sip: URI.
    """
    name = readable(uri.username)
    found = _NUMBER.fullmatch(name)
    if found is None:
        return name
    is_number = uri.scheme == "tel" or found.group(2) or (uri.parameter("user") or "").lower() == "phone"
    return found.group(1).translate(_SEPARATORS) if is_number else name


def headers_of(request: Request) -> dict[str, str]:
    """Return the header fields by lower-case name, repeated ones joined by commas (RFC 3261 section 7.3.1); no credentials."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        if name not in SECRET:
            text = readable(value)
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def shown(uri: Uri) -> str:
    """Return a URI as records keep it: without the password that some phones write into theirs."""
    return readable(str(replace(uri, password=None)))


def user_part(number: str) -> str:
    """Return a caller's number or name as the user part of a URI (RFC 3261 section 25.1), escaped where it must be."""
    return urllib.parse.quote(number, safe="-_.!~*'()&=+$,;?/") or "anonymous"
