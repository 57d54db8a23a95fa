"""Tables, their version, and the way from an older version to the present one."""

import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from voicebot.storage.cleaning import to_json

LOCK_SECONDS = (
    2.0  # how long SQLite waits for another process's lock before the writer's own back-off takes over
)


class StorageError(Exception):
    """The database cannot be used; the text says what to do. Also the outcome of an event that had to be dropped."""


class Utc(TypeDecorator[datetime.datetime]):
    """An aware instant, kept as UTC without zone, in every database alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        return None if value is None else value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        return None if value is None else value.replace(tzinfo=datetime.UTC)


metadata = MetaData()

calls = Table(
    "calls",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("started_at", Utc, nullable=False, index=True),
    Column("answered_at", Utc),
    Column("ended_at", Utc, index=True),
    Column("direction", String(8), nullable=False, default="in"),
    Column("trunk", Text, nullable=False, default=""),
    Column("from_number", Text, nullable=False, default=""),
    Column("from_uri", Text, nullable=False, default=""),
    Column("to_number", Text, nullable=False, default=""),
    Column("to_uri", Text, nullable=False, default=""),
    Column("sip_call_id", Text, nullable=False, default=""),
    Column("language", String(16), nullable=False, default=""),
    Column("dialplan", Text, nullable=False, default=""),
    Column("dialplan_version", Text, nullable=False, default=""),
    Column("disposition", String(32), nullable=False, default=""),
    Column("release_cause", Text, nullable=False, default=""),
    Column("ended_by", String(32), nullable=False, default=""),
    Column("queue", Text, nullable=False, default=""),
    Column("queue_seconds", Float, nullable=False, default=0.0),
    Column("agent", Text, nullable=False, default=""),
    Column("talk_seconds", Float, nullable=False, default=0.0),
    Column("recording", Text, nullable=False, default=""),
    Column("recording_problem", Text, nullable=False, default=""),
    Column("counters", JSON, nullable=False, default=dict),
    Column(
        "extra", JSON, nullable=False, default=dict
    ),  # what the caller of the writer said beyond the columns
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("call", String(64), nullable=False),
    Column("at", Utc, nullable=False),
    Column("offset", Float, nullable=False),  # seconds since the call began, by the monotonic clock
    Column("kind", String(64), nullable=False),
    Column("data", JSON, nullable=False),
    Index("events_of_a_call", "call", "id"),
)

# Each version of a dialplan that was served; a version with another comment or order of keys is a row of its own.
dialplan_versions = Table(
    "dialplan_versions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("version", String(64), nullable=False),
    Column("first_served_at", Utc, nullable=False),
    Column("running_since", Utc),  # when it last became the running one; null: it has only been a canary
    Column("sources", LargeBinary, nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("who", Text, nullable=False, default=""),
    Index("versions_of_a_dialplan", "name", "version"),
)

# The SIP messages of a call, masked and packed (sip/captured.py).
ladders = Table(
    "ladders",
    metadata,
    Column("call", String(64), primary_key=True),
    Column("packed", LargeBinary, nullable=False),
)

# Callers who are to be called back. `data` has what only the one who calls needs.
callbacks = Table(
    "callbacks",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("booked_by", String(64), nullable=False, default=""),
    Column("state", String(16), nullable=False, index=True),
    Column("booked_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("data", JSON, nullable=False),
)

# How many numbers were dialled at our expense for a caller on a day (local date, YYYY-MM-DD), for the limits.
dialled = Table(
    "dialled",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("caller", String(255), primary_key=True),
    Column("count", Integer, nullable=False),
)

schema = Table("schema_version", metadata, Column("version", Integer, nullable=False))

# MIGRATIONS[n] brings a database from version n to n + 1, inside one transaction.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    1: dialplan_versions.create,
    2: ladders.create,
    3: callbacks.create,
    4: dialled.create,
}
VERSION = 5


def connect(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine. SQLite in WAL mode: readers do not wait, and a crash of this process loses nothing committed.

    Raises StorageError if the database's driver is not installed.
    """
    try:
        engine = create_engine(url, json_serializer=to_json, pool_pre_ping=not url.startswith("sqlite"))
    except ImportError as error:
        raise StorageError(
            'for PostgreSQL its driver is needed: pip install "voicebot[postgresql]"'
        ) from error
    if engine.dialect.name == "sqlite":
        pragmas = ["query_only = ON"] if read_only else ["journal_mode = WAL", "synchronous = NORMAL"]

        @event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for pragma in (f"busy_timeout = {int(LOCK_SECONDS * 1000)}", *pragmas):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    return engine


def sqlite_file(url: URL) -> Path | None:
    """Return the file of an SQLite database, None for another one."""
    in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if in_file else None


def prepare(engine: Engine) -> None:
    """Make the folder and the tables, or bring them to the present version. Raises StorageError."""
    file = sqlite_file(engine.url)
    try:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():  # who called, and what was said, is not for every user of the machine
                file.touch(0o600)
        with engine.begin() as connection:
            if not inspect(connection).has_table(schema.name):
                metadata.create_all(connection)
                connection.execute(schema.insert().values(version=VERSION))
                return
            version = connection.execute(select(schema.c.version)).scalar_one()
            check_version(version)
            while version < VERSION:
                MIGRATIONS[version](connection)
                version += 1
                connection.execute(schema.update().values(version=version))
    except SQLAlchemyError as error:
        raise StorageError(why(engine.url, error)) from error
    except OSError as error:
        raise StorageError(f"the file of the database, or its folder, cannot be made: {error}") from error


def check_version(version: int) -> None:
    if version > VERSION:
        raise StorageError(
            f"the database has version {version}, this voicebot knows {VERSION}: use the newer voicebot,"
            " or another database"
        )


def why(url: URL, error: SQLAlchemyError) -> str:
    """Return one line on what is wrong with the database, without the statement, its values and the password."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).splitlines() or [type(cause).__name__]
    file = sqlite_file(url)
    foreign = file is not None and os.path.exists(file) and not os.access(file, os.R_OK | os.W_OK)
    advice = "; it is another user's: run this as the user of the server" if foreign else ""
    return f"database {url.render_as_string(hide_password=True)}: {lines[0].strip()}{advice}"
