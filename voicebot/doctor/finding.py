"""One line of the doctor's report."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail", "not tested"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is stable, and the anchor in docs/doctor.md; `text` says what was seen, or why it was not tested."""

    name: str
    verdict: Verdict
    text: str


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warn(name: str, text: str) -> Finding:
    return Finding(name, "warn", text)


def fail(name: str, text: str) -> Finding:
    return Finding(name, "fail", text)


def not_tested(name: str, why: str) -> Finding:
    return Finding(name, "not tested", why)
