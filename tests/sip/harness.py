"""Two endpoints in memory: a pipe that delays and loses, and virtual time."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from voicebot.sip import (
    Address,
    Answered,
    Credentials,
    Endpoint,
    Event,
    IncomingCall,
    Limits,
    Offer,
    Realm,
    ReferReceived,
    Request,
    Response,
    SessionTimers,
)
from voicebot.sip.message import parse
from voicebot.sip.registrar import Policy, Registrar

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = (
    b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nc=IN IP4 192.0.2.2\r\nm=audio 5000 RTP/AVP 0\r\n"
)

CALLER = Address("udp", "192.0.2.1", 5060)
CALLEE = Address("udp", "192.0.2.2", 5060)
THIRD = Address("udp", "192.0.2.3", 5060)
E = TypeVar("E", bound=Event)
Reaction = Callable[[Endpoint, E, float], object]
"""What a side does about an event, at an instant."""
Carried = list[tuple[bytes, Address]] | None
"""What becomes of a message on its way: (data, its goal) each; None: nothing is done to it."""


def ring(status: int = 180, sdp: bytes | None = None) -> Reaction[IncomingCall]:
    return lambda endpoint, call, now: endpoint.ring(call.session, now, status, sdp)


def accept(sdp: bytes = ANSWER) -> Reaction[IncomingCall]:
    return lambda endpoint, call, now: endpoint.accept(call.session, sdp, now)


def end_replaced() -> Reaction[IncomingCall]:
    """End the call in whose place the new one comes (RFC 3891)."""

    def react(endpoint: Endpoint, call: IncomingCall, now: float) -> None:
        if call.replaces is not None:
            endpoint.bye(call.replaces, now)

    return react


def reject(status: int, *headers: tuple[str, str]) -> Reaction[IncomingCall]:
    return lambda endpoint, call, now: endpoint.reject(call.session, status, now, headers=list(headers))


def answer(sdp: bytes) -> Reaction[Offer | Answered]:
    """Take an offer, also the one that a 200 brings."""

    def react(endpoint: Endpoint, offer: Offer | Answered, now: float) -> None:
        assert endpoint.answer(offer.session, sdp, now)

    return react


def answer_refer(status: int) -> Reaction[ReferReceived]:
    return lambda endpoint, refer, now: endpoint.answer_refer(refer.session, status, now)


@dataclass
class Side:
    """One endpoint, the events that it told, and what to do about them."""

    address: Address
    endpoint: Endpoint
    events: list[Event] = field(default_factory=list)
    _reactions: list[tuple[type[Event], Reaction[Any]]] = field(default_factory=list)

    def on(self, kind: type[E], *reactions: Reaction[E]) -> None:
        """React so to each event of that kind, besides what is done about it already."""
        self._reactions += [(kind, each) for each in reactions]

    def take(self, event: Event, now: float) -> None:
        self.events.append(event)
        for kind, reaction in self._reactions:
            if isinstance(event, kind):
                reaction(self.endpoint, event, now)

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        found = self.all(kind)
        assert len(found) == 1, f"{kind.__name__} x {len(found)} in {self.events}"
        return found[0]


@dataclass
class Pair:
    """A caller, a callee, and a third whom either may call. `lose(index, data)`: whether that datagram is lost on its way.

    `intercept(data, source, goal)`: what a proxy on the way does.
    """

    lose: Callable[[int, bytes], bool] = lambda index, data: False
    delay: float = 0.01
    copies: int = 1
    realm: Realm | None = None
    accept_refer: bool = False
    limits: Limits = field(default_factory=Limits)
    timers: SessionTimers = field(default_factory=SessionTimers)
    now: float = 1000.0
    policy: Policy | None = None  # of the callee, if it is a registrar
    delays: Callable[[int], float] = lambda index: 0.0
    intercept: Callable[[bytes, Address, Address], Carried] = lambda data, source, goal: None

    def __post_init__(self) -> None:
        self.caller = self._side(CALLER, 1, None)
        self.callee = self._side(CALLEE, 2, self.realm, self.policy)
        self.third = self._side(THIRD, 3, None)
        self.sides = (self.caller, self.callee, self.third)
        self.wire: list[tuple[float, int, Side, bytes, Address]] = []
        self.log: list[bytes] = []

    def _side(self, address: Address, seed: int, realm: Realm | None, policy: Policy | None = None) -> Side:
        endpoint = Endpoint(
            rng=random.Random(seed),
            user_agent="test",
            contact=address,
            authenticate=None if realm is None else (lambda request, source: realm),
            accept_refer=self.accept_refer,
            limits=self.limits,
            session_timers=self.timers,
            registrar=None if policy is None else Registrar(policy),
        )
        return Side(address, endpoint)

    def call(self, sdp: bytes | None = OFFER, credentials: Credentials | None = None) -> int:
        return self.caller.endpoint.invite(
            f"sip:bot@{CALLEE.host_port}",
            "sip:alice@example.com",
            sdp,
            self.now,
            display_name="Alice",
            credentials=credentials,
        )

    def pump(self) -> None:
        """Let both sides tell their events and put what they send on the wire, until both are quiet."""
        busy = True
        while busy:
            busy = False
            for side in self.sides:
                while (event := side.endpoint.next_event()) is not None:
                    side.take(event, self.now)
                    busy = True
                for datagram in side.endpoint.datagrams_to_send():
                    busy = True
                    index = len(self.log)
                    self.log.append(datagram.data)
                    if not self.lose(index, datagram.data):
                        carried = self.intercept(datagram.data, side.address, datagram.destination)
                        if carried is None:
                            carried = [(datagram.data, datagram.destination)]
                        for data, goal in carried:
                            self._carry(index, data, side.address, goal)

    def _carry(self, index: int, data: bytes, source: Address, goal: Address) -> None:
        arrives = self.now + self.delay + self.delays(index)
        for side in self.sides:
            if side.address == goal:
                self.wire += [(arrives, index, side, data, source)] * self.copies

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        self.pump()
        while True:
            instants = [item[0] for item in self.wire]
            for side in self.sides:
                timer = side.endpoint.next_timer()
                if timer is not None:
                    instants.append(max(timer, self.now))
            following = min(instants, default=end + 1)
            if following > end:
                break
            self.now = following
            due = sorted(item[:2] for item in self.wire if item[0] <= self.now)
            for key in due:
                item = next(one for one in self.wire if one[:2] == key)
                self.wire.remove(item)
                item[2].endpoint.receive(item[3], item[4], self.now, item[2].address)
                self.pump()
            for side in self.sides:
                timer = side.endpoint.next_timer()
                if timer is not None and timer <= self.now:
                    side.endpoint.handle_timer(self.now)
            self.pump()
        self.now = end

    def sent(self) -> list[Request | Response]:
        """Everything that was sent so far, lost or not."""
        found = [parse(data) for data in self.log]
        return [message for message in found if message is not None]

    def start_lines(self) -> list[str]:
        return [data.split(b"\r\n", 1)[0].decode() for data in self.log]

    def assert_nothing_held(self) -> None:
        for side in self.sides:
            held = side.endpoint.held
            assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0), (side.address, held)
