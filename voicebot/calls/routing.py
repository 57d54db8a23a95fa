"""By which trunk a leg leaves: the first choice, and the next one where it does not get through."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Leg

# What another trunk may do better. Who is busy, declines or does not answer was reached.
_ANOTHER_MAY = frozenset({"unreachable", "auth_failed"})
# The number itself leads nowhere, by whichever trunk (RFC 3261 section 21.4, 21.6).
_NOBODY = frozenset({404, 410, 484, 485, 604})


class Route(NamedTuple):
    """A SIP URI, and the name of the trunk whose account counts where several have its host ("": whichever).

    `another`: there is a further one, so that a silent peer is not waited for.
    """

    uri: str
    trunk: str = ""
    another: bool = False


async def by_first(call: Call, routes: Sequence[Route], ring: Callable[[Route], Awaitable[Leg]]) -> Leg:
    """Ring by one route after the other until one gets through. Raises DialFailed, of the last that was tried."""
    *others, last = routes
    for route in others:
        try:
            return await ring(route._replace(another=True))
        except DialFailed as failure:
            nobody = failure.reason == "refused" and failure.status in _NOBODY
            if nobody or failure.exit not in _ANOTHER_MAY:
                raise
            call.trace("route_failed", trunk=route.trunk, exit=failure.exit, status=failure.status)
    return await ring(last)
