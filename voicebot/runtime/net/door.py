"""New calls wait at the door: calls that run are served first, and who has waited for too long is refused.

Past what the machine can do, each new call that is taken costs the running ones their time, until none of them ends
well. So an INVITE is read only when everything else that has arrived was served, and only for a few milliseconds at a
time. When it has waited for PATIENCE it gets a 503, which costs a tenth of a call.
"""

from collections import deque
from typing import NamedTuple

from voicebot.sip import Address

PATIENCE = 0.2  # seconds: after T1, 0.5, the peer says it again (RFC 3261 section 17.1.1.2)
AT_A_TIME = 0.004  # seconds of work on new calls, then whatever else has come is served
WAITING = 4_000  # who comes then is not heard, as if the datagram were lost
# A CANCEL must not overtake its INVITE. In-dialog INVITEs wait, too, but are never refused.
_KNOCKS = (b"INVITE ", b"CANCEL ")


class Knock(NamedTuple):
    """A message at the door. `at`: when it came, monotonic."""

    at: float
    data: bytes
    source: Address
    local: Address | None


class Door:
    """First come, first served."""

    def __init__(self) -> None:
        self.turned_away = 0  # not even heard
        self._waiting: deque[Knock] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def takes(self, data: bytes, source: Address, local: Address | None, now: float) -> bool:
        """Keep a message that may begin a call; False: it is none, serve it now."""
        if not data.startswith(_KNOCKS):
            return False
        if len(self._waiting) < WAITING:
            self._waiting.append(Knock(now, data, source, local))
        else:
            self.turned_away += 1
        return True

    def next(self) -> Knock | None:
        """Return who has waited for longest."""
        return self._waiting.popleft() if self._waiting else None


def is_late(knock: Knock, now: float) -> bool:
    return now - knock.at > PATIENCE
