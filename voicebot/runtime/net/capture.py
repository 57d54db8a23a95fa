"""What passed on the SIP side: kept until a call is over, then handed to its record; told to Homer at once."""

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voicebot.sip import Address, hep
from voicebot.sip.captured import SipMessage
from voicebot.sip.masking import masked

MESSAGES = 300  # of one dialog; a call that has more is told from its beginning
DIALOGS = 20_000  # whose messages are held at once, the oldest give way: scanners have Call-IDs, too
_CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*(\S+)")

Keep = Callable[[str, Sequence[SipMessage]], object]  # the call's uid, and its messages in order


@dataclass(slots=True)
class Homer:
    """Where HEP datagrams go. They are sent once and never waited for: seeing must not disturb calling."""

    address: tuple[str, int]
    capture_id: int
    password: str = ""
    failed: int = 0
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        self._socket.setblocking(False)

    def tell(self, data: bytes, source: Address, destination: Address, at: float) -> None:
        try:
            datagram = hep.encode(
                masked(data), source, destination, at, capture_id=self.capture_id, password=self.password
            )
            self._socket.sendto(datagram, self.address)
        except (OSError, ValueError):  # nobody listens, or a host that is no address
            self.failed += 1

    def close(self) -> None:
        self._socket.close()


class Capture:
    """Messages by Call-ID. `keep` gets a call's when it is over; `wall` is for tests."""

    def __init__(
        self, keep: Keep, *, homer: Homer | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self._keep = keep
        self._homer = homer
        self._wall = wall
        self._messages: dict[bytes, list[SipMessage]] = {}
        self._calls: dict[str, list[bytes]] = {}  # the Call-IDs of each call

    def message(self, data: bytes, peer: Address, local: Address, *, sent: bool) -> None:
        """Note a message as it passes. Takes any bytes."""
        found = _CALL_ID.search(data)
        if found is None:
            return
        at = self._wall()
        messages = self._messages.get(found.group(1))
        if messages is None:
            if len(self._messages) >= DIALOGS:
                del self._messages[next(iter(self._messages))]
            messages = self._messages[found.group(1)] = []
        if len(messages) < MESSAGES:
            messages.append(SipMessage(at, sent, peer.transport, local.host_port, peer.host_port, data))
        if self._homer is not None:
            source, destination = (local, peer) if sent else (peer, local)
            self._homer.tell(data, source, destination, at)

    def belongs(self, call_id: str, call: str) -> None:
        """The dialog with this Call-ID is a leg of the call."""
        key = call_id.encode("utf-8", "surrogateescape")
        known = self._calls.setdefault(call, [])
        if key not in known:
            known.append(key)

    def over(self, call: str) -> None:
        """The call is over: keep its messages, and forget them."""
        messages: list[SipMessage] = []
        for call_id in self._calls.pop(call, ()):
            messages += self._messages.pop(call_id, ())
        if messages:
            self._keep(call, sorted(messages))

    @property
    def open(self) -> tuple[str, ...]:
        """The calls that are not over."""
        return tuple(self._calls)

    def close(self) -> None:
        """Keep what there is of every call."""
        for call in self.open:
            self.over(call)
        if self._homer is not None:
            self._homer.close()
