"""Reading records, for lists and for one call; beside a running server, or without one."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

from sqlalchemy import ColumnElement, Connection, and_, case, desc, func, inspect, or_, select
from sqlalchemy.exc import SQLAlchemyError

from voicebot.sip.captured import SipMessage, unpack
from voicebot.storage.database import (
    StorageError,
    callbacks,
    calls,
    check_version,
    connect,
    dialplan_versions,
    ladders,
    schema,
    sqlite_file,
    why,
)
from voicebot.storage.record import ANSWERED, CallRecord, DialplanVersion, Outcomes, StoredCallback
from voicebot.storage.rows import WAITING, timeline

BROKEN = ("error", "loop", "server_lost", "media_timeout")  # release causes of calls that did not go well
CUT_OFF = ("too_long", "server_shutdown")


class Reader:
    """Read-only; a context manager, too. Every method raises StorageError if the database cannot be read."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url, read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def calls(
        self,
        *,
        limit: int = 50,
        since: datetime.datetime | None = None,
        agent: str | None = None,
        from_number: str | None = None,
    ) -> list[CallRecord]:
        """Return the latest calls without their events, newest first."""
        query = select(calls).order_by(desc(calls.c.started_at), calls.c.uid).limit(limit)
        if since is not None:
            query = query.where(calls.c.started_at >= since)
        if agent is not None:
            query = query.where(calls.c.agent == agent)
        if from_number is not None:
            query = query.where(calls.c.from_number == from_number)
        with self._connection() as connection:
            return [CallRecord(**row) for row in connection.execute(query).mappings()]

    def call(self, uid: str) -> CallRecord | None:
        """Return one call with its events. `uid` may be the beginning of one, if only one call begins so."""
        with self._connection() as connection:
            for which in (calls.c.uid == uid, calls.c.uid.startswith(uid, autoescape=True)):
                found = connection.execute(select(calls).where(which).limit(2)).mappings().all()
                if uid and len(found) == 1:
                    return CallRecord(**found[0], events=timeline(connection, found[0]["uid"]))
        return None

    def ladder(self, uid: str) -> tuple[SipMessage, ...]:
        """Return the SIP messages of a call, masked, in the order in which they passed; none if they were not kept."""
        with self._connection() as connection:
            if not inspect(connection).has_table(ladders.name):
                return ()
            packed = connection.execute(select(ladders.c.packed).where(ladders.c.call == uid)).scalar()
        return () if packed is None else unpack(packed)

    def callbacks(self, *, limit: int, waiting: bool) -> list[StoredCallback]:
        """Return booked callbacks, newest first; `waiting`: only those that are still to be made."""
        query = select(callbacks).order_by(desc(callbacks.c.booked_at), callbacks.c.uid).limit(limit)
        if waiting:
            query = query.where(callbacks.c.state == WAITING)
        with self._connection() as connection:
            if not inspect(connection).has_table(callbacks.name):
                return []
            return [StoredCallback(**row) for row in connection.execute(query).mappings()]

    def versions(self, name: str | None = None) -> list[DialplanVersion]:
        """Return the versions of dialplans that were served, each once, the one that ran last first."""
        rows = dialplan_versions.c
        columns = (rows.name, rows.version, rows.first_served_at, rows.running_since, rows.why, rows.who)
        query = select(*columns).order_by(rows.id)
        if name is not None:
            query = query.where(rows.name == name)
        with self._connection() as connection:
            if not inspect(connection).has_table(dialplan_versions.name):
                return []
            found: dict[tuple[str, str], DialplanVersion] = {}
            for row in connection.execute(query).mappings():
                item = DialplanVersion(**row)
                first = found.get((item.name, item.version), item)
                found[item.name, item.version] = replace(
                    item,
                    first_served_at=first.first_served_at,
                    running_since=max(filter(None, (item.running_since, first.running_since)), default=None),
                )
        return sorted(
            found.values(), key=lambda item: item.running_since or item.first_served_at, reverse=True
        )

    def sources(self, name: str, version: str, at: datetime.datetime | None = None) -> bytes | None:
        """Return the packed files of a version, as they were served at an instant (None: latest); None if not kept."""
        rows = dialplan_versions.c
        query = select(rows.first_served_at, rows.sources).where(rows.name == name, rows.version == version)
        with self._connection() as connection:
            if not inspect(connection).has_table(dialplan_versions.name):
                return None
            kept = connection.execute(query.order_by(rows.id)).all()
        served = [row.sources for row in kept if at is None or row.first_served_at <= at]
        packed: bytes | None = (served or [row.sources for row in kept[:1]] or [None])[-1]
        return packed

    def outcomes(self) -> dict[tuple[str, str], Outcomes]:
        """Return how the calls of each (dialplan, version) ended."""
        row = calls.c
        ended = and_(row.ended_at.is_not(None), row.disposition == ANSWERED)
        broken = and_(ended, row.release_cause.in_(BROKEN))
        human = and_(ended, ~broken, or_(row.agent != "", row.release_cause == "transferred"))
        by_bot = and_(row.ended_by == "bot", row.release_cause.not_in(CUT_OFF))
        completed = or_(human, and_(ended, ~broken, by_bot))
        abandoned = and_(ended, ~broken, row.agent == "", row.ended_by == "caller")

        def count(what: ColumnElement[bool]) -> ColumnElement[int]:
            return func.coalesce(func.sum(case((what, 1), else_=0)), 0)

        query = select(
            row.dialplan,
            row.dialplan_version,
            *map(count, (ended, completed, human, abandoned, broken, row.ended_at.is_(None))),
        ).group_by(row.dialplan, row.dialplan_version)
        with self._connection() as connection:
            return {
                (name, version): Outcomes(*map(int, counts))
                for name, version, *counts in connection.execute(query)
            }

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        file = sqlite_file(self._engine.url)
        try:
            missing = file is not None and not file.exists()
        except OSError as error:  # the folder is another user's
            raise StorageError(f"{file}: {error.strerror}: run this as the user of the server") from error
        if missing:  # opening it would make it
            raise StorageError(f"there are no records yet: {file} does not exist")
        try:
            with self._engine.connect() as connection:
                if not inspect(connection).has_table(schema.name):
                    raise StorageError(f"there are no records yet in {self._engine.url.render_as_string()}")
                check_version(connection.execute(select(schema.c.version)).scalar_one())
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(why(self._engine.url, error)) from error
