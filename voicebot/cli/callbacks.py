"""`voicebot callbacks`: who is still to be called back, from storage; beside a running server, or without one."""

import datetime
import json
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console

from voicebot.calls.booking import Booking
from voicebot.cli.options import ConfigOption, DataOption, JsonOption, configuration, give_up
from voicebot.cli.status import table
from voicebot.config import Overrides
from voicebot.storage import Reader, StorageError, StoredCallback

SHOWN_DIGITS = 3  # of a caller's number; `voicebot calls show` of the call that booked tells all of it
HEADINGS = ("not before", "number", "queue", "attempts", "state", "booked by")


def callbacks(
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    every: Annotated[bool, typer.Option("--all", help="Also those that were made, or given up.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 100,
) -> None:
    """List the callbacks that are booked. Of each number the last digits are shown."""
    settings = configuration(config, Overrides(data=data))
    try:
        with Reader(settings.storage.database) as reader:
            found = reader.callbacks(limit=limit, waiting=not every)
    except StorageError as error:
        give_up(str(error))
    booked = list(_read(found))
    if as_json:
        typer.echo(json.dumps([as_data(*item) for item in booked], ensure_ascii=False, indent=2))
    elif booked:
        table(Console(emoji=False), HEADINGS, [row(*item, settings.callbacks.attempts) for item in booked])
    else:
        typer.echo(
            "No callbacks." if every else "No callbacks are waiting; --all lists those that were made."
        )


def _read(found: Iterable[StoredCallback]) -> Iterable[tuple[StoredCallback, Booking]]:
    for item in found:
        try:
            yield item, Booking.of(item.data)
        except ValueError as error:
            typer.echo(f"callback {item.uid} cannot be read: {error}", err=True)


def as_data(item: StoredCallback, booking: Booking) -> dict[str, object]:
    """Return a callback as JSON data; instants in UTC."""
    return {
        "uid": item.uid,
        "state": item.state,
        "number": shortened(booking.number),
        "queue": booking.queue,
        "language": booking.language,
        "attempts": booking.attempts,
        "due_at": _utc(booking.due_at),
        "in_queue_since": _utc(booking.since),
        "booked_at": _utc(item.booked_at),
        "changed_at": _utc(item.changed_at),
        "booked_by": item.booked_by,
    }


def row(
    item: StoredCallback, booking: Booking, attempts: int, zone: datetime.tzinfo | None = None
) -> tuple[str, ...]:
    """Return what a person reads of one callback. Instants are shown in `zone`; None is this machine's."""
    return (
        _local(booking.due_at, zone),
        shortened(booking.number),
        booking.queue,
        f"{booking.attempts} of {attempts}",
        item.state.replace("_", " "),
        item.booked_by,
    )


def shortened(number: str) -> str:
    """Return the last digits of a number: enough to tell callers apart, too few to call them."""
    return f"…{number[-SHOWN_DIGITS:]}" if len(number) > SHOWN_DIGITS else "…"


def _local(instant: datetime.datetime, zone: datetime.tzinfo | None) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _utc(instant: datetime.datetime) -> str:
    return instant.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
