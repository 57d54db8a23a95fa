"""INVITE server transaction (RFC 3261 section 17.2.1; Accepted state and timer L of RFC 6026 section 7.1)."""

from typing import ClassVar

from voicebot.sip.message import Request
from voicebot.sip.transaction import Action, Input, Row, State, Table, Timers
from voicebot.sip.transaction_server import ServerTransaction

# What calls itself so loses a final response that no provisional one came before (pyVoIP 1.6).
NEEDS_TRYING = ("pyVoIP",)


class InviteServerTransaction(ServerTransaction):
    """An INVITE that was received. Its user repeats a 2xx (`respond` again) until the ACK comes.

    A user who answers at once spares both sides the 100, unless the peer cannot do without. A transport that fails ends
    nothing here (RFC 6026 section 7.1): the peer may send its INVITE again by another way.
    """

    INITIAL: ClassVar[State] = State.PROCEEDING
    TRANSITIONS: ClassVar[Table] = {
        (State.PROCEEDING, Input.TIMER_100): Row(State.PROCEEDING, (Action.SEND_TRYING,)),
        (State.PROCEEDING, Input.REQUEST): Row(State.PROCEEDING, (Action.RESEND,)),
        (State.PROCEEDING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.SUCCESS): Row(State.ACCEPTED, (Action.SEND,)),
        (State.PROCEEDING, Input.FAILURE): Row(State.COMPLETED, (Action.SEND,)),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Row(State.PROCEEDING),
        (State.ACCEPTED, Input.REQUEST): Row(State.ACCEPTED),
        (State.ACCEPTED, Input.SUCCESS): Row(State.ACCEPTED, (Action.SEND,)),
        (State.ACCEPTED, Input.ACK): Row(State.ACCEPTED, (Action.DELIVER,)),
        (State.ACCEPTED, Input.TRANSPORT_ERROR): Row(State.ACCEPTED),
        (State.ACCEPTED, Input.TIMER_L): Row(State.TERMINATED),
        (State.COMPLETED, Input.REQUEST): Row(State.COMPLETED, (Action.RESEND,)),
        (State.COMPLETED, Input.TIMER_G): Row(State.COMPLETED, (Action.RESEND,)),
        (State.COMPLETED, Input.TIMER_H): Row(State.TERMINATED),
        (State.COMPLETED, Input.ACK): Row(State.CONFIRMED),
        (State.COMPLETED, Input.TRANSPORT_ERROR): Row(State.COMPLETED),
        (State.CONFIRMED, Input.ACK): Row(State.CONFIRMED),
        (State.CONFIRMED, Input.TIMER_I): Row(State.TERMINATED),
    }
    TIMERS: ClassVar[Timers] = {
        State.PROCEEDING: (Input.TIMER_100,),
        State.ACCEPTED: (Input.TIMER_L,),
        State.COMPLETED: (Input.TIMER_G, Input.TIMER_H),
        State.CONFIRMED: (Input.TIMER_I,),
    }
    SPENT: ClassVar[State | None] = State.CONFIRMED

    def __init__(self, request: Request, now: float, *, reliable: bool = False) -> None:
        super().__init__(request, now, reliable=reliable)
        if (request.first("user-agent") or "").startswith(NEEDS_TRYING):
            self._step(Input.TIMER_100, now)

    def receive_ack(self, ack: Request, now: float) -> Request | None:
        """Take an ACK; return it if it is for the user: an ACK to a 2xx that came with the INVITE's branch."""
        return ack if Action.DELIVER in self._step(Input.ACK, now) else None

    def _act(self, action: Action) -> None:
        if action is Action.SEND_TRYING and not self._last:
            self._last = self.request.response(100).to_bytes()
            self._outbox.append(self._last)
