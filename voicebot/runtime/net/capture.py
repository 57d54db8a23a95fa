"""What passed on the SIP side: kept until a call is over, then handed to its record; told to Homer at once."""

import re
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voicebot.sip import Address, hep
from voicebot.sip.captured import SipMessage
from voicebot.sip.masking import masked

# Of one dialog; a call that has more is told from its beginning.
MESSAGES = 300
DIALOG_BYTES = 256 * 1024
# Of all dialogs that are no call's: the oldest of those give way, for scanners have Call-IDs, too, and large messages.
DIALOGS = 20_000
OTHERS_BYTES = 16 * 1024 * 1024
_USUAL = b"\r\nCall-ID: "  # as nearly everybody spells it, and as we do
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


class _Dialog(list[SipMessage]):
    """The messages with one Call-ID, and how many bytes they are."""

    size = 0


class Capture:
    """Messages by Call-ID. `keep` gets a call's when it is over; `wall` is for tests."""

    def __init__(
        self, keep: Keep, *, homer: Homer | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self._keep = keep
        self._homer = homer
        self._wall = wall
        self._dialogs: dict[bytes, _Dialog] = {}  # of calls
        self._others: OrderedDict[bytes, _Dialog] = OrderedDict()
        self._others_size = 0
        self._calls: dict[str, list[bytes]] = {}  # the Call-IDs of each call

    def message(self, data: bytes, peer: Address, local: Address, *, sent: bool) -> None:
        """Note a message as it passes. Takes any bytes."""
        call_id = _call_id(data)
        if not call_id:
            return
        at = self._wall()
        dialog = self._dialogs.get(call_id)
        if dialog is None:
            dialog = self._others.setdefault(call_id, _Dialog())
        if len(dialog) < MESSAGES and dialog.size + len(data) <= DIALOG_BYTES:
            dialog.append(SipMessage(at, sent, peer.transport, local.host_port, peer.host_port, data))
            dialog.size += len(data)
            if call_id in self._others:
                self._others_size += len(data)
                self._make_room()
        if self._homer is not None:
            source, destination = (local, peer) if sent else (peer, local)
            self._homer.tell(data, source, destination, at)

    def belongs(self, call_id: str, call: str) -> None:
        """The dialog with this Call-ID is a leg of the call."""
        key = call_id.encode("utf-8", "surrogateescape")
        known = self._calls.setdefault(call, [])
        if key not in known:
            known.append(key)
            dialog = self._others.pop(key, None) or _Dialog()
            self._others_size -= dialog.size
            self._dialogs.setdefault(key, dialog)

    def _make_room(self) -> None:
        while self._others_size > OTHERS_BYTES or len(self._others) > DIALOGS:
            _, oldest = self._others.popitem(last=False)
            self._others_size -= oldest.size

    def over(self, call: str) -> None:
        """The call is over: keep its messages, and forget them."""
        messages: list[SipMessage] = []
        for call_id in self._calls.pop(call, ()):
            messages += self._dialogs.pop(call_id, ())
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


def _call_id(data: bytes) -> bytes:
    """Return a message's Call-ID, empty if it has none."""
    start = data.find(_USUAL)
    if 0 <= start < data.find(b"\r\n\r\n"):
        start += len(_USUAL)
        words = data[start : data.find(b"\r\n", start)].split(None, 1)
        return words[0] if words else b""
    found = _CALL_ID.search(data)
    return found.group(1) if found is not None else b""
