"""Offer and answer (RFC 3264; telephone-event of RFC 4733)."""

import pytest

from voicebot.sdp import (
    Description,
    Local,
    Media,
    NotAcceptable,
    SdpError,
    accept_answer,
    answer_offer,
    create_offer,
    withdraw_offer,
)
from voicebot.sdp.description import Direction

LOCAL = Local("192.0.2.2", 20000, session_id=77)


def offer(*sections: str, host: str = "192.0.2.1") -> bytes:
    head = f"v=0\r\no=- 5 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    return (head + "".join(f"{section}\r\n" for section in sections)).encode()


AUDIO = "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000"


def section(body: bytes, index: int = 0) -> str:
    """Return one m= section of a body as text."""
    return "m=" + body.decode().split("m=")[index + 1]


def test_an_ordinary_offer_is_answered() -> None:
    settled = answer_offer(LOCAL, offer(AUDIO))
    assert settled.media == Media(
        codec="PCMU",
        payload_type=0,
        receive_payload_type=0,
        event_payload_type=101,
        receive_event_payload_type=101,
        remote_host="192.0.2.1",
        remote_port=4000,
    )
    assert settled.body == (
        b"v=0\r\no=- 77 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
        b"m=audio 20000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        b"a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_the_preference_of_the_offerer_decides() -> None:
    assert answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 18 8 0")).media.codec == "PCMA"


def test_payload_types_may_be_dynamic_and_are_mirrored() -> None:
    text = "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 pcma/8000/1\r\na=rtpmap:97 Telephone-Event/8000"
    settled = answer_offer(LOCAL, offer(text))
    assert (settled.media.codec, settled.media.payload_type) == ("PCMA", 96)
    assert settled.media.event_payload_type == settled.media.receive_event_payload_type == 97
    assert section(settled.body).startswith("m=audio 20000 RTP/AVP 96 97\r\na=rtpmap:96 PCMA/8000\r\n")


def test_a_static_number_with_another_meaning_is_not_taken() -> None:
    with pytest.raises(NotAcceptable):
        answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 G729/8000"))


def test_a_peer_without_events_is_told_of_none() -> None:
    settled = answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 8"))
    assert settled.media.event_payload_type is None
    assert "telephone-event" not in settled.body.decode()


def test_events_of_another_clock_rate_are_not_ours() -> None:
    text = "m=audio 4000 RTP/AVP 0 99\r\na=rtpmap:99 telephone-event/48000"
    assert answer_offer(LOCAL, offer(text)).media.event_payload_type is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_hold_is_answered_in_kind(theirs: str, ours: Direction) -> None:
    settled = answer_offer(LOCAL, offer(f"{AUDIO}\r\na={theirs}"))
    assert settled.media.direction == ours
    assert f"a={ours}\r\n" in section(settled.body)
    assert settled.media.held == (theirs in ("sendonly", "inactive"))


def test_the_old_way_to_hold_is_a_zero_address() -> None:
    settled = answer_offer(LOCAL, offer(AUDIO, host="0.0.0.0"))
    assert settled.media.direction == "recvonly"
    assert settled.media.held


def test_a_direction_of_the_session_counts_where_the_section_has_none() -> None:
    assert answer_offer(LOCAL, offer("a=sendonly", AUDIO)).media.direction == "recvonly"
    assert answer_offer(LOCAL, offer("a=sendonly", AUDIO + "\r\na=sendrecv")).media.direction == "sendrecv"


def test_of_several_media_one_audio_is_taken_and_the_others_are_refused() -> None:
    settled = answer_offer(
        LOCAL,
        offer("m=video 5000 RTP/AVP 31", "m=audio 4100 RTP/SAVP 0", AUDIO, "m=audio 4200 RTP/AVP 8"),
    )
    answer = Description.parse(settled.body)
    assert [(media.kind, media.port, media.protocol) for media in answer.media] == [
        ("video", 0, "RTP/AVP"),
        ("audio", 0, "RTP/SAVP"),
        ("audio", 20000, "RTP/AVP"),
        ("audio", 0, "RTP/AVP"),
    ]
    assert settled.media.remote_port == 4000


@pytest.mark.parametrize(
    "text",
    [
        "m=audio 4000 RTP/SAVP 0",
        "m=audio 4000 UDP/TLS/RTP/SAVPF 0",
        "m=audio 4000 RTP/AVP 18",
        "m=audio 0 RTP/AVP 0",
        "m=video 4000 RTP/AVP 0",
        "m=image 4000 udptl t38",
        "a=x",
    ],
)
def test_nothing_in_common_is_not_acceptable(text: str) -> None:
    with pytest.raises(NotAcceptable):
        answer_offer(LOCAL, offer(text))


def test_a_profile_that_is_not_spoken_here_is_named() -> None:
    with pytest.raises(NotAcceptable, match="UDP/TLS/RTP/SAVPF is not spoken here"):
        answer_offer(LOCAL, offer("m=audio 4000 UDP/TLS/RTP/SAVPF 0"))


@pytest.mark.parametrize("host", ["224.2.1.1/127", "239.1.1.1", "255.255.255.255"])
def test_audio_for_many_is_not_acceptable(host: str) -> None:
    with pytest.raises(NotAcceptable):
        answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0", host=host))


def test_the_address_of_the_section_comes_first() -> None:
    settled = answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9"))
    assert settled.media.remote_host == "192.0.2.9"


def test_audio_without_address_makes_no_sense() -> None:
    with pytest.raises(SdpError):
        answer_offer(LOCAL, b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n")


def test_a_reoffer_keeps_the_session_and_raises_the_version_only_when_we_change() -> None:
    first = answer_offer(LOCAL, offer(AUDIO))
    same = answer_offer(first.local, offer(AUDIO))
    assert same.body == first.body
    held = answer_offer(same.local, offer(AUDIO + "\r\na=sendonly"))
    assert b"o=- 77 2 IN" in held.body
    resumed = answer_offer(held.local, offer(AUDIO))
    assert b"o=- 77 3 IN" in resumed.body


def test_our_offer_and_its_answer() -> None:
    waiting, body = create_offer(LOCAL)
    assert section(body).startswith("m=audio 20000 RTP/AVP 0 8 101\r\n")
    answer = offer("m=audio 4000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30")
    settled = accept_answer(waiting, answer)
    assert settled.media == Media(
        codec="PCMA",
        payload_type=8,
        receive_payload_type=8,
        event_payload_type=96,
        receive_event_payload_type=101,
        remote_host="192.0.2.1",
        remote_port=4000,
        ptime_ms=30,
        alternatives=((96, "TELEPHONE-EVENT"),),
    )
    assert settled.body == b""


def test_two_of_us_understand_each_other() -> None:
    waiting, body = create_offer(LOCAL)
    answered = answer_offer(Local("192.0.2.3", 30000, 5), body)
    settled = accept_answer(waiting, answered.body)
    assert settled.media.codec == answered.media.codec == "PCMU"
    assert settled.media.remote_port == 30000
    assert answered.media.remote_port == 20000


def test_an_answer_cannot_take_more_than_was_offered() -> None:
    waiting, _ = create_offer(Local("192.0.2.2", 20000, 77, direction="sendonly"))
    settled = accept_answer(waiting, offer(AUDIO))
    assert settled.media.direction == "sendonly"
    held = accept_answer(waiting, offer(AUDIO + "\r\na=inactive"))
    assert held.media.direction == "inactive"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (offer("m=audio 0 RTP/AVP 0"), NotAcceptable),
        (offer("m=audio 4000 RTP/AVP 18"), NotAcceptable),
        (offer("a=x"), SdpError),
        (offer("m=video 4000 RTP/AVP 0"), SdpError),
        (offer("m=audio 4000 RTP/SAVP 0"), SdpError),
        (b"", SdpError),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error(answer: bytes, error: type[SdpError]) -> None:
    waiting, _ = create_offer(LOCAL)
    with pytest.raises(error):
        accept_answer(waiting, answer)


def test_an_answer_without_offer_is_an_error() -> None:
    with pytest.raises(SdpError):
        accept_answer(LOCAL, offer(AUDIO))


def test_a_reoffer_keeps_numbers_and_refused_media_of_the_session() -> None:
    text = "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 PCMA/8000\r\na=rtpmap:97 telephone-event/8000"
    first = answer_offer(LOCAL, offer("m=video 5000 RTP/AVP 31", text))
    waiting, body = create_offer(first.local)
    again = Description.parse(body)
    assert [media.port for media in again.media] == [0, 20000]
    assert again.origin.version == 2
    audio = again.media[1]
    assert audio.rtpmaps[96].name == "PCMA"
    assert audio.rtpmaps[97].name == "TELEPHONE-EVENT"
    assert audio.rtpmaps[0].name == "PCMU"
    settled = accept_answer(waiting, offer("m=video 0 RTP/AVP 31", text))
    assert (settled.media.payload_type, settled.media.event_payload_type) == (96, 97)


def test_a_refused_reoffer_leaves_the_session_as_it_was() -> None:
    first = answer_offer(LOCAL, offer(AUDIO))
    waiting, _ = create_offer(first.local)
    after = withdraw_offer(waiting)
    assert answer_offer(after, offer(AUDIO)).media == first.media
