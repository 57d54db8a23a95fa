"""RTP packets."""

from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.media import rtp


@given(
    st.integers(0, 71),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=400),
    st.booleans(),
)
def test_what_is_built_is_parsed(
    kind: int, sequence_number: int, rtp_timestamp: int, ssrc: int, payload: bytes, marker: bool
) -> None:
    packet = rtp.parse(rtp.build(kind, sequence_number, rtp_timestamp, ssrc, payload, marker))
    assert packet == (kind, marker, sequence_number, rtp_timestamp, ssrc, payload)


@settings(max_examples=500)
@given(st.binary(max_size=64))
def test_garbage_is_a_packet_or_none(data: bytes) -> None:
    packet = rtp.parse(data)
    assert packet is None or (0 <= packet.payload_type <= 127 and packet.payload in data)


@given(st.binary(max_size=64))
def test_version_2_with_any_rest_is_a_packet_or_none(data: bytes) -> None:
    for first in (0x80, 0xA0, 0x90, 0xBF):
        packet = rtp.parse(bytes((first,)) + data)
        assert packet is None or packet.payload in data


def test_csrcs_extension_and_padding_are_not_payload() -> None:
    header = bytes((0x80 | 0x20 | 0x10 | 2, 8)) + bytes(10)
    data = header + b"CSR1CSR2" + b"\xbe\xde\x00\x01" + b"EXT!" + b"audio" + b"\x00\x00\x03"
    packet = rtp.parse(data)
    assert packet is not None
    assert packet.payload == b"audio"


def test_padding_longer_than_the_packet_is_refused() -> None:
    assert rtp.parse(bytes((0xA0, 0)) + bytes(10) + b"aud\xff") is None
    assert rtp.parse(bytes((0xA0, 0)) + bytes(10) + b"aud\x00") is None


def test_extension_beyond_the_end_is_refused() -> None:
    assert rtp.parse(bytes((0x90, 0)) + bytes(10) + b"\x00\x00\xff\xff") is None
    assert rtp.parse(bytes((0x90, 0)) + bytes(10)) is None


def test_rtcp_on_the_rtp_port_is_no_rtp() -> None:
    assert rtp.parse(bytes((0x80, 200)) + bytes(26)) is None


def test_other_versions_and_stun_are_no_rtp() -> None:
    assert rtp.parse(bytes(20)) is None
    assert rtp.parse(b"\x40" + bytes(19)) is None


def test_datagrams_too_large_for_audio_are_refused() -> None:
    assert rtp.parse(bytes((0x80, 0)) + bytes(65000)) is None
