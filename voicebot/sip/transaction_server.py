"""Non-INVITE server transaction (RFC 3261 section 17.2.2), and what both server transactions share."""

from typing import ClassVar

from voicebot.sip.message import Request, Response
from voicebot.sip.transaction import Action, Input, Row, State, Table, Timers, Transaction


class ServerTransaction(Transaction):
    """A request that was received and must be answered exactly once."""

    INITIAL: ClassVar[State] = State.TRYING

    def __init__(self, request: Request, now: float, *, reliable: bool = False) -> None:
        super().__init__(self.INITIAL, now, reliable=reliable)
        self.request = request

    def receive_again(self, now: float) -> None:
        """Take a retransmission of the request."""
        self._step(Input.REQUEST, now)

    def respond(self, response: Response, now: float) -> None:
        """Send a response; one that comes too late is ignored."""
        if response.status < 200:
            event = Input.PROVISIONAL
        else:
            event = Input.SUCCESS if response.status < 300 else Input.FAILURE
        self._step(event, now, response.to_bytes())

    @property
    def answered(self) -> bool:
        """Whether a final response was sent."""
        return self.state not in (State.TRYING, State.PROCEEDING)

    @property
    def last_word(self) -> bytes:
        """What a repetition of the request is answered with, as things stand; b"" for silence."""
        row = self.TRANSITIONS.get((self.state, Input.REQUEST))
        return self._last if row is not None and Action.RESEND in row.actions else b""


class NonInviteServerTransaction(ServerTransaction):
    """Any request but INVITE and ACK."""

    TRANSITIONS: ClassVar[Table] = {
        (State.TRYING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
        (State.TRYING, Input.SUCCESS): Row(State.COMPLETED, (Action.SEND,)),
        (State.TRYING, Input.FAILURE): Row(State.COMPLETED, (Action.SEND,)),
        (State.PROCEEDING, Input.REQUEST): Row(State.PROCEEDING, (Action.RESEND,)),
        (State.PROCEEDING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.SUCCESS): Row(State.COMPLETED, (Action.SEND,)),
        (State.PROCEEDING, Input.FAILURE): Row(State.COMPLETED, (Action.SEND,)),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Row(State.TERMINATED),
        (State.COMPLETED, Input.REQUEST): Row(State.COMPLETED, (Action.RESEND,)),
        (State.COMPLETED, Input.TRANSPORT_ERROR): Row(State.TERMINATED),
        (State.COMPLETED, Input.TIMER_J): Row(State.TERMINATED),
    }
    TIMERS: ClassVar[Timers] = {State.COMPLETED: (Input.TIMER_J,)}
    SPENT: ClassVar[State | None] = State.COMPLETED
