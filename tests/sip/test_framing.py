"""A stream is cut into the messages that were put into it, whatever its pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.sip.framing import KeepAlive, StreamFramer
from voicebot.sip.message import MAX_MESSAGE

OPTIONS = b"OPTIONS sip:bot@192.0.2.2 SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
INFO = b"INFO sip:bot@192.0.2.2 SIP/2.0\r\nl : 11\r\nCall-ID: 2\r\n\r\nSignal=1\r\n\n"
RINGING = b"SIP/2.0 180 Ringing\nCall-ID: 3\nContent-Length:\n 4\n\nbody"
MESSAGES = (OPTIONS, INFO, RINGING)


@given(st.lists(st.sampled_from([*MESSAGES, KeepAlive.PING]), max_size=8), st.data())
def test_messages_come_out_as_they_went_in_whatever_the_pieces(
    sent: list[bytes | KeepAlive], data: st.DataObject
) -> None:
    stream = b"".join(item.value if isinstance(item, KeepAlive) else item for item in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    framer = StreamFramer()
    got: list[bytes | KeepAlive] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += framer.feed(stream[start:end])
    assert [item for item in got if item is not KeepAlive.PONG] == sent
    assert not framer.broken
    assert not framer.partial


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_whatever_a_peer_sends_is_cut_or_the_stream_is_broken(pieces: list[bytes]) -> None:
    framer = StreamFramer()
    for piece in pieces:
        framer.feed(piece)
    assert not (framer.broken and framer.partial)


def test_a_lone_crlf_is_a_pong_and_two_are_a_ping() -> None:
    framer = StreamFramer()
    assert framer.feed(b"\r\n" + OPTIONS) == [KeepAlive.PONG, OPTIONS]
    assert framer.feed(b"\r\n\r") == [KeepAlive.PONG]
    assert framer.feed(b"\n") == [KeepAlive.PING]


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"A" * 300,
        b"INVITE sip:a@b SIP/2.0\r\nX: " + b"x" * MAX_MESSAGE,
        b"INVITE sip:a@b SIP/2.0\r\nContent-Length: 70000\r\n\r\n",
    ],
)
def test_what_is_no_sip_breaks_the_stream_and_nothing_of_it_is_kept(garbage: bytes) -> None:
    framer = StreamFramer()
    assert framer.feed(garbage) == []
    assert framer.broken
    assert not framer.partial
    assert framer.feed(OPTIONS) == []


def test_a_message_whose_length_cannot_be_read_is_the_last_of_its_stream() -> None:
    framer = StreamFramer()
    bad = OPTIONS.replace(b"Length: 0", b"Length: -9")
    assert framer.feed(bad + OPTIONS) == [bad]
    assert framer.broken == "bad Content-Length"
