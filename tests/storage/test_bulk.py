"""Rows that go to SQLite's driver directly are the rows that SQLAlchemy would have written."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import StatementError

from voicebot.storage.bulk import THE_KEY, Bulk
from voicebot.storage.database import calls, connect, events, prepare

AT = datetime.datetime(2026, 11, 22, 6, 48, 52, tzinfo=datetime.UTC)
ELSEWHERE = AT.replace(microsecond=7).astimezone(datetime.timezone(datetime.timedelta(hours=8)))
DATA = {"text": "号码", "number": 1.5, "nested": [{"none": None}]}
EVENTS = [
    {"call": "c1", "at": AT, "offset": 0.25, "kind": "step", "data": DATA},
    {"call": "c2", "at": ELSEWHERE, "offset": 0.0, "kind": "ended", "data": {}},
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = connect(f"sqlite:///{tmp_path}/voicebot.db")
    prepare(made)
    return made


def stored(engine: Engine, table: str) -> list[Any]:
    """Return the rows as they lie in the file, and empty the table."""
    with engine.begin() as connection:
        rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).all()
        connection.execute(text(f"DELETE FROM {table}"))
    return [tuple(row) for row in rows]


def call(uid: str, **fields: object) -> dict[str, Any]:
    row = {column.name: "" for column in calls.c}
    empty = {"answered_at": None, "ended_at": None, "queue_seconds": 0.0, "talk_seconds": 0.0}
    return {**row, **empty, "started_at": AT, "counters": {}, "extra": {}, "uid": uid, **fields}


def test_events_lie_in_the_file_as_sqlalchemy_would_write_them(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(events.insert(), EVENTS)
    expected = stored(engine, "events")
    with engine.begin() as connection:
        Bulk(events).execute(connection, EVENTS)
        assert connection.execute(select(events.c.at)).scalars().all() == [AT, ELSEWHERE]
    assert stored(engine, "events") == expected


def test_calls_are_begun_and_ended_as_sqlalchemy_would_write_them(engine: Engine) -> None:
    begun, over = call("c1"), call("c1", ended_at=ELSEWHERE, agent="alice", counters={"lost": 2.0})
    with engine.begin() as connection:
        connection.execute(calls.insert(), over)
    expected = stored(engine, "calls")
    with engine.begin() as connection:
        Bulk(calls).execute(connection, [begun, call("c2")])
        Bulk(calls, key="uid").execute(connection, [{THE_KEY: "c1", **over}])
    first, second = stored(engine, "calls")
    assert [first] == expected
    assert second[0] == "c2"


def test_a_value_of_another_type_is_an_error_of_the_database(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(StatementError):
        Bulk(calls).execute(connection, [call("c1", started_at="yesterday")])
