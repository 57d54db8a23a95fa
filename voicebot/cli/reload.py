"""`voicebot reload`: a running server takes a dialplan as it is now, tries it out, promotes it, or takes it back."""

import getpass
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebot.cli.options import (
    FOUND,
    WRONG_USE,
    ConfigOption,
    DataOption,
    JsonOption,
    configuration,
    give_up,
)
from voicebot.config import Overrides
from voicebot.runtime.control.compiling import WITHIN
from voicebot.runtime.control.socket import ControlError, ask

ANSWERS_WITHIN = 10.0  # seconds


def reload(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A dialplan; all if none is named.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    canary: Annotated[
        str | None, typer.Option("--canary", metavar="10%", help="Give it this share of the new calls first.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Withdraw the canary; without one, serve the version before.")
    ] = False,
    promote: Annotated[bool, typer.Option("--promote", help="Give all new calls to the canary.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let the running server take its dialplans anew. Calls in progress keep the version that they have.

    Exit code 0: done; 1: refused, with the findings, and the running version stays; 2: no server runs, or wrong use.
    """
    if sum((rollback, promote, canary is not None)) > 1:
        give_up("choose one of --canary, --rollback, --promote")
    command = "rollback" if rollback else "promote" if promote else "reload"
    request = {"command": command, "name": name, "canary": canary, "who": getpass.getuser()}
    answer = asked(config, data, request, WITHIN)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif not answer.get("ok"):
        typer.echo(answer.get("error", "the server gave no reason"), err=True)
    else:
        for change in answer["changes"]:
            _print(change)
    if not answer.get("ok"):
        raise typer.Exit(WRONG_USE)
    raise typer.Exit(0 if answer["done"] else FOUND)


def asked(
    config: Path | None, data: Path | None, request: Mapping[str, object], timeout: float = ANSWERS_WITHIN
) -> Mapping[str, Any]:
    """Ask the running server; print why and exit with 2 if there is none."""
    settings = configuration(config, Overrides(data=data))
    try:
        return ask(settings.data, request, timeout)
    except ControlError as error:
        give_up(str(error))


def _print(change: Mapping[str, Any]) -> None:
    for item in change["findings"]:
        typer.echo(item, err=True)
    typer.echo(f"{change['name']}: {change['text']}", err=not change["done"])
