"""voicebot fmt, diff, graph, schema: exit codes, and what stands in the files and on the terminal."""

import datetime
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from voicebot.cli.main import app
from voicebot.dialplan.loader import load
from voicebot.dialplan.tools.json_schema import json_schema
from voicebot.storage import Writer

TEXT = """\
dialplan: 1
hotline: {languages: [en], name: t, timezone: UTC, start: main}   # a note
flows:
  main:
    - say: 'Hello.'
    - goto: bye
  bye:
    - hangup: normal
"""
FORMATTED = (
    TEXT.replace("{languages: [en], name: t,", "{name: t, languages: [en],")
    .replace("}   #", "}  #")
    .replace("'", '"')
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(item) for item in arguments])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "main.yaml"
    found.write_text(TEXT, encoding="utf-8")
    return found


def test_fmt_writes_the_file_and_then_has_nothing_to_do(path: Path) -> None:
    path.chmod(0o640)
    assert run("fmt", path).exit_code == 0
    assert path.read_text(encoding="utf-8") == FORMATTED
    assert path.stat().st_mode & 0o777 == 0o640
    again = run("fmt", "--check", path)
    assert (again.exit_code, again.output) == (0, "")
    assert [item.name for item in path.parent.iterdir()] == ["main.yaml"]


def test_fmt_check_names_the_file_and_leaves_it(path: Path) -> None:
    result = run("fmt", "--check", path)
    assert result.exit_code == 1
    assert result.output == f"would format {path}\n"
    assert path.read_text(encoding="utf-8") == TEXT


def test_fmt_refuses_a_file_that_does_not_parse_and_formats_the_others(path: Path) -> None:
    bad = path.parent / "bad.yaml"
    bad.write_text("flows: [", encoding="utf-8")
    result = run("fmt", bad, path.parent / "none.yaml", path)
    assert result.exit_code == 2
    assert "VB004" in result.output
    assert "none.yaml" in result.output
    assert bad.read_text(encoding="utf-8") == "flows: ["
    assert path.read_text(encoding="utf-8") == FORMATTED


def test_diff_exits_with_0_when_callers_notice_nothing_and_1_when_they_do(path: Path) -> None:
    other = path.parent / "new.yaml"
    other.write_text(FORMATTED, encoding="utf-8")
    assert run("diff", path, other).exit_code == 0
    other.write_text(FORMATTED.replace("Hello.", "Hi."), encoding="utf-8")
    result = run("diff", path, other)
    assert result.exit_code == 1
    assert result.output == f'{path}:5 -> {other}:5: main, say: text was "Hello." and is "Hi."\n'
    [change] = json.loads(run("diff", path, other, "--json").output)
    assert change["kind"] == "prompt"
    assert change["new"] == {"file": str(other), "line": 5}


def test_diff_tells_the_line_in_an_included_file(path: Path) -> None:
    texts = {"old": "20s", "new": "30s"}
    for name, wait in texts.items():
        main = path.with_name(f"{name}.yaml")
        main.write_text(TEXT + f"include: [{name}_queues.yaml]\n", encoding="utf-8")
        below = path.with_name(f"{name}_queues.yaml")
        below.write_text(f"# queues\nqueues:\n  desk: {{max_wait: {wait}}}\n", encoding="utf-8")
    result = run("diff", path.with_name("old.yaml"), path.with_name("new.yaml"))
    assert "old_queues.yaml:3 -> " in result.output
    assert "new_queues.yaml:3: " in result.output


def test_diff_and_graph_exit_with_2_for_a_dialplan_with_errors(path: Path) -> None:
    bad = path.parent / "bad.yaml"
    bad.write_text(TEXT.replace("goto: bye", "goto: by"), encoding="utf-8")
    for result in (run("diff", path, bad), run("diff", bad, path), run("graph", bad)):
        assert result.exit_code == 2
        assert "VB101" in result.output


def test_graph_draws_in_each_format(path: Path) -> None:
    assert ElementTree.fromstring(run("graph", path).output).tag.endswith("svg")
    assert run("graph", path, "--format", "mermaid").output.startswith("flowchart TD\n")
    assert run("graph", path, "--format", "dot").output.startswith("digraph ")
    assert run("graph", path, "--format", "mermaid", "--steps").output.count("main.") == 2
    file = path.parent / "picture.svg"
    assert run("graph", path, "-o", file).output == ""
    assert file.read_text(encoding="utf-8").startswith("<svg ")


def test_graph_with_calls_counts_those_of_this_version(path: Path) -> None:
    folder = path.parent
    (folder / "config.yaml").write_text("dialplans: {main: main.yaml}\n", encoding="utf-8")
    version = load(path).version
    writer = Writer(f"sqlite:///{folder}/data/voicebot.db")
    for uid, answered_by, ended_by in (
        ("a", version, "caller"),
        ("b", version, "bot"),
        ("c", "older", "bot"),
    ):
        writer.call_started(uid, {"dialplan": "main", "dialplan_version": answered_by})
        writer.event(uid, "flow", {"flow": "main"})
        if ended_by == "bot":
            writer.event(uid, "step", {"step": "main.2", "verb": "goto"})
            writer.event(uid, "goto", {"flow": "bye"})
        writer.call_ended(uid, {"ended_by": ended_by, "ended_at": datetime.datetime.now(datetime.UTC)})
    assert writer.close()
    result = run("graph", path, "--calls", "--format", "mermaid", "--config", folder / "config.yaml")
    assert result.exit_code == 0
    assert '"main<br/>entered 2<br/>1 hung up here"' in result.output
    assert 'n0 -->|"1"| n1' in result.output
    assert "1 of the last 1000 calls were answered by another version" in result.output


def test_graph_with_calls_says_that_there_are_no_records(path: Path) -> None:
    config = path.parent / "config.yaml"
    config.write_text("dialplans: {main: main.yaml}\n", encoding="utf-8")
    result = run("graph", path, "--calls", "--config", config)
    assert result.exit_code == 2
    assert "no records yet" in result.output
    assert run("graph", path, "--calls", "--steps").exit_code == 2


def test_schema_prints_the_schema() -> None:
    assert json.loads(run("schema").output) == json_schema()
