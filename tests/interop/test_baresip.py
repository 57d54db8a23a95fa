"""baresip, a softphone, calls the hotline, and is the telephone of an agent."""

from pathlib import Path

import pytest

from tests.interop import scenario as sip
from tests.interop.audio import AGENT_HZ, CALLER_HZ, loud_seconds, seconds_in, seconds_of, tone_wav, write_wav
from tests.interop.baresip import Baresip
from tests.interop.conftest import DIALPLAN
from tests.interop.report import features_of
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline, events, keys_of, running, wait_until
from voicebot.media.wav import read_wav
from voicebot.phone.voice import speak

pytestmark = pytest.mark.usefixtures("baresip_program")
feature = features_of("baresip")
CANCELLED_WITHIN = 0.2  # seconds from the caller's BYE to the CANCEL of the agent's ring


@pytest.fixture(scope="module")
def config(agent_port: int) -> Config:
    return {
        "sip": {"auth": {"realm": "interop", "users": {"frontdoor": "sesame"}}},
        "agents": {"one": {"uri": f"sip:6001@127.0.0.1:{agent_port}", "skills": {}}},
    }


@feature("calls; hears the prompt, is understood when it speaks")
def test_a_spoken_word_is_understood(hotline: Hotline, tmp_path: Path) -> None:
    speech = speak("i lost my card", "en-us+f3")
    wav = write_wav(tmp_path / "speech.wav", speech)
    with Baresip(tmp_path / "caller") as caller:
        caller.dial(hotline.uri("704"))
        caller.listen(4.0)
        caller.say(wav, len(speech) / 8000)
        caller.wait_for("CALL_CLOSED", timeout=15)
    record = hotline.new_record()
    assert [each["intent"] for each in events(record, "heard")] == ["lost_card"]
    assert loud_seconds(read_wav(caller.heard())) > 2.0


@feature("keys (RFC 4733)")
def test_keys_are_understood(hotline: Hotline, tmp_path: Path) -> None:
    with Baresip(tmp_path / "caller", codec="pcma") as caller:
        caller.dial(hotline.uri("701"))
        caller.listen(1.0)
        caller.keys("271828")
        caller.wait_for("CALL_CLOSED", timeout=15)
    record = hotline.new_record()
    assert keys_of(record) == "271828"


@feature("hold and resume")
def test_a_caller_holds_and_resumes(hotline: Hotline, tmp_path: Path) -> None:
    with Baresip(tmp_path / "caller") as caller:
        caller.dial(hotline.uri())
        caller.listen(1.0)
        caller.command("hold")
        caller.listen(1.5)
        caller.command("resume")
        caller.listen(1.0)
        caller.hang_up()
    assert hotline.new_record()["ended_by"] == "caller"


class Talk:
    """A caller and an agent, both baresip, connected by the queue."""

    def __init__(self, hotline: Hotline, agent_port: int, folder: Path) -> None:
        self.hotline = hotline
        says = tone_wav(folder / "agent.wav", AGENT_HZ, 60)
        self.agent = Baresip(folder / "agent", "6001", says=says, answers=True, port=agent_port)
        self.caller = Baresip(
            folder / "caller", "5551234", says=tone_wav(folder / "caller.wav", CALLER_HZ, 60)
        )

    def connect(self) -> None:
        self.caller.dial(self.hotline.uri("702"))
        self.agent.wait_for("CALL_ESTABLISHED", timeout=15)

    def check_audio(self, seconds: float) -> None:
        """Each heard the other's tone for nearly all of `seconds`."""
        assert seconds_in(self.agent.heard(), CALLER_HZ) == pytest.approx(seconds, abs=0.8)
        assert seconds_in(self.caller.heard(), AGENT_HZ) == pytest.approx(seconds, abs=0.8)


@feature("is the agent's phone: audio both ways, the caller hangs up")
def test_both_sides_of_a_queued_call_hear_each_other(
    hotline: Hotline, agent_port: int, tmp_path: Path
) -> None:
    talk = Talk(hotline, agent_port, tmp_path)
    with talk.agent, talk.caller:
        talk.connect()
        talk.caller.listen(4.0)
        talk.caller.hang_up()
        talk.agent.wait_for("CALL_CLOSED", timeout=2)
    talk.check_audio(4.0)
    record = hotline.new_record()
    assert (record["agent"], record["queue"], record["ended_by"]) == ("one", "agents", "caller")
    assert record["talk_seconds"] == pytest.approx(4.0, abs=0.5)
    recording = hotline.data / "recordings" / record["recording"]
    assert seconds_in(recording, CALLER_HZ) > 0.0 or loud_seconds(read_wav(recording)) > 3.5


@feature("is the agent's phone: puts the caller on hold, who hears our music, and resumes")
def test_a_caller_whom_the_agent_holds_hears_music(hotline: Hotline, agent_port: int, tmp_path: Path) -> None:
    talk = Talk(hotline, agent_port, tmp_path)
    with talk.agent, talk.caller:
        talk.connect()
        talk.agent.listen(2.0)
        talk.agent.command("hold")
        talk.agent.listen(4.0)
        talk.agent.command("resume")
        talk.agent.listen(2.0)
        talk.caller.hang_up()
        talk.agent.wait_for("CALL_CLOSED", timeout=2)
    record = hotline.new_record()
    assert [len(events(record, kind)) for kind in ("agent_held", "agent_resumed")] == [1, 1]
    assert 2.0 < seconds_in(talk.caller.heard(), AGENT_HZ) < 6.0
    (bridged,) = events(record, "bridged")
    held, resumed = events(record, "agent_held")[0]["offset"], events(record, "agent_resumed")[0]["offset"]
    samples = read_wav(talk.caller.heard())
    answered = next(each["offset"] for each in record["events"] if each["kind"] == "answered")
    music = samples[round((held - answered + 0.5) * 8000) : round((resumed - answered - 0.5) * 8000)]
    assert seconds_of(music, AGENT_HZ) == 0.0
    assert loud_seconds(music) > 1.5
    assert bridged["offset"] < held


@feature("is the agent's phone: the agent hangs up, the caller is back in the dialplan")
def test_when_the_agent_hangs_up_the_dialplan_goes_on(
    hotline: Hotline, agent_port: int, tmp_path: Path
) -> None:
    talk = Talk(hotline, agent_port, tmp_path)
    with talk.agent, talk.caller:
        talk.connect()
        talk.agent.listen(3.0)
        talk.agent.hang_up()
        talk.caller.wait_for("CALL_CLOSED", timeout=15)
    talk.check_audio(3.0)
    record = hotline.new_record()
    assert [each["exit"] for each in events(record, "queue_exit")] == ["agent_done"]
    assert any("Thank you for talking" in each["text"] for each in events(record, "said"))
    assert record["ended_by"] == "bot"


@feature("is the agent's phone: rings, and stops ringing when the caller is gone")
def test_a_caller_who_hangs_up_stops_the_agents_ring(
    hotline: Hotline, agent_port: int, tmp_path: Path
) -> None:
    with (
        Baresip(tmp_path / "agent", "6001", port=agent_port) as agent,
        Baresip(tmp_path / "caller") as caller,
    ):
        caller.dial(hotline.uri("702"))
        wait_until(lambda: "Incoming call" in agent.log_text(), 10, "the agent's phone rings")
        caller.listen(0.5)
        caller.hang_up()
        agent.wait_for("CALL_CLOSED", timeout=2)
    record = hotline.new_record()
    assert (record["ended_by"], record["agent"]) == ("caller", "")


@pytest.mark.feature("SIPp", "is the agent's phone: CANCEL within 200 ms of the caller's BYE")
def test_the_agents_ring_is_cancelled_within_200_ms(
    hotline: Hotline, agent_port: int, sipp_program: str, tmp_path: Path
) -> None:
    """Both times are SIPp's: the caller's BYE as it was sent, the agent's CANCEL as it came."""
    ringing = [sip.recv("INVITE", sip.keep("sequence", "[0-9]+", "CSeq:")), sip.respond(180, "Ringing")]
    ringing += [sip.recv("CANCEL"), sip.respond(200, "OK", tag=False)]
    ringing += [sip.respond(487, "Request Terminated", cseq="CSeq: [$sequence] INVITE"), sip.recv("ACK")]
    agent, caller = Sipp(tmp_path / "agent"), Sipp(tmp_path / "caller")
    rings = agent.begin(ringing, port=agent_port)
    steps = [sip.connect(), sip.pause(2), sip.hang_up()]
    said = caller.call(steps, hotline.port, number="702")
    said.check()
    heard = agent.end(rings)
    heard.check()
    taken = time_of(heard.messages, "CANCEL sip:") - time_of(said.messages, "BYE sip:")
    assert 0 <= taken <= CANCELLED_WITHIN


def time_of(messages: str, start: str) -> float:
    """Return the seconds of the day at which SIPp logged the message that starts so."""
    head = messages[: messages.index(start)].splitlines()
    stamp = next(line for line in reversed(head) if line.startswith("-----"))
    hours, minutes, seconds = stamp.split()[-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


@feature("digest authentication of the caller")
def test_a_caller_with_a_password_is_let_in(tmp_path: Path) -> None:
    trunks = {"guarded": {"networks": ["127.0.0.0/8"], "dialplan": "main", "auth": True}}
    config = {"sip": {"auth": {"realm": "interop", "users": {"frontdoor": "sesame"}}}, "trunks": trunks}
    with running(Hotline(tmp_path / "hotline", DIALPLAN, config=config)) as guarded:
        with Baresip(tmp_path / "caller", "frontdoor", password="sesame") as caller:
            caller.dial(guarded.uri())
            caller.listen(0.5)
            caller.hang_up()
        with Baresip(tmp_path / "stranger", "frontdoor", password="wrong") as stranger:
            stranger.command("dial", guarded.uri())
            stranger.wait_for("CALL_CLOSED")
        assert len(guarded.calls()) == 1
