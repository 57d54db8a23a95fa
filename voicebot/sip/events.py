"""What an endpoint tells its user. `session` is the number that the endpoint gave the call.

Every session has exactly one last event: Cancelled (an incoming call before it was accepted), Rejected (an outgoing
one that was not answered) or Ended (one that was). A call that the user itself rejects has none.
"""

from dataclasses import dataclass
from typing import Literal

from voicebot.sip.address import Address
from voicebot.sip.errors import Why
from voicebot.sip.message import HeaderList, Request

ReferWhy = Why | Literal["told", "no_news"]


class Event:
    """Any of the events below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class IncomingCall(Event):
    """Somebody calls. `sdp` is the offer (None: we offer in the 200). Answer with ring, accept or reject.

    `user` is the authenticated user name, None where no authentication was asked for. `replaces` is the session whose
    place the call takes (RFC 3891): after accepting this one, end that one.
    """

    session: int
    request: Request
    source: Address
    local: Address | None
    sdp: bytes | None
    user: str | None = None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    """The caller gave up before we accepted. `cause` is what Reason says, as RFC 3326 writes it.

    Not `by_peer`: it rang for too long, or the caller did not acknowledge a reliable provisional response; we refused.
    """

    session: int
    cause: str = ""
    by_peer: bool = True


@dataclass(frozen=True, slots=True)
class Established(Event):
    """The caller's ACK came: the call stands. `sdp` is the answer to a late offer of ours."""

    session: int
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """An outgoing call rings (180, 183 ...). `sdp` is early media, if any; `branch` tells forks apart."""

    session: int
    status: int
    sdp: bytes | None
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """An outgoing call was answered. If it was sent without an offer, `sdp` is one: call `answer`.

    None: there is no answer, or what the answer to an Offer of this `branch` has settled while it rang holds.
    """

    session: int
    sdp: bytes | None
    headers: HeaderList = ()
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    session: int
    status: int
    reason: str
    why: Why
    headers: HeaderList = ()


@dataclass(frozen=True, slots=True)
class Offer(Event):
    """The peer changes the session: `answer` it, or `reject_offer`. `sdp` None: we are asked for an offer.

    `branch` tells which of the forks does so that ring, as in Progress.
    """

    session: int
    sdp: bytes | None
    kind: Literal["reinvite", "update", "prack"]
    branch: str = ""


@dataclass(frozen=True, slots=True)
class OfferAnswered(Event):
    """The peer's answer to an offer of ours within the call. `refresh`: to what held already, sent again by the timer."""

    session: int
    sdp: bytes | None
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class OfferRejected(Event):
    """The peer refused a change; the session stays as it was."""

    session: int
    status: int
    reason: str
    why: Why


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """`cause` is a Reason as RFC 3326 writes it, the peer's or ours; "" for an ordinary BYE."""

    session: int
    by_peer: bool
    cause: str = ""
    headers: HeaderList = ()


@dataclass(frozen=True, slots=True)
class InfoReceived(Event):
    session: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ReferProgress(Event):
    """How a transfer goes on (RFC 3515): only a `final` status of 200..299 is success; a 202 alone is none.

    `why`: "told" by a NOTIFY; "no_news": the peer took the REFER and never told how it ended (with a final 202 it has
    hung up, as one does who was transferred); otherwise it is about the REFER itself, and the transfer never began.
    """

    session: int
    status: int
    reason: str
    final: bool
    why: ReferWhy = "told"


@dataclass(frozen=True, slots=True)
class ReferReceived(Event):
    """The peer asks us to transfer it: call `answer_refer`, then, after a 202, `notify_refer`."""

    session: int
    refer_to: str
    request: Request


@dataclass(frozen=True, slots=True)
class PingAnswered(Event):
    """The final response to an OPTIONS of ours; 408 when none came (`local`)."""

    ping: int
    status: int
    local: bool


@dataclass(frozen=True, slots=True)
class RegistrationDue(Event):
    """A REGISTER is to be sent: look up where `uri` leads, then call `begin_registration`."""

    registration: int
    uri: str


@dataclass(frozen=True, slots=True)
class RegistrationChanged(Event):
    """How a registration stands. `until` is when the registrar forgets us (None: it does not know us).

    `refused` is told apart from `retrying` because somebody has to mend something. `gone` is the last event.
    `service_route` holds the Route values of outgoing calls (RFC 3608).
    """

    registration: int
    state: Literal["registered", "retrying", "refused", "gone"]
    until: float | None
    retry_at: float | None
    problem: str
    service_route: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BindingsChanged(Event):
    """A phone of this user registered with us, refreshed, left, or was not heard of in time."""

    user: str
