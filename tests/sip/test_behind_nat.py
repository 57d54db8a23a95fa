"""Phones that tell an address which nobody reaches them at, whether it looks private from here or not."""

import pytest

from tests.sip.peer import SDP, Peer
from voicebot.sip import Address, Answered, Established, IncomingCall, Request, Response

INSIDE = "10.1.1.1"
OUTSIDE = Address("udp", "192.168.5.1", 31_234)


def called_by(peer: Peer, via: str, contact: str, source: Address) -> int:
    """Let a call from `source` stand; return its session."""

    def rewritten(text: bytes) -> bytes:
        text = text.replace(b"UDP 192.0.2.1:5060", f"UDP {via}:5060".encode())
        return text.replace(b"Contact: <sip:alice@192.0.2.1", f"Contact: <sip:alice@{contact}".encode())

    peer.send_raw(rewritten(peer.text("INVITE", body=SDP)), source)
    session = peer.event(IncomingCall).session
    peer.endpoint.accept(session, b"answer", peer.now)
    [ok] = peer.sent()
    assert isinstance(ok, Response)
    peer.send_raw(rewritten(peer.text("ACK", to_tag=ok.to.tag)), source)
    peer.event(Established)
    return session


@pytest.mark.parametrize(
    ("via", "contact", "source", "reached"),
    [
        (INSIDE, INSIDE, OUTSIDE, OUTSIDE),
        (
            INSIDE,
            "10.1.1.9",
            OUTSIDE,
            Address("udp", "10.1.1.9", 5060),
        ),  # it names another host: that one is meant
        (
            "192.168.5.1",
            INSIDE,
            OUTSIDE,
            Address("udp", INSIDE, 5060),
        ),  # a proxy, which does not stay in the call
        (f"{INSIDE};branch=z9hG4bKp, SIP/2.0/UDP {INSIDE}", INSIDE, OUTSIDE, Address("udp", INSIDE, 5060)),
    ],
)
def test_a_caller_who_came_straight_from_elsewhere_than_it_says_is_reached_there(
    via: str, contact: str, source: Address, reached: Address
) -> None:
    peer = Peer()
    session = called_by(peer, via, contact, source)
    peer.endpoint.bye(session, peer.now)
    [datagram] = peer.endpoint.datagrams_to_send()
    assert datagram.destination == reached
    assert datagram.data.startswith(f"BYE sip:alice@{contact}:5060 ".encode())


def answers(peer: Peer, contact: str, **options: object) -> list[Address]:
    """Call a phone at OUTSIDE that registered as INSIDE; return where its ACK and our BYE go."""
    session = peer.endpoint.invite(
        f"sip:6003@{INSIDE}:5060",
        "sip:bot@x",
        SDP.encode(),
        peer.now,
        destination=OUTSIDE,
        **options,  # type: ignore[arg-type]
    )
    [invite] = peer.sent()
    assert isinstance(invite, Request)
    response = invite.response(
        200,
        to_tag="t1",
        headers=[("contact", contact), ("content-type", "application/sdp")],
        body=SDP.encode(),
    )
    peer.endpoint.receive(response.to_bytes(), OUTSIDE, peer.now)
    peer.event(Answered)
    peer.endpoint.bye(session, peer.now)
    return [each.destination for each in peer.endpoint.datagrams_to_send()]


def test_a_phone_that_is_called_where_it_was_seen_is_acknowledged_and_hung_up_there() -> None:
    assert answers(Peer(), f"<sip:6003@{INSIDE}:5060>") == [OUTSIDE, OUTSIDE]


@pytest.mark.parametrize("contact", [f"<sip:6003@{INSIDE}:5099>", f"<sip:6003@{INSIDE}:5060;transport=tcp>"])
def test_a_contact_that_is_not_the_one_that_was_called_is_followed(contact: str) -> None:
    port, transport = (5099, "udp") if "5099" in contact else (5060, "tcp")
    assert answers(Peer(), contact) == [Address(transport, INSIDE, port)] * 2


def test_what_was_called_by_a_route_says_nothing_about_where_it_is() -> None:
    where = Address("udp", INSIDE, 5060)
    assert (
        answers(Peer(), f"<sip:6003@{INSIDE}:5060>", headers=[("Route", "<sip:192.168.5.1;lr>")])
        == [where] * 2
    )
