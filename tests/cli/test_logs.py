"""Log lines, on a terminal and elsewhere."""

import io
import sys

import pytest
import structlog

from voicebot.cli import logs


class Stream(io.StringIO):
    """A stderr that may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def fail(password: str) -> None:
    raise ValueError("something is wrong" if password else "")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_failure_is_told_without_what_variables_hold(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    before, stderr = structlog.get_config(), Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    secret = "".join(["sword", "fish"])  # so that it is in no line of the source
    try:
        logs.set_up("info")
        try:
            fail(secret)
        except ValueError:
            structlog.get_logger().exception("call failed", call="20261122-1")
    finally:
        structlog.configure(**before)
    told = stderr.getvalue()
    assert "call failed" in told
    assert "something is wrong" in told
    assert "in fail" in told
    assert secret not in told
