"""No secret stays in a SIP message that is kept, and nothing else is lost (style: RFC 3261, 4568, 7616)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.sip.captured import SipMessage, pack, unpack
from voicebot.sip.masking import masked

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0LWtleS1zZWNyZXQta2V5LXNlY3JldA==|2^20\r\na=sendrecv\r\n"
)


def message(start: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([start, *headers, b"", body])


def test_keys_of_srtp_are_masked_and_the_rest_of_the_sdp_stays() -> None:
    whole = message(b"INVITE sip:700@192.0.2.1 SIP/2.0", b"Content-Type: application/sdp", body=SDP)
    kept = masked(whole)
    assert b"c2VjcmV0" not in kept
    assert b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 ***\r\n" in kept
    assert b"m=audio 4000 RTP/SAVP 0" in kept
    assert kept.endswith(b"a=sendrecv\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b" a=crypto :1 A inline:SECRET",
        b"a=ptime:20\ra=crypto:1 A inline:SECRET",
        b"a=crypto:1 inline : SECRET",
    ],
)
def test_keys_of_srtp_are_masked_however_a_peer_writes_them(line: bytes) -> None:
    whole = message(
        b"INVITE sip:x SIP/2.0", b"Content-Type: application/sdp", body=b"v=0\r\n" + line + b"\r\n"
    )
    assert b"SECRET" not in masked(whole)


@pytest.mark.parametrize("gap", [b"\n\r\n", b"\r\n\n", b"\n\n"])
def test_a_body_is_one_after_any_blank_line(gap: bytes) -> None:
    info = b"INFO sip:x SIP/2.0\nContent-Type: application/dtmf-relay" + gap + b"Signal=4\r\n\r\nDuration=1"
    assert b"Signal" not in masked(info)


def test_digest_answers_are_masked_also_when_folded_and_other_schemes_whole() -> None:
    digest = b'Digest username="bob", realm="x", nonce="n", uri="sip:x",\r\n response="deadbeef", cnonce="c0ffee", nc=00000001'
    kept = masked(message(b"REGISTER sip:x SIP/2.0", b"Authorization: " + digest, b"Max-Forwards: 70"))
    assert b"deadbeef" not in kept
    assert b"c0ffee" not in kept
    assert b'username="bob"' in kept
    assert b"Max-Forwards: 70" in kept
    kept = masked(
        message(b"REGISTER sip:x SIP/2.0", b"proxy-authorization: Basic Ym9iOnNlY3JldA==", b"To: x")
    )
    assert kept == message(b"REGISTER sip:x SIP/2.0", b"proxy-authorization: Basic ***", b"To: x")


@pytest.mark.parametrize(
    "field",
    [
        b'Authorization:\r\n Digest username="u",\r\n\tresponse="SECRET"',
        b'Authorization: Digest response="a\\"SECRET", nc=00000001',
        b'Authorization: Digest response="a\r\n SECRET"',
        b"Proxy-Authorization:\r\n Basic SECRET",
        b'Authentication-Info: rspauth="SECRET", cnonce="SECRET", nc=00000001',
        b'Proxy-Authentication-Info: qop=auth,\r\n rspauth="SECRET"',
        b"Contact: <sip:u:SECRET@192.0.2.1:5060>",
    ],
)
def test_credentials_are_masked_wherever_a_header_has_them(field: bytes) -> None:
    """RFC 3261 section 7.3.1 lets a field begin on the next line; RFC 7616 section 3.5: rspauth is made like response."""
    assert b"SECRET" not in masked(message(b"REGISTER sip:x SIP/2.0", field, b"Max-Forwards: 70"))


def test_ports_and_users_are_no_passwords() -> None:
    whole = message(
        b"INVITE sip:700@192.0.2.1:5060 SIP/2.0",
        b"Route: <sip:192.0.2.1:5060;lr>, <sip:a@b:5060>",
        b"From: <sip:a;b=1@c>;tag=1",
    )
    assert masked(whole) == whole


@pytest.mark.parametrize(
    ("start", "kind", "body"),
    [
        (
            b"NOTIFY sip:x SIP/2.0",
            b"multipart/mixed;boundary=b",
            b"--b\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=SECRET\r\n--b--\r\n",
        ),
        (
            b"NOTIFY sip:x SIP/2.0",
            b"message/sipfrag",
            b'INVITE sip:y SIP/2.0\r\nAuthorization: Digest response="SECRET"\r\n',
        ),
        (
            b"INVITE sip:x SIP/2.0",
            b"multipart/mixed;boundary=b",
            b"--b\r\n\r\na=crypto:1 A inline:SECRET\r\n--b--\r\n",
        ),
    ],
)
def test_secrets_in_parts_of_a_body_are_not_kept(start: bytes, kind: bytes, body: bytes) -> None:
    assert b"SECRET" not in masked(message(start, b"Content-Type: " + kind, body=body))


def test_digits_and_texts_in_bodies_are_not_kept() -> None:
    for start, kind, body in (
        (b"INFO sip:x SIP/2.0", b"application/dtmf-relay", b"Signal=4\r\nDuration=160\r\n"),
        (b"INFO sip:x SIP/2.0", b"application/sdp", b"4711"),
        (b"MESSAGE sip:x SIP/2.0", b"text/plain", b"my pin is 4711"),
        (b"NOTIFY sip:x SIP/2.0", b"application/kpml-response+xml", b"<digits>4711</digits>"),
    ):
        kept = masked(message(start, b"c: " + kind, body=body))
        assert kept == message(start, b"c: " + kind, body=b"[%d bytes not shown]" % len(body))


@given(st.binary(max_size=400))
def test_any_bytes_are_taken_and_come_back_from_the_packing(data: bytes) -> None:
    item = SipMessage(1.5, True, "udp", "127.0.0.1:5060", "127.0.0.2:5060", data)
    assert unpack(pack([item])) == (item._replace(data=masked(data)),)
