"""`voicebot fmt`: dialplans in their one form. What they mean does not change, and comments stay."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from voicebot.cli.options import FOUND, WRONG_USE, ConfigOption, configuration, print_findings
from voicebot.config import Overrides
from voicebot.dialplan.source import SourceError
from voicebot.dialplan.tools.formatting import FormatError, format_source


def fmt(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]", help="Dialplans; those of config.yaml if none is named."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say which files would change.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Format dialplans: order of keys, quotes, line breaks at 120 columns. Comments and meaning stay.

    Exit code 0: done, or nothing to do; 1: with --check, a file would change; 2: a file cannot be read.
    """
    paths = files or list(configuration(config, Overrides()).dialplans.values())
    changed: list[Path] = []
    wrong = False
    for path in paths:
        try:
            data = path.read_bytes()
            formatted = format_source(data, str(path)).encode()
            if formatted == data:
                continue
            changed.append(path)
            if not check:
                _write(path, formatted)
        except SourceError as error:
            print_findings(error.findings)
            wrong = True
        except FormatError as error:
            typer.echo(str(error), err=True)
            wrong = True
        except OSError as error:
            typer.echo(f"{path}: {error.strerror or type(error).__name__}", err=True)
            wrong = True
    for path in changed:
        typer.echo(f"{'would format' if check else 'formatted'} {path}")
    raise typer.Exit(WRONG_USE if wrong else FOUND if check and changed else 0)


def _write(path: Path, data: bytes) -> None:
    """Replace a file in one step, so that a running server never reads half of it."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as stream:
            stream.write(data)
        os.chmod(name, path.stat().st_mode)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
