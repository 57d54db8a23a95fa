"""voicebot check: what it prints, in both languages and three formats, and with which exit code it ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from voicebot.cli.check_report import finding_lines
from voicebot.cli.main import app
from voicebot.dialplan.findings.catalogue import HANDLERS, HEAD
from voicebot.dialplan.source import Finding

CLEAN = HEAD + HANDLERS + "flows:\n  main:\n    - say: Hello.\n    - goto: bye\n  bye:\n    - hangup: {}\n"
WARNED = CLEAN + "  lost:\n    - hangup: {}\n"
WRONG = CLEAN.replace("goto: bye\n", "goto: bey\n")
QUEUES = CLEAN + "queues: {sales: {require: [cards]}}\n"
CONFIG = """\
sip: {{listen: ["udp:127.0.0.1:0"]}}
trunks: {{lab: {{networks: ["127.0.0.0/8"], dialplan: main}}}}
dialplans: {{main: plan.yaml}}
agents: {{alice: {{uri: "sip:6001@127.0.0.1", skills: {{{skill}: 5}}}}}}
storage: {{database: "sqlite:///voicebot.db", recordings: recordings}}
api: {{listen: "127.0.0.1:0", token: "t"}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(text: str, *arguments: str) -> Result:
    Path("plan.yaml").write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["check", *arguments])


def data(text: str, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(text, "plan.yaml", *arguments).stdout)
    return found


@pytest.mark.parametrize(("text", "code"), [(CLEAN, 0), (WARNED, 1), (WRONG, 2)])
def test_the_exit_code_is_the_worst_severity(text: str, code: int) -> None:
    for form in ("text", "json", "sarif"):
        assert run(text, "plan.yaml", "--format", form).exit_code == code


def test_the_line_is_shown_with_a_caret_under_what_is_meant() -> None:
    result = run(WRONG, "plan.yaml")
    lines = result.stderr.splitlines()
    assert lines[0] == "plan.yaml:7:13: error VB101: there is no flow 'bey' (did you mean 'bye'?)"
    assert lines[1] == "  7 |     - goto: bey"
    assert lines[2] == "    |             ^^^"


def test_a_caret_stands_right_after_wide_characters_and_in_long_lines() -> None:
    lines = ["a: 您好 xyz", "b" * 200 + " xyz " + "c" * 200]
    wide = finding_lines(Finding("VB020", "error", "x", 1, 7, "m"), "en", lines)
    assert wide[2].index("^") == wide[1].index("x") + 2  # each of the two characters is two columns wide
    long = finding_lines(Finding("VB020", "error", "x", 2, 202, "m"), "en", lines)
    assert long[1][long[2].index("^") :].startswith("xyz")
    assert len(long[1]) < 120


def test_chinese_findings() -> None:
    result = run(WRONG, "plan.yaml", "--lang", "zh")
    assert "错误 VB101: 没有流程 'bey' (是不是想写 'bye'？)" in result.stderr
    assert data(WRONG, "--lang", "zh", "--format", "json")["findings"][0]["message"] == "没有流程 'bey'"
    assert "没有问题" in run(CLEAN, "plan.yaml", "--lang", "zh").stdout


def test_bounds_are_printed_for_each_flow() -> None:
    result = run(CLEAN, "plan.yaml")
    assert re.search(r"main +\d+ +\d+ +\d+\n", result.stdout)
    bounds = data(CLEAN, "--json")["bounds"]["plan.yaml"]
    assert set(bounds) == {"main", "bye"}
    assert 0 < bounds["main"]["silent"] == bounds["main"]["keys"] < 3
    assert bounds["bye"] == {"silent": 0.0, "mumbling": 0.0, "keys": 0.0}


def test_sarif_names_rule_level_and_place() -> None:
    """SARIF 2.1.0: what sections 3.13, 3.14, 3.19, 3.27, 3.29 and 3.49 require."""
    log = data(WRONG + "  lost:\n    - hangup: {}\n", "--format", "sarif")
    assert log["version"] == "2.1.0"
    (sarif,) = log["runs"]
    rules = sarif["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["VB101", "VB111"]
    assert sarif["tool"]["driver"]["name"] == "voicebot"
    for result in sarif["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "plan.yaml"
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1


def test_without_agents_it_says_that_queues_were_not_checked() -> None:
    assert "was not checked" in run(QUEUES, "plan.yaml").stdout
    assert "was not checked" not in run(CLEAN, "plan.yaml").stdout


@pytest.mark.parametrize(("skill", "served"), [("cards", True), ("loans", False)])
def test_the_agents_of_the_configuration_serve_a_queue_or_do_not(skill: str, served: bool) -> None:
    Path("config.yaml").write_text(CONFIG.format(skill=skill), encoding="utf-8")
    result = run(QUEUES, "--config", "config.yaml")
    assert result.exit_code == (0 if served else 1)
    assert ("VB133" in result.stderr) is not served


def test_a_word_that_the_recogniser_lacks_is_a_note_only() -> None:
    result = run(CLEAN + 'intents: {pay: {en: ["pay by zorblquux"]}}\n', "plan.yaml")
    assert result.exit_code == 0
    assert "'zorblquux'" in result.stderr


def test_notes_are_in_the_language_of_the_findings(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.format(skill="cards"), encoding="utf-8")
    (tmp_path / "models" / "vosk-model-broken").mkdir(parents=True)
    text = CLEAN.replace("[en]", "[en, zh]").replace("say: Hello.", "say: {en: Hello., zh: 您好。}")
    notes = [line for line in run(text, "--lang", "zh").stdout.splitlines() if line.startswith("说明：")]
    assert len(notes) == 2
    assert "不是完整的 vosk 模型，缺少 am/final.mdl" in notes[0]
    assert "没有 zh 的语音识别：来电者只能按键操作" in notes[1]
    assert not run(text, "--lang", "zh").stdout.count("note:")


def test_of_very_many_findings_the_errors_are_told_first_and_the_rest_is_counted() -> None:
    lost = "".join(f"  lost{number}:\n    - hangup: {{}}\n" for number in range(150))
    text = CLEAN + lost + "  bad: [{goto: nowhere}]\n  worse: [{goto: nowhere}]\n"
    lines = run(text, "plan.yaml").stderr.splitlines()
    heads = [line for line in lines if re.match(r"plan\.yaml:\d+:\d+: ", line)]
    assert len(heads) == 100
    assert [" error " in line for line in heads[:3]] == [True, True, False]
    assert lines[-1] == "and 54 more findings: --format json or sarif tells all"
    assert run(text, "plan.yaml", "--lang", "zh").stderr.splitlines()[-1].startswith("另有 54 个问题未显示")
    assert len(data(text, "--json")["findings"]) == 154
    sarif = data(text, "--format", "sarif")
    assert len(sarif["runs"][0]["results"]) == 154
