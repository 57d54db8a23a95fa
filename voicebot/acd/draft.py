"""The working copy of one decision, and the moves that keep it whole.

Every change of an agent's status is a move here, so that these hold after each: an agent has an assignment exactly
while ringing or talking, and it names that agent; a call is waiting or in one accepted assignment, never both.
"""

from collections.abc import Callable

from voicebot.acd.messages import Announce, CancelCause, CancelRing, Command, Connect, Exit, QueueExit, Ring
from voicebot.acd.model import (
    AcdState,
    Agent,
    AgentStatus,
    Assignment,
    Handling,
    QueueSpec,
    WaitingCall,
    priority_of,
)
from voicebot.acd.wait import call_order

# A cancelled phone needs a moment before it takes the next INVITE; at once it would answer busy.
SETTLE = 0.5
# How long an agent is left alone after the first, second ... miss in a row: an absent agent or a dead phone must not
# cost every caller a ring time-out, an agent who was slow once should not be lost for long.
MISS_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)
RECENT_CALLS = 50  # the running mean of the handling time forgets what is older


class Draft:
    """A state under change, and the commands so far."""

    def __init__(self, state: AcdState, now: float) -> None:
        self.now = now
        self.commands: list[Command] = []
        self.agents = dict(state.agents)
        self.queues = dict(state.queues)
        self.waiting = dict(state.waiting)
        self.assignments = dict(state.assignments)
        self.handling = dict(state.handling)
        self.last_rung = dict(state.last_rung)
        self.next_assignment = state.next_assignment

    def finish(self) -> tuple[AcdState, list[Command]]:
        state = AcdState(
            self.agents,
            self.queues,
            self.waiting,
            self.assignments,
            self.handling,
            self.last_rung,
            self.next_assignment,
        )
        return state, self.commands

    # --- what is asked of the copy ------------------------------------------------------------------------------------

    def live(self, assignment: Assignment) -> Assignment | None:
        """Return the assignment as it is now; None if it is over."""
        return self.assignments.get(assignment.id)

    def spec(self, call: WaitingCall) -> QueueSpec:
        return self.queues[call.queue]

    def ringing_for(self, uid: str) -> list[Assignment]:
        return [
            item for item in self.assignments.values() if item.answered_at is None and item.call.uid == uid
        ]

    def calls_in_order(self) -> list[WaitingCall]:
        """Return the waiting calls of all queues: higher priority first, then who has waited longest."""
        return sorted(
            self.waiting.values(), key=lambda call: call_order(priority_of(call, self.spec(call)), call)
        )

    # --- moves --------------------------------------------------------------------------------------------------------

    def ring(self, call: WaitingCall, agent: Agent) -> None:
        call = call._replace(tried={**call.tried, agent.id: call.tried.get(agent.id, 0) + 1})
        self.waiting[call.uid] = call
        assignment = Assignment(self.next_assignment, agent.id, call, self.now)
        self.next_assignment += 1
        self.assignments[assignment.id] = assignment
        self.agents[agent.id] = agent._replace(status=AgentStatus.RINGING, assignment=assignment.id)
        self.last_rung[call.queue] = agent.id
        self.commands.append(Ring(assignment, agent.uri))

    def connect(self, assignment: Assignment) -> None:
        """The agent has answered: the call waits no more, other phones that ring for it stop."""
        call = self.waiting.pop(assignment.call.uid)
        accepted = assignment._replace(call=call, answered_at=self.now)
        self.assignments[accepted.id] = accepted
        agent = self.agents[accepted.agent]
        self.agents[agent.id] = agent._replace(status=AgentStatus.TALKING, missed_in_a_row=0)
        for other in self.ringing_for(call.uid):
            self.cancel_ring(other, "answered_elsewhere")
        self.commands.append(Connect(accepted))

    def cancel_ring(self, assignment: Assignment, cause: CancelCause) -> None:
        """Stop a ring for which the agent is not to blame."""
        self.commands.append(CancelRing(assignment, cause))
        self._rest(assignment, lambda agent: agent._replace(not_before=self.now + SETTLE))

    def miss(self, assignment: Assignment) -> None:
        """The agent did not take the call: leave them alone for a while, and let others be idle for longer."""

        def paused(agent: Agent) -> Agent:
            pause = MISS_PAUSES[min(agent.missed_in_a_row, len(MISS_PAUSES) - 1)]
            return agent._replace(
                idle_since=self.now,
                not_before=self.now + pause,
                missed_in_a_row=agent.missed_in_a_row + 1,
            )

        if assignment.answered_at is not None:
            self.waiting[assignment.call.uid] = assignment.call._replace(position=0)
        self._rest(assignment, paused)

    def end_talk(self, assignment: Assignment) -> None:
        """Agent and caller are done: into wrap-up."""
        assert assignment.answered_at is not None
        talked = self.now - assignment.answered_at
        queue = self.spec(assignment.call)
        before = self.handling.get(queue.name, Handling())
        weight = min(before.calls + 1, RECENT_CALLS)
        mean = before.mean + (talked + queue.wrap_up - before.mean) / weight
        self.handling[queue.name] = Handling(before.calls + 1, mean)

        def wrapping_up(agent: Agent) -> Agent:
            agent = agent._replace(
                idle_since=self.now,
                calls_taken=agent.calls_taken + 1,
                talk_seconds=agent.talk_seconds + talked,
            )
            if queue.wrap_up <= 0:
                return agent
            return agent._replace(status=AgentStatus.WRAP_UP, wrap_up_until=self.now + queue.wrap_up)

        self._rest(assignment, wrapping_up)

    def _rest(self, assignment: Assignment, change: Callable[[Agent], Agent]) -> None:
        """End an assignment: the agent is free, changed by `change`, and gone if that was wanted."""
        del self.assignments[assignment.id]
        agent = self.agents[assignment.agent]
        agent = change(agent._replace(status=AgentStatus.FREE, assignment=None))
        if agent.removed:
            del self.agents[agent.id]
            return
        if agent.leaving:
            agent = agent._replace(status=AgentStatus.LOGGED_OUT, leaving=False)
        self.agents[agent.id] = agent

    def free(self, agent: Agent) -> None:
        """End of wrap-up, or login."""
        self.agents[agent.id] = agent._replace(
            status=AgentStatus.FREE, idle_since=self.now, wrap_up_until=None
        )

    def exit(self, call: WaitingCall, exit_: QueueExit) -> None:
        """A waiting call leaves by an exit."""
        self.drop(call, "call_exits")
        self.commands.append(Exit(call.uid, exit_))

    def drop(self, call: WaitingCall, cause: CancelCause) -> None:
        """A waiting call is gone: nobody rings for it any more."""
        self.waiting.pop(call.uid, None)
        for assignment in self.ringing_for(call.uid):
            self.cancel_ring(assignment, cause)

    def announce_places(self) -> None:
        places: dict[str, int] = {}
        for call in self.calls_in_order():
            place = places[call.queue] = places.get(call.queue, 0) + 1
            if place != call.position:
                self.waiting[call.uid] = call._replace(position=place)
                self.commands.append(Announce(call.uid, place))
