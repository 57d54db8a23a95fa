"""Ringing and early media, before calls to the hotline are answered."""

from pathlib import Path

import pytest

from tests.interop import scenario as sip
from tests.interop.audio import AGENT_HZ, loud_seconds, seconds_in, ulaw_file
from tests.interop.baresip import Baresip
from tests.interop.rtp_gaps import capturing
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline
from voicebot.media.tones import tone
from voicebot.media.wav import read_wav


@pytest.fixture(scope="module")
def dialplan() -> Path:
    return Path(__file__).parent / "early.yaml"


@pytest.fixture(scope="module")
def config(agent_port: int) -> Config:
    return {"agents": {"desk": {"uri": f"sip:6001@127.0.0.1:{agent_port}", "skills": {}}}}


def prack(cseq: int) -> str:
    """Return the steps that acknowledge a reliable 183: its RSeq is in `sequence`."""
    return sip.request("PRACK", cseq, headers=["RAck: [$sequence] 1 INVITE"]) + sip.recv(200)


EARLY = sip.recv(100, optional=True) + sip.recv(
    183,
    sip.must_match("100rel", header="Require:"),
    sip.must_match("RTP/AVP 0 101"),
    sip.keep("sequence", "[0-9]+", header="RSeq:"),
)


@pytest.mark.feature("SIPp", "our 180, then 200")
def test_it_rings_before_it_is_answered(hotline: Hotline, sipp: Sipp) -> None:
    steps = [
        sip.invite(),
        sip.recv(100, optional=True),
        sip.recv(180),
        sip.recv(200),
        sip.ack(),
        sip.pause(1),
    ]
    sipp.call([*steps, sip.hang_up()], hotline.port, number="711").check()
    record = hotline.new_record()
    assert record["disposition"] == "answered"


@pytest.mark.feature("SIPp", "our early media with PRACK, then 486")
def test_an_announcement_is_heard_and_the_call_refused(hotline: Hotline, sipp: Sipp, tmp_path: Path) -> None:
    steps = [sip.invite(headers=["Supported: 100rel"]), EARLY, prack(2), sip.recv(486), sip.ack_refusal()]
    with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture:
        sipp.call(steps, hotline.port, number="712").check()
    record = hotline.new_record()
    assert (record["disposition"], record["release_cause"], record["answered_at"]) == (
        "unanswered",
        "busy",
        None,
    )
    (stream,) = capture.streams()
    assert len(stream.times) > 100, "the announcement takes more than two seconds"


@pytest.mark.feature("SIPp", "our early media with PRACK, then 200")
def test_a_greeting_is_heard_before_the_answer(hotline: Hotline, sipp: Sipp) -> None:
    steps = [
        sip.invite(headers=["Require: 100rel"]),
        EARLY,
        prack(2),
        sip.recv(200, sip.must_match("RTP/AVP 0")),
    ]
    sipp.call([*steps, sip.ack(), sip.pause(1), sip.hang_up(3)], hotline.port, number="713").check()
    record = hotline.new_record()
    (answered,) = (each["offset"] for each in record["events"] if each["kind"] == "answered")
    assert answered > next(each["offset"] for each in record["events"] if each["kind"] == "said")


@pytest.mark.feature("SIPp", "CANCEL while we ring")
def test_a_caller_gives_up_while_it_rings(hotline: Hotline, sipp: Sipp) -> None:
    cancel = sip.request("CANCEL", 1, dialog=False, branch="[branch-3]")
    steps = [sip.invite(), sip.recv(100, optional=True), sip.recv(180), cancel, sip.recv(200)]
    sipp.call([*steps, sip.recv(487), sip.ack_refusal()], hotline.port, number="711").check()
    assert hotline.new_record()["release_cause"] == "cancelled"


@pytest.mark.usefixtures("baresip_program")
@pytest.mark.feature("baresip", "hears our early media, then is refused")
def test_baresip_hears_the_announcement_without_an_answer(hotline: Hotline, tmp_path: Path) -> None:
    with Baresip(tmp_path / "caller") as caller:
        caller.command("dial", hotline.uri("712"))
        closed = caller.wait_for("CALL_ESTABLISHED", "CALL_CLOSED", timeout=20)
        assert (closed["type"], closed["param"][:3]) == ("CALL_CLOSED", "486")
    assert loud_seconds(read_wav(caller.heard())) > 1.5
    assert hotline.new_record()["disposition"] == "unanswered"


@pytest.mark.usefixtures("baresip_program")
@pytest.mark.feature("SIPp", "early media of a phone that we call, then its answer")
def test_the_caller_hears_what_a_phone_plays_before_it_answers(
    hotline: Hotline, sipp: Sipp, agent_port: int, tmp_path: Path
) -> None:
    audio = ulaw_file(tmp_path / "tone.ulaw", tone((AGENT_HZ,), 20.0))
    body = sip.sdp(port="rtpstream_audio_port")
    steps = [
        sip.invited(),
        sip.respond(180, "Ringing"),
        sip.pause(1),
        sip.respond(183, "Session Progress", body),
    ]
    steps += [
        sip.action(rtp_stream=f"{audio},-1,0"),
        sip.pause(3),
        sip.respond(200, "OK", body),
        sip.recv("ACK"),
    ]
    steps += [sip.pause(2), sip.callee_hangs_up()]
    phone = sipp.begin(steps, port=agent_port)
    with Baresip(tmp_path / "caller") as caller:
        caller.dial(hotline.uri("714"))
        caller.wait_for("CALL_CLOSED", timeout=20)
    record = hotline.new_record()
    sipp.end(phone)
    kinds = [each["kind"] for each in record["events"]]
    assert kinds.index("early_media") < kinds.index("bridged")
    assert seconds_in(caller.heard(), AGENT_HZ) > 4.0
