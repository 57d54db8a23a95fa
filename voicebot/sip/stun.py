"""STUN binding (RFC 5389): at which address and port does the world see us?

`Binding` is one request with its repetitions. Sans-IO: `now` in seconds of any monotonic clock.
"""

import ipaddress
import struct
from dataclasses import dataclass

from voicebot.sip.errors import SipError

DEFAULT_PORT = 3478
TRANSACTION_BYTES = 12
# Section 7.2.1, RTO 0.5 s, Rc 7, Rm 16: when it is sent, and when it has failed, in seconds after the first.
SENT_AT = (0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)
FAILED_AT = 39.5

_COOKIE = 0x2112A442  # section 6
_HEADER = struct.Struct("!HHI12s")
_REQUEST, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111
_MAPPED_ADDRESS, _ERROR_CODE, _XOR_MAPPED_ADDRESS = 0x0001, 0x0009, 0x0020  # section 18.2
_ADDRESS_BYTES = {1: 4, 2: 16}  # by family (section 15.1)


@dataclass(frozen=True, slots=True)
class Mapped:
    """The address from which our request came, as the server saw it."""

    host: str
    port: int


def parse_answer(data: bytes, transaction: bytes) -> Mapped | None:
    """Return what the server saw; None for a datagram that is no answer to this request.

    Raises SipError (480) for an answer that refuses, or that does not say it. Attributes that we do not know are passed
    over, also those of RFC 3489, whose servers still run.
    """
    if len(data) < _HEADER.size:
        return None
    kind, length, cookie, theirs = _HEADER.unpack_from(data)
    if kind not in (_SUCCESS, _ERROR) or cookie != _COOKIE or theirs != transaction:
        return None
    if length % 4 or len(data) != _HEADER.size + length:
        raise SipError(480, "the answer of the STUN server is cut")
    attributes = _attributes(data)
    if kind == _ERROR:
        value = attributes.get(_ERROR_CODE, b"")
        code = (value[2] & 7) * 100 + value[3] % 100 if len(value) >= 4 else 0  # section 15.6
        raise SipError(480, f"the STUN server refuses ({code})")
    if _XOR_MAPPED_ADDRESS in attributes:
        return _mapped(attributes[_XOR_MAPPED_ADDRESS], data[4:20])
    if _MAPPED_ADDRESS in attributes:
        return _mapped(attributes[_MAPPED_ADDRESS], bytes(16))
    raise SipError(480, "the answer of the STUN server has no address")


def _attributes(data: bytes) -> dict[int, bytes]:
    """Return the first attribute of each type; values are padded to four bytes (section 15)."""
    found: dict[int, bytes] = {}
    at = _HEADER.size
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + length]
        if len(value) != length:
            raise SipError(480, "an attribute of the STUN server's answer is cut")
        found.setdefault(kind, value)
        at += 4 + (length + 3) // 4 * 4
    return found


def _mapped(value: bytes, mask: bytes) -> Mapped:
    """Read (XOR-)MAPPED-ADDRESS (sections 15.1 and 15.2); `mask` is cookie and transaction, or zeros."""
    size = _ADDRESS_BYTES.get(value[1], 0) if len(value) > 1 else 0
    if not size or len(value) != 4 + size:
        raise SipError(480, "the STUN server's answer has an address of no known kind")
    port = int.from_bytes(value[2:4], "big") ^ int.from_bytes(mask[:2], "big")
    host = bytes(a ^ b for a, b in zip(value[4:], mask[:size], strict=True))
    return Mapped(str(ipaddress.ip_address(host)), port)


class Binding:
    """One request. `transaction`: 12 random bytes, which nobody else can guess.

    Send what `datagram_to_send` returns, call it again at `next_timer`; `mapped` or `problem` is the end of it.
    """

    def __init__(self, transaction: bytes, now: float) -> None:
        self.mapped: Mapped | None = None
        self.problem = ""
        self._transaction = transaction
        self._start = now
        self._sent = 0

    @property
    def done(self) -> bool:
        return self.mapped is not None or bool(self.problem)

    def next_timer(self) -> float:
        """Return the instant at which something is to be done next."""
        return self._start + (SENT_AT[self._sent] if self._sent < len(SENT_AT) else FAILED_AT)

    def datagram_to_send(self, now: float) -> bytes | None:
        """Return the request when it is due, None when not."""
        if self.done or now < self.next_timer():
            return None
        if self._sent == len(SENT_AT):
            self.problem = "the STUN server does not answer"
            return None
        self._sent += 1
        return _HEADER.pack(_REQUEST, 0, _COOKIE, self._transaction)

    def receive(self, data: bytes) -> None:
        """Take a datagram of the server."""
        if self.done:
            return
        try:
            self.mapped = parse_answer(data, self._transaction)
        except SipError as error:
            self.problem = error.reason
