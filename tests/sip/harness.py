"""Two endpoints in memory: a pipe that delays and loses, and virtual time."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from voicebot.sip import (
    Address,
    Credentials,
    Endpoint,
    Event,
    Limits,
    Realm,
    Request,
    Response,
    SessionTimers,
)
from voicebot.sip.message import parse
from voicebot.sip.registrar import Registrar

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = (
    b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nc=IN IP4 192.0.2.2\r\nm=audio 5000 RTP/AVP 0\r\n"
)

CALLER = Address("udp", "192.0.2.1", 5060)
CALLEE = Address("udp", "192.0.2.2", 5060)
THIRD = Address("udp", "192.0.2.3", 5060)
E = TypeVar("E", bound=Event)


@dataclass
class Side:
    """One endpoint, the events that it told, and what to do about them."""

    address: Address
    endpoint: Endpoint
    events: list[Event] = field(default_factory=list)
    react: Callable[[Event], None] = lambda event: None

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        found = self.all(kind)
        assert len(found) == 1, f"{kind.__name__} x {len(found)} in {self.events}"
        return found[0]


@dataclass
class Pair:
    """A caller, a callee, and a third whom either may call. `lose(index, data)`: whether that datagram is lost on its way.

    `intercept(data, source, goal)`: what happens to a message instead of going to its goal: (data, its goal) each; None:
    nothing does.
    """

    lose: Callable[[int, bytes], bool] = lambda index, data: False
    delay: float = 0.01
    copies: int = 1
    realm: Realm | None = None
    accept_refer: bool = False
    limits: Limits = field(default_factory=Limits)
    timers: SessionTimers = field(default_factory=SessionTimers)
    now: float = 1000.0
    registrar: Registrar | None = None
    delays: Callable[[int], float] = lambda index: 0.0
    intercept: Callable[[bytes, Address, Address], list[tuple[bytes, Address]] | None] = (
        lambda data, source, goal: None
    )

    def __post_init__(self) -> None:
        self.caller = self._side(CALLER, 1, None)
        self.callee = self._side(CALLEE, 2, self.realm, self.registrar)
        self.third = self._side(THIRD, 3, None)
        self.sides = (self.caller, self.callee, self.third)
        self.wire: list[tuple[float, int, Side, bytes, Address]] = []
        self.log: list[bytes] = []

    def _side(
        self, address: Address, seed: int, realm: Realm | None, registrar: Registrar | None = None
    ) -> Side:
        endpoint = Endpoint(
            rng=random.Random(seed),
            user_agent="test",
            contact=address,
            authenticate=None if realm is None else (lambda request, source: realm),
            accept_refer=self.accept_refer,
            limits=self.limits,
            session_timers=self.timers,
            registrar=registrar,
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
                    side.events.append(event)
                    side.react(event)
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
