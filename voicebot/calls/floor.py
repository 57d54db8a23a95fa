"""The floor: where waiting callers meet agents. Drives `acd.decide` and carries out its commands with telephones.

A ring begins only after it is committed to storage, so that a crash never leaves a ring that no record explains; storage
that answers slowly delays one ring by COMMIT_WITHIN at most, and those after it not at all. Nothing else waits for a disk.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from voicebot.acd import (
    AcdState,
    Agent,
    AgentAnswered,
    AgentDeclined,
    AgentLogsIn,
    AgentLogsOut,
    Announce,
    Assignment,
    CallbackJoins,
    CallJoins,
    CallLeaves,
    CancelRing,
    Command,
    Connect,
    Event,
    Exit,
    QueueSpec,
    Reconfigure,
    Ring,
    Rng,
    TalkEnds,
    Tick,
    WaitingCall,
    decide,
    estimated_wait,
    next_timer,
)
from voicebot.acd.messages import DeclineCause
from voicebot.calls.call import Call
from voicebot.calls.leg import Leg

COMMIT_WITHIN = 1.0  # seconds
KNOWN_CALLERS = 10_000  # whose last agent is remembered for `sticky` queues

log = structlog.get_logger("queue")


class DialFailed(Exception):
    """An outgoing leg or a transfer did not come about. `exit` is the dialplan's word: busy, no_answer, declined ...

    `reason` says more, where more is known: no_credentials, credentials_refused, tries_exhausted, no_news ...
    """

    def __init__(self, exit: str, status: int = 0, reason: str = "") -> None:
        super().__init__(f"{exit} ({status})" if status else exit)
        self.exit = exit
        self.status = status
        self.reason = reason


class ReferRefused(DialFailed):
    """The peer does not transfer the call: the target was never tried."""


class Dialler(Protocol):
    """Places outgoing legs for a call; being cancelled cancels the INVITE, or hangs up what was answered."""

    async def dial(
        self, call: Call, uri: str, *, name: str, headers: Sequence[tuple[str, str]] = ()
    ) -> Leg: ...

    def hang_up(self, leg: Leg, cause: str = "normal") -> None: ...


@dataclass(slots=True)
class Ticket:
    """A caller's place. `outcome` gets the queue's exit, or the agent who answered."""

    call: Call
    queue: str
    joined_at: float
    outcome: "asyncio.Future[str | Connected]"
    headers: Sequence[tuple[str, str]] = ()  # of the INVITEs to agents
    position: int = 0
    on_position: Callable[[int], None] = lambda position: None


@dataclass(frozen=True, slots=True)
class Connected:
    """An agent has answered; the story bridges now, and says when the talk is over."""

    assignment: Assignment
    leg: Leg


@dataclass(slots=True)
class _Ringing:
    task: "asyncio.Task[None]"
    leg: Leg | None = None
    cause: str = ""


@dataclass(slots=True)
class Floor:
    """The live state of all queues. Belongs to the control process's loop."""

    dialler: Dialler
    rng: Rng
    agents: Sequence[Agent] = ()
    queues: Sequence[QueueSpec] = ()
    state: AcdState = field(init=False)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    _ringing: dict[int, _Ringing] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None
    _storage_slow: bool = False
    _last_agents: "OrderedDict[tuple[str, str], str]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.state = AcdState.start(list(self.agents), list(self.queues))

    async def close(self) -> None:
        """End what still rings; the stories have left already."""
        if rings := [ringing.task for ringing in self._ringing.values()]:
            for task in rings:
                task.cancel()
            await asyncio.gather(*rings, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    # --- for stories --------------------------------------------------------------------------------------------------

    def join(
        self,
        call: Call,
        queue: str,
        *,
        priority: int | None,
        require: frozenset[str],
        max_wait: float | None,
        headers: Mapping[str, str] | None = None,
    ) -> Ticket:
        """Put the caller into the queue. Raises acd.AcdError for an unknown queue."""
        loop = asyncio.get_running_loop()
        ticket = Ticket(call, queue, loop.time(), loop.create_future(), tuple((headers or {}).items()))
        self.tickets[call.uid] = ticket
        preferred = self._last_agents.get((queue, call.from_number), "")
        waiting = WaitingCall(call.uid, queue, priority, require, max_wait, preferred=preferred)
        self._join(ticket, CallJoins(waiting), priority)
        return ticket

    def join_booked(
        self,
        call: Call,
        queue: str,
        *,
        priority: int | None,
        require: frozenset[str],
        since: float,
        instead_of: Ticket | None = None,
    ) -> Ticket:
        """Put a caller who is to be called back into the queue, at the place of who waits since `since` (loop time).

        The ticket `instead_of` gives its place up in the same instant; its outcome is then `callback_booked`. `call` is
        the callback's own call. Raises acd.AcdError for an unknown queue.
        """
        ticket = Ticket(call, queue, since, asyncio.get_running_loop().create_future())
        waiting = WaitingCall(call.uid, queue, priority, require, since=since, booked=True)
        before = instead_of.call.uid if instead_of is not None else ""
        self._join(ticket, CallbackJoins(waiting, before), priority)
        self.tickets.pop(before, None)
        if instead_of is not None and not instead_of.outcome.done():
            instead_of.outcome.set_result("callback_booked")
        return ticket

    def _join(self, ticket: Ticket, event: Event, priority: int | None) -> None:
        call = ticket.call
        self.tickets[call.uid] = ticket
        try:
            call.trace("queue_joined", queue=ticket.queue, priority=priority or 0)
            self._apply(event)
        except BaseException:
            del self.tickets[call.uid]
            raise

    def leave(self, call: Call) -> None:
        """The caller is out of the queue, by whatever way; an agent's phone that rings for the call stops now."""
        if self.tickets.pop(call.uid, None) is not None:
            self._apply(CallLeaves(call.uid))

    def talk_ended(self, connected: Connected) -> None:
        """The agent's leg of this talk is over and the caller is still there."""
        self.tickets.pop(connected.assignment.call.uid, None)
        self._apply(TalkEnds(connected.assignment))

    def estimated_wait(self, call: Call, quantile: float | None = None) -> float | None:
        """Return the estimated wait in seconds (the plain form of `acd.wait`), None if nobody can tell."""
        if call.uid not in self.state.waiting:
            return None
        return estimated_wait(self.state, call.uid, quantile)

    def reconfigure(self, agents: Sequence[Agent], queues: Sequence[QueueSpec]) -> None:
        """Take new agents and queues; what is going on goes on."""
        self._apply(
            Reconfigure({agent.id: agent for agent in agents}, {queue.name: queue for queue in queues})
        )

    def log_in(self, agent: str) -> None:
        """The agent takes calls from now on."""
        self._apply(AgentLogsIn(agent))

    def log_out(self, agent: str) -> None:
        """The agent takes no more calls; a talk in progress goes on, a ring goes to another."""
        self._apply(AgentLogsOut(agent))

    # --- the machine ----------------------------------------------------------------------------------------------------

    def _apply(self, event: Event) -> None:
        loop = asyncio.get_running_loop()
        self.state, commands = decide(self.state, event, loop.time(), self.rng)
        for command in commands:
            self._carry_out(command)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (at := next_timer(self.state)) is not None:
            self._timer = loop.call_at(at, self._apply, Tick())

    def _apply_soon(self, event: Event) -> None:
        """Apply an event that came up while another one's commands are carried out."""
        asyncio.get_running_loop().call_soon(self._apply, event)

    async def _committed(self, future: "Future[None]") -> None:
        """Wait for a commit; storage that is slow or fails is told once, and not waited for until it works again."""
        if _succeeded(future):
            self._storage_slow = False
            return
        waiting = asyncio.wrap_future(future)
        problem = ""
        try:
            async with asyncio.timeout(0.0 if self._storage_slow and not future.done() else COMMIT_WITHIN):
                await asyncio.shield(waiting)
        except TimeoutError:
            problem = "it is slow"
            waiting.add_done_callback(self._storage_told)
        except Exception as error:  # whatever storage reports, callers are not left waiting for it
            problem = str(error)
        if problem and not self._storage_slow:
            log.error("the queue goes on without storage", problem=problem)
        self._storage_slow = bool(problem)

    def _storage_told(self, waiting: "asyncio.Future[None]") -> None:
        self._storage_slow = not waiting.cancelled() and waiting.exception() is not None

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Ring):
            self._ring(command)
        elif isinstance(command, CancelRing):
            self._cancel_ring(command)
        elif isinstance(command, Connect):
            self._connect(command.assignment)
        elif isinstance(command, Announce):
            if (ticket := self.tickets.get(command.call)) is not None:
                ticket.position = command.position
                ticket.on_position(command.position)
        elif isinstance(command, Exit):
            ticket = self.tickets.pop(command.call, None)
            if ticket is not None and not ticket.outcome.done():
                ticket.outcome.set_result(command.exit)

    def _ring(self, command: Ring) -> None:
        assignment = command.assignment
        ticket = self.tickets.get(assignment.call.uid)
        if ticket is None:
            return
        call, told = ticket.call, {"agent": assignment.agent, "queue": ticket.queue}
        committed = call.store.event_committed(call.uid, "agent_ringing", told)
        task = asyncio.get_running_loop().create_task(
            self._ring_story(ticket, command, committed), name=f"ring {assignment.agent}"
        )
        self._ringing[assignment.id] = _Ringing(task)

    async def _ring_story(self, ticket: Ticket, command: Ring, committed: "Future[None]") -> None:
        assignment = command.assignment
        try:
            await self._committed(committed)
            leg = await self.dialler.dial(
                ticket.call, command.uri, name=assignment.agent, headers=ticket.headers
            )
        except DialFailed as failure:
            self._ringing.pop(assignment.id, None)
            why = {"cause": failure.exit, "status": failure.status, "reason": failure.reason}
            ticket.call.trace("agent_missed", agent=assignment.agent, **why)
            self._apply(AgentDeclined(assignment, _decline_cause(failure.exit)))
            return
        except asyncio.CancelledError:
            ringing = self._ringing.pop(assignment.id, None)
            ticket.call.trace(
                "agent_missed", agent=assignment.agent, cause=ringing.cause if ringing else "cancelled"
            )
            raise
        except Exception:  # the edge of a ring: it ends this ring, and is told with the call's id
            log.exception("an agent could not be rung", call=ticket.call.uid, agent=assignment.agent)
            self._ringing.pop(assignment.id, None)
            ticket.call.trace("agent_missed", agent=assignment.agent, cause="error")
            self._apply(AgentDeclined(assignment, "unreachable"))
            return
        ringing = self._ringing.get(assignment.id)
        if ringing is None:
            self.dialler.hang_up(leg)
            return
        ringing.leg = leg
        ticket.call.trace("agent_answered", agent=assignment.agent)
        self._apply(AgentAnswered(assignment))

    def _cancel_ring(self, command: CancelRing) -> None:
        ringing = self._ringing.get(command.assignment.id)
        if ringing is None:
            return
        ringing.cause = command.cause
        if ringing.leg is None:
            ringing.task.cancel(command.cause)
        else:
            self._ringing.pop(command.assignment.id)
            self.dialler.hang_up(ringing.leg)

    def _connect(self, assignment: Assignment) -> None:
        ringing = self._ringing.pop(assignment.id, None)
        ticket = self.tickets.get(assignment.call.uid)
        if ringing is None or ringing.leg is None:
            return
        if ticket is None or ticket.outcome.done():
            self.dialler.hang_up(ringing.leg)
        elif ringing.leg.gone.done():  # before we could bridge: the caller keeps the place
            self._apply_soon(AgentDeclined(assignment, "declined"))
        else:
            self._remember(ticket, assignment.agent)
            ticket.outcome.set_result(Connected(assignment, ringing.leg))

    def _remember(self, ticket: Ticket, agent: str) -> None:
        """Note who has served this caller, for queues that are `sticky`."""
        known = (ticket.queue, ticket.call.from_number)
        self._last_agents[known] = agent
        self._last_agents.move_to_end(known)
        if len(self._last_agents) > KNOWN_CALLERS:
            self._last_agents.popitem(last=False)


def _succeeded(future: "Future[None] | asyncio.Future[None]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _decline_cause(exit: str) -> DeclineCause:
    causes: dict[str, DeclineCause] = {"busy": "busy", "no_answer": "no_answer", "declined": "declined"}
    return causes.get(exit, "unreachable")
