"""Places in a queue and the estimated wait."""

import math
from statistics import NormalDist

from voicebot.acd.model import (
    AcdError,
    AcdState,
    Handling,
    WaitingCall,
    able,
    priority_of,
    required_skills,
    serves,
)


def call_order(priority: int, call: WaitingCall) -> tuple[int, float, str]:
    """Return the sort key of a waiting call: higher priority first, then who has waited longest."""
    return (-priority, call.since, call.uid)


def waiting_in(state: AcdState, queue: str) -> list[WaitingCall]:
    """Return the calls that wait in the queue (or ring at an agent), next first."""
    spec = state.queues[queue]
    calls = [call for call in state.waiting.values() if call.queue == queue]
    return sorted(calls, key=lambda call: call_order(priority_of(call, spec), call))


def position(state: AcdState, uid: str) -> int:
    """Return the place of a waiting call, 1 = next. Raises AcdError if it does not wait."""
    call = state.waiting.get(uid)
    if call is None:
        raise AcdError(f"call {uid} waits in no queue")
    return [other.uid for other in waiting_in(state, call.queue)].index(uid) + 1


def estimated_wait(state: AcdState, uid: str, quantile: float | None = None) -> float | None:
    """Return the estimated seconds until the call is answered; None if nobody who serves could take it.

    The plain form: mean handling time x position / agents who could take the call and are logged in, as if every
    one of them had just taken a call. It knows nothing of how far talks have gone, of abandonment, or of agents who
    serve other queues too, so it errs on the long side where callers give up and on the short side where agents are shared.

    With a `quantile` (0.8: what 8 of 10 callers wait at most) as if handling times were exponential: the wait is then
    the sum of `place` of them, a gamma distribution, whose quantile is taken by Wilson and Hilferty's approximation.
    """
    place = position(state, uid)
    call = state.waiting[uid]
    spec = state.queues[call.queue]
    skills = required_skills(call, spec, call.relaxed)
    staff = sum(serves(agent) and able(agent, spec, skills) for agent in state.agents.values())
    if not staff:
        return None
    mean = state.handling.get(call.queue, Handling()).mean * place / staff
    return mean if quantile is None else mean * _stretch(place, quantile)


def _stretch(place: int, quantile: float) -> float:
    """Return the quantile of a gamma distribution of shape `place`, as a multiple of its mean."""
    spread = 1 / (9 * place)
    return max(1 - spread + NormalDist().inv_cdf(quantile) * math.sqrt(spread), 0.0) ** 3
