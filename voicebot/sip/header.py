"""Header field values as frozen dataclasses: Via, name-addr, CSeq (RFC 3261 section 20)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from voicebot.sip.errors import MessageError
from voicebot.sip.uri import (
    MAX_KNOWN,
    Parameters,
    Uri,
    join_parameters,
    parameter,
    split_host_port,
    split_outside_quotes,
    split_parameters,
)

MAGIC_COOKIE = "z9hG4bK"
MAX_SEQUENCE = 2**31 - 1

_VIA = re.compile(r"\s*SIP\s*/\s*(\d+\.\d+)\s*/\s*([A-Za-z0-9._-]+)\s+(\S[^;]*)", re.IGNORECASE)
_CSEQ = re.compile(r"(\d{1,20})\s+([A-Za-z0-9.!%*_+`'~-]+)\s*", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def quoted(text: str) -> str:
    """Return `text` as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    """Return what a token or quoted-string says."""
    match = _QUOTED.fullmatch(text.strip())
    return re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL) if match else text.strip()


def readable(text: str) -> str:
    """Return text for people: bytes that were not UTF-8 are read as Latin-1, control characters are left out."""
    if text.isprintable() and text.isascii():
        return text  # as nearly everything is
    if not text.isascii():
        raw = text.encode("utf-8", "surrogateescape")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    return "".join(char for char in text if char.isprintable())


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a request (RFC 3261 section 20.42). Another `version` than ours has its 505 sent there."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = ()
    version: str = "2.0"

    @classmethod
    def parse(cls, text: str) -> "Via":
        match = _VIA.match(text)
        if match is None:
            raise MessageError(400, "Bad Via header")
        host, port = split_host_port(match[3])
        return cls(match[2].lower(), host, port, split_parameters(text[match.end() :]), match[1])

    @property
    def branch(self) -> str:
        return parameter(self.parameters, "branch") or ""

    @property
    def sent_by(self) -> str:
        return f"{self.host.lower()}:{self.port or 5060}"

    def parameter(self, name: str) -> str | None:
        return parameter(self.parameters, name)

    def received_from(self, host: str, port: int) -> "Via":
        """Note where the request came from (RFC 3261 section 18.2.1; RFC 3581 section 4)."""
        noted = [pair for pair in self.parameters if pair[0].lower() in ("received", "rport")]
        if not noted and host == self.host:
            return self
        kept = tuple([pair for pair in self.parameters if pair not in noted])
        if self.parameter("rport") is not None:
            kept += (("received", host), ("rport", str(port)))
        elif host != self.host:
            kept += (("received", host),)
        return Via(self.transport, self.host, self.port, kept, self.version)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/{self.version}/{self.transport.upper()} {host}{port}{join_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class NameAddress:
    """A name-addr or addr-spec with parameters: From, To, Contact, Route ... (RFC 3261 section 20.10)."""

    uri: Uri
    display_name: str = ""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> "NameAddress":
        """Parse `text`; raises MessageError. From and To come in every message of a call: they are known for a while."""
        return _known_address(text) if len(text) <= MAX_KNOWN else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "NameAddress":
        text = text.strip()
        name = ""
        if text.startswith('"'):
            match = _QUOTED.match(text)
            if match is None:
                raise MessageError(400, "Unterminated display name")
            name = unquoted(match[0])
            text = text[match.end() :].lstrip()
            if not text.startswith("<"):
                raise MessageError(400, "Bad address")
        if "<" in text:
            before, _, rest = text.partition("<")
            uri, closed, rest = rest.partition(">")
            if not closed or (rest.strip() and not rest.lstrip().startswith(";")):
                raise MessageError(400, "Bad address")
            return cls(Uri.parse(uri.strip()), name or before.strip(), split_parameters(rest))
        # Without brackets whatever follows a semicolon belongs to the header field, not to the URI.
        spec, _, rest = text.partition(";")
        if "?" in spec:
            # Section 20.10: such a URI must stand in brackets, so that nobody takes its headers for something else.
            raise MessageError(400, "Bad address")
        return cls(Uri.parse(spec.strip()), name, split_parameters(rest))

    @property
    def tag(self) -> str:
        return parameter(self.parameters, "tag") or ""

    def parameter(self, name: str) -> str | None:
        return parameter(self.parameters, name)

    def with_tag(self, tag: str) -> "NameAddress":
        kept = tuple(pair for pair in self.parameters if pair[0].lower() != "tag")
        return NameAddress(self.uri, self.display_name, (*kept, ("tag", tag)))

    def __str__(self) -> str:
        name = f"{quoted(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{join_parameters(self.parameters)}"


@lru_cache(1024)
def _known_address(text: str) -> NameAddress:
    return NameAddress._parse(text)


@dataclass(frozen=True, slots=True)
class CSeq:
    """The sequence number and method of a request (RFC 3261 section 20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        match = _CSEQ.fullmatch(text.strip())
        if match is None or int(match[1]) > MAX_SEQUENCE:
            raise MessageError(400, "Bad CSeq header")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def split_values(text: str) -> list[str]:
    """Split a header field of several values at its commas (RFC 3261 section 7.3.1)."""
    if "," not in text:
        stripped = text.strip()
        return [stripped] if stripped else []
    return [part.strip() for part in split_outside_quotes(text, ",") if part.strip()]
