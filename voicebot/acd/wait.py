"""Places in a queue and the estimated wait."""

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


def estimated_wait(state: AcdState, uid: str) -> float | None:
    """Return the estimated seconds until the call is answered; None if nobody who serves could take it.

    The plain form: mean handling time x position / agents who could take the call and are logged in, as if every
    one of them had just taken a call. It knows nothing of how far talks have gone, of abandonment, or of agents who
    serve other queues too, so it errs on the long side where callers give up and on the short side where agents are shared.
    """
    place = position(state, uid)
    call = state.waiting[uid]
    spec = state.queues[call.queue]
    skills = required_skills(call, spec, call.relaxed)
    staff = sum(serves(agent) and able(agent, spec, skills) for agent in state.agents.values())
    if not staff:
        return None
    return state.handling.get(call.queue, Handling()).mean * place / staff
