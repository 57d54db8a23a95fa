"""Session descriptions as peers write them."""

import pytest

from voicebot.sdp import Description, RtpMap, SdpError

TYPICAL = (
    b"v=0\r\no=alice 2890844526 2890842807 IN IP4 192.0.2.1\r\ns=A call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"a=recvonly\r\n"
    b"m=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    b"a=fmtp:101 0-15\r\na=ptime:30\r\n"
    b"m=video 51372/2 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\na=sendrecv\r\n"
)


def test_a_typical_description_is_understood() -> None:
    found = Description.parse(TYPICAL)
    audio, video = found.media
    assert (found.origin.id, found.origin.version, found.name) == (2890844526, 2890842807, "A call")
    assert (audio.kind, audio.port, audio.protocol, audio.payload_types) == (
        "audio",
        49170,
        "RTP/AVP",
        (0, 8, 101),
    )
    assert audio.rtpmaps == {0: RtpMap("PCMU", 8000), 101: RtpMap("TELEPHONE-EVENT", 8000)}
    assert audio.parameters == {101: "0-15"}
    assert audio.attribute("ptime") == "30"
    assert found.host_of(audio) == "192.0.2.1"
    assert found.host_of(video) == "2001:db8::1"
    assert found.direction_of(audio) == "recvonly"
    assert found.direction_of(video) == "sendrecv"
    assert video.port == 51372


def test_what_is_printed_reads_the_same() -> None:
    found = Description.parse(TYPICAL)
    assert Description.parse(found.to_bytes()) == found


def test_bare_line_feeds_blanks_and_missing_lines_are_tolerated() -> None:
    found = Description.parse(b"v=0\ns=-\n\nc=IN IP4 192.0.2.1 \nm=audio 4000 RTP/AVP  0\nz=odd\n")
    assert found.media[0].payload_types == (0,)
    assert found.host == "192.0.2.1"
    assert found.times == ("0 0",)


def test_an_odd_origin_does_not_cost_the_call() -> None:
    assert Description.parse(b"v=0\r\no=x abc def IN IP4 h\r\nm=audio 1 RTP/AVP 0\r\n").origin.id == 0


def test_odd_rtpmaps_are_left_out() -> None:
    body = b"v=0\r\nm=audio 1 RTP/AVP 96\r\na=rtpmap:x PCMU/8000\r\na=rtpmap:96\r\na=rtpmap:97 PCMU\r\n"
    assert Description.parse(body).media[0].rtpmaps == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"m=audio 1 RTP/AVP 0",
        b"v=0\r\nm=audio 70000 RTP/AVP 0",
        b"v=0\r\nm=audio x RTP/AVP 0",
        b"v=0\r\nm=audio",
        b"v=0\r\nc=IN IP4",
        b"v=0\r\nc=XX IP4 192.0.2.1",
        b"v=0\r\nnonsense",
        b"v=0\r\n" + b"a=x\r\n" * 600,
        b"v=0" + b"\r\n" * 40_000,
    ],
)
def test_nonsense_is_one_named_error(body: bytes) -> None:
    with pytest.raises(SdpError):
        Description.parse(body)
