"""INVITE client transaction (RFC 3261 section 17.1.1; Accepted state and timer M of RFC 6026 section 7.2).

One state is ours: GIVEN_UP. A CANCEL must not be sent before a provisional response (section 9.1), and until then section
17.1.1.2 goes on repeating the INVITE over UDP for 32 s. A phone that is started within them would ring for nobody, so
who has given up repeats nothing. What was sent may have been heard all the same: until timer B, whose deadline stays,
any response is taken as in CALLING, a provisional one then being what the CANCEL waits for.
"""

from typing import ClassVar

from voicebot.sip.message import Request, Response
from voicebot.sip.transaction import Action, Input, Row, State, Table, Timers
from voicebot.sip.transaction_client import ClientTransaction


class InviteClientTransaction(ClientTransaction):
    """An INVITE that was sent. Every 2xx is delivered, repeated and forked ones too; the ACK to it is the user's."""

    INITIAL: ClassVar[State] = State.CALLING
    TRANSITIONS: ClassVar[Table] = {
        (State.CALLING, Input.TIMER_A): Row(State.CALLING, (Action.RESEND,)),
        (State.CALLING, Input.TIMER_B): Row(State.TERMINATED, (Action.TIME_OUT,)),
        (State.CALLING, Input.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.FAIL,)),
        (State.CALLING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
        (State.CALLING, Input.SUCCESS): Row(State.ACCEPTED, (Action.DELIVER,)),
        (State.CALLING, Input.FAILURE): Row(State.COMPLETED, (Action.SEND_ACK, Action.DELIVER)),
        (State.CALLING, Input.GIVE_UP): Row(State.GIVEN_UP),
        (State.GIVEN_UP, Input.TIMER_B): Row(State.TERMINATED, (Action.TIME_OUT,)),
        (State.GIVEN_UP, Input.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.FAIL,)),
        (State.GIVEN_UP, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
        (State.GIVEN_UP, Input.SUCCESS): Row(State.ACCEPTED, (Action.DELIVER,)),
        (State.GIVEN_UP, Input.FAILURE): Row(State.COMPLETED, (Action.SEND_ACK, Action.DELIVER)),
        (State.PROCEEDING, Input.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
        (State.PROCEEDING, Input.SUCCESS): Row(State.ACCEPTED, (Action.DELIVER,)),
        (State.PROCEEDING, Input.FAILURE): Row(State.COMPLETED, (Action.SEND_ACK, Action.DELIVER)),
        (State.ACCEPTED, Input.SUCCESS): Row(State.ACCEPTED, (Action.DELIVER,)),
        (State.ACCEPTED, Input.TIMER_M): Row(State.TERMINATED),
        (State.COMPLETED, Input.FAILURE): Row(State.COMPLETED, (Action.SEND_ACK,)),
        (State.COMPLETED, Input.TRANSPORT_ERROR): Row(State.TERMINATED),
        (State.COMPLETED, Input.TIMER_D): Row(State.TERMINATED),
    }
    TIMERS: ClassVar[Timers] = {
        State.CALLING: (Input.TIMER_A, Input.TIMER_B),
        State.GIVEN_UP: (Input.TIMER_B,),
        State.ACCEPTED: (Input.TIMER_M,),
        State.COMPLETED: (Input.TIMER_D,),
    }

    def give_up(self, now: float) -> None:
        """Repeat the INVITE no more: nobody wants the call. Once anything was heard of it, this changes nothing."""
        self._step(Input.GIVE_UP, now)

    def abandon(self, now: float) -> None:
        """Give up after a CANCEL that brought no final response within 64*T1 (section 9.1)."""
        if self.state in (State.CALLING, State.GIVEN_UP, State.PROCEEDING):
            self.state = State.TERMINATED
            self._enter(self.state, now)

    def _act(self, action: Action) -> None:
        if action is Action.SEND_ACK and self._response is not None:
            self._outbox.append(failure_ack(self.request, self._response).to_bytes())
        else:
            super()._act(action)


def failure_ack(request: Request, response: Response) -> Request:
    """Return the ACK to a non-2xx final response (section 17.1.1.3)."""
    headers = [("via", str(request.via)), ("max-forwards", "70")]
    headers += [("route", value) for value in request.raw("route")]
    headers.append(("from", request.first("from") or ""))
    headers.append(("to", response.first("to") or request.first("to") or ""))
    headers.append(("call-id", request.call_id))
    headers.append(("cseq", f"{request.cseq.number} ACK"))
    return Request("ACK", request.uri, headers)
