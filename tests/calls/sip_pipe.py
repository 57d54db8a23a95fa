"""A hotline and a phone joined by SIP in memory: real endpoints, real offer/answer, simulated media, virtual time."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from voicebot.sdp import Description, Local, accept_answer, answer_offer, create_offer
from voicebot.sip import Address, Datagram, Endpoint, Event, Request, Response, Uri
from voicebot.sip import events as sip
from voicebot.sip.message import parse
from voicebot.sip.reasons import ANSWERED_ELSEWHERE

HOTLINE = Address("udp", "192.0.2.1", 5060)
PHONE = Address("udp", "192.0.2.2", 5060)
PLAIN = Address("udp", "192.0.2.9", 5060)
DELAY = 0.005  # seconds, one way
UNTIL_SETTLED = 40.0  # seconds: a BYE is repeated for 32


class Pipe:
    """Carries datagrams between the two, in order, after DELAY. The one of the number `lost` never arrives."""

    def __init__(self) -> None:
        self.ends: dict[Address, End] = {}
        self.sent = 0
        self.lost = -1

    def send(self, datagram: Datagram, source: Address) -> None:
        loop = asyncio.get_running_loop()
        self.sent += 1
        if self.sent - 1 == self.lost:
            return
        loop.call_later(DELAY, self._deliver, datagram, source)

    def _deliver(self, datagram: Datagram, source: Address) -> None:
        end = self.ends.get(Address("udp", datagram.destination.host, datagram.destination.port))
        if end is not None:
            end.endpoint.receive(datagram.data, source, asyncio.get_running_loop().time())
            end.work()


@dataclass
class End:
    """One endpoint on the pipe, in the running loop's time. Implements `calls.signalling.Signalling`."""

    pipe: Pipe
    address: Address
    seed: int
    events: list[Event] = field(default_factory=list)
    dialogs: dict[str, list[str]] = field(default_factory=dict)  # the Call-IDs of each call's legs
    calls_over: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoint = Endpoint(
            rng=random.Random(self.seed), user_agent="test", contact=self.address, accept_refer=True
        )
        self.pipe.ends[self.address] = self
        self.on_event = self.events.append
        self._timer: asyncio.TimerHandle | None = None

    def work(self) -> None:
        """Hand over events, send what is to be sent, set the timer."""
        loop = asyncio.get_running_loop()
        while (event := self.endpoint.next_event()) is not None:
            self.on_event(event)
        for datagram in self.endpoint.datagrams_to_send():
            self.pipe.send(datagram, self.address)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (due := self.endpoint.next_timer()) is not None:
            self._timer = loop.call_at(due, self._fired)

    def _fired(self) -> None:
        self.endpoint.handle_timer(asyncio.get_running_loop().time())
        self.work()

    def _soon(self) -> None:
        asyncio.get_running_loop().call_soon(self.work)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # --- Signalling ---------------------------------------------------------------------------------------------------

    def ring(self, session: int, status: int, sdp: bytes | None) -> None:
        self.endpoint.ring(session, self._now(), status, sdp)
        self._soon()

    def accept(self, session: int, sdp: bytes) -> None:
        self.endpoint.accept(session, sdp, self._now())
        self._soon()

    def reject(self, session: int, status: int, *, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.endpoint.reject(session, status, self._now(), headers=headers)
        self._soon()

    async def resolve(self, uri: str, trunk: str = "") -> Address:
        target = Uri.parse(uri)
        return Address("udp", target.host, target.port or 5060)

    def invite(
        self,
        target: str,
        destination: Address,
        *,
        from_uri: str,
        display_name: str = "",
        sdp: bytes,
        headers: Sequence[tuple[str, str]] = (),
        local: Address | None = None,
        trunk: str = "",
        impatient: bool = False,
    ) -> int:
        session = self.endpoint.invite(
            target,
            from_uri,
            sdp,
            self._now(),
            display_name=display_name,
            destination=destination,
            headers=headers,
            local=local,
            impatient=impatient,
        )
        self._soon()
        return session

    def cancel(self, session: int, *, elsewhere: bool = False) -> None:
        self.endpoint.cancel(session, self._now(), ANSWERED_ELSEWHERE if elsewhere else ())
        self._soon()

    def bye(self, session: int, *, cause: str = "") -> None:
        self.endpoint.bye(session, self._now())
        self._soon()

    def answer(self, session: int, sdp: bytes) -> None:
        self.endpoint.answer(session, sdp, self._now())
        self._soon()

    def reject_offer(self, session: int, status: int) -> None:
        self.endpoint.reject_offer(session, status, self._now())
        self._soon()

    def refer(self, session: int, target: str, *, replacing: int | None = None) -> bool:
        sent = self.endpoint.refer(session, target, self._now(), replacing=replacing)
        self._soon()
        return sent

    def give_up_refer(self, session: int) -> None:
        self.endpoint.give_up_refer(session, self._now())
        self._soon()

    def answer_refer(self, session: int, status: int) -> None:
        self.endpoint.answer_refer(session, status, self._now())
        self._soon()

    def notify_refer(self, session: int, status: int) -> None:
        self.endpoint.notify_refer(session, status, self._now())
        self._soon()

    def own_uri(self, session: int, replaces: str) -> str | None:
        return self.endpoint.own_uri(session, replaces)

    def local_host(self, peer_host: str) -> str:
        return self.address.host

    def advertised_host(self, peer_host: str) -> str:
        return self.address.host

    def belongs(self, session: int, call: str) -> None:
        self.dialogs.setdefault(call, []).append(self.endpoint.call_id(session))

    def call_over(self, call: str) -> None:
        self.calls_over.append(call)


class TestPhone(End):
    """A phone: calls the hotline, and answers, declines or ignores calls as `behaviour` says."""

    __test__ = False

    def __init__(self, pipe: Pipe, address: Address = PHONE, behaviour: str = "answers") -> None:
        super().__init__(pipe, address, 7 + int(address.host.rpartition(".")[2]))
        self.behaviour = behaviour
        self.local = Local(address.host, 4000, 1)
        self.on_event = self._take
        self.incoming: list[int] = []
        self.notes: list[tuple[float, str]] = []

    def call(self, *, sdp: bool = True) -> int:
        self.local, offer = create_offer(self.local)
        session = self.endpoint.invite(
            f"sip:700@{HOTLINE.host_port}",
            "sip:100@example.com",
            offer if sdp else None,
            self._now(),
            destination=HOTLINE,
        )
        self.work()
        return session

    def has(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self.notes.append((self._now(), type(event).__name__))
        if isinstance(event, sip.IncomingCall):
            self.incoming.append(event.session)
            if self.behaviour == "answers":
                asyncio.get_running_loop().call_later(2.0, self._answer, event)
            elif self.behaviour == "rings":
                self.endpoint.ring(event.session, self._now())
            else:
                self.endpoint.reject(event.session, 486, self._now())
        elif isinstance(event, sip.Answered) and self.local.offered is not None and event.sdp:
            self.local = accept_answer(self.local, event.sdp).local

    def _answer(self, event: sip.IncomingCall) -> None:
        assert event.sdp is not None
        settled = answer_offer(self.local, event.sdp)
        self.local = settled.local
        self.accept(event.session, settled.body)


class PlainPeer:
    """A telephone on the pipe that speaks in text, and says of itself only what a test lets it."""

    def __init__(self, pipe: Pipe) -> None:
        self.address = PLAIN
        self.got: list[Request | Response] = []
        self._pipe = pipe
        end = SimpleNamespace(endpoint=SimpleNamespace(receive=self._receive), work=lambda: None)
        pipe.ends[self.address] = end  # type: ignore[assignment]  # as much of an End as the pipe needs

    def _receive(self, data: bytes, _source: Address, _now: float) -> None:
        message = parse(data)
        assert message is not None
        if not isinstance(message, Response) or message.status > 100:
            self.got.append(message)

    def send(self, method: str, *headers: str, cseq: int = 1, to_tag: str = "", body: bytes = b"") -> None:
        lines = [
            f"{method} sip:700@{HOTLINE.host_port} SIP/2.0",
            f"Via: SIP/2.0/UDP {PLAIN.host}:5060;branch=z9hG4bK{cseq}{method}",
            "Max-Forwards: 70",
            f"From: <sip:plain@{PLAIN.host}>;tag=p",
            f"To: <sip:700@{HOTLINE.host}>{f';tag={to_tag}' if to_tag else ''}",
            "Call-ID: plain",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:plain@{PLAIN.host}:5060>",
            *(["Content-Type: application/sdp"] if body else []),
            *headers,
            f"Content-Length: {len(body)}",
        ]
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        self._pipe.send(Datagram(data, HOTLINE, self.address), self.address)

    def responses(self) -> list[tuple[int, bool]]:
        """Return each status that was received, and whether it had a description with it."""
        return [(each.status, each.sdp is not None) for each in self.got if isinstance(each, Response)]


def offer(phone: TestPhone, session: int, change: str, *, update: bool = False) -> None:
    """Send a re-INVITE (or UPDATE) whose audio has this direction, or c=0.0.0.0."""
    phone.local, body = create_offer(phone.local)
    if change == "0.0.0.0":
        body = body.replace(b"c=IN IP4 192.0.2.2", b"c=IN IP4 0.0.0.0")
    else:
        body = body.replace(b"a=sendrecv", f"a={change}".encode())
    now = asyncio.get_running_loop().time()
    assert (phone.endpoint.update if update else phone.endpoint.reinvite)(session, body, now)
    phone.work()


def answered_direction(phone: TestPhone) -> str:
    """Return the direction in the last answer of the hotline."""
    answers = [event for event in phone.events if isinstance(event, sip.OfferAnswered)]
    body = answers[-1].sdp
    assert body is not None
    description = Description.parse(body)
    return description.direction_of(description.media[0])


async def nothing_left(*phones: TestPhone) -> None:
    """The other ends know of no call either."""
    await asyncio.sleep(UNTIL_SETTLED)
    for phone in phones:
        held = phone.endpoint.held
        assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0), phone.address
