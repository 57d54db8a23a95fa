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

WIDE = 110  # columns of a terminal that has room for everything
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

    completed: the bot ended the call normally, or the caller has talked to a human (so many of them). left: the
    caller hung up before either. errors: the call broke.
    """
    settings = configuration(config, Overrides(data=data))
    try:
        with Reader(settings.storage.database) as reader:
            versions, outcomes = reader.versions(), reader.outcomes()
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
        console = Console(emoji=False)
        wide = console.width >= WIDE
        console.print(table(rows, wide=wide) if rows else "No dialplan has been served yet.")


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


def table(rows: Iterable[Row], zone: datetime.tzinfo | None = None, *, wide: bool = True) -> Table:
    """Return the list. Instants are shown in `zone`; None is this machine's. `wide`: also why each version came."""
    result = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    headings = ("name", "version", "", "since", "calls", "completed", "human", "left", "errors")
    for heading in (*headings, "why") if wide else headings:
        result.add_column(heading, no_wrap=heading in ("version", "since"))
    for row in rows:
        version, told = row.version, row.outcomes
        since = (version.running_since or version.first_served_at).astimezone(zone)
        why = " ".join(filter(None, (version.why, f"({version.who})" if version.who else "")))
        cells = (
            version.name,
            version.version,
            row.standing + (f" {row.share * 100:g} %" if row.share else ""),
            f"{since:%m-%d %H:%M}",
            str(told.calls) + (f" +{told.open}" if told.open else ""),
            _share(told.completed, told.calls),
            str(told.to_human),
            _share(told.abandoned, told.calls),
            str(told.errors),
        )
        result.add_row(*map(plain, (*cells, why) if wide else cells))
    return result


def _share(part: int, whole: int) -> str:
    return f"{part} {part / whole:.0%}" if whole else "-"
