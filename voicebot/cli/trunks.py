"""`voicebot trunks`: how the running server stands with its PBXs and providers."""

import json
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console

from voicebot.cli.options import FOUND, WRONG_USE, ConfigOption, DataOption, JsonOption
from voicebot.cli.reload import asked
from voicebot.cli.status import table
from voicebot.cli.timeline import duration


def trunks(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Print each trunk: registered, reachable, last problem, calls. Exit code 1: one is not well; 2: no server runs."""
    answer = asked(config, data, {"command": "trunks"})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif answer.get("ok"):
        headings = ("trunk", "host", "state", "answers", "last problem", "in", "out")
        table(Console(emoji=False), headings, [row(item) for item in answer["trunks"]])
    else:
        typer.echo(answer.get("error", ""), err=True)
    if not answer.get("ok"):
        raise typer.Exit(WRONG_USE)
    raise typer.Exit(0 if all(well(item) for item in answer["trunks"]) else FOUND)


def well(item: Mapping[str, Any]) -> bool:
    """Return whether calls can come and go."""
    return item["state"] in ("registered", "by address") and item["answers"] is not False


def row(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a person reads of one trunk."""
    state = item["state"] + (f" as {item['user']}" if item["user"] else "")
    if item["registered_for"] is not None:
        state += f", for {duration(item['registered_for'])}"
    if item["retry_in"] is not None:
        state += f", next try in {duration(item['retry_in'])}"
    answers = {None: "-", True: f"{item['ping_status']} after {item['ping_ms']:g} ms", False: "no"}
    host = item["host"] or "-"
    calls = (str(item["calls_in"]), str(item["calls_out"]))
    return (item["name"], host, state, answers[item["answers"]], item["last_problem"] or "-", *calls)
