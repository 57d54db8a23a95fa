"""`voicebot check`: is the configuration right, and each dialplan? What callers would meet is told before they do."""

import json
from pathlib import Path
from typing import Annotated

import typer

from voicebot.cli.options import (
    FOUND,
    WRONG_USE,
    ConfigOption,
    DataOption,
    JsonOption,
    configuration,
    print_findings,
)
from voicebot.config import Overrides
from voicebot.dialplan.loader import check as check_file
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding
from voicebot.engines import engines_for
from voicebot.speech.errors import SpeechError


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]", help="Dialplans; those of config.yaml if none is named."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check dialplans: every finding with file:line:column, and what to do.

    Exit code 0: nothing is wrong; 1: there are warnings only; 2: errors, the dialplan would not be served.
    """
    settings = configuration(config, Overrides(data=data))
    findings: list[Finding] = []
    dialplans: list[Dialplan] = []
    for path in files or list(settings.dialplans.values()):
        dialplan, found = check_file(path, prompts=None if files else settings.prompts)
        findings += found
        if dialplan is not None:
            dialplans.append(dialplan)
    notes: tuple[str, ...] = ()
    problem = ""
    try:
        notes = engines_for(settings, dialplans).notes
    except SpeechError as error:
        problem = str(error)
    errors = bool(problem) or any(item.severity == "error" for item in findings)
    if as_json:
        document = {
            "findings": [_as_data(item) for item in findings],
            "notes": list(notes),
            "problem": problem or None,
        }
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        print_findings(findings)
        for note in notes:
            typer.echo(f"note: {note}")
        if problem:
            typer.echo(problem, err=True)
        if not findings and not problem:
            typer.echo(f"{len(dialplans)} dialplan{'s' * (len(dialplans) != 1)} checked: nothing is wrong.")
    raise typer.Exit(WRONG_USE if errors else FOUND if findings else 0)


def _as_data(item: Finding) -> dict[str, object]:
    return {
        "code": item.code,
        "severity": item.severity,
        "file": item.file,
        "line": item.line,
        "column": item.column,
        "message": item.message,
        "hint": item.hint,
    }
