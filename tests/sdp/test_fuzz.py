"""Whatever a body says, it is understood or is an SdpError."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.sdp import Description, Local, SdpError, accept_answer, answer_offer, create_offer

LOCAL = Local(
    "192.0.2.2", 20000, 1, ("PCMU", "PCMA", "G722", "OPUS"), srtp="optional", keys=(b"a" * 30, b"b" * 30)
)
LINES = [
    "o=- 1 1 IN IP4 192.0.2.1",
    "c=IN IP4 192.0.2.1",
    "c=IN IP4 0.0.0.0",
    "c=IN IP6 ::",
    "m=audio 4000 RTP/AVP 0 8 101",
    "m=audio 4000/2 RTP/AVP",
    "m=audio 4000 RTP/SAVP 0",
    "m=video 0 RTP/AVP 31",
    "m=audio 4000 RTP/SAVP 9 107 102",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "QUJD" * 10 + "|2^31",
    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:",
    "a=rtpmap:107 opus/48000/2",
    "a=rtpmap:102 telephone-event/48000",
    "a=rtcp-mux",
    "a=rtcp:99999",
    "a=maxptime:5",
    "a=rtpmap:101 telephone-event/8000",
    "a=rtpmap:0 PCMU/8000/2",
    "a=rtpmap:8",
    "a=fmtp:101",
    "a=sendonly",
    "a=inactive:x",
    "a=ptime:0",
    "a=ptime:" + "9" * 30,
    "t=",
    "s",
]


def negotiate(body: bytes) -> None:
    waiting, _ = create_offer(LOCAL)
    for local, exchange in ((LOCAL, answer_offer), (waiting, accept_answer)):
        try:
            settled = exchange(local, body)
        except SdpError:
            continue
        again = create_offer(settled.local)[1]
        Description.parse(again)
        if settled.body:
            assert len(Description.parse(settled.body).media) == len(Description.parse(body).media)


def run_descriptions(seed: int, count: int) -> None:
    """Negotiate with made-up descriptions, some of them damaged."""
    rng = random.Random(seed)
    for _ in range(count):
        body = bytearray("\r\n".join(["v=0", *rng.choices(LINES, k=rng.randrange(12))]).encode())
        for _ in range(rng.randrange(3)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        negotiate(bytes(body))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    negotiate(b"v=0\r\n" + data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_what_was_understood_prints_and_reads_the_same(data: bytes) -> None:
    try:
        found = Description.parse(b"v=0\r\nm=audio 1 RTP/AVP 0\r\n" + data)
    except SdpError:
        return
    assert Description.parse(found.to_bytes()).media == found.media


def test_damaged_descriptions() -> None:
    for seed in range(10):
        run_descriptions(seed, 100)


def test_a_full_size_description_is_handled_in_no_time() -> None:
    for filler in (
        b"0 ",
        b"a=rtpmap:0 PCMU/8000\r\n",
        b"m=audio 1 RTP/AVP 0\r\n",
        b"a=sendonly\r\n",
        b":",
        b"/",
    ):
        head = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0 "
        negotiate(head + filler * (60_000 // len(filler)))
        negotiate(head + filler * 450)
