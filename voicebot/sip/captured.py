"""SIP messages as they passed, and as they are kept: masked, and packed to a tenth of their size."""

import json
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from voicebot.sip.masking import masked


class SipMessage(NamedTuple):
    """One message as it passed. `at`: Unix time in seconds; `local` and `peer`: HOST:PORT, IPv6 in brackets."""

    at: float
    sent: bool
    transport: str
    local: str
    peer: str
    data: bytes


def pack(messages: Iterable[SipMessage]) -> bytes:
    """Return what is stored; what may not be kept is masked on the way."""
    rows = [
        (
            round(item.at, 6),
            item.sent,
            item.transport,
            item.local,
            item.peer,
            masked(item.data).decode("latin-1"),
        )
        for item in messages
    ]
    return zlib.compress(json.dumps(rows).encode(), 1)


def unpack(packed: bytes) -> tuple[SipMessage, ...]:
    return tuple(
        SipMessage(at, sent, transport, local, peer, text.encode("latin-1"))
        for at, sent, transport, local, peer, text in json.loads(zlib.decompress(packed))
    )
