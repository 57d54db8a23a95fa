"""The errors of the package: whatever a peer sends is parsed, or raises one of these and never any other."""

from typing import Literal

# refused: the peer's own words. timeout: nobody answered. cancelled: we gave up. The last three are about digest.
Why = Literal[
    "refused",
    "timeout",
    "unreachable",
    "cancelled",
    "bad_answer",
    "no_credentials",
    "credentials_refused",
    "tries_exhausted",
]


class SipError(Exception):
    """Something of SIP is wrong. `status` is the response that says so to a peer (RFC 3261 section 21)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class MessageError(SipError):
    """A message, or a header field of it, cannot be understood."""


class DigestError(SipError):
    """A challenge cannot be answered; `why` says which of the reasons it is."""

    def __init__(self, status: int, reason: str, why: Why) -> None:
        super().__init__(status, reason)
        self.why = why
