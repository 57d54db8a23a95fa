"""Transfers through Asterisk 22, and phones that transfer a caller: baresip (blind), Linphone (attended)."""

from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.interop.audio import AGENT_HZ, seconds_in
from tests.interop.baresip import Baresip
from tests.interop.linphone import Linphone
from tests.interop.report import features_of
from tests.live.hotline import Config, Hotline, events, wait_until

feature = features_of("Asterisk")


@pytest.fixture(scope="module")
def dialplan() -> Path:
    return Path(__file__).parent / "transfers.yaml"


@pytest.fixture(scope="module")
def config(asterisk: Asterisk, agent_port: int) -> Config:
    pbx = f"127.0.0.1:{asterisk.port}"
    return {
        "agents": {"one": {"uri": f"sip:agent@127.0.0.1:{agent_port}", "skills": {}}},
        "trunks": {"pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "host": pbx, "dial": ["6XXX"]}},
    }


@feature("attended transfer (REFER with Replaces) to an extension that answers")
@pytest.mark.parametrize("number", ["711", "712"])
def test_an_attended_transfer_leaves_caller_and_extension_alone(
    number: str, hotline: Hotline, asterisk: Asterisk
) -> None:
    call = asterisk.originate(number, "w:2|d:6002|w:8", name=f"attended-{number}")
    record = hotline.new_record(20.0)
    assert record["release_cause"] == "transferred"
    assert [each["exit"] for each in events(record, "transfer_exit")] == ["transferred"]
    call.wait()
    assert seconds_in(call.heard, AGENT_HZ) > 2.0


@feature(
    "attended or bridged transfer to an extension that is busy, missing, refuses, or never answers: the caller is told"
)
@pytest.mark.parametrize(
    ("extension", "exit", "status"),
    [("6009", "busy", 486), ("6404", "unreachable", 404), ("6006", "declined", 403), ("6008", "timeout", 0)],
)
@pytest.mark.parametrize("number", ["711", "714"])
def test_a_transfer_that_fails_gives_the_caller_back(
    number: str, extension: str, exit: str, status: int, hotline: Hotline, asterisk: Asterisk
) -> None:
    asterisk.originate(number, f"w:2|d:{extension}|w:14", name=f"fails-{number}-{extension}").wait()
    record = hotline.new_record()
    (end,) = events(record, "transfer_exit")
    assert (end["exit"], end["status"]) == (exit, status)
    assert any("could not be reached" in each["text"] for each in events(record, "said"))
    assert record["ended_by"] == "bot"


@feature("an extension's early media, which is then refused: heard by the caller")
def test_what_an_extension_plays_before_it_refuses_is_heard(hotline: Hotline, asterisk: Asterisk) -> None:
    call = asterisk.originate("716", "w:16", name="announced")
    record = hotline.new_record(25.0)
    (end,) = events(record, "transfer_exit")
    assert (end["exit"], end["status"]) == ("unreachable", 404)
    assert len(events(record, "early_media")) == 1
    call.wait()
    assert seconds_in(call.heard, AGENT_HZ) > 8.0


LOST = "told by NOTIFY (now and then as done); Asterisk has let go of the caller by then and ends our call"


@pytest.mark.parametrize(
    ("extension", "steps", "exit", "status"),
    [
        pytest.param(
            "6009", "w:6", "busy", 486, marks=feature("blind transfer to a busy extension", means=LOST)
        ),
        pytest.param(
            "6008",
            "w:9",
            "timeout",
            0,
            marks=feature("blind transfer to an extension that never answers", means=LOST),
        ),
        pytest.param(
            "6008",
            "w:2",
            "unreachable",
            503,
            marks=feature(
                "blind transfer to an extension that rings: the caller gives up", means="told by NOTIFY"
            ),
        ),
    ],
)
def test_a_blind_transfer_is_followed_to_its_end(
    extension: str, steps: str, exit: str, status: int, hotline: Hotline, asterisk: Asterisk
) -> None:
    """Asterisk keeps our dialog without the caller, and ends it when we ask to go on: nobody is talked to for long.

    A packet of audio that passes while it begins counts for it as an answer: then it says 200.
    """
    call = asterisk.originate("718", f"w:2|d:{extension}|{steps}", name=f"blind-{exit}")
    record = hotline.new_record(15.0)
    (end,) = events(record, "transfer_exit")
    if end["exit"] == "transferred":
        assert (end["status"], record["ended_by"]) == (200, "bot")
    else:
        assert (end["exit"], end["status"]) == (exit, status)
        assert record["ended_by"] == "caller"
    call.wait()


@pytest.mark.feature(
    "baresip", "as an agent's phone: transfers the caller (REFER) to an extension that answers"
)
def test_an_agents_baresip_passes_the_caller_on(
    hotline: Hotline, asterisk: Asterisk, agent_port: int, baresip_program: str, tmp_path: Path
) -> None:
    with Baresip(tmp_path / "agent", "agent", answers=True, port=agent_port) as agent:
        call = asterisk.originate("710", "w:12", name="passed-on")
        agent.wait_for("CALL_ESTABLISHED", timeout=15)
        agent.listen(1.0)
        agent.command("transfer", f"sip:6002@127.0.0.1:{hotline.port}")
        agent.wait_for("CALL_CLOSED", timeout=10)
        call.wait()
    record = hotline.new_record()
    assert [each["exit"] for each in events(record, "agent_transfer")] == ["transferred"]
    assert seconds_in(call.heard, AGENT_HZ) > 2.0


@pytest.mark.feature("baresip", "as an agent's phone: a transfer that fails, it hangs up, the caller goes on")
def test_an_agents_baresip_hears_that_nobody_was_reached(
    hotline: Hotline, asterisk: Asterisk, agent_port: int, baresip_program: str, tmp_path: Path
) -> None:
    with Baresip(tmp_path / "agent", "agent", answers=True, port=agent_port) as agent:
        call = asterisk.originate("710", "w:8", name="nobody-reached")
        agent.wait_for("CALL_ESTABLISHED", timeout=15)
        agent.listen(0.5)
        agent.command("transfer", f"sip:6009@127.0.0.1:{hotline.port}")
        call.wait()
        record = hotline.new_record()
        assert "transfer failed: 486" in agent.log_text()
    assert [each["status"] for each in events(record, "agent_transfer")] == [486]
    assert [each["exit"] for each in events(record, "queue_exit")] == ["agent_done"]
    assert record["ended_by"] == "bot"


@pytest.mark.feature(
    "Linphone", "as an agent's phone: a transfer that fails leaves agent and caller connected"
)
@pytest.mark.parametrize(("extension", "status"), [("6009", 486), ("6404", 404), ("5551", 403)])
def test_an_agents_linphone_keeps_the_caller_when_nobody_is_reached(
    extension: str,
    status: int,
    hotline: Hotline,
    asterisk: Asterisk,
    agent_port: int,
    linphone_program: str,
    tmp_path: Path,
) -> None:
    with Linphone(tmp_path, "agent", agent_port) as agent:
        call = asterisk.originate("710", "w:6", name=f"kept-{extension}")
        agent.answer()
        agent.command(f"call-transfer 1 sip:{extension}@127.0.0.1:{hotline.port}")
        call.wait()
    record = hotline.new_record()
    assert [each["status"] for each in events(record, "agent_transfer")] == [status]
    assert record["ended_by"] == "caller"


@pytest.mark.feature(
    "Linphone", "as an agent's phone: asks in a second call, hands the caller over (REFER with Replaces)"
)
def test_an_agents_linphone_hands_the_caller_over(
    hotline: Hotline, asterisk: Asterisk, agent_port: int, linphone_program: str, tmp_path: Path
) -> None:
    with Linphone(tmp_path, "agent", agent_port) as agent:
        call = asterisk.originate("710", "w:14", name="handed-over")
        agent.answer()
        agent.command("call-pause 1")
        agent.wait_for(1, "Paused")
        agent.command(f"call sip:715@127.0.0.1:{hotline.port}")
        agent.wait_for(2, "StreamsRunning")
        wait_until(lambda: asterisk.channels() >= 4, 8.0, "6002 has answered")
        agent.command("call-transfer 1 2")
        wait_until(lambda: agent.over(1) and agent.over(2), 8.0, "Linphone is out of both calls")
        call.wait()
    hotline.new_record(calls=2)
    assert seconds_in(call.heard, AGENT_HZ) > 2.0
