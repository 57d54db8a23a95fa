"""What must have happened, and what did."""

from collections.abc import Callable
from dataclasses import dataclass

from voicebot.cli.demo.screen import Screen


class Stopped(Exception):
    """The demo cannot go on: a check has failed that all others depend on."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    good: bool
    detail: str = ""


class Checks:
    """Every expectation is entered once, met or not."""

    def __init__(self, prefix: str = "") -> None:
        """`prefix` begins every name."""
        self._prefix = prefix
        self.done: list[Check] = []

    def note(self, name: str, good: bool, detail: str = "") -> bool:
        self.done.append(Check(self._prefix + name, good, detail))
        return good

    def demand(self, name: str, good: bool, detail: str = "") -> None:
        """The same, and stop when it is not met."""
        if not self.note(name, good, detail):
            raise Stopped(name)

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.done if not check.good]

    def show(self, screen: Screen) -> None:
        for check in self.done:
            screen.check(check.good, check.name, check.detail)


def names(texts: list[str], shorten: Callable[[str], str] = lambda text: text) -> str:
    return ", ".join(f"“{shorten(text)}”" for text in texts) or "nothing"


def short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
