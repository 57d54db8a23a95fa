"""Calls of ours that come back to us: a target that leads to this server again would take line after line.

Hops are counted down from call to leg as RFC 7332 wants it, but a PBX that makes a call of its own counts anew. Two things
tell even then. A proxy, or a PBX that passes our header on, names the call (X-Voicebot-Call). And one that passes on the
caller's number alone calls us in the name of the same caller at once when our leg has reached it, and answers that leg at
once when we have answered. A hotline may well pass a caller on to another one here; after MOST_ROUNDS it is a loop. Callers
who withhold their number are many, and never judged by it.
"""

from collections import OrderedDict

import structlog

from voicebot.calls.call import Call
from voicebot.calls.tolls import is_nobody
from voicebot.sip import Address

NAMED_BY = "x-voicebot-call"
MOST_ROUNDS = 16  # more than anybody wants, and too many for chance: see AT_ONCE
PASSED_ON = 1.0  # seconds from our leg to the call that it has become
AT_ONCE = 0.3  # seconds from that call to the leg's answer: where one number stands for many callers, few come so by chance
HOPS = 70  # where the caller's side says nothing (RFC 3261 section 16.6)
REMEMBERED = 1_000  # callers

log = structlog.get_logger("calls")

_Key = tuple[str, Address]


def hops_left(call: Call) -> int:
    """Return the Max-Forwards of a leg of this call (RFC 7332 section 4); none is left below 0."""
    text = call.headers.get("max-forwards", "").strip()
    return (int(text) if text.isascii() and text.isdigit() else HOPS) - 1


def tell_loop(call: Call) -> None:
    """Say in the log and in the call's timeline that it goes round."""
    log.warning(
        "a call comes back to us again and again: what is dialled leads to this server", call=call.uid
    )
    call.trace("came_back", rounds=call.rounds)


class Loops:
    """Which call came last in the name of a caller. `now` is the loop's time, in seconds."""

    def __init__(self) -> None:
        self._last: OrderedDict[_Key, tuple[float, Call]] = OrderedDict()

    def arrived(self, call: Call, source: Address, now: float) -> None:
        """A call has come."""
        key = _key(call, source)
        self._last[key] = (now, call)
        self._last.move_to_end(key)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    def answered(self, call: Call, destination: Address, sent_at: float, now: float) -> Call | None:
        """A leg of `call` was answered; return the call that it has come back as, if that has gone round too often."""
        at, back = self._last.get(_key(call, destination), (0.0, call))
        at_once = sent_at <= at <= sent_at + PASSED_ON and now - at <= AT_ONCE
        if back is call or not at_once or is_nobody(call.from_number):
            return None
        back.rounds = max(back.rounds, call.rounds + 1)
        return back if back.rounds > MOST_ROUNDS else None


def _key(call: Call, address: Address) -> _Key:
    # The port of a connection that the PBX has opened is anyone's.
    port = address.port if address.transport == "udp" else 0
    return (call.from_number, Address(address.transport, address.host, port))
