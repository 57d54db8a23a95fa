"""`voicebot why UID [TURN]`: why the bot did what it did in a real call."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from voicebot.cli.explaining import Candidate, Explanation, Turn
from voicebot.cli.options import FOUND, ConfigOption, DataOption, JsonOption, give_up
from voicebot.cli.stored import stored_call
from voicebot.cli.timeline import offset, plain


def why(
    uid: Annotated[
        str, typer.Argument(help="The call's uid, or a beginning of it that no other call shares.")
    ],
    turn: Annotated[
        int | None, typer.Argument(metavar="[TURN]", help="Only this input of the caller; the first is 1.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell each turn of a call: what was heard, how it was judged, and which lines of the dialplan did what then.

    The lines are those of the version that answered the call. What is sensitive was never kept, and is not told.
    """
    call = stored_call(uid, config, data)
    turns = Explanation(call.record, call.sources, call.dialplan()).turns()
    if turn is not None:
        turns = [item for item in turns if item.number == turn]
        if not turns:
            give_up(f"the call has no turn {turn}", FOUND)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in turns], ensure_ascii=False, indent=2))
        return
    console = Console(emoji=False)
    record = call.record
    console.print(plain(f"Call {record.uid}, dialplan {record.dialplan}, version {record.dialplan_version}"))
    if call.sources is None:
        console.print(plain("The files of this version were not kept: lines are told by number only."))
    for item in turns:
        show(item, console)


def show(turn: Turn, console: Console) -> None:
    """Print one turn."""
    console.print("")
    heading = f"{turn.number}. " if turn.number else ""
    console.print(
        Text.assemble((f"{offset(turn.offset)} ", "dim"), (f"{heading}{plain(turn.heard).plain}", "bold"))
    )
    if turn.question:
        console.print(plain(f"  asked by {turn.question}"))
    for said in turn.said[-1:]:
        console.print(Text("  after ", style="dim") + plain(f"“{said}”"))
    for line in turn.judged:
        console.print(plain(f"  {line}"))
    if turn.candidates:
        console.print(_candidates(turn.candidates))
    for rule in turn.rules:
        line = f" `{rule.line}`" if rule.line else ""
        told = plain(f"  {rule.text}")
        console.print(Text.assemble(told, (f"  {plain(rule.place + line).plain}", "dim")))


def _candidates(candidates: Sequence[Candidate]) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(5):
        table.add_column(overflow="fold")
    for item in candidates:
        mark = "→" if item.chosen else " "
        score = f"{item.score:.2f}" if item.tier else "-"
        name = f"  {mark} {item.name}{' (link)' if item.link else ''}"
        table.add_row(*map(plain, (name, item.tier or "does not fit", score, item.template, item.line)))
    return table
