"""`voicebot test` and `voicebot talk` at the command line: what they print, and how they exit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from tests.sounds import write_wav
from voicebot.cli.main import app

ROOT = Path(__file__).parent.parent.parent
SERVICE = str(ROOT / "tests" / "sim" / "service.yaml")
DEMO = str(ROOT / "dialplans" / "demo.yaml")
PLAYS = """dialplan: 1
hotline: {name: plays, languages: [en], start: main}
flows: {main: [{play: tone.wav}, {hangup: normal}]}
tests:
  - {name: one, caller: silence, expect: {flow: main}}
  - {name: two, caller: mumble, expect: {flow: main}}
"""
CALLBACK = """dialplan: 1
hotline: {name: callback, languages: [en], start: main}
queues: {desk: {}}
handlers: {noinput: [{goto: bye}], nomatch: [{goto: bye}], error: [{goto: bye}]}
flows:
  main:
    - collect: {slot: phone, type: phone, on_fail: bye, prompt: "Your number?"}
    - callback: {number: "{{ slot.phone }}", exits: {booked: bye, invalid: bye}}
  bye: [{hangup: {}}]
tests:
  - {name: one, caller: [{dtmf: "03012345678#"}], expect: {exit: booked}}
  - {name: two, caller: [{dtmf: "03012345678#"}], expect: {exit: booked}}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(f"dialplans: {{main: {json.dumps(DEMO)}}}\n", "utf-8")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_configured_dialplans_are_tested_if_none_is_named() -> None:
    code, output = run("test")
    assert code == 0
    assert "ok   a silent caller reaches a human" in output
    assert "3 passed" in output


def test_a_failed_test_is_exit_code_1_with_the_call() -> None:
    code, output = run("test", SERVICE, "--name", "no time")
    assert code == 1
    assert "FAIL no time" in output
    assert "say what time it is" in output
    assert "caller  keys 2" in output


def test_a_number_that_no_trunk_dials_is_noted_at_a_test_that_passes(tmp_path: Path) -> None:
    trunk = 'trunks: {pbx: {networks: [127.0.0.0/8], host: "127.0.0.1", dialplan: main, dial: [DIAL]}}\n'
    (tmp_path / "plan.yaml").write_text(CALLBACK, "utf-8")
    configuration = tmp_path / "config.yaml"
    noted = "note: no trunk lets 03012345678 be dialled"
    for pattern, told in (("0ZX.", False), ("1X.", True)):
        configuration.write_text(
            "dialplans: {main: plan.yaml}\n" + trunk.replace("DIAL", f'"{pattern}"'), "utf-8"
        )
        for jobs in ("1", "2"):
            code, output = run("test", "--jobs", jobs)
            assert code == 0
            assert (noted in output) is told


def test_wrong_use_is_exit_code_2(tmp_path: Path) -> None:
    assert run("test", SERVICE, "--name", "no such test")[0] == 2
    broken = tmp_path / "broken.yaml"
    broken.write_text("dialplan: 1\n", "utf-8")
    assert run("test", str(broken))[0] == 2
    assert run("test", SERVICE, "--junit", str(tmp_path / "none" / "x.xml"))[0] == 2


def test_json_and_junit_say_the_same(tmp_path: Path) -> None:
    junit = tmp_path / "results.xml"
    code, output = run("test", SERVICE, "--json", "--coverage", "--junit", str(junit))
    assert code == 1
    document = json.loads(output)
    tests = document["files"][0]["tests"]
    failed = {test["name"] for test in tests if not test["passed"]}
    assert failed == {"no time", "unstubbed"}
    assert (document["passed"], document["failed"]) == (len(tests) - 2, 2)
    ways = document["files"][0]["coverage"]["ways"]
    assert any(way["step"] == "hours.1" and way["way"] == "then" and way["times"] == 1 for way in ways)
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(tests)), "2")
    assert {case.get("name") for case in suite if case.find("failure") is not None} == failed


def test_several_processes_find_the_same() -> None:
    alone, together = (
        json.loads(run("test", SERVICE, "--json", "--jobs", jobs)[1])["files"][0]["tests"] for jobs in "12"
    )
    assert alone == together


def test_several_processes_find_the_audio_files_of_the_configuration(tmp_path: Path) -> None:
    dialplan = tmp_path / "plays.yaml"
    dialplan.write_text(PLAYS, "utf-8")
    (tmp_path / "sounds").mkdir()
    write_wav(tmp_path / "sounds" / "tone.wav")
    settings = {"dialplans": {"main": str(dialplan)}, "prompts": str(tmp_path / "sounds")}
    (tmp_path / "config.yaml").write_text(json.dumps(settings), "utf-8")
    code, output = run("test", "--jobs", "2")
    assert code == 0, output


def test_random_callers_exit_with_what_they_found() -> None:
    code, output = run("test", DEMO, "--fuzz", "20", "--seed", "4")
    assert code == 0
    assert "20 random callers, seed 4: no trouble" in output


def talk(typed: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "voicebot", "talk", DEMO, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "160"},
    )
    return done.returncode, done.stdout + done.stderr


def test_a_typed_caller_is_understood_and_sees_the_trace() -> None:
    code, output = talk("english\nopening hours\n/2\n/5\n", "--at", "2026-11-24 10:00")
    assert code == 0
    assert "bot: “We are open right now.”" in output
    assert "hears “opening hours” → opening_hours" in output
    assert "slot csat = 5" in output
    assert output.count("you>") == 4


def test_an_empty_line_is_silence_and_unknown_commands_are_explained() -> None:
    _, output = talk("\n/nonsense\nenglish\n/hangup\n")
    assert "hears nothing" in output
    assert "an empty line is silence" in output.partition("/nonsense")[2]
    assert "by caller" in output


def test_the_end_of_the_input_hangs_up_and_agents_can_be_set() -> None:
    _, output = talk("english\nagent\n", "--agent", "alice=answers")
    assert "alice and the caller talk" in output or "queue joins agents" in output
    assert "by caller" in output


def test_what_talk_cannot_do_is_one_line() -> None:
    for arguments in (("--voice",), ("--agent", "alice=sleeps"), ("--at", "noon"), ("--stub", "none=1")):
        code, output = talk("", *arguments)
        assert code == 2
        assert len(output.strip().splitlines()) == 1
