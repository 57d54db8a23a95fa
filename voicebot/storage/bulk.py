"""Many rows in one statement, cheaply.

On SQLite statements are compiled once and rows go to the driver as tuples: SQLAlchemy's own way costs three times as
much, all of it under the lock that the calls need. Other databases get them as SQLAlchemy writes them.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import JSON, BindParameter, Column, Connection, Insert, Table, Update, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import StatementError

from voicebot.storage.cleaning import to_json
from voicebot.storage.database import Utc

Row = dict[str, Any]
THE_KEY = "the_key"  # the parameter of an update that names its row

_DIALECT = sqlite.dialect(paramstyle="qmark")


class Bulk:
    """One statement: an insert of whole rows, or an update of all columns but `key` in the row of that key."""

    def __init__(self, table: Table, *, key: str = "") -> None:
        columns = [column for column in table.c if not _is_counted(column)]
        values: dict[Column[Any], BindParameter[Any]] = {
            column: bindparam(column.name) for column in columns if column.name != key
        }
        self._statement: Insert | Update = table.insert()
        if key:
            self._statement = table.update().where(table.c[key] == bindparam(THE_KEY)).values(values)
        compiled = self._statement.compile(
            dialect=_DIALECT, column_keys=None if key else [column.name for column in columns]
        )
        self._sql = str(compiled)
        types = {column.name: _writer_of(column) for column in columns}
        self._parameters = [(name, types.get(name)) for name in compiled.positiontup or ()]

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Run it for all rows, each of which has every column. Raises SQLAlchemyError."""
        if connection.dialect.name != "sqlite":
            connection.execute(self._statement, rows)
            return
        parameters = self._parameters
        try:
            values = [
                tuple([row[name] if write is None else write(row[name]) for name, write in parameters])
                for row in rows
            ]
        except (AttributeError, TypeError, ValueError) as error:  # of another type than the column's
            raise StatementError(str(error), self._sql, None, error) from error
        connection.exec_driver_sql(self._sql, values)


def _is_counted(column: Column[Any]) -> bool:
    """Whether the database numbers the rows by it."""
    return column is column.table.autoincrement_column


def _writer_of(column: Column[Any]) -> Callable[[Any], Any] | None:
    """Return how a value is handed to SQLite's driver, None for as it is. As SQLAlchemy does it, which reads it again."""
    if isinstance(column.type, Utc):
        return _instant
    return to_json if isinstance(column.type, JSON) else None


def _instant(value: datetime.datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not datetime.UTC:
        value = value.astimezone(datetime.UTC)
    return value.isoformat(" ", "microseconds")[: -len("+00:00")]
