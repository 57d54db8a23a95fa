"""The one thread that writes. Its callers never wait: they hand over and go on.

Whatever is handed over within BATCH_SECONDS is committed together; an event's future is done after its commit. A
database that is locked or gone is tried again with growing pauses while events wait in a queue of bounded length;
what no longer fits is dropped, counted and reported, and its future fails with StorageError.
"""

import datetime
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from voicebot.sip.captured import SipMessage, pack
from voicebot.storage.database import (
    StorageError,
    calls,
    connect,
    dialplan_versions,
    events,
    ladders,
    prepare,
    why,
)
from voicebot.storage.record import TimelineEvent, told_by

BATCH_SECONDS = 0.02  # a ring waits for two commits; one commit costs 0.5 ms of CPU
BATCH_ITEMS = 1000
CAPACITY = 50_000  # items in memory while the database is away: about 40 MB, minutes of 200 busy calls
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SERVER_LOST = "server_lost"
AWAY = (OperationalError, InterfaceError, NoConnection)  # locked, full, gone: worth another try


@dataclass(frozen=True, slots=True)
class _Item:
    """Something to write: `kind` "" starts the call, None ends it, else it is an event's."""

    uid: str
    kind: str | None
    fields: Mapping[str, object]
    offset: float
    wall: datetime.datetime
    done: "Future[None]"


@dataclass(frozen=True, slots=True)
class _Ladder:
    """The SIP messages of a call that is over."""

    uid: str
    messages: Sequence[SipMessage]
    done: "Future[None]"


@dataclass(frozen=True, slots=True)
class _Serves:
    """A version of a dialplan begins to take calls."""

    name: str
    version: str
    sources: bytes
    running: bool
    why: str
    who: str
    wall: datetime.datetime
    done: "Future[None]"


_Entry = _Item | _Serves | _Ladder


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Writer:
    """Opens the database at once (raises StorageError), closes calls that a crash left open, then starts its thread.

    `on_problem` is called from any thread, with one line for an admin, when writing begins to fail, when it works
    again (""), and when something had to be dropped. `clock` and `wall` are for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        on_problem: Callable[[str], None] = lambda problem: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime.datetime] = _now,
        capacity: int = CAPACITY,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        self._engine = connect(url)
        self._on_problem = on_problem
        self._clock = clock
        self._wall = wall
        self._retry_seconds = retry_seconds
        self._items: queue.Queue[_Entry | None] = queue.Queue(capacity)
        self._started: dict[str, float] = {}  # of calls in progress: when they began, monotonic
        self._give_up_at: float | None = None  # set when closing
        self._dropped = 0
        prepare(self._engine)
        try:
            self.lost_calls = close_open_calls(self._engine)
        except SQLAlchemyError as error:
            raise StorageError(why(self._engine.url, error)) from error
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)
        self._thread.start()

    # --- any thread ---------------------------------------------------------------------------------------------------

    def call_started(self, uid: str, fields: Mapping[str, object]) -> None:
        """Begin a record. Fields are named as the columns; others are kept in `extra`."""
        self._put(uid, "", fields)

    def event(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
        """Add to the call's timeline; the future is done when it is committed, or fails with StorageError."""
        return self._put(uid, kind, fields)

    def call_ended(self, uid: str, fields: Mapping[str, object]) -> None:
        """End a record: `fields` beat what the events tell."""
        self._put(uid, None, fields)

    def version_serves(
        self, name: str, version: str, sources: bytes, *, running: bool, why: str, who: str = ""
    ) -> "Future[None]":
        """Keep a version of the dialplan `name`: all new calls are its from now on (`running`), or a share of them."""
        return self._hand_over(_Serves(name, version, sources, running, why, who, self._wall(), Future()))

    def ladder(self, uid: str, messages: Sequence[SipMessage]) -> "Future[None]":
        """Keep the SIP messages of a call, without their secrets."""
        return self._hand_over(_Ladder(uid, messages, Future()))

    @property
    def dropped(self) -> int:
        """Return how many items were lost since the start."""
        return self._dropped

    @property
    def backlog(self) -> int:
        """Return how many items wait to be written."""
        return self._items.qsize()

    def close(self, timeout: float = 10.0) -> bool:
        """Write what was handed over and stop; False if that did not succeed within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self._give_up_at = deadline - timeout / 5
        try:
            self._items.put(None, timeout=timeout)
        except queue.Full:
            return False
        self._thread.join(max(deadline - time.monotonic(), 0.0))
        if self._thread.is_alive():
            return False
        self._engine.dispose()
        return True

    def _put(self, uid: str, kind: str | None, fields: Mapping[str, object]) -> "Future[None]":
        now = self._clock()
        if kind == "":
            self._started[uid] = now
        start = self._started.get(uid, now) if kind is not None else self._started.pop(uid, now)
        return self._hand_over(_Item(uid, kind, dict(fields), round(now - start, 3), self._wall(), Future()))

    def _hand_over(self, item: _Entry) -> "Future[None]":
        if self._give_up_at is not None:
            self._drop(item, "the records are closed")
            return item.done
        try:
            self._items.put_nowait(item)
        except queue.Full:
            self._drop(item, "the queue to the database is full")
        return item.done

    def _drop(self, item: _Entry, reason: str) -> None:
        self._dropped += 1
        problem = f"{reason}: {self._dropped} items of call records are lost so far"
        if self._dropped.bit_count() == 1:  # 1, 2, 4, 8 ...: told often enough
            self._on_problem(problem)
        _settle(item.done, StorageError(reason))

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._next_batch()
            if not batch:
                continue
            try:
                self._write(batch)
            except (
                Exception
            ) as error:  # the edge of the thread: one batch that nobody foresaw must not end all records
                for item in batch:
                    if not item.done.done():
                        self._drop(item, f"records could not be written ({type(error).__name__})")

    def _next_batch(self) -> tuple[list[_Entry], bool]:
        """Return what arrives within BATCH_SECONDS of the first item, and whether it is the last."""
        batch: list[_Entry] = []
        until: float | None = None
        while len(batch) < BATCH_ITEMS:
            try:
                item = self._items.get(timeout=None if until is None else max(until - time.monotonic(), 0.0))
            except queue.Empty:
                break
            if item is None:
                return batch, True
            batch.append(item)
            if until is None:
                until = time.monotonic() + BATCH_SECONDS
        return batch, False

    def _write(self, batch: Sequence[_Entry]) -> None:
        attempt = 0
        while True:
            try:
                with self._engine.begin() as connection:
                    for item in batch:
                        self._write_item(connection, item)
                break
            except AWAY as error:
                if attempt == 0:
                    self._on_problem(why(self._engine.url, error))
                if self._give_up_at is not None and time.monotonic() >= self._give_up_at:
                    for item in batch:
                        self._drop(item, "the server stops and the database is still away")
                    return
                pause = self._retry_seconds[min(attempt, len(self._retry_seconds) - 1)]
                attempt += 1
                time.sleep(pause if self._give_up_at is None else min(pause, self._retry_seconds[0]))
            except SQLAlchemyError as error:
                if len(batch) > 1:
                    for item in batch:  # one of them can never be written: the others shall not suffer
                        self._write([item])
                    return
                self._drop(batch[0], why(self._engine.url, error))
                return
        if attempt:
            self._on_problem("")
        for item in batch:
            _settle(item.done, None)

    def _write_item(self, connection: Connection, item: _Entry) -> None:
        if isinstance(item, _Serves):
            _keep_version(connection, item)
        elif isinstance(item, _Ladder):
            connection.execute(ladders.insert(), {"call": item.uid, "packed": pack(item.messages)})
        elif item.kind == "":
            connection.execute(
                calls.insert(), {**_columns(item.fields), "uid": item.uid, "started_at": item.wall}
            )
        elif item.kind is None:
            told = told_by(timeline(connection, item.uid))
            values = {**told, "ended_at": item.wall, **_columns(item.fields, keep_empty=False)}
            _end(connection, item.uid, values, started_at=item.wall - datetime.timedelta(seconds=item.offset))
        else:
            connection.execute(
                events.insert(),
                {
                    "call": item.uid,
                    "at": item.wall,
                    "offset": item.offset,
                    "kind": item.kind,
                    "data": _clean(item.fields),
                },
            )


def _keep_version(connection: Connection, item: _Serves) -> None:
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


def _end(connection: Connection, uid: str, values: dict[str, object], started_at: datetime.datetime) -> None:
    """Complete the record; if its beginning was dropped, begin it now."""
    before = connection.execute(select(calls.c.extra).where(calls.c.uid == uid)).first()
    if before is None:
        connection.execute(calls.insert(), {**values, "uid": uid, "started_at": started_at})
        return
    extra = values.get("extra")
    if isinstance(extra, dict):
        values["extra"] = {**before.extra, **extra}
    connection.execute(calls.update().where(calls.c.uid == uid).values(**values))


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
    known = calls.c.keys()
    values: dict[str, object] = {}
    extra: dict[str, object] = {}
    for name, value in fields.items():
        if name in known and name not in ("uid", "started_at", "extra"):
            if keep_empty or value not in (None, "", 0.0):
                values[name] = _clean(value)
        else:
            extra[name] = _clean(value)
    if extra:
        values["extra"] = extra
    return values


def _clean(value: object) -> Any:
    """Return the value as every database takes it: peers send lone surrogates (bytes that are no UTF-8) and NULs."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return value


def _settle(future: "Future[None]", error: StorageError | None) -> None:
    try:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
    except InvalidStateError:
        pass  # whoever waited for it has given up and cancelled it
