"""The decision: what happened -> who is rung, connected, or sent on.

Each event is applied first, then every timer that is due, then free agents are given to waiting calls: an agent who
answers at the very instant of a time-out has the call. The rules:

- Calls are served by priority, then by waiting time, over all queues; a call whose agents are all taken blocks nobody.
- For one call, the agents who were rung least often come first, then who is `sticky`, then `prefer`, then the strategy.
- An agent who missed a call is left alone for a while (`draft.MISS_PAUSES`).
- A caller who is to be called back stands in the same order as those who hold the line: at the place of `since`.
- What is said about an assignment that is over changes nothing; if a phone answers too late, its leg is ended.
"""

from collections.abc import Iterator

from voicebot.acd.draft import Draft
from voicebot.acd.messages import (
    AgentAnswered,
    AgentDeclined,
    AgentLogsIn,
    AgentLogsOut,
    CallbackJoins,
    CallJoins,
    CallLeaves,
    CancelRing,
    Command,
    Event,
    Exit,
    Reconfigure,
    TalkEnds,
    Tick,
    WrapUpEnds,
)
from voicebot.acd.model import (
    AcdError,
    AcdState,
    Agent,
    AgentStatus,
    Assignment,
    QueueSpec,
    WaitingCall,
    able,
    max_wait_of,
    required_skills,
    serves,
)
from voicebot.acd.strategies import PARALLEL, STRATEGIES, Rng


def decide(state: AcdState, event: Event, now: float, rng: Rng) -> tuple[AcdState, list[Command]]:
    """Return the state after `event` and what is to be done, in order. `now`: the shell's monotonic seconds.

    Raises AcdError for a queue or an agent that does not exist, or a call that is in a queue already.
    """
    draft = Draft(state, now)
    _apply(draft, event)
    _expire(draft)
    _send_on_unservable(draft)
    _assign(draft, rng)
    draft.announce_places()
    return draft.finish()


def next_timer(state: AcdState) -> float | None:
    """Return the instant at which a Tick is due, if any."""
    return min(_deadlines(state), default=None)


def _deadlines(state: AcdState) -> Iterator[float]:
    for agent in state.agents.values():
        if agent.status is AgentStatus.FREE and agent.not_before is not None:
            yield agent.not_before
        if agent.status is AgentStatus.WRAP_UP and agent.wrap_up_until is not None:
            yield agent.wrap_up_until
    for assignment in state.assignments.values():
        if assignment.answered_at is None:
            yield _ring_deadline(assignment, state.queues[assignment.call.queue])
    for call in state.waiting.values():
        queue = state.queues[call.queue]
        yield from _wait_deadline(call, queue)
        yield from (call.since + item.after for item in queue.relax[call.relaxed :])
        if queue.ageing:
            yield call.since + (call.aged + 1) * queue.ageing


def _ring_deadline(assignment: Assignment, queue: QueueSpec) -> float:
    return assignment.rung_at + queue.ring_timeout


def _wait_deadline(call: WaitingCall, queue: QueueSpec) -> Iterator[float]:
    longest = max_wait_of(call, queue)
    if longest is not None:
        yield call.since + longest


# --- events -----------------------------------------------------------------------------------------------------------


def _apply(draft: Draft, event: Event) -> None:
    match event:
        case CallJoins(call):
            _join(draft, call)
        case CallbackJoins(call, instead_of):
            _join_booked(draft, call, instead_of)
        case CallLeaves(uid):
            _leave(draft, uid)
        case AgentAnswered(assignment):
            _answered(draft, assignment)
        case AgentDeclined(assignment):
            live = draft.live(assignment)
            if live is not None:
                draft.miss(live)
        case TalkEnds(assignment):
            live = draft.live(assignment)
            if live is not None and live.answered_at is not None:
                draft.end_talk(live)
                draft.commands.append(Exit(live.call.uid, "agent_done"))
        case WrapUpEnds(agent_id):
            agent = _known(draft, agent_id)
            if agent.status is AgentStatus.WRAP_UP:
                draft.free(agent)
        case AgentLogsIn(agent_id):
            _log_in(draft, _known(draft, agent_id))
        case AgentLogsOut(agent_id):
            _log_out(draft, _known(draft, agent_id))
        case Reconfigure():
            _reconfigure(draft, event)
        case Tick():
            pass


def _known(draft: Draft, agent_id: str) -> Agent:
    agent = draft.agents.get(agent_id)
    if agent is None:
        raise AcdError(f"there is no agent `{agent_id}`")
    return agent


def _join(draft: Draft, call: WaitingCall) -> None:
    queue = _joinable(draft, call)
    ahead = sum(other.queue == queue.name for other in draft.waiting.values())
    if queue.max_length is not None and ahead >= queue.max_length:
        draft.commands.append(Exit(call.uid, "full"))
        return
    draft.waiting[call.uid] = call._replace(since=draft.now, tried={}, relaxed=0, aged=0, position=0)


def _joinable(draft: Draft, call: WaitingCall) -> QueueSpec:
    queue = draft.queues.get(call.queue)
    if queue is None:
        raise AcdError(f"there is no queue `{call.queue}`")
    if call.uid in draft.waiting or any(item.call.uid == call.uid for item in draft.assignments.values()):
        raise AcdError(f"call {call.uid} is in a queue already")
    return queue


def _join_booked(draft: Draft, call: WaitingCall, instead_of: str) -> None:
    _joinable(draft, call)
    before = draft.waiting.get(instead_of)
    if before is not None:
        draft.drop(before, "caller_left")
    since = min(call.since, draft.now)
    draft.waiting[call.uid] = call._replace(since=since, booked=True, tried={}, relaxed=0, aged=0, position=0)


def _leave(draft: Draft, uid: str) -> None:
    call = draft.waiting.get(uid)
    if call is not None:
        draft.drop(call, "caller_left")
        return
    for assignment in list(draft.assignments.values()):
        if assignment.call.uid == uid:
            draft.commands.append(CancelRing(assignment, "caller_left"))
            draft.end_talk(assignment)


def _answered(draft: Draft, assignment: Assignment) -> None:
    live = draft.live(assignment)
    if live is None:
        draft.commands.append(CancelRing(assignment, "too_late"))
    elif live.answered_at is None:
        draft.connect(live)


def _log_in(draft: Draft, agent: Agent) -> None:
    if agent.leaving:
        draft.agents[agent.id] = agent._replace(leaving=False)
    elif agent.status is AgentStatus.LOGGED_OUT:
        agent = agent._replace(not_before=None, missed_in_a_row=0)
        if agent.wrap_up_until is not None and agent.wrap_up_until > draft.now:
            draft.agents[agent.id] = agent._replace(status=AgentStatus.WRAP_UP)
        else:
            draft.free(agent)


def _log_out(draft: Draft, agent: Agent) -> None:
    if agent.assignment is None:
        draft.agents[agent.id] = agent._replace(status=AgentStatus.LOGGED_OUT)
        return
    draft.agents[agent.id] = agent._replace(leaving=True)
    if agent.status is AgentStatus.RINGING:
        draft.cancel_ring(draft.assignments[agent.assignment], "agent_logged_out")


def _reconfigure(draft: Draft, event: Reconfigure) -> None:
    draft.queues.update(event.queues)
    for agent in event.agents.values():
        known = draft.agents.get(agent.id)
        if known is None:
            draft.agents[agent.id] = agent._replace(idle_since=draft.now)
        else:
            draft.agents[agent.id] = known._replace(uri=agent.uri, skills=agent.skills, removed=False)
    for agent in list(draft.agents.values()):
        if agent.id in event.agents:
            continue
        if agent.assignment is None:
            del draft.agents[agent.id]
            continue
        draft.agents[agent.id] = agent._replace(removed=True)
        if agent.status is AgentStatus.RINGING:
            draft.cancel_ring(draft.assignments[agent.assignment], "agent_logged_out")


# --- time -------------------------------------------------------------------------------------------------------------


def _expire(draft: Draft) -> None:
    for agent in list(draft.agents.values()):
        if agent.not_before is not None and agent.not_before <= draft.now:
            agent = draft.agents[agent.id] = agent._replace(not_before=None)
        if (
            agent.status is AgentStatus.WRAP_UP
            and agent.wrap_up_until is not None
            and agent.wrap_up_until <= draft.now
        ):
            draft.free(agent)
    for assignment in list(draft.assignments.values()):
        queue = draft.spec(assignment.call)
        if assignment.answered_at is None and _ring_deadline(assignment, queue) <= draft.now:
            draft.commands.append(CancelRing(assignment, "no_answer"))
            draft.miss(assignment)
    for call in list(draft.waiting.values()):
        queue = draft.spec(call)
        if any(deadline <= draft.now for deadline in _wait_deadline(call, queue)):
            draft.exit(call, "timeout")
            continue
        due = sum(call.since + item.after <= draft.now for item in queue.relax)
        if due != call.relaxed:
            call = draft.waiting[call.uid] = call._replace(relaxed=due)
        aged = call.aged
        while queue.ageing and call.since + (aged + 1) * queue.ageing <= draft.now:
            aged += 1
        if aged != call.aged:
            draft.waiting[call.uid] = call._replace(aged=aged)


def _send_on_unservable(draft: Draft) -> None:
    """Let calls go that nobody who is logged in could take, not even when every relaxation is in force."""
    for call in list(draft.waiting.values()):
        queue = draft.spec(call)
        skills = required_skills(call, queue, len(queue.relax))
        if not (queue.join_empty or call.booked) and not any(
            serves(agent) and able(agent, queue, skills) for agent in draft.agents.values()
        ):
            draft.exit(call, "no_agents")


# --- who is rung ------------------------------------------------------------------------------------------------------


def _assign(draft: Draft, rng: Rng) -> None:
    if not any(_ringable(agent) for agent in draft.agents.values()):
        return
    for call in draft.calls_in_order():
        queue = draft.spec(call)
        candidates = _candidates(draft, call, queue)
        if not candidates:
            continue
        for agent in STRATEGIES[queue.strategy](candidates, draft.last_rung.get(queue.name), rng):
            draft.ring(draft.waiting[call.uid], agent)


def _ringable(agent: Agent) -> bool:
    return agent.status is AgentStatus.FREE and agent.not_before is None


def _candidates(draft: Draft, call: WaitingCall, queue: QueueSpec) -> list[Agent]:
    """Return the agents among whom the strategy chooses, in the configuration's order."""
    skills = required_skills(call, queue, call.relaxed)
    named = (draft.agents[name] for name in queue.agents if name in draft.agents)
    free = [
        agent
        for agent in (named if queue.agents else draft.agents.values())
        if _ringable(agent) and able(agent, queue, skills)
    ]
    if not free:
        return []
    ringing = bool(draft.ringing_for(call.uid))
    if ringing and queue.strategy not in PARALLEL:
        return []
    # While phones ring for this call, only agents who were not tried yet may join them.
    fewest = 0 if ringing else min(call.tried.get(agent.id, 0) for agent in free)
    untried = [agent for agent in free if call.tried.get(agent.id, 0) == fewest]
    if queue.strategy in PARALLEL:
        return untried
    if queue.sticky and (known := [agent for agent in untried if agent.id == call.preferred]):
        return known
    if not queue.prefer:
        return untried
    liking = {agent.id: sum(agent.skills.get(skill, 0) for skill in queue.prefer) for agent in untried}
    best = max(liking.values())
    return [agent for agent in untried if liking[agent.id] == best]
