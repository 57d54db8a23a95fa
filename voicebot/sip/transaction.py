"""What the four transactions of RFC 3261 section 17 share: a table, timers in virtual time, and an outbox.

A transaction is a table `TRANSITIONS[(state, input)] -> Row(state, actions)`; an input without a row is ignored. On
entering a state the timers of `TIMERS[state]` run: one that runs already keeps its deadline, all others stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from voicebot.sip.timers import T1, T2, T4, TIMEOUT, TIMER_D, TRYING_AFTER


class State(Enum):
    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is written in Python

    CALLING = "calling"
    GIVEN_UP = "given up"  # not the RFC's, see transaction_invite_client.py
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Input(Enum):
    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is written in Python

    REQUEST = "request"
    ACK = "ack"
    PROVISIONAL = "provisional"
    SUCCESS = "success"
    FAILURE = "failure"
    GIVE_UP = "give up"  # by the user, before anything was heard of an INVITE
    TRANSPORT_ERROR = "transport error"
    TIMER_100 = "100"  # no letter in the RFC: the user has not answered an INVITE within 200 ms
    TIMER_A = "A"
    TIMER_B = "B"
    TIMER_D = "D"
    TIMER_E = "E"
    TIMER_F = "F"
    TIMER_G = "G"
    TIMER_H = "H"
    TIMER_I = "I"
    TIMER_J = "J"
    TIMER_K = "K"
    TIMER_L = "L"
    TIMER_M = "M"


class Action(Enum):
    SEND = "send what came with the input"
    RESEND = "send the last message again"
    SEND_ACK = "acknowledge the failure"
    SEND_TRYING = "send 100 unless more was said"
    DELIVER = "hand the message to the user of the transaction"
    TIME_OUT = "tell the user that no answer came"
    FAIL = "tell the user that nothing can be sent"


@dataclass(frozen=True, slots=True)
class Row:
    state: State
    actions: tuple[Action, ...] = ()


Table = Mapping[tuple[State, Input], Row]
Timers = Mapping[State, tuple[Input, ...]]

# Over a reliable transport nothing is repeated, and nothing is waited for that repetitions would need.
_RETRANSMITTING = frozenset({Input.TIMER_A, Input.TIMER_E, Input.TIMER_G})
_ABSORBING = frozenset({Input.TIMER_D, Input.TIMER_I, Input.TIMER_J, Input.TIMER_K})
_DURATION = {
    Input.TIMER_100: TRYING_AFTER,
    Input.TIMER_A: T1,
    Input.TIMER_B: TIMEOUT,
    Input.TIMER_D: TIMER_D,
    Input.TIMER_E: T1,
    Input.TIMER_F: TIMEOUT,
    Input.TIMER_G: T1,
    Input.TIMER_H: TIMEOUT,
    Input.TIMER_I: T4,
    Input.TIMER_J: TIMEOUT,
    Input.TIMER_K: T4,
    Input.TIMER_L: TIMEOUT,
    Input.TIMER_M: TIMEOUT,
}


class Transaction:
    """One transaction. `datagrams_to_send()` and the subclasses' results are drained after every call."""

    TRANSITIONS: ClassVar[Table]
    TIMERS: ClassVar[Timers]
    # The state from which nothing new can be said or heard: what is left of the transaction is in spent.py.
    SPENT: ClassVar[State | None] = None

    def __init__(self, initial: State, now: float, *, reliable: bool = False) -> None:
        self.state = initial
        self.reliable = reliable
        self._outbox: list[bytes] = []
        self._last = b""
        self._deadlines: dict[Input, float] = {}
        self._intervals: dict[Input, float] = {}
        self._enter(initial, now)

    def datagrams_to_send(self) -> list[bytes]:
        sent, self._outbox = self._outbox, []
        return sent

    def next_timer(self) -> float | None:
        return min(self._deadlines.values(), default=None)

    def handle_timer(self, now: float) -> None:
        """Fire what is due, in the order of the deadlines."""
        while self._deadlines:
            timer = min(self._deadlines, key=self._deadlines.__getitem__)
            due = self._deadlines[timer]
            if due > now:
                return
            del self._deadlines[timer]
            if timer in _RETRANSMITTING:
                self._repeat(timer, due, now)
            self._step(timer, now)

    def transport_failed(self, now: float) -> None:
        """Nothing can be sent to the peer (section 17.1.4, 17.2.4)."""
        self._step(Input.TRANSPORT_ERROR, now)

    @property
    def terminated(self) -> bool:
        return self.state is State.TERMINATED

    def _repeat(self, timer: Input, due: float, now: float) -> None:
        interval = 2 * self._intervals[timer]
        if timer is not Input.TIMER_A:
            interval = T2 if self.state is State.PROCEEDING else min(interval, T2)
        self._intervals[timer] = interval
        # After a pause of the process, missed repetitions are not made up for.
        self._deadlines[timer] = due + interval if due + interval > now else now + interval

    def _enter(self, state: State, now: float) -> None:
        running = self._deadlines
        self._deadlines = {}
        for timer in self.TIMERS.get(state, ()):
            if timer in _RETRANSMITTING:
                if self.reliable:
                    continue
                self._intervals.setdefault(timer, T1)
            duration = 0.0 if self.reliable and timer in _ABSORBING else _DURATION[timer]
            self._deadlines[timer] = running.get(timer, now + duration)

    def _step(self, event: Input, now: float, message: bytes = b"") -> tuple[Action, ...]:
        """Take one row of the table and do what is common to all; return its actions."""
        row = self.TRANSITIONS.get((self.state, event))
        if row is None:
            return ()
        for action in row.actions:
            if action is Action.SEND:
                self._last = message
                self._outbox.append(message)
            elif action is Action.RESEND:
                if self._last:
                    self._outbox.append(self._last)
            else:
                self._act(action)
        if row.state is not self.state:
            self.state = row.state
            self._enter(row.state, now)
        return row.actions

    def _act(self, action: Action) -> None:
        """Do what is particular to one kind of transaction."""
