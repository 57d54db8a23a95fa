"""Which call `voicebot call --answer-on` takes for the one that it waits for."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console

from voicebot.cli import call as command
from voicebot.cli.call_report import Report
from voicebot.phone.ear import Ear
from voicebot.phone.errors import CallFailed


@dataclass
class Calling:
    """A call that comes in; it `lasts` so many seconds, None: its caller is gone before it is connected."""

    lasts: float | None
    ended_by_peer: bool = True
    answered_at: float | None = None
    ended_at: float | None = None

    def accept(self) -> None:
        if self.lasts is not None:
            self.answered_at = 100.0

    async def connected(self, timeout: float) -> bool:
        return self.lasts is not None


class Phone:
    """Its time is over once all of `calls` have come."""

    def __init__(self, calls: list[Calling]) -> None:
        self.calls = calls
        self.uri = "sip:desk@127.0.0.1:5062"
        self.closed = False

    async def next_call(self, timeout: float) -> Calling:
        if not self.calls:
            raise TimeoutError
        return self.calls.pop(0)

    async def close(self) -> None:
        self.closed = True


def answered(monkeypatch: pytest.MonkeyPatch, *calls: Calling) -> Any:
    """Return the call that the phone took."""
    phone = Phone(list(calls))

    async def talk(_report: Report, _ear: Ear, call: Calling, *_rest: object, **_more: object) -> None:
        call.ended_at = 100.0 + (call.lasts or 0.0)

    monkeypatch.setattr(command, "Phone", lambda *_places, **_options: phone)
    monkeypatch.setattr(command, "_talk", talk)
    report = Report(Console(quiet=True))
    try:
        return asyncio.run(command._answer(report, Ear([]), "127.0.0.1", 5062, "desk", [], 20.0))
    finally:
        assert phone.closed


@pytest.mark.parametrize("lasts", [None, 0.0, 0.9])
def test_a_call_that_is_over_as_it_begins_is_not_the_one_waited_for(
    monkeypatch: pytest.MonkeyPatch, lasts: float | None
) -> None:
    real = Calling(12.0)
    assert answered(monkeypatch, Calling(lasts), real) is real


def test_a_short_call_that_we_ended_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Calling(0.5, ended_by_peer=False)
    assert answered(monkeypatch, ours, Calling(12.0)) is ours


def test_when_no_other_call_comes_the_one_that_was_over_at_once_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ghost = Calling(0.0)
    assert answered(monkeypatch, ghost) is ghost


def test_without_any_call_that_stood_it_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CallFailed, match="gone before it was connected"):
        answered(monkeypatch, Calling(None))
    with pytest.raises(CallFailed, match="no call came within 20 s"):
        answered(monkeypatch)
