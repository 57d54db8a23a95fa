"""STUN binding (RFC 5389): the vectors of RFC 5769, the schedule of repetitions, and whatever a server may send."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.sip import SipError
from voicebot.sip.stun import FAILED_AT, SENT_AT, Binding, Mapped, parse_answer

COOKIE = 0x2112A442
OURS = bytes.fromhex("b7e7a701bc34d686fa87dfae")
# RFC 5769 section 2.2 (IPv4) and 2.3 (IPv6).
IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a147"
    "0113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)


def answer(*attributes: tuple[int, bytes], kind: int = 0x0101, transaction: bytes = OURS) -> bytes:
    body = b"".join(
        struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4)
        for number, value in attributes
    )
    return struct.pack("!HHI", kind, len(body), COOKIE) + transaction + body


def test_the_vectors_of_rfc_5769() -> None:
    assert parse_answer(IPV4, OURS) == Mapped("192.0.2.1", 32853)
    assert parse_answer(IPV6, OURS) == Mapped("2001:db8:1234:5678:11:2233:4455:6677", 32853)


def test_a_server_of_rfc_3489_says_it_plainly() -> None:
    assert parse_answer(answer((5, b"x" * 8), (1, b"\0\1\x13\xc4\xc0\0\2\7")), OURS) == Mapped(
        "192.0.2.7", 5060
    )


@pytest.mark.parametrize(
    "data", [b"", b"\1\1", answer(transaction=bytes(12)), answer(kind=1), b"SIP/2.0 200 OK\r\n\r\n" * 2]
)
def test_what_is_not_the_answer_is_waited_past(data: bytes) -> None:
    assert parse_answer(data, OURS) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (IPV4[:-4], "cut"),
        (answer((0x20, b"\0\1\0\0\0")), "kind"),
        (answer((0x20, b"\0\3" + bytes(6))), "kind"),
        (answer(), "no address"),
        (answer((9, b"\0\0\4\1Unauthorized"), kind=0x0111), "401"),
    ],
)
def test_an_answer_that_is_no_good_says_why(data: bytes, says: str) -> None:
    with pytest.raises(SipError, match=says):
        parse_answer(data, OURS)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=80)
    | st.binary(max_size=60).map(lambda body: IPV4[:2] + struct.pack("!H", len(body)) + IPV4[4:20] + body)
)
def test_any_bytes_are_an_address_or_one_named_error(data: bytes) -> None:
    try:
        found = parse_answer(data, OURS)
    except SipError:
        return
    assert found is None or 0 <= found.port < 65536


def sent(binding: Binding, until: float) -> list[float]:
    times = []
    while not binding.done and (at := binding.next_timer()) <= until:
        if binding.datagram_to_send(at) is not None:
            times.append(at)
    return times


def test_a_request_is_repeated_seven_times_and_then_given_up() -> None:
    """Section 7.2.1."""
    binding = Binding(OURS, 100.0)
    assert sent(binding, 1000.0) == [100.0 + at for at in SENT_AT]
    assert binding.problem == "the STUN server does not answer"
    assert FAILED_AT == 39.5


def test_nothing_is_repeated_after_the_answer() -> None:
    binding = Binding(OURS, 0.0)
    request = binding.datagram_to_send(0.0)
    assert request == bytes.fromhex("000100002112a442") + OURS
    assert binding.datagram_to_send(0.4) is None
    binding.receive(b"noise")
    binding.receive(IPV4)
    binding.receive(answer())
    assert (binding.mapped, binding.problem) == (Mapped("192.0.2.1", 32853), "")
    assert sent(binding, 1000.0) == []
