"""SIPp calls the hotline, as well-behaved and as badly as a SIP peer can be."""

from pathlib import Path

import numpy as np
import pytest

from tests.interop import keys_pcap
from tests.interop import scenario as sip
from tests.interop.audio import CALLER_HZ, seconds_in, ulaw_file
from tests.interop.report import features_of
from tests.interop.rtp_gaps import capturing
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline, keys_of
from voicebot.media.tones import tone

pytestmark = pytest.mark.usefixtures("sipp_program")
feature = features_of("SIPp")

AUTH_HOST = "127.0.0.9"  # calls from here need a password


@pytest.fixture(scope="module")
def config() -> Config:
    return {
        "sip": {"auth": {"realm": "interop", "users": {"frontdoor": "sesame"}}},
        "trunks": {
            "local": {"networks": ["127.0.0.0/8"], "dialplan": "main"},
            "guarded": {"networks": [f"{AUTH_HOST}/32"], "dialplan": "main", "auth": True},
        },
    }


@feature("embedded `uac` scenario")
def test_embedded_uac_scenario_succeeds(hotline: Hotline, sipp: Sipp) -> None:
    sipp.call("uac", hotline.port, calls=10).check(10)
    hotline.new_record(calls=10)


@feature("G.711 both ways")
def test_what_the_caller_sends_is_in_the_recording(hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    audio = ulaw_file(tmp_path / "tone.ulaw", tone((CALLER_HZ,), 10.0))
    offer = sip.sdp(port="rtpstream_audio_port")
    begun = sip.connect(offer, sip.must_match("RTP/AVP 0 101"))
    steps = [begun, sip.action(rtp_stream=f"{audio},-1,0"), sip.pause(4), sip.hang_up()]
    with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture:
        sipp.call(steps, hotline.port).check()
    record = hotline.new_record()
    (stream,) = capture.streams()
    assert stream.lost == 0
    assert len(stream.times) == pytest.approx(200, abs=12)
    recording = hotline.data / "recordings" / record["recording"]
    assert seconds_in(recording, CALLER_HZ) > 2.5


@feature("A-law")
def test_an_offer_of_a_law_alone_is_answered_with_it(hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    offer = sip.sdp("m=audio [{port}] RTP/AVP 8", "a=rtpmap:8 PCMA/8000")
    steps = [sip.connect(offer, sip.must_match("RTP/AVP 8")), sip.pause(1), sip.hang_up()]
    with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture:
        sipp.call(steps, hotline.port).check()
    assert [len(each.times) > 30 for each in capture.streams(frozenset({8}))] == [True]


@feature("keys, RFC 4733, payload type 96 (SIPp's own)")
def test_keys_that_sipp_plays_are_understood(hotline: Hotline, sipp: Sipp) -> None:
    media = ("m=audio [{port}] RTP/AVP 0 96", "a=rtpmap:0 PCMU/8000", "a=rtpmap:96 telephone-event/8000")
    begun = sip.connect(sip.sdp(*media), sip.must_match("rtpmap:96 telephone-event"))
    steps = [begun, sip.pause(1), sip.action(play_dtmf="159024"), sip.hung_up()]
    sipp.call(steps, hotline.port, number="701").check()
    assert keyed(hotline) == "159024"


FAULTS = {
    "none": keys_pcap.Faults(),
    "end packets lost": keys_pcap.Faults(no_end=True),
    "first packets lost": keys_pcap.Faults(no_start=True),
    "every packet twice": keys_pcap.Faults(doubled=True),
    "packets in wrong order": keys_pcap.Faults(swapped=True),
}


@feature("keys, RFC 4733, payload type 101, also with lost, doubled and swapped packets")
@pytest.mark.parametrize("fault", FAULTS)
def test_keys_are_understood_once_each(fault: str, hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    pcap = keys_pcap.write(tmp_path / "keys.pcap", "112358", faults=FAULTS[fault])
    steps = [sip.connect(), sip.action(play_pcap_audio=pcap), sip.hung_up()]
    sipp.call(steps, hotline.port, number="701").check()
    assert keyed(hotline) == "112358"


def keyed(hotline: Hotline) -> str:
    record = hotline.new_record()
    assert record["ended_by"] == "bot", record
    return keys_of(record)


@feature("late offer (INVITE without SDP)")
def test_a_late_offer_is_made_and_its_answer_taken(hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    pcap = keys_pcap.write(tmp_path / "keys.pcap", "112358")
    steps = [sip.invite(""), sip.answered(sip.must_match("m=audio [0-9]+ RTP/AVP")), sip.ack(1, sip.sdp())]
    steps += [sip.action(play_pcap_audio=pcap), sip.hung_up()]
    sipp.call(steps, hotline.port, number="701").check()


@feature("hold and resume by re-INVITE")
def test_nothing_is_sent_to_a_caller_who_holds(hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    held = sip.must_match("a=(recvonly|inactive)")
    steps = [sip.connect(), sip.pause(1)]
    steps += [sip.reinvite(2, sip.sdp(version=2, direction="sendonly"), held), sip.pause(2)]
    steps += [sip.reinvite(3, sip.sdp(version=3), sip.must_match("a=sendrecv|telephone-event")), sip.pause(1)]
    inactive = sip.sdp(version=4, direction="inactive")
    steps += [sip.reinvite(4, inactive, sip.must_match("a=inactive")), sip.pause(2)]
    steps += [sip.reinvite(5, sip.sdp(version=5)), sip.pause(1), sip.hang_up(6)]
    with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture:
        sipp.call(steps, hotline.port).check()
    (stream,) = capture.streams()
    pauses = [gap for gap in np.diff(np.array(stream.times)) if gap > 0.5]
    assert pauses == pytest.approx([2.0, 2.0], abs=0.3)


@feature("old-style hold (c=0.0.0.0)")
def test_an_old_style_hold_is_understood(hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    held, resumed = sip.sdp(version=2, host="0.0.0.0"), sip.sdp(version=3)
    steps = [sip.connect(), sip.pause(1), sip.reinvite(2, held), sip.pause(2), sip.reinvite(3, resumed)]
    steps += [sip.pause(1), sip.hang_up(4)]
    with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture:
        sipp.call(steps, hotline.port).check()
    (stream,) = capture.streams()
    assert [gap for gap in np.diff(np.array(stream.times)) if gap > 0.5] == pytest.approx([2.0], abs=0.3)


@feature("CANCEL")
def test_cancel_is_answered_and_no_call_is_left(hotline: Hotline, sipp: Sipp) -> None:
    """The hotline answers at once, so that the CANCEL crosses the 200; then the caller hangs up (RFC 3261 section 9.1)."""
    cancel = sip.request("CANCEL", 1, dialog=False, branch="[branch-5]", retransmit=False)
    cancelled = sip.recv(200, sip.must_match("CANCEL", header="CSeq:"))
    steps = [sip.invite(), sip.answered(), cancel, cancelled, sip.ack(), sip.hang_up()]
    sipp.call(steps, hotline.port).check()
    hotline.new_record()


@feature("BYE without ACK")
def test_a_bye_before_the_ack_ends_the_call(hotline: Hotline, sipp: Sipp) -> None:
    sipp.call([sip.invite(), sip.answered(), sip.request("BYE", 2), sip.recv(200)], hotline.port).check()
    assert hotline.new_record()["ended_by"] == "caller"


@feature("hang-up by the hotline")
def test_the_hotline_hangs_up_by_bye(hotline: Hotline, sipp: Sipp) -> None:
    steps = [sip.connect(), sip.hung_up()]
    sipp.call(steps, hotline.port, number="705").check()
    assert hotline.new_record()["ended_by"] == "bot"


@feature("OPTIONS")
def test_options_is_answered_with_what_is_allowed(hotline: Hotline, sipp: Sipp) -> None:
    allowed = sip.must_match("INVITE", header="Allow:")
    sipp.call([sip.request("OPTIONS", 1, dialog=False), sip.recv(200, allowed)], hotline.port).check()


@feature("unknown method: 405")
def test_an_unknown_method_gets_405_with_allow(hotline: Hotline, sipp: Sipp) -> None:
    steps = [sip.request("DANCE", 1, dialog=False), sip.recv(405, sip.must_match("INVITE", header="Allow:"))]
    sipp.call(steps, hotline.port).check()


@feature("Require of an unknown extension: 420")
def test_an_unknown_extension_gets_420_with_its_name(hotline: Hotline, sipp: Sipp) -> None:
    names = sip.must_match("telepathy", header="Unsupported:")
    steps = [sip.invite(headers=["Require: telepathy"]), sip.refused(420, names)]
    sipp.call(steps, hotline.port).check()


@feature("unknown body: 415")
def test_an_unknown_body_gets_415_with_what_is_accepted(hotline: Hotline, sipp: Sipp) -> None:
    steps = [sip.invite("<x/>", content_type="application/xml")]
    steps.append(sip.refused(415, sip.must_match("application/sdp", header="Accept:")))
    sipp.call(steps, hotline.port).check()


@feature("SDP that is none: 400")
def test_a_broken_sdp_gets_400(hotline: Hotline, sipp: Sipp) -> None:
    sipp.call([sip.invite("this is no SDP"), sip.refused(400)], hotline.port).check()


@feature("no codec or cipher in common: 488")
@pytest.mark.parametrize(
    "media",
    [
        ("m=audio [{port}] RTP/AVP 97", "a=rtpmap:97 G7221/16000"),
        ("m=video [{port}] RTP/AVP 98", "a=rtpmap:98 H264/90000"),
        ("m=audio [{port}] RTP/SAVP 0", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + "A" * 40),
    ],
    ids=["codec", "video alone", "a cipher that we do not know"],
)
def test_an_offer_without_common_ground_gets_488(
    media: tuple[str, ...], hotline: Hotline, sipp: Sipp
) -> None:
    sipp.call([sip.invite(sip.sdp(*media)), sip.refused(488)], hotline.port).check()


@feature("INVITE and ACK arrive twice")
def test_a_repeated_invite_is_one_call(hotline: Hotline, sipp: Sipp) -> None:
    before = len(hotline.calls())
    steps = [sip.invite(retransmit=False), sip.answered(), sip.invite(branch="[branch-5]", retransmit=False)]
    steps += [sip.ack(), sip.ack(branch="[branch-1]"), sip.pause(1), sip.hang_up()]
    sipp.call(steps, hotline.port).check()
    assert len(hotline.calls()) == before + 1


@feature("INFO in a call")
def test_info_in_a_call_is_answered(hotline: Hotline, sipp: Sipp) -> None:
    info = sip.request("INFO", 2, "Signal=5\nDuration=160", content_type="application/dtmf-relay")
    steps = [sip.connect(), sip.pause(0.5), info, sip.recv(200), sip.hang_up(3)]
    sipp.call(steps, hotline.port).check()


@feature("digest authentication")
def test_a_trunk_with_auth_asks_for_the_password(hotline: Hotline, sipp_program: str, tmp_path: Path) -> None:
    credentials = "[authentication username=frontdoor password=sesame]"
    uri = ("-auth_uri", f"700@127.0.0.1:{hotline.port}")  # SIPp leaves the user out, if not told
    challenge = progress_to_challenge()
    steps = [
        sip.invite(),
        challenge,
        sip.request("INVITE", 2, sip.sdp(), headers=[credentials], dialog=False),
    ]
    steps += [sip.answered(), sip.ack(2), sip.pause(0.5), sip.hang_up(3)]
    Sipp(tmp_path / "right", AUTH_HOST).call(steps, hotline.port, options=uri).check()
    wrong = credentials.replace("sesame", "barley")
    steps = [sip.invite(), challenge, sip.request("INVITE", 2, sip.sdp(), headers=[wrong], dialog=False)]
    steps += [sip.progress(), sip.recv(401, options='auth="true"'), sip.ack_refusal(2)]
    before = len(hotline.calls())
    Sipp(tmp_path / "wrong", AUTH_HOST).call(steps, hotline.port, options=uri).check()
    assert len(hotline.calls()) == before


def progress_to_challenge() -> str:
    return sip.progress() + sip.recv(401, options='auth="true"') + sip.ack_refusal()


@feature("no ACK: 200 is repeated, then BYE")
def test_a_caller_who_never_acknowledges_is_hung_up(hotline: Hotline, sipp: Sipp) -> None:
    """RFC 3261 section 13.3.1.4: after 64*T1."""
    steps = [sip.invite(), sip.answered(), sip.hung_up(options='timeout="40000"')]
    run = sipp.call(steps, hotline.port, limit=50)
    run.check()
    assert run.messages.count("SIP/2.0 200 OK") >= 8
    assert hotline.new_record()["disposition"] == "unanswered"
