"""One person, several phones: all of them ring, and the first that answers has the call (RFC 3261 section 16.7, by legs)."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Leg
from voicebot.sip.address import Address

# The exit that tells most of why nobody was reached, first.
_TELLING = ("busy", "declined", "no_answer", "auth_failed", "unreachable")


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that registered with us: its contact, where it is reached, from which address of ours, by which routes."""

    uri: str
    destination: Address
    local: Address | None
    routes: tuple[str, ...] = ()


ELSEWHERE = "answered_elsewhere"  # why a ring is cancelled: its CancelledError says it


async def first_answer(rings: Sequence[Coroutine[Any, Any, Leg]], hang_up: Callable[[Leg], None]) -> Leg:
    """Return the leg that is answered first; the other rings are cancelled, what they brought is hung up.

    Raises DialFailed when no phone answers, at once when a person has declined on one of them (6xx).
    """
    loop = asyncio.get_running_loop()
    pending = {loop.create_task(ring, name="ring a phone") for ring in rings}
    failures: list[DialFailed] = []
    answered: list[Leg] = []
    try:
        while pending and not answered:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                try:
                    answered.append(task.result())
                except DialFailed as failure:
                    failures.append(failure)
            if any(failure.status >= 600 for failure in failures):
                break
    except asyncio.CancelledError as cancelled:
        await _end(pending, [*answered], hang_up, next(iter(cancelled.args), None))
        raise
    await _end(pending, answered[1:], hang_up, ELSEWHERE if answered else None)
    if answered:
        return answered[0]
    raise min(
        failures, key=lambda each: _TELLING.index(each.exit) if each.exit in _TELLING else len(_TELLING)
    )


async def _end(
    pending: set[asyncio.Task[Leg]],
    answered: list[Leg],
    hang_up: Callable[[Leg], None],
    why: str | None = None,
) -> None:
    for task in pending:
        task.cancel(why)
    late = await asyncio.gather(*pending, return_exceptions=True)
    for leg in [*answered, *(each for each in late if isinstance(each, Leg))]:
        hang_up(leg)
