"""By which trunk a leg leaves, and with which profile of RTP: the first choice, and the next one where it does not get through."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Leg
from voicebot.sdp import SrtpPolicy

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


async def by_profile(srtp: SrtpPolicy, ring: Callable[[SrtpPolicy], Awaitable[Leg]]) -> Leg:
    """Ring with audio as encrypted as `srtp` says. Raises DialFailed.

    "optional" offers keys on RTP/AVP, which most understand (RFC 8643); who insists on encryption may take RTP/SAVP only.
    """
    try:
        return await ring(srtp)
    except DialFailed as failure:
        if srtp != "optional" or failure.reason != "refused" or failure.status != 488:
            raise
    return await ring("required")
