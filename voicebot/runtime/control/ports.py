"""The pool of media ports: even RTP and odd RTCP ports, bound here, before the SDP that names them is sent."""

import contextlib
import socket
from collections import deque

from voicebot.calls.protocols import NoMediaPort

REST = 10.0  # seconds that a port stays unused after its release: late packets of the old call must not find a new one
_TRIES = 64
_BUFFER = 256 * 1024


class PortPool:
    """Port pairs of one range, used in rotation. `now` is monotonic."""

    def __init__(self, first: int, last: int) -> None:
        """Take the even ports of `first`..`last` whose odd neighbour lies in the range too."""
        self._free: deque[int] = deque(range(first + first % 2, last, 2))
        self._resting: deque[tuple[float, int]] = deque()
        self._range = (first, last)
        self._all = len(self._free)

    def __len__(self) -> int:
        return len(self._free) + len(self._resting)

    @property
    def taken(self) -> int:
        """Return how many pairs calls have."""
        return self._all - len(self)

    def acquire(self, host: str, now: float) -> tuple[int, socket.socket, socket.socket]:
        """Bind a pair on `host`; return the RTP port and both sockets. Raises NoMediaPort.

        A port that another program holds is skipped, and tried again later.
        """
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        for _ in range(min(_TRIES, len(self._free))):
            port = self._free.popleft()
            try:
                rtp = _bind(host, port)
            except OSError:
                self._free.append(port)
                continue
            try:
                return port, rtp, _bind(host, port + 1)
            except OSError:
                rtp.close()
                self._free.append(port)
        raise NoMediaPort(f"no free media port in {self._range[0]}-{self._range[1]}: widen media.ports")

    def release(self, port: int, now: float) -> None:
        """Give a pair back; its sockets are closed already, or will be at once."""
        self._resting.append((now + REST, port))


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    item = socket.socket(family, socket.SOCK_DGRAM)
    try:
        item.setblocking(False)
        item.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        with contextlib.suppress(OSError):  # expedited forwarding, RFC 3246; not every kernel lets us
            item.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8)
        item.bind((host, port))
    except OSError:
        item.close()
        raise
    return item
