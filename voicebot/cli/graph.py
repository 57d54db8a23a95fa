"""`voicebot graph`: the flows of a dialplan as a picture, with --calls what callers did in it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from voicebot.cli.options import (
    WRONG_USE,
    ConfigOption,
    DataOption,
    configuration,
    give_up,
    print_findings,
)
from voicebot.config import Config, Overrides
from voicebot.dialplan.loader import check
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.tools.edges import Graph, graph_of
from voicebot.dialplan.tools.pictures import dot, mermaid, svg
from voicebot.dialplan.tools.usage import Usage
from voicebot.storage import Reader, StorageError


class Format(StrEnum):
    SVG = "svg"
    MERMAID = "mermaid"
    DOT = "dot"


def graph(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A dialplan; the first of config.yaml if not given."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="svg needs no other program.")] = Format.SVG,
    steps: Annotated[bool, typer.Option("--steps", help="Steps instead of flows.")] = False,
    calls: Annotated[
        bool,
        typer.Option("--calls", help="How many calls of this version took each way, and where they hung up."),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="With --calls: how many, newest first.")
    ] = 1000,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="F", help="Write to a file.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Draw the flows of a dialplan: ways labelled by key, intent, exit or handler; calls of flows dashed.

    Exit code 0: drawn; 2: the dialplan has errors, or there are no records.
    """
    if steps and calls:
        give_up("--calls counts ways between flows: leave --steps out")
    settings = configuration(config, Overrides(data=data)) if calls or file is None else None
    path = file or _first(settings)
    dialplan, findings = check(path)
    if dialplan is None:
        print_findings(item for item in findings if item.severity == "error")
        raise typer.Exit(WRONG_USE)
    found = graph_of(dialplan, steps=steps)
    usage = _usage(settings, dialplan, found, limit) if calls and settings is not None else None
    title = f"{dialplan.hotline.name} {dialplan.version}"
    match form:
        case Format.SVG:
            text = svg(found, title, usage)
        case Format.MERMAID:
            text = mermaid(found, usage)
        case Format.DOT:
            text = dot(found, title, usage)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        give_up(f"{output}: {error.strerror or type(error).__name__}")


def _first(settings: Config | None) -> Path:
    if settings is None or not settings.dialplans:
        give_up("name a dialplan: the configuration has none")
    return next(iter(settings.dialplans.values()))


def _usage(settings: Config, dialplan: Dialplan, graph: Graph, limit: int) -> Usage:
    """Count the calls of this version of the dialplan."""
    usage = Usage()
    others = 0
    try:
        reader = Reader(settings.storage.database)
        try:
            for record in reader.calls(limit=limit):
                if record.dialplan_version != dialplan.version:
                    others += 1
                elif record.ended_at is not None and (whole := reader.call(record.uid)) is not None:
                    usage.add(graph, whole.events, left_by_caller=record.ended_by == "caller")
        finally:
            reader.close()
    except StorageError as error:
        give_up(str(error))
    if others:
        typer.echo(
            f"{others} of the last {limit} calls were answered by another version: not counted", err=True
        )
    return usage
