"""Codecs beyond G.711, packet times, numbers of payload types, and where RTCP goes."""

from dataclasses import replace

import pytest

from voicebot.sdp import Description, Local, NotAcceptable, accept_answer, answer_offer, create_offer
from voicebot.sdp.media import Codec

LOCAL = Local("192.0.2.2", 20000, 77, ("PCMU", "PCMA", "G722", "OPUS"))
OPUS = "a=rtpmap:111 opus/48000/2"


def offer(*lines: str) -> bytes:
    head = ["v=0", "o=- 5 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"]
    return "\r\n".join([*head, *lines, ""]).encode()


@pytest.mark.parametrize(
    ("text", "codec", "number"),
    [
        ("m=audio 4000 RTP/AVP 9 0", "G722", 9),
        ("m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 G722/8000", "G722", 96),
        (f"m=audio 4000 RTP/AVP 111 0\r\n{OPUS}", "OPUS", 111),
        ("m=audio 4000 RTP/AVPF 8", "PCMA", 8),
    ],
)
def test_the_offerers_first_codec_is_taken(text: str, codec: Codec, number: int) -> None:
    media = answer_offer(LOCAL, offer(text)).media
    assert (media.codec, media.payload_type, media.receive_payload_type) == (codec, number, number)


def test_our_order_decides_where_it_is_to() -> None:
    text = f"m=audio 4000 RTP/AVP 111 9 8\r\n{OPUS}"
    assert answer_offer(replace(LOCAL, follow=False), offer(text)).media.codec == "PCMA"


def test_opus_is_always_two_channels_at_48000() -> None:
    """RFC 7587 section 7."""
    with pytest.raises(NotAcceptable):
        answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000"))
    body = answer_offer(LOCAL, offer(f"m=audio 4000 RTP/AVP 111\r\n{OPUS}")).body
    assert b"a=rtpmap:111 opus/48000/2\r\n" in body


def test_a_codec_that_is_not_configured_is_refused() -> None:
    with pytest.raises(NotAcceptable):
        answer_offer(replace(LOCAL, codecs=("PCMU",)), offer("m=audio 4000 RTP/AVP 9"))


def test_keys_go_at_the_clock_rate_of_the_codec() -> None:
    """RFC 4733 section 2.1; peers that have them at 8000 only get them so."""
    both = "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:110 telephone-event/48000"
    wide = answer_offer(LOCAL, offer(f"m=audio 4000 RTP/AVP 111 101 110\r\n{OPUS}\r\n{both}")).media
    assert (wide.event_payload_type, wide.event_clock_rate) == (110, 48000)
    narrow = answer_offer(LOCAL, offer(f"m=audio 4000 RTP/AVP 0 101 110\r\n{both}")).media
    assert (narrow.event_payload_type, narrow.event_clock_rate) == (101, 8000)
    only = answer_offer(LOCAL, offer(f"m=audio 4000 RTP/AVP 111 101\r\n{OPUS}\r\n{both}")).media
    assert (only.event_payload_type, only.event_clock_rate) == (101, 8000)


@pytest.mark.parametrize(
    ("lines", "ptime_ms"),
    [
        ("a=ptime:10", 10),
        ("a=ptime:30", 30),
        ("a=ptime:25", 20),
        ("a=ptime:200", 60),
        ("a=ptime:40\r\na=maxptime:20", 20),
        ("a=maxptime:60", 20),
        ("a=maxptime:10", 10),
        ("a=ptime:x", 20),
        ("a=ptime:0", 20),
    ],
)
def test_packet_times_are_honoured_from_10_to_60_ms_and_told(lines: str, ptime_ms: int) -> None:
    settled = answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0", lines))
    assert settled.media.ptime_ms == ptime_ms
    assert f"a=ptime:{ptime_ms}\r\n".encode() in settled.body


def test_opus_has_no_frame_of_30_ms() -> None:
    settled = answer_offer(LOCAL, offer(f"m=audio 4000 RTP/AVP 111\r\n{OPUS}\r\na=ptime:30"))
    assert settled.media.ptime_ms == 20


def test_our_offer_has_a_number_for_everything() -> None:
    _, body = create_offer(LOCAL)
    audio = Description.parse(body).media[0]
    assert audio.formats == ("0", "8", "9", "107", "101", "102")
    assert (audio.rtpmaps[107].name, audio.rtpmaps[102].clock_rate) == ("OPUS", 48000)


def test_numbers_of_a_session_keep_their_meaning_and_new_codecs_get_others() -> None:
    text = "m=audio 4000 RTP/AVP 107 102\r\na=rtpmap:107 PCMA/8000\r\na=rtpmap:102 telephone-event/8000"
    _, body = create_offer(answer_offer(LOCAL, offer(text)).local)
    rtpmaps = Description.parse(body).media[0].rtpmaps
    assert (rtpmaps[107].name, rtpmaps[102].clock_rate) == ("PCMA", 8000)
    assert sorted(encoding.name for encoding in rtpmaps.values()) == sorted(
        ["PCMA", "PCMU", "G722", "OPUS", "TELEPHONE-EVENT", "TELEPHONE-EVENT"]
    )


def test_an_answer_with_several_codecs_lets_the_peer_change_at_any_time() -> None:
    """RFC 3264 section 7: whatever was offered and answered may come."""
    waiting, _ = create_offer(LOCAL)
    answer = "m=audio 4000 RTP/AVP 8 0 111 101\r\na=rtpmap:101 telephone-event/8000\r\n" + OPUS
    media = accept_answer(waiting, offer(answer)).media
    assert (media.codec, media.receive_payload_type) == ("PCMA", 8)
    assert media.alternatives == ((0, "PCMU"), (107, "OPUS"), (111, "OPUS"))


def test_keys_and_audio_are_understood_under_the_number_of_an_answer_that_differs_from_ours() -> None:
    """Section 6.1 wants our numbers in what is sent to us, and peers of the field send their own."""
    waiting, _ = create_offer(LOCAL)
    media = accept_answer(
        waiting, offer("m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000")
    ).media
    assert (media.event_payload_type, media.receive_event_payload_type) == (96, 101)
    assert media.alternatives == ((96, "TELEPHONE-EVENT"),)


def test_a_number_of_ours_keeps_its_meaning_whatever_an_answer_calls_it() -> None:
    waiting, ours = create_offer(LOCAL)
    assert b"a=rtpmap:107 opus" in ours
    answer = offer("m=audio 4000 RTP/AVP 0 107\r\na=rtpmap:107 telephone-event/8000")
    assert accept_answer(waiting, answer).media.alternatives == ()


def test_a_codec_can_change_within_a_call() -> None:
    first = answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0"))
    second = answer_offer(first.local, offer("m=audio 4000 RTP/AVP 9"))
    assert (first.media.codec, second.media.codec) == ("PCMU", "G722")
    assert second.local.version == first.local.version + 1


def test_rtcp_goes_with_rtp_where_both_want_it() -> None:
    """RFC 5761 section 5.1.1."""
    plain = answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0"))
    assert (plain.media.rtcp_mux, b"rtcp-mux" in plain.body) == (False, False)
    muxed = answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0", "a=rtcp-mux"))
    assert (muxed.media.rtcp_mux, b"a=rtcp-mux\r\n" in muxed.body) == (True, True)
    waiting, body = create_offer(LOCAL)
    assert b"a=rtcp-mux\r\n" in body
    assert accept_answer(waiting, muxed.body).media.rtcp_mux
    assert not accept_answer(waiting, plain.body).media.rtcp_mux


@pytest.mark.parametrize(
    ("line", "port"),
    [("a=rtcp:5001", 5001), ("a=rtcp:5001 IN IP4 192.0.2.1", 5001), ("a=rtcp:x", 0), ("a=x", 0)],
)
def test_the_peer_says_where_its_rtcp_port_is(line: str, port: int) -> None:
    """RFC 3605."""
    assert answer_offer(LOCAL, offer("m=audio 4000 RTP/AVP 0", line)).media.rtcp_port == port


def test_what_belongs_to_browsers_is_ignored_and_media_stay_in_order() -> None:
    lines = (
        "a=group:BUNDLE a v",
        "m=audio 4000 RTP/AVP 0",
        "a=mid:a",
        "a=ice-ufrag:x",
        "a=candidate:1 1 UDP 1 ::1 9 typ host",
    )
    settled = answer_offer(LOCAL, offer(*lines, "m=video 4002 RTP/AVP 96", "m=image 4004 udptl t38"))
    answer = Description.parse(settled.body)
    assert [(media.kind, media.port) for media in answer.media] == [
        ("audio", 20000),
        ("video", 0),
        ("image", 0),
    ]
    assert "mid" not in settled.body.decode()
    assert "group" not in settled.body.decode()


def test_ipv6_addresses_are_written_as_such() -> None:
    body = b"v=0\r\no=- 5 1 IN IP6 2001:db8::1\r\nc=IN IP6 2001:db8::1\r\nm=audio 4000 RTP/AVP 0\r\n"
    settled = answer_offer(Local("2001:db8::2", 20000, 77), body)
    assert settled.media.remote_host == "2001:db8::1"
    assert b"c=IN IP6 2001:db8::2\r\n" in settled.body


V6 = replace(LOCAL, host="2001:db8::2")


@pytest.mark.parametrize(
    ("local", "theirs", "good"),
    [
        (V6, "IP6 2001:db8::1", True),
        (V6, "IP4 192.0.2.1", False),
        (LOCAL, "IP6 2001:db8::1", False),
        (V6, "IP4 phone.example.com", True),  # the packets then go where the signalling comes from
        (V6, "IP4 0.0.0.0", True),  # hold
    ],
)
def test_audio_of_the_other_ip_version_is_refused_not_lost(local: Local, theirs: str, good: bool) -> None:
    body = f"v=0\r\no=- 5 1 IN IP4 192.0.2.1\r\nc=IN {theirs}\r\nm=audio 4000 RTP/AVP 0\r\n".encode()
    waiting, _ = create_offer(local)
    if good:
        answer = answer_offer(local, body).body
        assert f"c=IN {'IP6' if local is V6 else 'IP4'} {local.host}\r\n".encode() in answer
        accept_answer(waiting, body)
    else:
        with pytest.raises(NotAcceptable):
            answer_offer(local, body)
        with pytest.raises(NotAcceptable):
            accept_answer(waiting, body)
