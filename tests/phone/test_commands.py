"""`voicebot call` and `voicebot ping` as a user runs them. With --answer-on the phone can call itself."""

import json
import socket
import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from voicebot.cli.main import app
from voicebot.media.tones import tone
from voicebot.media.wav import encode_wav


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a config.yaml: the phone then knows no prompts."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_call_is_told_as_json_with_its_actions_in_the_order_given(nowhere: Path) -> None:
    port = free_port()
    (nowhere / "tone.wav").write_bytes(encode_wav(tone((300.0,), 0.3)))
    done = run(
        *("call", f"sip:me@127.0.0.1:{port}", "--answer-on", str(port), "--json", "--seconds", "4.5"),
        *("--dtmf", "1", "--pause", "0.1", "--interrupt", "hi", "--record", "call.wav"),
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["answered"], document["status"], document["codec"]) == (True, 200, "PCMU")
    assert document["keys_sent"] == "1"
    assert document["level_heard_db"] > -40
    assert document["rtp"]["received"] > 100
    kinds = [event["kind"] for event in document["events"] if event["kind"] in ("keys", "says")]
    assert kinds[:1] == ["keys"]
    with wave.open("call.wav") as recording:
        assert recording.getnchannels() == 2
        assert recording.getnframes() / 8000 == pytest.approx(document["seconds"], abs=0.3)


def test_an_unanswered_call_exits_with_1(nowhere: Path) -> None:
    done = run("call", f"sip:me@127.0.0.1:{free_port()}", "--seconds", "1", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["answered"] is False


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ((), "say whom to call"),
        (("700",), "write for example sip:700@127.0.0.1:5060"),
        (("sip:1@127.0.0.1", "--dtmf", "12x"), "not X"),
        (("sip:1@127.0.0.1", "--say", "hi", "--voice", "nobody"), 'no voice "nobody"'),
        (("sip:1@127.0.0.1", "--wav", "none.wav"), "none.wav: cannot be read"),
        (("sip:1@127.0.0.1", "--lang", "fr"), "--lang is one of en, zh"),
        (("sip:1@no.such.host.invalid",), "write its IP address"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(
    nowhere: Path, arguments: tuple[str, ...], advice: str
) -> None:
    done = run("call", *arguments)
    assert (done.exit_code, len(done.output.strip().splitlines())) == (2, 1), done.output
    assert advice in done.output


def test_a_port_that_is_taken_is_told(nowhere: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        done = run("call", "--answer-on", str(taken.getsockname()[1]))
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "choose another port" in done.output


def test_no_answer_to_a_ping_exits_with_1() -> None:
    done = run("ping", f"sip:127.0.0.1:{free_port()}", "--timeout", "0.2")
    assert done.exit_code == 1
    assert "does not answer" in done.output


def test_a_ping_of_nonsense_exits_with_2() -> None:
    assert run("ping", "nonsense").exit_code == 2
