"""`voicebot dialplans`: every version that was served, with how its calls ended, side by side."""

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import typer
from rich.console import Console
from rich.table import Table

from voicebot.cli.options import WRONG_USE, ConfigOption, DataOption, JsonOption, configuration, give_up
from voicebot.cli.timeline import plain
from voicebot.config import Overrides
from voicebot.runtime.control.socket import ControlError, ask
from voicebot.storage import DialplanVersion, Outcomes, Reader, StorageError

_ASKED = 2.0  # seconds that a server has to tell what runs


@dataclass(frozen=True, slots=True)
class Row:
    """A version with its outcomes. `standing`: running, canary, ending, or "" when it takes no calls."""

    version: DialplanVersion
    outcomes: Outcomes
    standing: str = ""
    share: float | None = None


def dialplans(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the versions of the dialplans, newest first, with their calls and completion rates.

    completed: the bot ended the call normally, or the caller has talked to a human. abandoned: the caller left before.
    """
    settings = configuration(config, Overrides(data=data))
    try:
        reader = Reader(settings.storage.database)
        try:
            versions, outcomes = reader.versions(), reader.outcomes()
        finally:
            reader.close()
    except StorageError as error:
        give_up(str(error), WRONG_USE)
    standing: dict[tuple[str, str], tuple[str, float | None]] = {}
    try:
        for item in ask(settings.data, {"command": "status"}, _ASKED).get("dialplans", ()):
            standing[item["name"], item["version"]] = (item["standing"], item["share"])
    except ControlError:
        pass  # no server runs: then no version does
    rows = [
        Row(
            version,
            outcomes.get((version.name, version.version), Outcomes()),
            *standing.get((version.name, version.version), ("", None)),
        )
        for version in versions
    ]
    if as_json:
        typer.echo(json.dumps([as_data(row) for row in rows], ensure_ascii=False, indent=2))
    else:
        Console().print(table(rows) if rows else "No dialplan has been served yet.")


def as_data(row: Row) -> Mapping[str, object]:
    """Return a row as `--json` prints it."""
    version = {
        key: value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, datetime.datetime)
        else value
        for key, value in asdict(row.version).items()
    }
    rate = row.outcomes.completion_rate
    return {
        **version,
        "standing": row.standing,
        "share": row.share,
        **asdict(row.outcomes),
        "completion_rate": None if rate is None else round(rate, 4),
    }


def table(rows: Iterable[Row], zone: datetime.tzinfo | None = None) -> Table:
    """Return the list. Instants are shown in `zone`; None is this machine's."""
    result = Table(box=None, header_style="bold", pad_edge=False)
    headings = (
        "dialplan",
        "version",
        "",
        "since",
        "why",
        "calls",
        "completed",
        "to a human",
        "abandoned",
        "errors",
    )
    for heading in headings:
        result.add_column(heading, no_wrap=heading in ("version", "since"))
    for row in rows:
        version, told = row.version, row.outcomes
        since = (version.running_since or version.first_served_at).astimezone(zone)
        standing = row.standing + (f" {row.share * 100:g} %" if row.share else "")
        why = " ".join(filter(None, (version.why, f"({version.who})" if version.who else "")))
        result.add_row(
            *map(
                plain,
                (
                    version.name,
                    version.version,
                    standing,
                    f"{since:%Y-%m-%d %H:%M:%S}",
                    why,
                    str(told.calls) + (f" +{told.open}" if told.open else ""),
                    _share(told.completed, told.calls),
                    _share(told.to_human, told.calls),
                    _share(told.abandoned, told.calls),
                    _share(told.errors, told.calls),
                ),
            )
        )
    return result


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else "-"
