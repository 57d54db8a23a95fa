"""Calls have names that sort by time, and no two share one."""

import secrets

import pytest

from voicebot import app


def test_no_two_calls_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = iter(["aaaaaa", "aaaaaa", "aaaaaa", "bbbbbb"])
    monkeypatch.setattr(secrets, "token_hex", lambda _bytes: next(chance))
    name = app.Uids()
    assert name() != name()
