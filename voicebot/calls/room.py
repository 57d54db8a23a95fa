"""Who gives way when the server is full: calls that were answered and whose ACK does not come.

An INVITE over UDP can be sent in anybody's name; whoever does that never hears our 200, so that no ACK comes, and a line
would be held for 64*T1, 32 s. An honest caller's ACK is missing for so long only if it, or the 200, was lost four times.
Over TCP and TLS neither is lost, but a proxy may go on by UDP behind: the same rule holds for all.
"""

from voicebot.calls.call import Call
from voicebot.calls.leg import Gone, Leg

GIVES_WAY_AFTER = 4.0  # seconds: the 200 was sent at 0, 0.5, 1.5 and 3.5 (RFC 3261 section 13.3.1.4)


class Unacknowledged:
    """The calls that wait for their ACK. `now` is the loop's time, in seconds."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[float, Call, Leg]] = {}  # by uid, the oldest first

    def begin(self, call: Call, leg: Leg, now: float) -> None:
        """The call was answered at `now`."""
        self._waiting[call.uid] = (now, call, leg)

    def over(self, call: Call) -> None:
        """It is acknowledged, or has ended."""
        self._waiting.pop(call.uid, None)

    def give_way(self, now: float) -> bool:
        """End the oldest of them, if it has waited for long enough; False if none has.

        Its BYE follows the ACK, should that still come, or goes out when the endpoint gives up waiting.
        """
        uid = next(iter(self._waiting), "")
        if not uid or now - self._waiting[uid][0] < GIVES_WAY_AFTER:
            return False
        _, call, leg = self._waiting.pop(uid)
        call.trace("gave_way")
        leg.end(Gone("no_ack", by_peer=False))
        return True
