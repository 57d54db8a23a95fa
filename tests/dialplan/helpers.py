"""Dialplans from texts, and calls through them."""

import asyncio
import contextlib
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from tests.dialplan.fake_line import FakeLine
from tests.sounds import write_wav
from voicebot.dialplan.checker import CHECKS
from voicebot.dialplan.interpreter import Interpreter
from voicebot.dialplan.loader import check, load
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding

EN = "dialplan: 1\nhotline: {name: t, languages: [en], timezone: Asia/Shanghai, start: main}\n"
BOTH = "dialplan: 1\nhotline: {name: t, languages: [en, zh], timezone: Asia/Shanghai, start: main}\n"
END = "    - hangup: done\n"


# Rules that a dialplan of three lines breaks: tests of single steps leave them out.
WHOLE = ("callers", "time", "nobody_there", "led_on", "errors")


@contextlib.contextmanager
def without(rules: Collection[str]) -> Iterator[None]:
    """Check without some rules of the checker."""
    every = dict(CHECKS)
    for rule in rules:
        CHECKS.pop(rule, None)
    try:
        yield
    finally:
        CHECKS.clear()
        CHECKS.update(every)


def loaded(text: str, files: Mapping[str, str] | None = None, skip: Collection[str] = WHOLE) -> Dialplan:
    with tempfile.TemporaryDirectory() as folder, without(skip):
        return load(_written(folder, text, files))


def findings(
    text: str, files: Mapping[str, str] | None = None, skip: Collection[str] = WHOLE
) -> tuple[Finding, ...]:
    with tempfile.TemporaryDirectory() as folder, without(skip):
        return check(_written(folder, text, files))[1]


def places(text: str, files: Mapping[str, str] | None = None) -> list[tuple[str, int, int]]:
    return [(item.code, item.line, item.column) for item in findings(text, files)]


def codes(text: str) -> set[str]:
    return {item.code for item in findings(text)}


def _written(folder: str, text: str, files: Mapping[str, str] | None) -> Path:
    for name, content in (files or {}).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".wav" and content == "a tone":
            write_wav(path)
        else:
            path.write_text(content, encoding="utf-8")
    main = Path(folder) / "main.yaml"
    main.write_text(text, encoding="utf-8")
    return main


def dialled(dialplan: Dialplan | str, line: FakeLine) -> str:
    """Run a call to its end; return the reason."""
    plan = loaded(dialplan) if isinstance(dialplan, str) else dialplan
    call = {"from": "13912345678", "to": "4000", "uid": "u1"}
    return asyncio.run(Interpreter(plan, line, call).run())
