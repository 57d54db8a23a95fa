"""Reading records, for lists and for one call; beside a running server, or without one."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, desc, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from voicebot.storage.database import StorageError, calls, check_version, connect, schema, sqlite_file, why
from voicebot.storage.record import CallRecord
from voicebot.storage.writer import timeline


class Reader:
    """Read-only. Every method raises StorageError if the database cannot be read."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url, read_only=True)

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

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        file = sqlite_file(self._engine.url)
        if file is not None and not file.exists():  # opening it would make it
            raise StorageError(f"there are no records yet: {file} does not exist")
        try:
            with self._engine.connect() as connection:
                if not inspect(connection).has_table(schema.name):
                    raise StorageError(f"there are no records yet in {self._engine.url.render_as_string()}")
                check_version(connection.execute(select(schema.c.version)).scalar_one())
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(why(self._engine.url, error)) from error
