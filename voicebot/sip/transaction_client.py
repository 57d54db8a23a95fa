"""Non-INVITE client transaction (RFC 3261 section 17.1.2), and what both client transactions share."""

from typing import ClassVar

from voicebot.sip.message import Request, Response
from voicebot.sip.reasons import REASONS
from voicebot.sip.transaction import Action, Input, Row, State, Table, Timers, Transaction


class ClientTransaction(Transaction):
    """A request that was sent. `responses()` yields what its user must know, at most one final failure."""

    def __init__(self, request: Request, now: float, *, reliable: bool = False) -> None:
        super().__init__(self.INITIAL, now, reliable=reliable)
        self.request = request
        self._delivered: list[Response] = []
        self._response: Response | None = None
        self._last = request.to_bytes()
        self._outbox.append(self._last)

    INITIAL: ClassVar[State] = State.TRYING

    def receive(self, response: Response, now: float) -> None:
        """Take a response that belongs to this transaction (section 17.1.3)."""
        if response.status < 200:
            event = Input.PROVISIONAL
        else:
            event = Input.SUCCESS if response.status < 300 else Input.FAILURE
        self._response = response
        self._step(event, now)

    def responses(self) -> list[Response]:
        delivered, self._delivered = self._delivered, []
        return delivered

    def _act(self, action: Action) -> None:
        if action is Action.DELIVER and self._response is not None:
            self._delivered.append(self._response)
        elif action is Action.TIME_OUT:
            self._delivered.append(local_response(self.request, 408))
        elif action is Action.FAIL:
            self._delivered.append(local_response(self.request, 503))


class NonInviteClientTransaction(ClientTransaction):
    """Any request but INVITE and ACK."""

    TRANSITIONS: ClassVar[Table] = {
        (State.TRYING, Input.TIMER_E): Row(State.TRYING, (Action.RESEND,)),
        (State.TRYING, Input.TIMER_F): Row(State.TERMINATED, (Action.TIME_OUT,)),
        (State.TRYING, Input.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.FAIL,)),
        (State.TRYING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
        (State.TRYING, Input.SUCCESS): Row(State.COMPLETED, (Action.DELIVER,)),
        (State.TRYING, Input.FAILURE): Row(State.COMPLETED, (Action.DELIVER,)),
        (State.PROCEEDING, Input.TIMER_E): Row(State.PROCEEDING, (Action.RESEND,)),
        (State.PROCEEDING, Input.TIMER_F): Row(State.TERMINATED, (Action.TIME_OUT,)),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.FAIL,)),
        (State.PROCEEDING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
        (State.PROCEEDING, Input.SUCCESS): Row(State.COMPLETED, (Action.DELIVER,)),
        (State.PROCEEDING, Input.FAILURE): Row(State.COMPLETED, (Action.DELIVER,)),
        (State.COMPLETED, Input.TIMER_K): Row(State.TERMINATED),
    }
    TIMERS: ClassVar[Timers] = {
        State.TRYING: (Input.TIMER_E, Input.TIMER_F),
        State.PROCEEDING: (Input.TIMER_E, Input.TIMER_F),
        State.COMPLETED: (Input.TIMER_K,),
    }
    SPENT: ClassVar[State | None] = State.COMPLETED


def local_response(request: Request, status: int) -> Response:
    """Return a response that stands for what no peer said (section 8.1.3.1)."""
    made = request.response(status)
    return Response(status, REASONS[status], made.headers, local=True)
