"""A peer that speaks raw text to one endpoint."""

import random
from typing import Any, TypeVar

from voicebot.sip import Address, Answered, Endpoint, Established, Event, IncomingCall, Request, Response
from voicebot.sip.message import HeaderList, parse

PEER = Address("udp", "192.0.2.1", 5060)
OURS = Address("udp", "192.0.2.2", 5060)
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = SDP.encode()
CONTACT = ("contact", "<sip:agent@192.0.2.1:5070>")
E = TypeVar("E", bound=Event)


class Peer:
    """`now` only moves when a test moves it."""

    def __init__(self, **options: Any) -> None:
        self.endpoint = Endpoint(rng=random.Random(7), user_agent="voicebot-test", contact=OURS, **options)
        self.now = 100.0
        self.branches = 0

    def text(
        self,
        method: str,
        *,
        uri: str = "sip:bot@192.0.2.2",
        to_tag: str = "",
        cseq: int = 1,
        branch: str = "",
        call_id: str = "call-1",
        headers: tuple[str, ...] = (),
        body: str = "",
    ) -> bytes:
        if not branch:
            self.branches += 1
            branch = f"z9hG4bK{self.branches}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch};rport",
            "Max-Forwards: 70",
            "From: Alice <sip:alice@192.0.2.1>;tag=a1",
            f"To: <sip:bot@192.0.2.2>{f';tag={to_tag}' if to_tag else ''}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            "Contact: <sip:alice@192.0.2.1:5060>",
            *headers,
        ]
        if body and not any(line.lower().startswith("content-type") for line in headers):
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")

    def send(self, method: str, **options: Any) -> list[Request | Response]:
        return self.send_raw(self.text(method, **options))

    def send_raw(self, data: bytes, source: Address = PEER) -> list[Request | Response]:
        self.endpoint.receive(data, source, self.now, OURS)
        return self.sent()

    def sent(self) -> list[Request | Response]:
        found = [parse(datagram.data) for datagram in self.endpoint.datagrams_to_send()]
        return [message for message in found if message is not None]

    def answer(self, method: str, **options: Any) -> Response:
        """Send a request; return its only (or, for INVITE, last) response."""
        response = self.send(method, **options)[-1]
        assert isinstance(response, Response)
        return response

    def advance(self, seconds: float) -> list[Request | Response]:
        """Let time pass, timer by timer; return what was sent."""
        end = self.now + seconds
        found: list[Request | Response] = []
        while (due := self.endpoint.next_timer()) is not None and due <= end:
            self.now = max(due, self.now)
            self.endpoint.handle_timer(self.now)
            found += self.sent()
        self.now = end
        return found

    def event(self, kind: type[E]) -> E:
        event = self.endpoint.next_event()
        assert isinstance(event, kind), event
        return event

    def no_event(self) -> None:
        assert self.endpoint.next_event() is None


def called(peer: Peer, **options: Any) -> IncomingCall:
    """Let the peer call; return what we are told."""
    assert peer.send("INVITE", body=SDP, branch="z9hG4bKinvite", **options) == []
    return peer.event(IncomingCall)


def standing(peer: Peer) -> tuple[int, str]:
    """Set a call up; return the session and our tag."""
    call = called(peer)
    peer.endpoint.accept(call.session, ANSWER, peer.now)
    [ok] = peer.sent()
    peer.send("ACK", to_tag=ok.to.tag)
    peer.event(Established)
    return call.session, ok.to.tag


def call(peer: Peer, sdp: bytes | None = b"offer", **options: Any) -> tuple[int, Request]:
    """Call the peer; return the session and the INVITE."""
    session = peer.endpoint.invite("sip:agent@192.0.2.1", "sip:bot@x", sdp, peer.now, **options)
    [invite] = peer.sent()
    assert isinstance(invite, Request)
    return session, invite


def reply(
    peer: Peer,
    request: Request,
    status: int,
    tag: str = "t1",
    headers: HeaderList = (CONTACT,),
    body: bytes = b"",
) -> list[Request | Response]:
    """Let the peer answer a request; return what is sent then."""
    lines = [*headers, ("content-type", "application/sdp")] if body else headers
    return peer.send_raw(request.response(status, to_tag=tag, headers=lines, body=body).to_bytes())


def answered(peer: Peer) -> tuple[int, Request]:
    """Call the peer, who answers; return the session and our ACK."""
    session, invite = call(peer)
    [ack] = reply(peer, invite, 200, body=SDP.encode())
    assert isinstance(ack, Request)
    peer.event(Answered)
    return session, ack


def only(messages: list[Request | Response]) -> Request:
    [message] = messages
    assert isinstance(message, Request)
    return message
