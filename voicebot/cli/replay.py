"""`voicebot replay UID [--dialplan NEW]`: would a recorded call go another way?"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voicebot.cli.options import FOUND, ConfigOption, DataOption, JsonOption, give_up, print_findings
from voicebot.cli.stored import stored_call
from voicebot.cli.timeline import plain
from voicebot.dialplan.loader import DialplanError, load
from voicebot.sim.replay import Move, Replay
from voicebot.sim.replay import replay as run
from voicebot.sim.store import Event

AROUND = 3  # moves in common that are shown before the ways part
AFTER = 6  # and what follows


def replay(
    uid: Annotated[
        str, typer.Argument(help="The call's uid, or a beginning of it that no other call shares.")
    ],
    dialplan: Annotated[
        Path | None,
        typer.Option("--dialplan", metavar="NEW", help="Run against this; else the configured file."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recorded call's inputs against a dialplan as it is now, in virtual time, and show where the ways part.

    Exit code 0: it goes the same way; 1: it goes another way; 2: wrong use.
    """
    call = stored_call(uid, config, data)
    record = call.record
    if not record.dialplan:
        give_up(f"call {record.uid} has run no dialplan (a callback, or a call that was refused)")
    path = dialplan or call.current()
    if path is None:
        give_up(f"the configuration has no dialplan {record.dialplan}: name a file with --dialplan")
    try:
        loaded = load(path, prompts=call.config.prompts)
    except DialplanError as error:
        print_findings(error.findings)
        give_up(f"{path} does not check")
    result = run(
        [Event(event.offset, event.kind, event.data) for event in record.events],
        loaded,
        at=record.started_at,
        from_number=record.from_number,
        to_number=record.to_number,
        left_by_caller=record.ended_by == "caller",
    )
    if as_json:
        typer.echo(json.dumps(as_data(result), ensure_ascii=False, indent=2))
    else:
        show(
            result,
            Console(emoji=False),
            f"{record.dialplan} {record.dialplan_version}",
            f"{path} {loaded.version}",
        )
    raise typer.Exit(FOUND if result.diverges or result.problem else 0)


def as_data(result: Replay) -> dict[str, object]:
    """Return what `--json` prints."""
    return {
        "diverges": result.diverges,
        "same": result.same,
        "recorded": [move._asdict() for move in result.recorded],
        "replayed": [move._asdict() for move in result.replayed],
        "notes": list(result.notes),
        "problem": result.problem or None,
    }


def show(result: Replay, console: Console, before: str, after: str) -> None:
    """Print both ways side by side, from a little before they part."""
    for note in result.notes:
        console.print(plain(f"note: {note}"))
    if result.problem:
        console.print(plain(f"the replayed call broke: {result.problem}"))
    if not result.diverges:
        console.print(plain(f"The call goes the same way: {result.same} moves."))
        return
    console.print(plain(f"The ways part after {result.same} moves in common."))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", plain(before), plain(after)):
        table.add_column(heading, overflow="fold")
    for index in range(max(0, result.same - AROUND), result.same + AFTER):
        old, new = _at(result.recorded, index), _at(result.replayed, index)
        if old or new:
            table.add_row("→" if index == result.same else "", plain(old), plain(new))
    console.print(table)


def _at(moves: Sequence[Move], index: int) -> str:
    if index >= len(moves):
        return "(the call is over)" if index == len(moves) else ""
    move = moves[index]
    return f"{move.what}  ({move.place})" if move.place else move.what
