"""Encrypted audio by SDES (RFC 4568), required, optional (RFC 8643) and off."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.sdp import (
    Description,
    Local,
    NotAcceptable,
    Srtp,
    accept_answer,
    answer_offer,
    create_offer,
)
from voicebot.sdp.crypto import SUITES, Crypto
from voicebot.sip.masking import masked

KEYS = (b"a" * 30, b"b" * 30)
OFF = Local("192.0.2.2", 20000, 77)
OPTIONAL = replace(OFF, srtp="optional", keys=KEYS)
REQUIRED = replace(OFF, srtp="required", keys=KEYS)
THEIRS = base64.b64encode(b"k" * 30).decode()
AVP, SAVP = "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/SAVP 0"
SHORT = f"a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:{THEIRS}"
LONG = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIRS}|2^31"


def offer(*lines: str) -> bytes:
    return "\r\n".join(["v=0", "o=- 5 1 IN IP4 192.0.2.1", "c=IN IP4 192.0.2.1", *lines, ""]).encode()


@pytest.mark.parametrize("local", [OPTIONAL, REQUIRED])
@pytest.mark.parametrize("section", [AVP, SAVP])
def test_a_key_that_is_offered_is_taken_on_either_profile(local: Local, section: str) -> None:
    settled = answer_offer(local, offer(section, SHORT, LONG))
    assert settled.media.srtp == Srtp(SUITES[1], KEYS[1], b"k" * 30)
    answer = Description.parse(settled.body).media[0]
    assert answer.protocol == section.split()[2]
    assert answer.attribute("crypto") == f"7 {SUITES[1]} inline:{base64.b64encode(KEYS[1]).decode()}"


@pytest.mark.parametrize(
    ("local", "lines", "encrypted"),
    [
        (OFF, [AVP, LONG], False),
        (OFF, [SAVP, LONG], None),
        (OPTIONAL, [AVP], False),
        (OPTIONAL, [SAVP], None),
        (REQUIRED, [AVP], None),
        (REQUIRED, [SAVP], None),
    ],
)
def test_the_policy_decides(local: Local, lines: list[str], encrypted: bool | None) -> None:
    if encrypted is None:
        with pytest.raises(NotAcceptable):
            answer_offer(local, offer(*lines))
    else:
        assert (answer_offer(local, offer(*lines)).media.srtp is not None) == encrypted


@pytest.mark.parametrize(("local", "port"), [(OFF, 4000), (OPTIONAL, 4002), (REQUIRED, 4002)])
def test_of_both_kinds_one_is_taken_and_the_other_refused(local: Local, port: int) -> None:
    for lines in ([AVP, SAVP, LONG], [SAVP, LONG, AVP]):
        settled = answer_offer(local, offer(*lines))
        assert settled.media.remote_port == port
        assert sorted(media.port for media in Description.parse(settled.body).media) == [0, 20000]


@pytest.mark.parametrize(
    "line",
    [
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIRS}|2^20|1:4",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIRS} UNENCRYPTED_SRTP",
        f"a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:{THEIRS}",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIRS};inline:{THEIRS}",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ=",
        f"a=crypto:x AES_CM_128_HMAC_SHA1_80 inline:{THEIRS}",
        "a=crypto:1",
    ],
)
def test_keys_that_we_cannot_serve_are_passed_over(line: str) -> None:
    with pytest.raises(NotAcceptable):
        answer_offer(OPTIONAL, offer(SAVP, line))
    assert answer_offer(OPTIONAL, offer(SAVP, line, LONG)).media.srtp is not None


def test_what_we_offer_is_the_policy() -> None:
    for local, protocol, keys in ((OFF, "RTP/AVP", 0), (OPTIONAL, "RTP/AVP", 2), (REQUIRED, "RTP/SAVP", 2)):
        audio = Description.parse(create_offer(local)[1]).media[0]
        assert audio.protocol == protocol
        assert len([name for name, _ in audio.attributes if name == "crypto"]) == keys


@pytest.mark.parametrize("local", [OPTIONAL, REQUIRED])
def test_two_of_us_agree_on_keys(local: Local) -> None:
    waiting, body = create_offer(local)
    answered = answer_offer(replace(OPTIONAL, keys=(b"c" * 30, b"d" * 30)), body)
    settled = accept_answer(waiting, answered.body)
    assert settled.media.srtp == Srtp(SUITES[0], b"a" * 30, b"c" * 30)
    assert answered.media.srtp == Srtp(SUITES[0], b"c" * 30, b"a" * 30)


def test_an_offer_of_keys_may_be_answered_without() -> None:
    waiting, _ = create_offer(OPTIONAL)
    assert accept_answer(waiting, offer(AVP)).media.srtp is None
    waiting, _ = create_offer(REQUIRED)
    with pytest.raises(NotAcceptable):
        accept_answer(waiting, offer(SAVP))
    with pytest.raises(NotAcceptable):
        accept_answer(waiting, offer(SAVP, SHORT))  # tag 7 was never offered


def test_a_new_key_in_a_call_is_taken_and_ours_stays() -> None:
    first = answer_offer(OPTIONAL, offer(SAVP, LONG))
    other = base64.b64encode(b"n" * 30).decode()
    second = answer_offer(first.local, offer(SAVP, f"a=crypto:1 {SUITES[0]} inline:{other}"))
    assert second.media.srtp == Srtp(SUITES[0], KEYS[0], b"n" * 30)
    again = Description.parse(create_offer(second.local)[1]).media[0]
    assert again.protocol == "RTP/SAVP"
    assert again.attribute("crypto") is not None


def test_keys_show_nowhere() -> None:
    settled = answer_offer(OPTIONAL, offer(SAVP, LONG))
    own = base64.b64encode(KEYS[0]).decode()
    assert own.encode() in settled.body
    message = b"SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n" + settled.body
    assert own.encode() not in masked(message)
    for shown in (repr(settled.media), repr(settled.local), str(settled.media.srtp)):
        assert own not in shown
        assert repr(KEYS[0]) not in shown
        assert "kkkk" not in shown


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_any_line_is_a_key_or_none(text: str) -> None:
    found = Crypto.parse(text)
    assert found is None or Crypto.parse(str(found)) == found
