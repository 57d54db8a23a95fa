"""A target that leads back to this hotline, through an Asterisk that makes calls of its own of it."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.live.hotline import Config, Hotline, wait_until
from voicebot.calls.loops import MOST_ROUNDS
from voicebot.phone import Phone

FLOW = """\
dialplan: 1
hotline: {name: loop, languages: [en], start: main}
flows:
  main:
    - transfer:
        to: "sip:701@%s"
        mode: bridge
        timeout: 20s
        exits: {busy: bye, no_answer: bye, declined: bye, auth_failed: bye, unreachable: bye, timeout: bye, agent_done: bye}
  bye: [{hangup: normal}]
"""
LINES = 60


@pytest.fixture(scope="module")
def dialplan(asterisk: Asterisk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dialplan") / "loop.yaml"
    path.write_text(FLOW % f"127.0.0.1:{asterisk.port}", "utf-8")
    return path


@pytest.fixture(scope="module")
def config(asterisk: Asterisk) -> Config:
    dial = [f"sip:7XX@127.0.0.1:{asterisk.port}"]
    return {
        "trunks": {"pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "dial": dial}},
        "limits": {"calls": LINES},
    }


@pytest.mark.feature(
    "Asterisk", "a number that leads back to the hotline ends after a bounded number of rounds"
)
def test_a_loop_through_asterisk_ends_before_it_has_taken_every_line(
    hotline: Hotline, asterisk: Asterisk
) -> None:
    async def call() -> None:
        phone = Phone(user="tester")
        try:
            calling = await phone.call(hotline.uri(), timeout=10.0)
            assert await calling.ended(60.0)
        finally:
            await phone.close()

    wait_until(lambda: asterisk.reaches("hotline"), 15.0, "the trunk is available: a call finds its way back")
    asyncio.run(call())
    wait_until(lambda: "comes back to us again" in hotline.log_text(), 10.0, "the loop is told")
    wait_until(lambda: all(each["ended_at"] for each in hotline.calls()), 20.0, "every call has ended")
    assert MOST_ROUNDS < len(hotline.calls()) < LINES
