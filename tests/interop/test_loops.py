"""A target that leads back to this hotline, through an Asterisk that makes calls of its own of it."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.live.hotline import Hotline, free_port, log_on_failure, running, wait_until
from voicebot.calls.loops import MOST_ROUNDS
from voicebot.phone import Phone

DIALPLAN = """\
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


@pytest.mark.feature(
    "Asterisk", "a number that leads back to the hotline ends after a bounded number of rounds"
)
def test_a_loop_through_asterisk_ends_before_it_has_taken_every_line(
    asterisk_folder: Path, tmp_path: Path
) -> None:
    port = free_port()
    with Asterisk(asterisk_folder, tmp_path / "asterisk", port) as pbx:
        where = f"127.0.0.1:{pbx.port}"
        dialplan = tmp_path / "loop.yaml"
        dialplan.write_text(DIALPLAN % where, "utf-8")
        config = {
            "trunks": {
                "pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "dial": [f"sip:7XX@{where}"]}
            },
            "limits": {"calls": LINES},
        }
        hotline = Hotline(tmp_path / "hotline", dialplan, port=port, config=config)
        with running(hotline), log_on_failure(hotline):

            async def call() -> None:
                phone = Phone(user="tester")
                try:
                    calling = await phone.call(hotline.uri(), timeout=10.0)
                    assert await calling.ended(60.0)
                finally:
                    await phone.close()

            asyncio.run(call())
            wait_until(lambda: "comes back to us again" in hotline.log_text(), 10.0, "the loop is told")
            wait_until(
                lambda: all(each["ended_at"] for each in hotline.calls()), 20.0, "every call has ended"
            )
            assert MOST_ROUNDS < len(hotline.calls()) < LINES
            assert pbx.channels() == 0
