"""Requests and responses: framing, header fields, serialisation (RFC 3261 section 7 and 18.3).

Tolerant of what real peers send: leading CRLF, keep-alives, bare LF, folded lines, compact names, bytes that are not
UTF-8 (they survive a round trip as surrogates), bytes after the end that Content-Length says. Header fields are split
when a message arrives; their values are parsed when somebody asks for them.
"""

import re
from collections.abc import Iterable, Sequence

from voicebot.sip.errors import MessageError
from voicebot.sip.header import CSeq, NameAddress, Via, is_token, split_values
from voicebot.sip.reasons import REASONS
from voicebot.sip.uri import Uri

MAX_MESSAGE = 65_535
MAX_HEADERS = 256
MOST_SPELLED = 512  # names whose spelling is remembered
VERSION = "SIP/2.0"

HeaderList = Sequence[tuple[str, str]]

# RFC 3261 section 7.3.3, and the registrations of later RFCs.
COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_IRREGULAR = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
    "remote-party-id": "Remote-Party-ID",
    "user-to-user": "User-to-User",
}
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SINGLE = ("from", "to", "call-id", "cseq")


class _Spelling(dict[str, str]):
    """Lower-case name -> as it is written; those of the table above, others by their rule."""

    def __missing__(self, name: str) -> str:
        spelled = "-".join([part.capitalize() for part in name.split("-")])
        if len(self) < MOST_SPELLED:
            self[name] = spelled
        return spelled


_spelled = _Spelling(_IRREGULAR)


# As nearly everybody spells the names that nearly every message has.
_USUAL = {
    _spelled[name]: name
    for name in (
        *(
            "via",
            "from",
            "to",
            "call-id",
            "cseq",
            "contact",
            "max-forwards",
            "content-type",
            "content-length",
        ),
        *("allow", "supported", "user-agent", "server", "record-route", "route", "expires", "date", "accept"),
        *("session-expires", "min-se", "p-asserted-identity", "reason", "require", "allow-events"),
    )
}


class Message:
    """What requests and responses share. Immutable; `headers` are (lower-case long name, raw value) in order."""

    __slots__ = ("_call_id", "_cseq", "_from", "_lines", "_to", "_via", "body", "headers")

    def __init__(self, headers: HeaderList, body: bytes = b"") -> None:
        self.headers = headers
        self.body = body
        self._lines: dict[str, list[str]] | None = None
        self._via: Via | None = None
        self._from: NameAddress | None = None
        self._to: NameAddress | None = None
        self._cseq: CSeq | None = None
        self._call_id: str | None = None

    @property
    def _index(self) -> dict[str, list[str]]:
        """The raw values by name, made when first asked for: of most messages that we send nobody asks."""
        index = self._lines
        if index is None:
            index = self._lines = {}
            for name, value in self.headers:
                if name in index:
                    index[name].append(value)
                else:
                    index[name] = [value]
        return index

    def has(self, name: str) -> bool:
        return name in self._index

    def first(self, name: str) -> str | None:
        """Return the raw value of the first header field of that (lower-case, long) name."""
        values = self._index.get(name)
        return values[0] if values else None

    def raw(self, name: str) -> list[str]:
        """Return the raw values of all header fields of that name, unsplit."""
        return self._index.get(name, [])

    def values(self, name: str) -> list[str]:
        """Return all values of that name: header fields in order, split at their commas."""
        return [value for line in self._index.get(name, ()) for value in split_values(line)]

    def tokens(self, name: str) -> frozenset[str]:
        """Return the option tags or methods of a list header, lower-case."""
        return frozenset(value.lower() for value in self.values(name))

    def _required(self, name: str) -> str:
        lines = self._index.get(name)
        if not lines:
            raise MessageError(400, f"Missing {_spelled[name]} header")
        return lines[0]

    # Parsed when first asked for; they are asked for a dozen times a message.

    @property
    def via(self) -> Via:
        """The topmost Via."""
        if self._via is None:
            self._via = _parse_top_via(self._required("via"))
        return self._via

    @property
    def from_(self) -> NameAddress:
        if self._from is None:
            self._from = NameAddress.parse(self._required("from"))
        return self._from

    @property
    def to(self) -> NameAddress:
        if self._to is None:
            self._to = NameAddress.parse(self._required("to"))
        return self._to

    @property
    def cseq(self) -> CSeq:
        if self._cseq is None:
            self._cseq = CSeq.parse(self._required("cseq"))
        return self._cseq

    @property
    def call_id(self) -> str:
        if self._call_id is None:
            self._call_id = _parse_call_id(self._required("call-id"))
        return self._call_id

    @property
    def contact(self) -> NameAddress | None:
        """The first Contact, None when there is none (or it is `*`)."""
        values = self.values("contact")
        if not values or values[0] == "*":
            return None
        return NameAddress.parse(values[0])

    @property
    def content_type(self) -> str:
        """The media type without parameters, lower-case; "" for none."""
        return (self.first("content-type") or "").partition(";")[0].strip().lower()

    @property
    def sdp(self) -> bytes | None:
        """The session description in the body, if there is one (alone or as a part of multipart)."""
        if not self.body:
            return None
        kind = self.content_type
        if kind == "application/sdp":
            return self.body
        if kind.startswith("multipart/"):
            return _sdp_part(self.first("content-type") or "", self.body)
        return None

    def validate(self) -> None:
        """Check what every message must have (RFC 3261 section 8.1.1); raises MessageError."""
        index = self._index
        for name in _SINGLE:
            if name in index and len(index[name]) > 1:
                raise MessageError(400, f"More than one {_spelled[name]} header")
        self.from_, self.to, self.call_id  # noqa: B018  parsed now, so that they cannot fail later
        if self.via.version != "2.0":
            raise MessageError(400, "Bad Via header")
        if not is_token(self.cseq.method):
            raise MessageError(400, "Bad CSeq header")
        top = index["via"][0]
        if "," in top:
            for hop in split_values(top)[1:]:
                Via.parse(hop)  # what follows a comma must be a hop

    def _start_line(self) -> str:
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """Serialise. Content-Length is computed; a header value can never break out of its line."""
        lines = [self._start_line()]
        lines += [f"{_spelled[name]}: {value}" for name, value in self.headers if name != "content-length"]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


class Request(Message):
    """A request. `uri` is the raw Request-URI."""

    __slots__ = ("_target", "method", "uri")

    def __init__(self, method: str, uri: str, headers: HeaderList, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri
        self._target: Uri | None = None

    @property
    def target(self) -> Uri:
        """The Request-URI, parsed; raises MessageError."""
        if self._target is None:
            self._target = Uri.parse(self.uri)
        return self._target

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} {VERSION}"

    def validate(self) -> None:
        super().validate()
        if self.cseq.method != self.method:
            raise MessageError(400, "CSeq method does not match the request")
        hops = self.first("max-forwards")
        if hops is not None and not (
            hops.isascii() and hops.isdigit() and int(hops.lstrip("0")[:4] or "0") < 256
        ):
            raise MessageError(400, "Bad Max-Forwards header")

    def with_headers(self, headers: HeaderList) -> "Request":
        return Request(self.method, self.uri, headers, self.body)

    def received_from(self, host: str, port: int) -> "Request":
        """Return the request with `received` and `rport` noted in its topmost Via."""
        via = self.via.received_from(host, port)
        if via is self.via:
            return self
        top, *others = self.raw("via")
        value = ", ".join([str(via), *split_values(top)[1:]])
        headers = list(self.headers)
        headers[headers.index(("via", top))] = ("via", value)
        request = self.with_headers(headers)
        request._via = via
        request._lines = {**self._index, "via": [value, *others]}
        return request

    def response(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str = "",
        headers: HeaderList = (),
        body: bytes = b"",
    ) -> "Response":
        """Build a response to this request (RFC 3261 section 8.2.6.2). `to_tag` is added if To has none."""
        copied: list[tuple[str, str]] = []
        for name, value in self.headers:
            if name in ("via", "from", "call-id", "cseq", "timestamp"):
                if name != "timestamp" or status == 100:
                    copied.append((name, value))
            elif name == "to":
                tagged = not to_tag or ";tag=" in value.lower().replace(" ", "").rpartition(">")[2]
                copied.append((name, value if tagged else f"{value};tag={to_tag}"))
        copied.extend(headers)
        return Response(status, reason or REASONS.get(status, "Unknown"), copied, body)


class Response(Message):
    """A response. `local` marks one that no peer sent: a transaction that timed out (408) or could not send (503)."""

    __slots__ = ("local", "reason", "status")

    def __init__(
        self, status: int, reason: str, headers: HeaderList, body: bytes = b"", *, local: bool = False
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason
        self.local = local

    def _start_line(self) -> str:
        return f"{VERSION} {self.status} {self.reason}"


def parse(data: bytes) -> Request | Response | None:
    """Parse one datagram; None for a keep-alive (nothing but CR, LF, NUL and blanks).

    Raises MessageError: nothing that could be answered stands in such a message.
    """
    if len(data) > MAX_MESSAGE:
        raise MessageError(413, "Message too large")
    data = data.lstrip(b"\r\n\0 \t")
    if not data:
        return None
    blank = _BLANK_LINE.search(data)
    head, body = (data[: blank.start()], data[blank.end() :]) if blank else (data, b"")
    text = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", " ")
    lines = text.split("\n")
    headers = _split_headers(lines[1:])
    message = _parse_start_line(lines[0], headers)
    message.body = _body(message, body)
    return message


def _body(message: "Request | Response", rest: bytes) -> bytes:
    """Return as much of what follows the header as Content-Length says (section 18.3); surplus is padding."""
    lengths = message.raw("content-length")
    if not lengths:
        return rest
    length = lengths[0]
    if not (length.isascii() and length.isdigit() and len(length) < 10):
        raise _unusable(message, "Bad Content-Length header")
    if any(other != length for other in lengths[1:]):
        raise _unusable(message, "More than one Content-Length header")
    # A body that was cut off on its way must not be taken for a whole one. Where there is none, nothing was lost.
    if int(length) > len(rest) and (rest or message.has("content-type")):
        raise _unusable(message, "Body shorter than Content-Length")
    return rest[: int(length)]


class UnusableRequest(MessageError):
    """A request that cannot be understood but can be answered: `request` has the header fields for it."""

    def __init__(self, status: int, reason: str, request: Request) -> None:
        super().__init__(status, reason)
        self.request = request


def _unusable(message: "Request | Response", reason: str, status: int = 400) -> MessageError:
    if isinstance(message, Request):
        return UnusableRequest(status, reason, message)
    return MessageError(status, reason)


def _split_headers(lines: Iterable[str]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if name in _USUAL:
            headers.append((_USUAL[name], value.strip()))
            continue
        if not line.strip():
            continue
        if line[0] in " \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name:
            # A line without a colon says nothing: dropping it loses less than refusing the call.
            continue
        headers.append((COMPACT.get(name, name), value.strip()))
    if len(headers) > MAX_HEADERS:
        raise MessageError(400, "Too many header fields")
    return headers


def _parse_start_line(line: str, headers: list[tuple[str, str]]) -> Request | Response:
    first, _, rest = line.partition(" ")
    if first.upper().startswith("SIP/"):
        status, _, reason = rest.strip().partition(" ")
        if first.upper() != VERSION or not (status.isascii() and status.isdigit() and len(status) == 3):
            raise MessageError(400, "Bad status line")
        if not 100 <= int(status) <= 699:
            raise MessageError(400, "Bad status line")
        return Response(int(status), reason.strip(), headers)
    uri, _, version = rest.strip().rpartition(" ")
    uri = uri.strip()
    if not is_token(first) or not version:
        raise MessageError(400, "Bad request line")
    request = Request(first, uri, headers)
    if not version.upper().startswith("SIP/"):
        raise UnusableRequest(400, "Bad request line", request)
    if version.upper() != VERSION:
        raise UnusableRequest(505, "Version Not Supported", request)
    if not uri or " " in uri or "\t" in uri:
        raise UnusableRequest(400, "Bad Request-URI", request)
    return request


def _parse_top_via(text: str) -> Via:
    values = split_values(text)
    return Via.parse(values[0] if values else "")


def _parse_call_id(text: str) -> str:
    if not text or " " in text:
        raise MessageError(400, "Bad Call-ID header")
    return text


def _sdp_part(content_type: str, body: bytes) -> bytes | None:
    """Return the first application/sdp part of a multipart body (RFC 2046 section 5.1)."""
    match = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type, re.IGNORECASE)
    if match is None:
        return None
    boundary = b"--" + (match[1] or match[2]).encode("utf-8", "surrogateescape")
    for part in body.split(boundary)[1:17]:
        blank = _BLANK_LINE.search(part)
        if blank and re.search(rb"content-type\s*:\s*application/sdp", part[: blank.start()], re.IGNORECASE):
            return part[blank.end() :].rstrip(b"\r\n") + b"\r\n"
    return None
