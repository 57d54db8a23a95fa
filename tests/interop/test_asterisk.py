"""Asterisk 22 calls the hotline over its trunk, and is the PBX on which the agents' extensions live."""

from pathlib import Path

import numpy as np
import pytest

from tests.interop.asterisk_pbx import MUSIC_HZ, Asterisk
from tests.interop.audio import AGENT_HZ, CALLER_HZ, loud_seconds, seconds_in, tone_wav
from tests.interop.baresip import Baresip
from tests.interop.conftest import DIALPLAN
from tests.interop.report import features_of
from tests.interop.rtp_gaps import capturing
from tests.live.hotline import Config, Hotline, events, keys_of, running, wait_until
from voicebot.media.wav import read_wav

feature = features_of("Asterisk")


@pytest.fixture(scope="module")
def config(asterisk: Asterisk) -> Config:
    pbx = f"127.0.0.1:{asterisk.port}"
    return {
        "trunks": {"pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "host": pbx, "dial": ["6XXX"]}},
        "agents": {"one": {"uri": f"sip:6001@{pbx}", "skills": {}}},
    }


@feature("OPTIONS (qualify) is answered: the trunk is available")
def test_asterisk_finds_the_trunk_reachable(hotline: Hotline, asterisk: Asterisk) -> None:
    wait_until(lambda: asterisk.reaches("hotline"), 10.0, "the contact is available")


@feature("calls over the trunk: audio both ways, keys (RFC 4733, INFO), mu-law and A-law")
@pytest.mark.parametrize("trunk", ["hotline", "hotline-alaw", "hotline-info"])
def test_a_call_over_the_trunk_speaks_and_keys(trunk: str, hotline: Hotline, asterisk: Asterisk) -> None:
    call = asterisk.originate("701", "w:2|p:caller|d:314159|w:8", trunk=trunk, name=f"keys-{trunk}")
    call.wait()
    record = hotline.new_record()
    assert keys_of(record) == "314159"
    assert record["from_number"] == "5551234"
    assert record["ended_by"] == "bot"
    assert loud_seconds(read_wav(call.heard)) > 1.5
    assert seconds_in(Path(record["recording"]), CALLER_HZ) > 2.5


@feature("digest authentication towards the hotline")
def test_asterisk_calls_with_a_password(asterisk: Asterisk, guarded_port: int, tmp_path: Path) -> None:
    config = {
        "sip": {"auth": {"realm": "interop", "users": {"frontdoor": "sesame"}}},
        "trunks": {"pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "auth": True}},
    }
    with running(Hotline(tmp_path / "guarded", DIALPLAN, port=guarded_port, config=config)) as guarded:
        asterisk.originate("705", "w:10", trunk="hotline-auth", name="auth").wait()
        assert [each["ended_by"] for each in guarded.calls()] == ["bot"]


class Talk:
    """Asterisk's caller, and an agent's phone that is registered at Asterisk."""

    def __init__(self, asterisk: Asterisk, folder: Path, *, answers: bool = True) -> None:
        self.says = tone_wav(folder / "agent.wav", AGENT_HZ, 60)
        self.agent = Baresip(
            folder / "agent",
            "6001",
            says=self.says,
            answers=answers,
            registrar=f"127.0.0.1:{asterisk.port}",
            password="lab6001",
        )


@feature("is the agents' PBX: a registered phone is rung, audio both ways")
def test_the_agents_phone_at_asterisk_is_rung_and_both_hear_each_other(
    hotline: Hotline, asterisk: Asterisk, baresip_program: str, tmp_path: Path
) -> None:
    with Talk(asterisk, tmp_path).agent as agent:
        call = asterisk.originate("702", "w:1|p:caller|w:1", name="talk")
        agent.wait_for("CALL_ESTABLISHED", timeout=15)
        agent.wait_for("CALL_CLOSED", timeout=15)
        call.wait()
    record = hotline.new_record()
    assert (record["agent"], record["ended_by"]) == ("one", "caller")
    assert seconds_in(agent.heard(), CALLER_HZ) > 3.0
    assert seconds_in(call.heard, AGENT_HZ) > 3.0


@feature("is the agents' PBX: the agent hangs up, the caller is back in the dialplan")
def test_the_agent_at_asterisk_hangs_up(
    hotline: Hotline, asterisk: Asterisk, baresip_program: str, tmp_path: Path
) -> None:
    with Talk(asterisk, tmp_path).agent as agent:
        call = asterisk.originate("702", "w:20", name="agent-hangs-up")
        agent.wait_for("CALL_ESTABLISHED", timeout=15)
        agent.listen(2.0)
        agent.hang_up()
        call.wait()
    record = hotline.new_record()
    assert [each["exit"] for each in events(record, "queue_exit")] == ["agent_done"]
    assert record["ended_by"] == "bot"


@feature("is the agents' PBX: the ring ends when the caller is gone")
def test_the_agents_ring_ends_with_the_call(
    hotline: Hotline, asterisk: Asterisk, baresip_program: str, tmp_path: Path
) -> None:
    with Talk(asterisk, tmp_path, answers=False).agent as agent:
        call = asterisk.originate("702", "w:3", name="ring")
        wait_until(lambda: "Incoming call" in agent.log_text(), 10.0, "the agent's phone rings")
        call.wait()
        agent.wait_for("CALL_CLOSED", timeout=3)
    assert hotline.new_record()["agent"] == ""


@feature("is the agents' PBX: no phone is registered, the caller is told")
def test_without_a_registered_phone_the_caller_is_told(hotline: Hotline, asterisk: Asterisk) -> None:
    asterisk.originate("702", "w:40", name="nobody").wait(60.0)
    record = hotline.new_record()
    assert events(record, "agent_missed")
    assert any("Nobody can be reached" in each["text"] for each in events(record, "said"))


@feature("blind transfer (REFER) to an extension that answers")
def test_a_transferred_caller_hears_the_extension(hotline: Hotline, asterisk: Asterisk) -> None:
    call = asterisk.originate("703", "w:2|d:6002|w:7", name="transfer")
    record = hotline.new_record(20.0)
    assert record["release_cause"] == "transferred"
    assert [each["exit"] for each in events(record, "transfer_exit")] == ["transferred"]
    call.wait()
    assert seconds_in(call.heard, AGENT_HZ) > 2.0


@feature("blind transfer to an extension that is missing: the caller is told")
def test_a_transfer_to_a_missing_extension_fails_and_the_caller_is_told(
    hotline: Hotline, asterisk: Asterisk
) -> None:
    asterisk.originate("703", "w:2|d:6404|w:12", name="transfer-missing").wait()
    record = hotline.new_record()
    assert [each["exit"] for each in events(record, "transfer_exit")] == ["unreachable"]
    assert any("Nobody can be reached" in each["text"] for each in events(record, "said"))


@feature("a phone behind Asterisk holds and resumes (re-INVITE passed through)")
def test_nothing_is_sent_while_a_phone_behind_asterisk_holds(
    hotline: Hotline, asterisk: Asterisk, baresip_program: str, tmp_path: Path
) -> None:
    registrar = f"127.0.0.1:{asterisk.port}"
    phone = Baresip(tmp_path / "phone", "5001", registrar=registrar, password="lab5001")
    with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture, phone as caller:
        caller.dial(f"sip:700@{registrar}")
        caller.listen(1.5)
        caller.command("hold")
        caller.listen(2.0)
        caller.command("resume")
        caller.listen(1.5)
        caller.hang_up()
    (stream,) = capture.streams()
    assert [gap for gap in np.diff(np.array(stream.times)) if gap > 0.5] == pytest.approx([2.0], abs=0.4)


@feature("music on hold from Asterisk: the call goes on, and is heard again when the phone resumes")
def test_a_caller_whose_pbx_plays_music_is_understood_afterwards(
    hotline: Hotline, asterisk: Asterisk, baresip_program: str, tmp_path: Path
) -> None:
    registrar = f"127.0.0.1:{asterisk.port}"
    phone = Baresip(tmp_path / "phone", "5001", registrar=registrar, password="lab5001")
    with phone as caller:
        caller.dial(f"sip:791@{registrar}")  # 701 with music
        caller.listen(1.0)
        caller.command("hold")
        caller.listen(3.0)
        caller.command("resume")
        caller.listen(1.0)
        caller.keys("271828")
        caller.wait_for("CALL_CLOSED", timeout=15)
    record = hotline.new_record()
    assert keys_of(record) == "271828"
    assert events(record, "held") == []  # to us it is a caller who makes music
    assert seconds_in(Path(record["recording"]), MUSIC_HZ) > 2.0
