"""`voicebot calls` tells a call as a person wants to read it."""

import datetime
import io
import json
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from voicebot.cli.calls import app, call_view, calls_table
from voicebot.cli.main import app as main
from voicebot.cli.timeline import describe, duration, offset
from voicebot.storage import CallRecord, TimelineEvent, Writer

START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)


def event(kind: str, at: float = 0.0, **data: object) -> TimelineEvent:
    return TimelineEvent(kind, at, START + datetime.timedelta(seconds=at), data)


RECORD = CallRecord(
    uid="4f2a9c",
    started_at=START,
    answered_at=START,
    ended_at=START + datetime.timedelta(seconds=72.4),
    from_number="1001",
    from_uri="sip:1001@10.0.0.5",
    language="zh",
    dialplan="main",
    dialplan_version="3b1f",
    disposition="answered",
    release_cause="normal",
    ended_by="caller",
    queue="cards",
    queue_seconds=12.34,
    agent="alice",
    talk_seconds=40.0,
    recording="rec/4f2a9c.wav",
    events=(
        event("step", 0.02, step="main.1", line=12, verb="menu"),
        event("said", 0.1, text="请说：查余额、挂失，或者人工。", language="zh"),
        event(
            "heard", 4.26, text="我要挂失", intent="lost_card", confidence=0.824, tier="template", step="x"
        ),
        event("keys", 61.0, keys="4", tier=""),
    ),
)


def printed(view: RenderableType, width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(view)
    return out.getvalue()


def test_call_is_told_with_offsets_and_who_said_what() -> None:
    lines = [" ".join(line.split()) for line in printed(call_view(RECORD, datetime.UTC)).splitlines()]
    assert lines == [
        "Call 4f2a9c",
        "started 2026-11-24 02:00:00, 1:12",
        "from 1001 <sip:1001@10.0.0.5>",
        "language zh",
        "dialplan main, version 3b1f",
        "queue cards, waited 12.3 s",
        "agent alice, talked 40.0 s",
        "ended answered, normal, by caller",
        "recording rec/4f2a9c.wav",
        "",
        "+00:00.0 step menu main.1 (line 12)",
        "+00:00.1 bot “请说：查余额、挂失，或者人工。”",
        "+00:04.3 caller “我要挂失” → lost_card 82% tier=template",
        "+01:01.0 caller keys 4",
    ]


@pytest.mark.parametrize(
    ("told", "who", "what"),
    [
        (event("queue_position", queue="cards", position=2), "queue", "place 2 in cards"),
        (
            event("agent_missed", agent="bob", cause="busy", status=486),
            "agent",
            "bob does not take it: busy status=486",
        ),
        (event("keys", sensitive=True), "caller", "keys sensitive"),
        (event("heard", sensitive=True, confidence=0.5), "caller", "said something sensitive 50%"),
        (event("nomatch", text="", keys="", count=1), "caller", "a sound: not understood count=1"),
        (
            event("unheard", leg="caller", source="127.0.0.1:5004", told="192.0.2.2:5004"),
            "call",
            "no audio came from the caller; packets from 127.0.0.1:5004 were dropped, the SDP says 192.0.2.2:5004",
        ),
        (event("ended", cause="normal"), "call", "ended: normal, by ?"),
        (event("brand_new", colour="red", step="s", n=0.5), "", "brand new colour=red n=0.5"),
    ],
)
def test_event_is_told_in_words_and_unknown_ones_by_their_fields(
    told: TimelineEvent, who: str, what: str
) -> None:
    assert describe(told) == (who, what)


def test_what_peers_send_cannot_steer_the_terminal() -> None:
    record = CallRecord("c", START, from_number="\x1b[2J[red]x", events=(event("said", text="\x9b31m[/b]"),))
    shown = printed(call_view(record, datetime.UTC)) + printed(calls_table([record], datetime.UTC))
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "[red]x" in shown


def test_a_call_is_one_line_in_a_terminal_of_80_columns() -> None:
    record = CallRecord(
        "20261122-064111-a61fa5",
        START,
        ended_at=START + datetime.timedelta(seconds=72.4),
        from_number="13800138000",
        disposition="answered",
        release_cause="normal",
    )
    heading, line = printed(calls_table([record], datetime.UTC, wide=False), width=80).splitlines()
    assert heading.split() == ["started", "from", "length", "ended", "uid"]
    assert line.split() == [
        *f"{START:%Y-%m-%d %H:%M:%S}".split(),
        "13800138000",
        "1:12",
        "answered,",
        "normal",
        "20261122-064111-a61fa5",
    ]


def test_times_are_rounded_once() -> None:
    assert [duration(value) for value in (None, 0.04, 59.96, 3723.0)] == ["", "0.0 s", "1:00", "1:02:03"]
    assert [offset(value) for value in (0.0, 59.96, 3600.04)] == ["+00:00.0", "+01:00.0", "+60:00.0"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("dialplans: {main: demo.yaml}\n")
    writer = Writer(f"sqlite:///{tmp_path}/data/voicebot.db")
    writer.call_started("abc1", {"from_number": "1001"})
    writer.event("abc1", "said", {"text": "您好"})
    writer.call_ended("abc1", {"release_cause": "normal"})
    assert writer.close()
    return tmp_path


def test_a_call_without_a_dialplan_is_not_replayed(folder: Path) -> None:
    (folder / "config.yaml").write_text(
        'sip: {listen: ["udp:127.0.0.1:0"]}\n'
        'trunks: {lab: {networks: ["127.0.0.0/8"], dialplan: main}}\n'
        "dialplans: {main: demo.yaml}\nagents: {}\n"
    )
    told = CliRunner().invoke(main, ["replay", "abc1", "--config", str(folder / "config.yaml")])
    assert told.exit_code == 2
    assert "call abc1 has run no dialplan" in told.stderr


def test_list_and_show_print_the_same_call_for_people_and_machines(folder: Path) -> None:
    runner, config = CliRunner(), ["--config", str(folder / "config.yaml")]
    assert "abc1" in runner.invoke(app, config).output
    assert "您好" in runner.invoke(app, ["show", "abc", *config]).output
    [listed] = json.loads(runner.invoke(app, [*config, "--json"]).output)
    shown = json.loads(runner.invoke(app, [*config, "show", "abc1", "--json"]).output)
    assert shown.pop("events")[0]["data"] == {"text": "您好"}
    assert shown == listed
    assert (listed["uid"], listed["release_cause"], listed["ended_at"][-1]) == ("abc1", "normal", "Z")


def test_data_flag_chooses_the_database(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["--config", str(folder / "config.yaml"), "--data", str(tmp_path / "none")]
    )
    assert result.exit_code == 2
    assert "no records yet" in result.output


def test_unknown_call_exits_with_1_and_wrong_configuration_with_2(folder: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["show", "zzz", "--config", str(folder / "config.yaml")]).exit_code == 1
    (folder / "config.yaml").write_text("dialplan: {}\n")
    result = runner.invoke(app, ["--config", str(folder / "config.yaml")])
    assert result.exit_code == 2
    assert "config.yaml:1:1: " in result.output
