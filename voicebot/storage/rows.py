"""What is handed over to the writer, and how a batch of it becomes rows: one statement a table, whatever the batch's size."""

import datetime
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Engine, bindparam, select
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from voicebot.sip.captured import SipMessage, pack
from voicebot.storage.bulk import THE_KEY, Bulk, Row
from voicebot.storage.cleaning import clean_text
from voicebot.storage.database import callbacks, calls, dialled, dialplan_versions, events, ladders
from voicebot.storage.record import Telling, TimelineEvent, told_by

SERVER_LOST = "server_lost"
WAITING = "waiting"  # the state of a callback that is still to be made


@dataclass(slots=True)
class Started:
    """A call begins. `row` is all of its record as it begins (`Rows.prepare`)."""

    wall: datetime.datetime
    uid: str
    fields: Mapping[str, object]
    row: Row = field(default_factory=dict)
    done: None = None  # nobody waits for it


@dataclass(slots=True)
class Happened:
    """An event of a call. `offset`: seconds since it began; `done` is for who waits until it is committed."""

    wall: datetime.datetime
    uid: str
    kind: str
    fields: Mapping[str, object]
    offset: float
    done: "Future[None] | None" = None


@dataclass(slots=True)
class Ended:
    """A call ends. `row` is all of its record, None when its beginning never came here (`Rows.prepare`)."""

    wall: datetime.datetime
    uid: str
    fields: Mapping[str, object]
    offset: float
    row: Row | None = None
    done: None = None


@dataclass(frozen=True, slots=True)
class Serves:
    """A version of a dialplan begins to take calls."""

    wall: datetime.datetime
    done: "Future[None]"
    name: str
    version: str
    sources: bytes
    running: bool
    why: str
    who: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """The SIP messages of a call that is over."""

    uid: str
    messages: Sequence[SipMessage]
    done: None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A callback as it is now."""

    wall: datetime.datetime
    done: "Future[None]"
    uid: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dialled:
    """How many numbers were dialled for a caller on a day so far."""

    day: datetime.date
    caller: str
    count: int
    done: None = None


Told = Started | Happened | Ended | Serves | Ladder | Booked | Dialled


class Rows:
    """Remembers the calls in progress, so that the end of one is written without reading what was written before."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Row, Telling]] = {}

    def prepare(self, item: Told) -> None:
        """Take note of an item, in the order of their happening; what ends a call gets its row."""
        if isinstance(item, Happened):
            if (known := self._open.get(item.uid)) is not None:
                known[1].take(item.kind, item.offset, item.wall, item.fields)
        elif isinstance(item, Started):
            item.row = {
                **_EMPTY,
                "extra": {},
                **_columns(item.fields),
                "uid": item.uid,
                "started_at": item.wall,
            }
            self._open[item.uid] = (item.row, Telling())
        elif isinstance(item, Ended) and (known := self._open.pop(item.uid, None)) is not None:
            row, telling = known
            told = _at_end(item, telling.told())
            item.row = {**row, **told, "extra": {**row["extra"], **told.get("extra", {})}}


def write(connection: Connection, batch: Sequence[Told]) -> None:
    """Write all of a batch, or raise SQLAlchemyError."""
    begun: dict[str, Row] = {}
    ended: list[Row] = []
    happened: list[Row] = []
    twice: list[Row] = []
    ladder_rows: list[Row] = []
    for item in batch:
        if isinstance(item, Happened):
            happened.append(
                {
                    "call": item.uid,
                    "at": item.wall,
                    "offset": item.offset,
                    "kind": item.kind,
                    "data": item.fields,
                }
            )
        elif isinstance(item, Started):
            if item.uid in begun:
                twice.append(item.row)
            begun.setdefault(item.uid, item.row)
        elif isinstance(item, Serves):
            _keep_version(connection, item)
        elif isinstance(item, Booked):
            _keep_callback(connection, item)
        elif isinstance(item, Dialled):
            _keep_count(connection, item)
        elif isinstance(item, Ladder):
            ladder_rows.append({"call": item.uid, "packed": pack(item.messages)})
        elif item.row is None:
            if happened:
                _NEW_EVENTS.execute(connection, happened)
                happened = []
            _end_unknown(connection, item)
        elif item.uid in begun:
            begun[item.uid] = item.row
        else:
            ended.append({THE_KEY: item.uid, **item.row})
    if begun:
        _NEW_CALLS.execute(connection, [*begun.values(), *twice])
    if happened:
        _NEW_EVENTS.execute(connection, happened)
    if ended:
        _ENDS_OF_CALLS.execute(connection, ended)
    if ladder_rows:
        _NEW_LADDERS.execute(connection, ladder_rows)


_NEW_CALLS = Bulk(calls)
_NEW_EVENTS = Bulk(events)
_NEW_LADDERS = Bulk(ladders)
_ENDS_OF_CALLS = Bulk(calls, key="uid")


def _default(column: Column[Any]) -> object:
    """Return what stands in a column of which nothing is known. Maps are never changed in place."""
    if isinstance(column.default, ScalarElementColumnDefault):
        return column.default.arg
    return None if column.default is None else {}


_EMPTY: Row = {column.name: _default(column) for column in calls.c}
_SETTABLE = frozenset(calls.c.keys()) - {"uid", "started_at", "extra"}


def _at_end(item: Ended, told: Row) -> Row:
    return {**told, "ended_at": item.wall, **_columns(item.fields, keep_empty=False)}


def _end_unknown(connection: Connection, item: Ended) -> None:
    """End a call whose beginning was dropped: what can be known of it stands in its events."""
    values = _at_end(item, told_by(timeline(connection, item.uid)))
    started_at = item.wall - datetime.timedelta(seconds=item.offset)
    connection.execute(calls.insert(), {**_EMPTY, **values, "uid": item.uid, "started_at": started_at})


def _keep_version(connection: Connection, item: Serves) -> None:
    """Add the version, unless the latest of its rows holds the same files: then that one serves again."""
    rows = dialplan_versions
    latest = connection.execute(
        select(rows.c.id, rows.c.sources)
        .where(rows.c.name == item.name, rows.c.version == item.version)
        .order_by(rows.c.id.desc())
        .limit(1)
    ).first()
    told: dict[str, object] = {"why": item.why, "who": item.who}
    if item.running:
        told["running_since"] = item.wall
    if latest is not None and latest.sources == item.sources:
        connection.execute(rows.update().where(rows.c.id == latest.id).values(**told))
        return
    connection.execute(
        rows.insert(),
        {
            **told,
            "name": item.name,
            "version": item.version,
            "first_served_at": item.wall,
            "sources": item.sources,
        },
    )


def _keep_callback(connection: Connection, item: Booked) -> None:
    rows = callbacks
    values = {**{name: _clean(value) for name, value in item.fields.items()}, "changed_at": item.wall}
    if connection.execute(rows.update().where(rows.c.uid == item.uid).values(**values)).rowcount == 0:
        connection.execute(rows.insert(), {**values, "uid": item.uid, "booked_at": item.wall})


def _keep_count(connection: Connection, item: Dialled) -> None:
    """Keep the count; those of other days are of no use any more."""
    rows, day, caller = dialled, item.day.isoformat(), clean_text(item.caller)[:255]
    changed = rows.update().where(rows.c.day == day, rows.c.caller == caller).values(count=item.count)
    if connection.execute(changed).rowcount == 0:
        connection.execute(rows.delete().where(rows.c.day != day))
        connection.execute(rows.insert(), {"day": day, "caller": caller, "count": item.count})


def dialled_so_far(engine: Engine) -> tuple[datetime.date, dict[str, int]] | None:
    """Return the last day on which anything was dialled, and how many numbers for each caller."""
    with engine.begin() as connection:
        found = [tuple(row) for row in connection.execute(select(dialled).order_by(dialled.c.day))]
    if not found:
        return None
    last = found[-1][0]
    return datetime.date.fromisoformat(last), {caller: count for day, caller, count in found if day == last}


def open_callbacks(engine: Engine) -> list[Row]:
    """Return the `data` of every callback that is still to be made, in the order in which they were booked."""
    rows = callbacks.c
    with engine.begin() as connection:
        found = connection.execute(
            select(rows.data).where(rows.state == WAITING).order_by(rows.booked_at, rows.uid)
        )
        return [row.data for row in found]


def close_open_calls(engine: Engine) -> int:
    """End the calls that a lost server left open, by their events, as `server_lost`; return how many there were."""
    with engine.begin() as connection:
        unended = connection.execute(
            select(calls.c.uid, calls.c.started_at).where(calls.c.ended_at.is_(None))
        ).all()
        for uid, started_at in unended:
            told = told_by(timeline(connection, uid))
            values = {"ended_at": started_at, **told, "release_cause": SERVER_LOST, "ended_by": "server"}
            connection.execute(calls.update().where(calls.c.uid == uid).values(**values))
    return len(unended)


_TIMELINE = (
    select(events.c.kind, events.c.offset, events.c.at, events.c.data)
    .where(events.c.call == bindparam("uid"))
    .order_by(events.c.id)
)


def timeline(connection: Connection, uid: str) -> tuple[TimelineEvent, ...]:
    """Return the events of a call in the order in which they happened."""
    return tuple(TimelineEvent(*row) for row in connection.execute(_TIMELINE, {"uid": uid}))


def _columns(fields: Mapping[str, object], *, keep_empty: bool = True) -> dict[str, object]:
    """Return the fields as columns. `uid` and the instants are the writer's own; unknown names go into `extra`."""
    values: dict[str, object] = {}
    extra: dict[str, object] = {}
    for name, value in fields.items():
        if name in _SETTABLE:
            if keep_empty or value not in (None, "", 0.0):
                values[name] = _clean(value)
        else:
            extra[name] = value  # JSON is cleaned as it is written
    if extra:
        values["extra"] = extra
    return values


def _clean(value: object) -> object:
    """Return a column's value as every database takes it; JSON is cleaned as it is written."""
    return clean_text(value) if isinstance(value, str) else value
