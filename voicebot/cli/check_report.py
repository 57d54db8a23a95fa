"""How `voicebot check` tells what it found: as text with the line that is meant, as JSON, as SARIF."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from voicebot import __version__
from voicebot.dialplan.checks.callers import CALLERS
from voicebot.dialplan.checks.reach import Bound
from voicebot.dialplan.findings.catalogue import pages
from voicebot.dialplan.findings.translate import in_language
from voicebot.dialplan.source import MAX_BYTES, Finding

WIDEST = 100  # columns of a source line that are shown
BEFORE = 40  # of them, those before what is meant, in a longer line
TAB = 4

_TOKEN = re.compile(r"[^\s,:{}\[\]]+")

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "error": "error",
        "warning": "warning",
        "info": "info",
        "clean": "nothing is wrong",
        "errors": "errors",
        "warnings": "warnings",
        "infos": "notes",
        "bounds": "seconds to a human or an end at most, from the begin of each flow",
        "flow": "flow",
        "silent": "silent",
        "mumbling": "mumbling",
        "keys": "keys only",
        "never": "no end",
        "dialplans": "good dialplans",
        "note": "note: ",
        "more": "and {} more findings: --format json or sarif tells all",
        "unstaffed": "no agents are configured: whether queues can be served was not checked",
    },
    "zh": {
        "error": "错误",
        "warning": "警告",
        "info": "提示",
        "clean": "没有问题",
        "errors": "个错误",
        "warnings": "个警告",
        "infos": "个提示",
        "bounds": "从各流程开始到转人工或结束最多需要的秒数",
        "flow": "流程",
        "silent": "沉默",
        "mumbling": "听不清",
        "keys": "仅按键",
        "never": "无上限",
        "dialplans": "个可用的拨号方案",
        "note": "说明：",
        "more": "另有 {} 个问题未显示：用 --format json 或 sarif 可查看全部",
        "unstaffed": "没有配置坐席：未检查队列是否有人服务",
    },
}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in all files. `bounds` are by the dialplan's file; `problem` keeps the server from starting."""

    findings: Sequence[Finding]
    bounds: Mapping[str, Sequence[Bound]]
    notes: Sequence[str] = ()
    problem: str = ""


# --- text ----------------------------------------------------------------------------------------------------------


def finding_lines(item: Finding, language: str, source: Sequence[str]) -> list[str]:
    """Return a finding as lines: where and what, its line of `source`, and a caret under what is meant."""
    told = in_language(item, language)
    hint = f" ({told.hint})" if told.hint else ""
    severity = WORDS[language][item.severity]
    head = f"{item.file}:{item.line}:{item.column}: {severity} {item.code}: {told.message}{hint}"
    return [head, *_shown(item, source)]


def source_lines(file: str) -> tuple[str, ...]:
    """Return the lines of a file, none of one that cannot be read."""
    try:
        with Path(file).open(encoding="utf-8-sig") as stream:
            return tuple(stream.read(MAX_BYTES).split("\n"))
    except (OSError, UnicodeDecodeError):
        return ()


def _shown(item: Finding, lines: Sequence[str]) -> list[str]:
    if not 1 <= item.line <= len(lines):
        return []
    line, column = lines[item.line - 1], item.column - 1
    token = _TOKEN.match(line, min(column, len(line)))
    marked = max(len(token.group()) if token else 1, 1)
    start = max(0, column - BEFORE) if len(line) > WIDEST else 0
    end = min(len(line), start + WIDEST)
    text = line[start:end].expandtabs(TAB)
    before = _width(line[start:column].expandtabs(TAB))
    under = _width(line[column : min(column + marked, end)]) or 1
    number = str(item.line)
    cut = ("..." if start else "", "..." if end < len(line) else "")
    return [
        f"  {number} | {cut[0]}{text}{cut[1]}",
        f"  {' ' * len(number)} | {' ' * (before + len(cut[0]))}{'^' * under}",
    ]


def _width(text: str) -> int:
    """Return how many columns a terminal gives to `text`."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def bound_lines(bounds: Sequence[Bound], language: str) -> list[str]:
    """Return the bounds of a dialplan as a table."""
    words = WORDS[language]
    heads = [words["flow"], *(words[caller] for caller in CALLERS)]
    rows = [
        [bound.flow, *(_seconds(bound.of(caller), words["never"]) for caller in CALLERS)] for bound in bounds
    ]
    widths = [max(_width(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return [f"{words['bounds']}:", *("  " + _row(row, widths) for row in (heads, *rows))]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell + " " * (width - _width(cell)) if number == 0 else " " * (width - _width(cell)) + cell
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others])


def _seconds(seconds: float | None, never: str) -> str:
    return never if seconds is None else f"{seconds:.0f}"


def summary(report: Report, language: str) -> str:
    """Return one line: how many dialplans could be served, and how many errors, warnings and notes there are."""
    words = WORDS[language]
    counts = {
        kind: sum(item.severity == kind for item in report.findings) for kind in ("error", "warning", "info")
    }
    parts = [_counted(count, words[kind + "s"], language) for kind, count in counts.items() if count]
    checked = _counted(len(report.bounds), words["dialplans"], language)
    return f"{checked}: {', '.join(parts) if parts else words['clean']}"


def _counted(count: int, things: str, language: str) -> str:
    """Return "2 errors", "1 error"; Chinese knows no plural."""
    return f"{count} {things.removesuffix('s') if language == 'en' and count == 1 else things}"


# --- data ----------------------------------------------------------------------------------------------------------


def as_data(report: Report, language: str) -> dict[str, object]:
    """Return the report for JSON. Bounds are seconds, null where there is none."""
    return {
        "findings": [_finding_data(in_language(item, language)) for item in report.findings],
        "bounds": {
            file: {bound.flow: {caller: bound.of(caller) for caller in CALLERS} for bound in bounds}
            for file, bounds in report.bounds.items()
        },
        "notes": list(report.notes),
        "problem": report.problem or None,
    }


def _finding_data(item: Finding) -> dict[str, object]:
    return {
        "code": item.code,
        "severity": item.severity,
        "file": item.file,
        "line": item.line,
        "column": item.column,
        "message": item.message,
        "hint": item.hint,
    }


_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(report: Report, language: str) -> dict[str, object]:
    """Return the report as a SARIF 2.1.0 log (OASIS, 2020): one run, a rule for each code that was found."""
    codes = sorted({item.code for item in report.findings})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "voicebot",
                        "version": __version__,
                        "rules": [_rule(code, language) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": _results(report.findings, codes, language),
            }
        ],
    }


def _rule(code: str, language: str) -> dict[str, object]:
    page = pages().get(code)
    if page is None:
        return {"id": code}
    title = page.chinese if language == "zh" else page.title
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": page.text},
        "help": {"text": f"docs/findings/{code}.md"},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
    }


def _results(findings: Iterable[Finding], codes: Sequence[str], language: str) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    for item in findings:
        told = in_language(item, language)
        text = f"{told.message} ({told.hint})" if told.hint else told.message
        place = {
            "artifactLocation": {"uri": _uri(item.file)},
            "region": {"startLine": item.line, "startColumn": item.column},
        }
        results.append(
            {
                "ruleId": item.code,
                "ruleIndex": codes.index(item.code),
                "level": _LEVELS[item.severity],
                "message": {"text": text},
                "locations": [{"physicalLocation": place}],
            }
        )
    return results


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
