"""Session descriptions (RFC 8866, RFC 4566): parse what peers really send, print what they understand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_DESCRIPTION = 65_535
MAX_LINES = 500
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Attribute = tuple[str, str | None]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")


class SdpError(Exception):
    """A session description cannot be understood, or an answer does not fit its offer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The o= line: `id` stays for a session's life, `version` rises with every change."""

    user: str
    id: int
    version: int
    host: str

    def __str__(self) -> str:
        return f"{self.user} {self.id} {self.version} IN {_family(self.host)} {self.host}"


@dataclass(frozen=True, slots=True)
class RtpMap:
    """One a=rtpmap: the encoding that a payload type means. `name` upper-case, as encodings compare."""

    name: str
    clock_rate: int
    channels: int = 1


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m= section. `formats` as written; `attributes` are (name, value or None) in order."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    host: str | None = None
    attributes: tuple[tuple[str, str | None], ...] = ()

    def attribute(self, name: str) -> str | None:
        """Return the value of the first attribute of that name, "" for a flag, None for none."""
        for key, value in self.attributes:
            if key == name:
                return value or ""
        return None

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The formats that are RTP payload types, in order of preference."""
        return payload_types(self.formats)

    @property
    def rtpmap_lines(self) -> tuple[str, ...]:
        """The values of the a=rtpmap lines (`rtpmaps_of` reads them)."""
        return tuple(value for name, value in self.attributes if name == "rtpmap" and value)

    @property
    def rtpmaps(self) -> Mapping[int, RtpMap]:
        """What the a=rtpmap lines say; lines that make no sense are left out."""
        return rtpmaps_of(self.rtpmap_lines)

    @property
    def parameters(self) -> dict[int, str]:
        """What the a=fmtp lines say, by payload type."""
        found: dict[int, str] = {}
        for name, value in self.attributes:
            if name == "fmtp" and value:
                number, _, text = value.strip().partition(" ")
                if _is_number(number, 3):
                    found.setdefault(int(number), text.strip())
        return found

    @property
    def direction(self) -> Direction | None:
        return _direction(self.attributes)


@dataclass(slots=True)
class _Section:
    """An m= section as it is read: what its m= line says, and the lines that follow."""

    line: tuple[str, int, str, tuple[str, ...]]
    attributes: "list[Attribute]"
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """A session description. `host` is the session-level c= address."""

    origin: Origin
    host: str | None
    media: tuple[MediaDescription, ...]
    attributes: tuple[tuple[str, str | None], ...] = ()
    name: str = "-"
    times: tuple[str, ...] = field(default=("0 0",))

    @classmethod
    def parse(cls, body: bytes) -> "Description":
        """Parse; tolerates bare LF, blanks at line ends, unknown lines and a missing o=, s= or t=. Raises SdpError."""
        if len(body) > MAX_DESCRIPTION:
            raise SdpError("the session description is too large")
        text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        lines = [line for each in text.split("\n") if (line := each.strip())]
        if len(lines) > MAX_LINES:
            raise SdpError("the session description has too many lines")
        if not lines or not lines[0].startswith("v=0"):
            raise SdpError("a session description begins with v=0")
        origin, name, host = _NO_ORIGIN, "-", None
        times: list[str] = []
        attributes: list[Attribute] = []  # of the session, then of each media section
        sections: list[_Section] = []
        own = attributes
        for line in lines[1:]:
            kind = line[:1]
            if line[1:2] != "=":
                raise SdpError(f"line `{kind}` of the session description has no `=`")
            if kind == "a":
                key, colon, text = line[2:].partition(":")
                own.append((key.strip().lower(), text if colon else None))
                continue
            value = line[2:].strip()
            if kind == "m":
                own = []
                sections.append(_Section(_media(value), own))
            elif kind == "c":
                if sections:
                    sections[-1].host = _connection(value)
                else:
                    host = _connection(value)
            elif kind == "o" and not sections:
                origin = _origin(value)
            elif kind == "s" and not sections:
                name = value or "-"
            elif kind == "t" and not sections:
                times.append(value)
        media = tuple(MediaDescription(*each.line, each.host, tuple(each.attributes)) for each in sections)
        return cls(origin, host, media, tuple(attributes), name, tuple(times) or ("0 0",))

    def host_of(self, media: MediaDescription) -> str | None:
        return media.host if media.host is not None else self.host

    def direction_of(self, media: MediaDescription) -> Direction:
        """Return the direction of a section: its own, else the session's, else sendrecv (RFC 8866 section 6.7)."""
        return media.direction or _direction(self.attributes) or "sendrecv"

    def to_bytes(self) -> bytes:
        lines = ["v=0", f"o={self.origin}", f"s={self.name}"]
        if self.host is not None:
            lines.append(f"c=IN {_family(self.host)} {self.host}")
        lines += [f"t={text}" for text in self.times]
        lines += _lines_of(self.attributes)
        for media in self.media:
            lines.append(f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}".rstrip())
            if media.host is not None:
                lines.append(f"c=IN {_family(media.host)} {media.host}")
            lines += _lines_of(media.attributes)
        return ("\r\n".join(lines) + "\r\n").encode()


_NO_ORIGIN = Origin("-", 0, 0, "0.0.0.0")


def payload_types(formats: tuple[str, ...]) -> tuple[int, ...]:
    """Return the formats of an m= line that are RTP payload types."""
    return tuple(int(text) for text in formats if _is_number(text, 3) and int(text) < 128)


def rtpmaps_of(lines: tuple[str, ...]) -> dict[int, RtpMap]:
    """Return what the values of a=rtpmap lines say; those that make no sense are left out."""
    found: dict[int, RtpMap] = {}
    for line in lines:
        number, _, encoding = line.strip().partition(" ")
        parts = [part.strip() for part in encoding.split("/")]
        if _is_number(number, 3) and len(parts) > 1 and _is_number(parts[1], 7):
            channels = int(parts[2]) if len(parts) > 2 and _is_number(parts[2], 2) else 1
            found.setdefault(int(number), RtpMap(parts[0].upper(), int(parts[1]), channels))
    return found


def _direction(attributes: tuple[tuple[str, str | None], ...]) -> Direction | None:
    names = {name for name, _ in attributes}
    return next((direction for direction in DIRECTIONS if direction in names), None)


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def _family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def _lines_of(attributes: tuple[Attribute, ...]) -> list[str]:
    return [f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes]


def _media(value: str) -> tuple[str, int, str, tuple[str, ...]]:
    parts = value.split()
    if len(parts) < 3:
        raise SdpError("an m= line needs media, port, protocol and formats")
    port = parts[1].partition("/")[0]
    if not _is_number(port, 5) or int(port) > 65_535:
        raise SdpError("the port of an m= line is no port")
    return parts[0].lower(), int(port), parts[2], tuple(parts[3:])


def _connection(value: str) -> str:
    parts = value.split()
    if len(parts) < 3 or parts[0].upper() != "IN" or parts[1].upper() not in ("IP4", "IP6"):
        raise SdpError("a c= line needs IN, IP4 or IP6, and an address")
    return parts[2].partition("/")[0]


def _origin(value: str) -> Origin:
    parts = value.split()
    if len(parts) < 6 or not _is_number(parts[1], 20) or not _is_number(parts[2], 20):
        # Nothing depends on the peer's o= line: one that is odd does not cost the call.
        return _NO_ORIGIN
    return Origin(parts[0], int(parts[1]), int(parts[2]), parts[5])
