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

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = (
    b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nc=IN IP4 192.0.2.2\r\nm=audio 5000 RTP/AVP 0\r\n"
)

CALLER = Address("udp", "192.0.2.1", 5060)
CALLEE = Address("udp", "192.0.2.2", 5060)
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
    """A caller and a callee. `lose(index, data)`: whether the datagram of that number is lost on its way."""

    lose: Callable[[int, bytes], bool] = lambda index, data: False
    delay: float = 0.01
    copies: int = 1
    realm: Realm | None = None
    accept_refer: bool = False
    limits: Limits = field(default_factory=Limits)
    timers: SessionTimers = field(default_factory=SessionTimers)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.caller = self._side(CALLER, 1, None)
        self.callee = self._side(CALLEE, 2, self.realm)
        self.wire: list[tuple[float, int, Side, bytes, Address]] = []
        self.log: list[bytes] = []

    def _side(self, address: Address, seed: int, realm: Realm | None) -> Side:
        endpoint = Endpoint(
            rng=random.Random(seed),
            user_agent="test",
            contact=address,
            authenticate=None if realm is None else (lambda request, source: realm),
            accept_refer=self.accept_refer,
            limits=self.limits,
            session_timers=self.timers,
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
            for side, other in ((self.caller, self.callee), (self.callee, self.caller)):
                while (event := side.endpoint.next_event()) is not None:
                    side.events.append(event)
                    side.react(event)
                    busy = True
                for datagram in side.endpoint.datagrams_to_send():
                    busy = True
                    index = len(self.log)
                    self.log.append(datagram.data)
                    if datagram.destination == other.address and not self.lose(index, datagram.data):
                        arrives = self.now + self.delay
                        item = (arrives, index, other, datagram.data, side.address)
                        self.wire += [item] * self.copies

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        self.pump()
        while True:
            instants = [item[0] for item in self.wire]
            for side in (self.caller, self.callee):
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
            for side in (self.caller, self.callee):
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
        for side in (self.caller, self.callee):
            held = side.endpoint.held
            assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0), (side.address, held)
