"""What the doctor makes of evidence: responses of PBXs as they are sent, and streams of packets."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from voicebot.doctor import Evidence, Finding, checks, echo
from voicebot.doctor.evidence import Change, Heard
from voicebot.doctor.settings import SETTINGS, settings_for
from voicebot.media.g711 import PCMA, PCMU
from voicebot.sip import Address
from voicebot.sip.message import Response, parse

OURS, PEER = Address("udp", "192.0.2.9", 5099), Address("udp", "9.8.7.6", 5060)
SDP = b"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"


def response(
    status: int, *headers: str, body: bytes = b"", via: str = ";received=192.0.2.9;rport=5099"
) -> Response:
    lines = [
        f"SIP/2.0 {status} Some reason",
        f"Via: SIP/2.0/UDP 192.0.2.9:5099;branch=z9hG4bK1{via}",
        "From: <sip:a@b>;tag=1",
        "To: <sip:c@d>;tag=2",
        "Call-ID: x",
        "CSeq: 1 INVITE",
        *headers,
        *(["Content-Type: application/sdp"] if body else []),
    ]
    message = parse("\r\n".join([*lines, "", ""]).encode() + body)
    assert isinstance(message, Response)
    return message


def answered(*headers: str, host: str = "9.8.7.6", contact: str = "9.8.7.6") -> Evidence:
    seen = Evidence(OURS, PEER, invited_at=10.0, pings=[0.02], large=200, large_bytes=1700)
    sdp = SDP % (host.encode(), host.encode())
    seen.final = (10.2, response(200, f"Contact: <sip:{contact}>", *headers, body=sdp))
    seen.options = response(200, "Server: Asterisk PBX 22")
    seen.answer = sdp
    seen.sent_audio = 100
    return seen


def stream(count: int = 100, host: str = "9.8.7.6", every: float = 0.02) -> list[Heard]:
    return [Heard(10.25 + n * every, host, 4000, 0, n, n * 160, 7, bytes(160)) for n in range(count)]


def found(name: str, seen: Evidence) -> Finding:
    return checks.CHECKS[name](seen)


def test_nothing_is_judged_that_was_not_seen() -> None:
    """A PBX that never says a word: the report says so once, and tests nothing else."""
    seen = Evidence(OURS, PEER, transports={"udp": "no answer to OPTIONS"})
    bad = {each.name for each in checks.findings(seen) if each.verdict != "not tested"}
    assert bad == {"reachable", "answer"}


def test_a_private_address_in_the_sdp_of_a_public_pbx_fails() -> None:
    assert found("sdp-address", answered(host="192.168.1.20")).verdict == "fail"
    assert found("contact", answered(contact="192.168.1.20")).verdict == "fail"
    assert found("contact", answered("Record-Route: <sip:9.8.7.6;lr>", contact="10.0.0.1")).verdict == "ok"
    assert found("sdp-address", answered()).text == "9.8.7.6:4000"


def test_a_call_that_the_other_side_ends_says_after_how_long() -> None:
    seen = answered()
    assert found("stability", seen).verdict == "ok"
    seen.ended_by_peer = 11.0
    assert found("stability", seen) == Finding("stability", "warn", "the other side hung up after 0.8 s")


def test_audio_from_another_address_than_the_sdp_says_is_a_warning() -> None:
    seen = answered()
    seen.heard = stream(host="203.0.113.4")
    assert found("sdp-address", seen).verdict == "warn"


@pytest.mark.parametrize(
    ("via", "verdict", "words"),
    [
        (";received=192.0.2.9;rport=5099", "ok", "no NAT"),
        (";received=203.0.113.8;rport=31000", "ok", "behind a NAT"),
        (";rport", "warn", "empty"),
        ("", "warn", "empty"),
    ],
)
def test_the_via_of_an_answer_tells_how_the_pbx_sees_us(via: str, verdict: str, words: str) -> None:
    seen = Evidence(OURS, PEER, options=response(200, via=via))
    assert found("rport", seen).verdict == verdict
    assert words in found("rport", seen).text


def test_a_pbx_that_wants_encryption_is_not_said_to_lack_a_codec_alone() -> None:
    seen = answered()
    seen.final = (10.1, response(488))
    assert "SRTP" in found("codec", seen).text
    assert "media_encryption" in settings_for("codec", seen.software)["Asterisk"]


def test_a_refused_password_is_told_from_one_that_is_missing() -> None:
    challenge = response(401, 'WWW-Authenticate: Digest realm="x", nonce="y", algorithm=MD5')
    seen = answered()
    assert "known by address" in found("authentication", seen).text
    seen.challenges, seen.credentials = [challenge], True
    assert found("authentication", seen).text == "password accepted (MD5)"
    seen.final = (10.1, challenge)
    assert found("authentication", seen).text == "401: user or password is wrong"
    seen.credentials = False
    assert "--password-env" in found("authentication", seen).text


@pytest.mark.parametrize(
    ("headers", "verdict", "text"),
    [
        (["Session-Expires: 1800;refresher=uac"], "ok", "1800 s, we refresh"),
        (["Session-Expires: 60;refresher=uas"], "warn", "60 s, it refreshes"),
        (["Session-Expires: 1800"], "warn", "1800 s, nobody is named to refresh"),
        (["Supported: timer"], "ok", "supported, not asked for"),
    ],
)
def test_the_session_timer_is_read(headers: Sequence[str], verdict: str, text: str) -> None:
    finding = found("session-timer", answered(*headers))
    assert (finding.verdict, finding.text) == (verdict, text)


def test_without_refer_in_allow_transfers_are_warned_of() -> None:
    assert found("refer", answered("Allow: INVITE, ACK, BYE")).verdict == "warn"
    assert found("refer", answered("Allow: INVITE, ACK, BYE, REFER")).verdict == "ok"
    assert found("refer", answered()).verdict == "not tested"
    seen = answered("Allow: REFER")
    seen.refer, seen.refer_told = 486, True
    assert found("refer", seen).text == "the transfer failed: 486"
    seen.refer = 180
    assert found("refer", seen).verdict == "warn", "it may yet be answered"


def test_a_change_without_answer_is_told_from_one_refused() -> None:
    seen = answered("Allow: UPDATE")
    seen.update = Change(0)
    assert found("update", seen).text == "allowed, but UPDATE is not answered"
    seen.update = Change(405)
    assert found("update", seen).text == "allowed, but UPDATE is refused: 405"


def test_silence_that_is_not_sent_is_no_loss_and_no_gap() -> None:
    seen = answered()
    spoken = stream(50)
    later = [
        each._replace(at=each.at + 2.0, rtp_timestamp=each.rtp_timestamp + 16000) for each in stream(100)[50:]
    ]
    seen.heard = spoken + later
    assert found("silence-suppression", seen).verdict == "warn"
    assert found("loss", seen).verdict == found("gaps", seen).verdict == "ok"


def test_packets_of_30_ms_and_holes_of_the_network_are_found() -> None:
    seen = answered()
    seen.heard = [
        each._replace(payload=bytes(240), rtp_timestamp=n * 240) for n, each in enumerate(stream(every=0.03))
    ]
    assert found("ptime", seen) == Finding("ptime", "warn", "packets of 30 ms")
    seen.heard = [each._replace(at=each.at + (0.3 if n >= 60 else 0.0)) for n, each in enumerate(stream())]
    assert found("gaps", seen).text == "longest 320 ms between packets"
    assert found("gaps", seen).verdict == "warn"


def test_the_large_request_that_is_lost_fails() -> None:
    seen = answered()
    seen.large = 0
    assert found("large-request", seen).verdict == "fail"


# --- the chirp


def echoed(samples: "np.typing.NDArray[np.int16]", delay: float, law: object = PCMU) -> list[Heard]:
    payload = (PCMA if law is PCMA else PCMU).encode(samples)
    kind = 8 if law is PCMA else 0
    return [
        Heard(delay + at / 8000, "192.0.2.1", 4000, kind, at // 160, at, 7, payload[at : at + 160])
        for at in range(0, len(payload), 160)
    ]


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_the_chirp_is_found_in_what_comes_back(law: object) -> None:
    sound = echo.chirp()
    line = np.concatenate([np.zeros(800, np.int16), (sound // 2).astype(np.int16), np.zeros(4000, np.int16)])
    result = echo.find(echoed(line, 5.05, law), sound, PCMU.encode(sound), 5.0)
    assert result is not None
    assert result.delay == pytest.approx(0.15, abs=0.003)
    assert not result.exact


def test_neither_silence_nor_noise_nor_a_tone_is_an_echo() -> None:
    sound, rng = echo.chirp(), np.random.default_rng(1)
    noise = (rng.standard_normal(16000) * 3000).astype(np.int16)
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 8000)).astype(np.int16)
    for line in (np.zeros(16000, np.int16), noise, tone):
        assert echo.find(echoed(line, 5.0), sound, PCMU.encode(sound), 5.0) is None
    assert echo.find([], sound, b"", 0.0) is None


# --- the page


def test_every_finding_has_its_anchor_and_every_setting_a_finding() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
    assert re.findall(r"^### (\S+)$", page, re.MULTILINE) == list(checks.CHECKS)
    assert SETTINGS.keys() <= checks.CHECKS.keys()


def test_the_setting_is_that_of_the_pbx_that_answered() -> None:
    assert list(settings_for("dtmf", "Asterisk PBX 22.1")) == ["Asterisk"]
    assert list(settings_for("dtmf", "FPBX-17")) == ["Asterisk"]
    assert {"Asterisk", "FreeSWITCH", "3CX", "Cisco CUCM"} <= settings_for("dtmf", "Some SBC").keys()


@pytest.mark.parametrize(
    "server", ["Asterisk PBX 22", "FreeSWITCH-mod_sofia", "3CXPhoneSystem", "Cisco-CUCM14", "kamailio"]
)
def test_whatever_may_be_wrong_has_its_setting_at_every_pbx_that_has_a_page(server: str) -> None:
    never_wrong = {"transports", "100rel", "dtmf-info"}
    assert [
        name for name in checks.CHECKS if name not in never_wrong and not settings_for(name, server)
    ] == []
