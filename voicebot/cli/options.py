"""What the commands share: their common options, reading configuration and dialplans, and how they give up."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from voicebot.config import Config, Overrides, load_config
from voicebot.dialplan.loader import DialplanError, load
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import MORE, Finding, SourceError, foremost
from voicebot.runtime.render.around import around_of

WRONG_USE = 2  # exit code: wrong use or wrong configuration
FOUND = 1  # exit code: something was found, or a call was not answered

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="F", help="The configuration; config.yaml if not given.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Where database, recordings and caches lie.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def give_up(text: str, code: int = WRONG_USE) -> NoReturn:
    """Tell the user in one line, and exit."""
    typer.echo(text, err=True)
    raise typer.Exit(code)


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings to stderr, one a line, as FILE:LINE:COLUMN."""
    console = Console(emoji=False, stderr=True, highlight=False, soft_wrap=True)
    shown, left = foremost(findings)
    for item in shown:
        console.print(str(item), markup=False, style="red" if item.severity == "error" else "yellow")
    if left:
        console.print(MORE.format(left), markup=False)


def configuration(config: Path | None, overrides: Overrides) -> Config:
    """Load the configuration, or print what is wrong with it and exit with 2."""
    try:
        loaded = load_config(config, overrides)
    except SourceError as error:
        print_findings(error.findings)
        raise typer.Exit(WRONG_USE) from error
    print_findings(loaded.warnings)
    return loaded


def dialplans_of(config: Config) -> dict[str, Dialplan]:
    """Load every dialplan of the configuration, or print all findings and exit with 2."""
    loaded: dict[str, Dialplan] = {}
    wrong = False
    for name, path in config.dialplans.items():
        try:
            loaded[name] = load(path, around=around_of(config))
        except DialplanError as error:
            print_findings(error.findings)
            wrong = True
    if wrong:
        raise typer.Exit(WRONG_USE)
    return loaded


def interactive() -> bool:
    return sys.stderr.isatty()
