"""Whatever bytes arrive, `receive` does not raise and no transaction leaks; `parse` raises its one error."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sip.peer import OURS, PEER, SDP, Peer
from voicebot.sip import Address, IncomingCall, MessageError, NameAddress, Uri
from voicebot.sip.header import CSeq, Via
from voicebot.sip.message import parse

METHODS = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "INFO",
    "UPDATE",
    "PRACK",
    "NOTIFY",
    "REFER",
    "REGISTER",
    "X",
]
HEADERS = [
    "Require: 100rel",
    "Supported: 100rel",
    "RAck: 1 1 INVITE",
    "Session-Expires: 90;refresher=uas",
    "Allow: INVITE, UPDATE",
    "Contact: <sip:a@[::1]:5060;transport=tcp>",
    "Contact: *",
    "Contact: <",
    "Record-Route: <sip:p;lr>, <<>",
    "Session-Expires: 100;refresher=uac",
    "Supported: timer",
    "Refer-To: <sip:x@y>",
    "Event: refer",
    'Authorization: Digest username="a',
    "Content-Type: multipart/mixed; boundary=x",
    "Via: nonsense",
    " folded",
    "x",
]
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def exchange(peer: Peer, data: bytes) -> None:
    """Receive, decide something about what comes, and let a second pass."""
    peer.endpoint.receive(data, PEER, peer.now, OURS)
    while (event := peer.endpoint.next_event()) is not None:
        if isinstance(event, IncomingCall):
            if event.session % 2:
                peer.endpoint.ring(event.session, peer.now, 183, SDP.encode())
            peer.endpoint.accept(event.session, SDP.encode(), peer.now)
    peer.sent()
    peer.advance(1)


def assert_everything_ends(peer: Peer) -> None:
    peer.advance(1000)
    held = peer.endpoint.held
    assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0)
    assert peer.endpoint.next_timer() is None


def mutate(rng: random.Random, data: bytes) -> bytes:
    mutable = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(mutable) + 1)
        kind = rng.randrange(4)
        if kind == 0 and mutable:
            mutable[at % len(mutable)] = rng.randrange(256)
        elif kind == 1:
            del mutable[at : at + rng.randrange(1, 30)]
        elif kind == 2:
            mutable[at:at] = rng.choice(
                [b"\r\n", b"\n", b'"', b"<", b">", b";", b",", b"\0", b"\xff", b":" * 9]
            )
        else:
            piece = bytes(mutable[at : at + rng.randrange(40)])
            mutable[at:at] = piece
    return bytes(mutable)


def run_mutations(seed: int, messages: int) -> None:
    """Feed one endpoint with damaged messages of all kinds, within and without dialogs."""
    rng = random.Random(seed)
    peer = Peer()
    tags = [""]
    calls: list[int] = []
    for number in range(messages):
        options = {
            "to_tag": rng.choice(tags),
            "cseq": rng.randrange(1, 50),
            "call_id": rng.choice(["c1", "c2", f"c{number}"]),
            "headers": tuple(rng.sample(HEADERS, rng.randrange(3))),
            "body": rng.choice(["", SDP, "x"]),
            "branch": rng.choice(["", "z9hG4bKsame", "old"]),
        }
        data = peer.text(rng.choice(METHODS), **options)  # type: ignore[arg-type]
        if rng.random() < 0.7:
            data = mutate(rng, data)
        peer.endpoint.receive(data, PEER, peer.now, OURS)
        while (event := peer.endpoint.next_event()) is not None:
            if isinstance(event, IncomingCall):
                calls.append(event.session)
                peer.endpoint.accept(event.session, SDP.encode(), peer.now)
        for message in peer.sent():
            tag = (message.first("to") or "").partition(";tag=")[2]
            if tag and len(tags) < 20:
                tags.append(tag)
        peer.advance(rng.random())
    for call in calls:
        # Some were acknowledged, by chance, and stand.
        peer.endpoint.bye(call, peer.now)
    assert_everything_ends(peer)


@QUICK
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    peer = Peer()
    exchange(peer, data)
    assert_everything_ends(peer)


@QUICK
@given(st.binary(max_size=300))
def test_any_header_block(data: bytes) -> None:
    try:
        message = parse(b"INVITE sip:a@b SIP/2.0\r\n" + data)
        if message is not None:
            message.validate()
            assert message.contact is None or str(message.contact)
    except MessageError:
        return


@QUICK
@given(st.text(max_size=80))
def test_any_value(text: str) -> None:
    for kind in (Uri, NameAddress, Via, CSeq):
        try:
            value = kind.parse(text)
        except MessageError:
            continue
        assert str(kind.parse(str(value))) == str(value)


def test_damaged_messages_of_every_kind() -> None:
    for seed in range(8):
        run_mutations(seed, 60)


def test_a_full_size_datagram_is_handled_in_no_time() -> None:
    peer = Peer()
    for filler in (b" ", b";", b",", b'"', b"<", b"a", b"\r\n ", b"\\", b"[", b":", b"=", b"(", b"%"):
        for name in (b"Via: SIP/2.0/UDP h", b"From: ", b"Contact: ", b"CSeq: ", b"Record-Route: ", b'To: "'):
            head = peer.text("INVITE").split(b"\r\n\r\n")[0]
            data = head + b"\r\n" + name + filler * ((60_000 - len(head)) // len(filler)) + b"\r\n\r\n"
            peer.endpoint.receive(data, PEER, peer.now)
    peer.endpoint.receive(b"x" * 65_535, PEER, peer.now)
    peer.endpoint.receive(b"x" * 70_000, Address("udp", "::1", 1), peer.now)
    peer.advance(1000)
    assert peer.endpoint.counters["received"] > 70
