"""`voicebot check`: is the configuration right, and each dialplan? What callers would meet is told before they do."""

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voicebot.cli.check_report import (
    WORDS,
    Report,
    as_data,
    as_sarif,
    bound_lines,
    finding_lines,
    source_lines,
    summary,
)
from voicebot.cli.options import (
    FOUND,
    WRONG_USE,
    ConfigOption,
    DataOption,
    JsonOption,
    configuration,
)
from voicebot.config import Config, Overrides
from voicebot.config.load import DEFAULT_FILE
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.reach import Bound, bounds
from voicebot.dialplan.findings.translate import translate
from voicebot.dialplan.loader import check as check_file
from voicebot.dialplan.loader import prompts_beside
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, foremost
from voicebot.engines import engines_for
from voicebot.runtime.render.around import around, around_of, has_dictionary
from voicebot.speech.errors import SpeechError


class Language(StrEnum):
    en = "en"
    zh = "zh"


class Format(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]", help="Dialplans; those of config.yaml if none is named."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    lang: Annotated[Language, typer.Option("--lang", help="The language of the findings.")] = Language.en,
    form: Annotated[Format, typer.Option("--format", help="How the findings are told.")] = Format.text,
    as_json: JsonOption = False,
) -> None:
    """Check dialplans: every finding with its line, what to do, and how long callers need to a human.

    Exit code 0: nothing is wrong; 1: there are warnings only; 2: errors, the dialplan would not be served.
    """
    alone = bool(files) and config is None and not Path(DEFAULT_FILE).exists()
    settings = None if alone else configuration(config, Overrides(data=data))
    report = examine(settings, files or [], lang.value)
    if form is Format.sarif:
        typer.echo(json.dumps(as_sarif(report, lang.value), ensure_ascii=False, indent=2))
    elif as_json or form is Format.json:
        typer.echo(json.dumps(as_data(report, lang.value), ensure_ascii=False, indent=2))
    else:
        _print(report, lang.value)
    severities = {item.severity for item in report.findings}
    errors = bool(report.problem) or "error" in severities
    raise typer.Exit(WRONG_USE if errors else FOUND if "warning" in severities else 0)


def examine(settings: Config | None, files: list[Path], language: str) -> Report:
    """Check `files`, or the dialplans of the configuration. Without one, what would need it is left out, and said."""
    findings: list[Finding] = []
    dialplans: list[Dialplan] = []
    found: dict[str, tuple[Bound, ...]] = {}
    for path in files or list(settings.dialplans.values() if settings is not None else ()):
        folder = prompts_beside(path) if files or settings is None else settings.prompts
        known = _around(settings, folder)
        dialplan, told = check_file(path, around=known)
        findings += told
        if dialplan is not None:
            dialplans.append(dialplan)
            found[str(path)] = bounds(dialplan, replace(known, shared={}))
    notes: tuple[str, ...] = ()
    problem = ""
    if settings is not None:
        try:
            notes = tuple(translate(note, language) for note in engines_for(settings, dialplans).notes)
        except SpeechError as error:
            problem = translate(str(error), language)
    if (settings is None or not settings.agents) and any(dialplan.queues for dialplan in dialplans):
        notes = (*notes, WORDS[language]["unstaffed"])
    return Report(findings, found, notes, problem)


def _around(settings: Config | None, prompts: Path) -> Around:
    if settings is not None:
        return around_of(settings, prompts)
    return around(prompts, {}, has_dictionary(Path("models")))


def _print(report: Report, language: str) -> None:
    errors = Console(emoji=False, stderr=True, highlight=False, soft_wrap=True)
    shown, left = foremost(report.findings)
    sources = {file: source_lines(file) for file in {item.file for item in shown}}
    for item in shown:
        head, *source = finding_lines(item, language, sources[item.file])
        style = {"error": "red", "warning": "yellow"}.get(item.severity, "cyan")
        errors.print(head, markup=False, style=style)
        for line in source:
            errors.print(line, markup=False)
    if left:
        errors.print(WORDS[language]["more"].format(left), markup=False)
    for file, rows in report.bounds.items():
        for line in (file, *bound_lines(rows, language)):
            typer.echo(line)
    for note in report.notes:
        typer.echo(WORDS[language]["note"] + note)
    if report.problem:
        typer.echo(report.problem, err=True)
    typer.echo(summary(report, language))
