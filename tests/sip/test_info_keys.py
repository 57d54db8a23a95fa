"""Keys by INFO, as Asterisk, Cisco, linphone and others write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.sip.info_keys import key_of

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
        (RELAY, b"Signal= *\r\nDuration= 250", "*"),
        (RELAY, b"signal:#\n", "#"),
        (RELAY, b"Signal=11\r\nDuration=100", "#"),
        (RELAY, b"Duration=100\r\nSignal=d\r\n", "D"),
        (PLAIN, b"7", "7"),
        (PLAIN, b"10\r\n", "*"),
        (PLAIN, b"Signal=4\r\n", "4"),
        (RELAY, b"Signal=16\r\n", None),
        (RELAY, b"", None),
        (RELAY, b"Signal=\r\n", None),
        (RELAY, b"NoSignal\r\n5", None),
        (PLAIN, b"hello", None),
        (PLAIN, "７".encode(), None),
        ("application/media_control+xml", b"<media_control/>", None),
        (PLAIN, b"1" * 1000, None),
    ],
)
def test_key(kind: str, body: bytes, key: str | None) -> None:
    assert key_of(kind, body) == key


@given(st.sampled_from([RELAY, PLAIN, ""]), st.binary(max_size=600))
def test_whatever_the_body_is_it_is_a_key_or_none(kind: str, body: bytes) -> None:
    assert key_of(kind, body) in (None, *"0123456789*#ABCD")
