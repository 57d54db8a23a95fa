"""Versions of dialplans are kept word by word, and how their calls ended is told beside them."""

import datetime
import sqlite3
from pathlib import Path

import pytest

from voicebot.storage import Outcomes, Reader, Writer

START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)


def minute(number: int) -> datetime.datetime:
    return START + datetime.timedelta(minutes=number)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/voicebot.db"


def writer(url: str) -> Writer:
    instants = iter(minute(n) for n in range(1000))
    return Writer(url, wall=lambda: next(instants))


def test_version_that_serves_again_is_no_new_one(url: str) -> None:
    ours = writer(url)
    ours.version_serves("main", "a1", b"one", running=True, why="start")
    ours.version_serves("main", "b2", b"two", running=False, why="reload", who="root")
    ours.version_serves("main", "b2", b"two", running=True, why="promoted")
    ours.version_serves("main", "a1", b"one", running=True, why="rollback")
    assert ours.close()
    found = Reader(url).versions("main")
    assert [(item.version, item.why) for item in found] == [("a1", "rollback"), ("b2", "promoted")]
    assert (found[0].first_served_at, found[0].running_since) == (minute(0), minute(3))
    assert (found[1].first_served_at, found[1].running_since) == (minute(1), minute(2))
    assert Reader(url).sources("main", "b2") == b"two"
    assert Reader(url).sources("main", "c3") is None
    assert Reader(url).versions("other") == []


def test_files_are_told_as_they_were_when_the_call_began(url: str) -> None:
    """A comment moves lines and makes no new version."""
    ours = writer(url)
    ours.version_serves("main", "a1", b"plain", running=True, why="start")
    ours.version_serves("main", "a1", b"commented", running=True, why="start")
    assert ours.close()
    reader = Reader(url)
    assert [item.version for item in reader.versions()] == ["a1"]
    assert reader.sources("main", "a1", START + datetime.timedelta(seconds=30)) == b"plain"
    assert reader.sources("main", "a1", minute(5)) == b"commented"
    assert reader.sources("main", "a1") == b"commented"


def test_calls_are_counted_by_how_they_ended(url: str) -> None:
    ours = writer(url)
    ends = {
        "bot": {"release_cause": "normal", "ended_by": "bot"},
        "agent": {"release_cause": "normal", "ended_by": "caller", "agent": "alice"},
        "blind": {"release_cause": "transferred", "ended_by": "bot"},
        "left": {"release_cause": "normal", "ended_by": "caller"},
        "broke": {"release_cause": "error", "ended_by": "server"},
        "loop": {"release_cause": "loop", "ended_by": "bot"},
        "long": {"release_cause": "too_long", "ended_by": "bot"},
    }
    for uid, fields in ends.items():
        ours.call_started(uid, {"dialplan": "main", "dialplan_version": "a1"})
        ours.event(uid, "answered", {})
        ours.call_ended(uid, fields)
    ours.call_started("on", {"dialplan": "main", "dialplan_version": "a1"})
    ours.event("on", "answered", {})
    ours.call_started("unanswered", {"dialplan": "main", "dialplan_version": "a1"})
    ours.call_ended("unanswered", {"release_cause": "no_ack", "ended_by": "caller"})
    assert ours.close()
    told = Reader(url).outcomes()["main", "a1"]
    assert told == Outcomes(calls=7, completed=3, to_human=2, abandoned=1, errors=2, open=1)
    assert told.completion_rate == pytest.approx(3 / 7)
    assert Outcomes().completion_rate is None


def test_database_of_the_version_before_gets_the_table(url: str, tmp_path: Path) -> None:
    assert Writer(url).close()
    with sqlite3.connect(tmp_path / "voicebot.db") as raw:
        raw.execute("DROP TABLE dialplan_versions")
        raw.execute("DROP TABLE ladders")
        raw.execute("DROP TABLE callbacks")
        raw.execute("DROP TABLE dialled")
        raw.execute("UPDATE schema_version SET version = 1")
    raw.close()
    assert Reader(url).versions() == []
    assert Reader(url).sources("main", "a1") is None
    ours = Writer(url)
    ours.version_serves("main", "a1", b"one", running=True, why="start")
    assert ours.close()
    assert [item.version for item in Reader(url).versions()] == ["a1"]
