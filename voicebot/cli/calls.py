"""`voicebot calls` and `voicebot calls show UID`: the records of calls, for people (rich) and machines (--json)."""

import datetime
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from voicebot.cli import ladder as ladders
from voicebot.cli.timeline import duration, plain, timeline
from voicebot.config import ConfigError, Overrides, load_config
from voicebot.sip.captured import SipMessage
from voicebot.storage import CallRecord, Reader, StorageError

app = typer.Typer(help="List the calls, or show one.", invoke_without_command=True, no_args_is_help=False)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="F", help="The configuration; config.yaml if not given.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The folder of the database and recordings.")
]
WIDE = 110  # columns of a terminal that has room for the whole list
NARROW = ("started", "from", "length", "ended", "uid")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON (docs/records.md) instead of a table.")]


@app.callback()
def list_calls(
    context: typer.Context,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 20,
    agent: Annotated[str | None, typer.Option(help="Only calls that this agent took.")] = None,
    caller: Annotated[str | None, typer.Option("--from", help="Only calls from this number.")] = None,
) -> None:
    """List the latest calls; `voicebot calls show UID` prints one of them in full."""
    context.obj = (config, data, as_json)
    if context.invoked_subcommand is not None:
        return
    reader = _reader(config, data)
    try:
        records = reader.calls(limit=limit, agent=agent, from_number=caller)
    except StorageError as error:
        raise _stop(str(error)) from error
    finally:
        reader.close()
    if as_json:
        typer.echo(json.dumps([as_data(record) for record in records], ensure_ascii=False, indent=2))
    else:
        console = Console(emoji=False)
        wide = console.width >= WIDE
        console.print(calls_table(records, wide=wide) if records else "No calls yet.")


@app.command()
def show(
    context: typer.Context,
    uid: Annotated[
        str, typer.Argument(help="The call's uid, or a beginning of it that no other call shares.")
    ],
    ladder: Annotated[bool, typer.Option("--ladder", help="Print its SIP messages as a ladder.")] = False,
    sip: Annotated[bool, typer.Option("--sip", help="Print its SIP messages whole.")] = False,
    pcap: Annotated[
        Path | None, typer.Option("--pcap", metavar="F", help="Write its SIP messages for Wireshark.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one call: who, when and how it ended, then all that happened, with the time since it began."""
    above: tuple[Path | None, Path | None, bool] = context.obj
    reader = _reader(config or above[0], data or above[1])
    try:
        record = reader.call(uid)
        messages = reader.ladder(record.uid) if record is not None and (ladder or sip or pcap) else ()
    except StorageError as error:
        raise _stop(str(error)) from error
    finally:
        reader.close()
    if record is None:
        raise _stop(f"no call {uid}, or several that begin so; `voicebot calls` lists them", code=1)
    if ladder or sip or pcap is not None:
        _show_messages(record.uid, messages, ladder=ladder, sip=sip, pcap=pcap)
    elif as_json or above[2]:
        typer.echo(json.dumps(as_data(record, events=True), ensure_ascii=False, indent=2))
    else:
        Console(emoji=False).print(call_view(record))


def _show_messages(
    uid: str, messages: Sequence[SipMessage], *, ladder: bool, sip: bool, pcap: Path | None
) -> None:
    """Passwords, keys and digits are not in them: they were masked before they were kept."""
    if not messages:
        raise _stop(f"no SIP messages are kept of call {uid}: they are written when a call is over", code=1)
    if ladder:
        typer.echo("\n".join(ladders.ladder(messages)))
    if sip:
        typer.echo("\n".join(ladders.in_words(messages)))
    if pcap is not None:
        try:
            pcap.write_bytes(ladders.pcap(messages))
        except OSError as error:
            raise _stop(f"{pcap} cannot be written: {error.strerror}; choose another file") from error
        typer.echo(f"{pcap}: {len(messages)} SIP messages, as UDP whatever the transport was", err=True)


def _reader(config: Path | None, data: Path | None) -> Reader:
    try:
        return Reader(load_config(config, Overrides(data=data)).storage.database)
    except (ConfigError, StorageError) as error:
        raise _stop(str(error)) from error


def _stop(message: str, code: int = 2) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


# --- for machines -----------------------------------------------------------------------------------------------------


def as_data(record: CallRecord, *, events: bool = False) -> dict[str, object]:
    """Return the record as JSON data, its keys as docs/records.md promises them."""
    data: dict[str, object] = {
        name: _json(getattr(record, name)) for name in record.__dataclass_fields__ if name != "events"
    }
    data["seconds"] = record.seconds
    if events:
        data["events"] = [
            {
                "offset": event.offset,
                "at": _json(event.at),
                "kind": event.kind,
                "data": dict(event.data),
            }
            for event in record.events
        ]
    return data


def _json(value: object) -> object:
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


# --- for people -------------------------------------------------------------------------------------------------------


def calls_table(
    records: Iterable[CallRecord], zone: datetime.tzinfo | None = None, *, wide: bool = True
) -> Table:
    """Return the list. Instants are shown in `zone`; None is this machine's. Not `wide`: what 80 columns hold."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2 if wide else 1, 0, 0))
    headings = ("started", "from", "lang", "dialplan", "length", "queue", "agent", "ended", "uid")
    shown = headings if wide else NARROW
    for heading in shown:
        table.add_column(heading, no_wrap=heading in ("started", "length", "uid"), overflow="fold")
    for record in records:
        queue = f"{record.queue} {duration(record.queue_seconds)}" if record.queue else ""
        cells = (
            record.from_number or record.from_uri,
            record.language,
            record.dialplan,
            duration(record.seconds),
            queue,
            record.agent,
            _ending(record),
            record.uid,
        )
        told: tuple[str | Text, ...] = (_local(record.started_at, zone), *map(plain, cells))
        table.add_row(*(cell for heading, cell in zip(headings, told, strict=True) if heading in shown))
    return table


def call_view(record: CallRecord, zone: datetime.tzinfo | None = None) -> RenderableType:
    """Return one call: a block of facts, then its timeline. Instants are shown in `zone`; None is this machine's."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(record, zone):
        if text:
            facts.add_row(name, plain(text))
    title = Text.assemble(("Call ", "bold"), plain(record.uid).plain)
    if not record.events:
        return Group(title, facts)
    return Group(title, facts, "", timeline(record.events))


def _facts(record: CallRecord, zone: datetime.tzinfo | None) -> Iterable[tuple[str, str]]:
    yield "started", f"{_local(record.started_at, zone)}, {duration(record.seconds) or 'goes on'}"
    yield "from", " ".join(filter(None, (record.from_number, _angle(record.from_uri))))
    yield "to", " ".join(filter(None, (record.to_number, _angle(record.to_uri))))
    yield "trunk", record.trunk
    yield "language", record.language
    version = f", version {record.dialplan_version}" if record.dialplan_version else ""
    yield "dialplan", f"{record.dialplan}{version}" if record.dialplan else ""
    yield "queue", f"{record.queue}, waited {duration(record.queue_seconds)}" if record.queue else ""
    yield "agent", f"{record.agent}, talked {duration(record.talk_seconds)}" if record.agent else ""
    yield "ended", _ending(record) + (f", by {record.ended_by}" if record.ended_by else "")
    problem = f" ({record.recording_problem})" if record.recording_problem else ""
    yield "recording", f"{record.recording}{problem}".strip()
    yield "SIP Call-ID", record.sip_call_id


def _ending(record: CallRecord) -> str:
    if record.ended_at is None:
        return "goes on"
    return ", ".join(dict.fromkeys(filter(None, (record.disposition, record.release_cause))))


def _angle(uri: str) -> str:
    return f"<{uri}>" if uri else ""


def _local(instant: datetime.datetime, zone: datetime.tzinfo | None) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
