"""URIs of SIP, SIPS (RFC 3261 section 19.1) and tel (RFC 3966); other schemes are kept whole.

A parsed URI prints as it was written, escapes included: a remote target must come back byte for byte.
"""

import re
import urllib.parse
from dataclasses import dataclass
from functools import lru_cache

from voicebot.sip.errors import MessageError

Parameters = tuple[tuple[str, str | None], ...]

MAX_KNOWN = 256  # characters of what is kept after it was parsed

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_FORBIDDEN = re.compile(r"[\x00-\x20<>\"\x7f\ud800-\udfff]")
# Underscores are no part of a host name, yet real names of trunks have them.
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]")


def split_parameters(text: str) -> Parameters:
    """Split `;a=b;c` into pairs; quoted strings stay as they are written. Empty parameters are skipped."""
    parts = text.split(";") if '"' not in text else split_outside_quotes(text, ";")
    pairs: list[tuple[str, str | None]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip()
        if name:
            pairs.append((name, value.strip() if equals else None))
    return tuple(pairs)


def join_parameters(parameters: Parameters) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands neither in a quoted string nor between angle brackets."""
    parts: list[str] = []
    start = 0
    quoted = False
    angle = False
    index = 0
    while index < len(text):
        char = text[index]
        if quoted:
            if char == "\\":
                index += 1
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char == "<":
            angle = True
        elif char == ">":
            angle = False
        elif char == separator and not angle:
            parts.append(text[start:index])
            start = index + 1
        index += 1
    parts.append(text[start:])
    return parts


def parameter(parameters: Parameters, name: str) -> str | None:
    """Return a parameter's value ("" for one without a value), or None when it is absent."""
    for key, value in parameters:
        if key.lower() == name:
            return value or ""
    return None


def _comparable(parameters: Parameters) -> dict[str, str]:
    return {name.lower(): urllib.parse.unquote(value or "").lower() for name, value in parameters}


@dataclass(frozen=True, slots=True)
class Uri:
    """`scheme:user:password@host:port;parameters?headers`. For `tel` and unknown schemes all of it is `user`."""

    scheme: str
    host: str = ""
    user: str | None = None
    port: int | None = None
    parameters: Parameters = ()
    password: str | None = None
    headers: str = ""

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Parse `text`; raises MessageError. A call names its URIs again and again: short ones are known for a while."""
        return _known(text) if len(text) <= MAX_KNOWN else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "Uri":
        scheme, colon, rest = text.partition(":")
        if not colon or not _SCHEME.fullmatch(scheme) or not rest or _FORBIDDEN.search(rest):
            raise MessageError(400, "Bad URI")
        scheme = scheme.lower()
        if scheme == "tel":
            number, _, parameters = rest.partition(";")
            if not number:
                raise MessageError(400, "Bad URI")
            return cls(scheme, user=number, parameters=split_parameters(parameters))
        if scheme not in ("sip", "sips"):
            return cls(scheme, user=rest)
        userinfo, at, rest = rest.rpartition("@") if rest.count("@") < 2 else rest.partition("@")
        user, colon, password = userinfo.partition(":")
        if at and not user:
            raise MessageError(400, "Bad URI")
        rest, _, headers = rest.partition("?")
        hostport, _, parameters = rest.partition(";")
        host, port = split_host_port(hostport)
        return cls(
            scheme,
            host,
            user if at else None,
            port,
            split_parameters(parameters),
            password if colon else None,
            headers,
        )

    @property
    def username(self) -> str:
        """The user part with escapes resolved, for people and for look-ups."""
        user = self.user or ""
        return urllib.parse.unquote(user, errors="replace") if "%" in user else user

    def parameter(self, name: str) -> str | None:
        return parameter(self.parameters, name)

    def equivalent(self, other: "Uri") -> bool:
        """Whether both denote the same (RFC 3261 section 19.1.4)."""
        if (self.scheme, self.host.lower(), self.port) != (other.scheme, other.host.lower(), other.port):
            return False
        if (self.user is None) != (other.user is None) or self.username != other.username:
            return False
        if (self.password, self.headers) != (other.password, other.headers):
            return False
        ours, theirs = _comparable(self.parameters), _comparable(other.parameters)
        if any(ours.get(name) != theirs.get(name) for name in ("user", "ttl", "method", "maddr")):
            return False
        return all(ours[name] == theirs[name] for name in ours.keys() & theirs.keys())

    @property
    def loose(self) -> bool:
        """Whether a Route with this URI belongs to a loose router (RFC 3261 section 16.12.1.1)."""
        return self.parameter("lr") is not None

    def __str__(self) -> str:
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.user or ''}{join_parameters(self.parameters)}"
        user = "" if self.user is None else self.user
        if self.password is not None:
            user += f":{self.password}"
        at = "" if self.user is None else f"{user}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{at}{host}{port}{join_parameters(self.parameters)}{headers}"


@lru_cache(1024)
def _known(text: str) -> Uri:
    return Uri._parse(text)


def split_host_port(text: str) -> tuple[str, int | None]:
    """Split `host:port`; IPv6 literals lose their brackets. Raises MessageError. Short ones are known for a while."""
    return _known_host_port(text) if len(text) <= MAX_KNOWN else _split_host_port(text)


def _split_host_port(text: str) -> tuple[str, int | None]:
    text = text.strip()
    end = text.find("]") + 1 if text.startswith("[") else text.find(":")
    host, port = (text, "") if end < 0 else (text[:end], text[end:].strip())
    host = host.strip()
    if not _HOST.fullmatch(host):
        raise MessageError(400, "Bad host")
    host = host.strip("[]")
    if not port:
        return host, None
    port = port.removeprefix(":").strip()
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
        raise MessageError(400, "Bad port")
    return host, int(port)


_known_host_port = lru_cache(1024)(_split_host_port)
