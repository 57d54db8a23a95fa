"""A real server takes new versions while real calls go on: nobody hears it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.live.hotline import Hotline, log_on_failure, running
from tests.stories import run
from voicebot.cli.main import app
from voicebot.phone import Phone
from voicebot.runtime.control.socket import ask

RELOADS = 30
CALLS = 3
EVERY = 0.15  # seconds: they meet the calls' packets at every point of their rhythm
LIMIT = 24.0  # seconds for all of it, but for the server's start
LONGEST_GAP = (
    0.1  # seconds: five packets; a phone's jitter buffer hides it. On a busy machine it is the scheduler's.
)
USUAL_GAP = 0.03  # seconds, 99 of 100

DIALPLAN = """\
dialplan: 1
hotline: {name: reloaded, languages: [en], start: welcome}
defaults: {timeout: 20s, input: [dtmf]}
handlers:
  noinput: [{count: 2, goto: bye}]
  nomatch: [{count: 2, goto: bye}]
flows:
  welcome:
    - menu: {prompt: "This is version zero. Press one.", choices: [{dtmf: "1", goto: bye}]}
  bye:
    - say: "Goodbye from version zero."
    - hangup: version_0
"""


def version(number: int) -> str:
    names = ("zero", "one", "two", "three")
    return DIALPLAN.replace("version zero", f"version {names[number % 4]}").replace(
        "version_0", f"version_{number}"
    )


@pytest.fixture
def hotline(tmp_path: Path) -> Hotline:
    file = tmp_path / "main.yaml"
    file.write_text(DIALPLAN, "utf-8")
    return Hotline(tmp_path / "server", file, config={"reload": {"watch": False}})


def test_thirty_reloads_in_three_calls_are_not_heard(hotline: Hotline, tmp_path: Path) -> None:
    """Calls keep the version that they began with; the one that comes after them has the last one."""

    def reload(number: int) -> dict[str, Any]:
        (tmp_path / "main.yaml").write_text(version(number), "utf-8")
        return dict(ask(hotline.data, {"command": "reload"}, 10.0))

    async def story() -> None:
        phones = [Phone(user=f"caller{number}") for number in range(CALLS)]
        calls = [await phone.call(hotline.uri(), timeout=5.0) for phone in phones]
        for number in range(1, RELOADS + 1):
            answer = await asyncio.to_thread(reload, number)
            assert answer["ok"], answer
            assert answer["done"], answer
            await asyncio.sleep(EVERY)
        for call in calls:
            assert call.up
            call.send_keys("1")
        for call in calls:
            assert await call.ended(6.0)
        async with asyncio.timeout(8.0):
            late = await phones[0].call(hotline.uri(), timeout=5.0)
            late.send_keys("1")
            assert await late.ended(6.0)
        gaps = np.concatenate([call.heard.gaps() for call in calls])
        assert sum(call.heard.lost for call in calls) == 0
        assert np.percentile(gaps, 99) < USUAL_GAP
        assert gaps.max() < LONGEST_GAP
        for phone in phones:
            await phone.close()

    with log_on_failure(hotline), running(hotline):
        run(story(), LIMIT)
        hotline.wait_for_record(CALLS + 1)
        causes = [item["release_cause"] for item in reversed(hotline.calls())]
        assert causes == ["version_0"] * CALLS + [f"version_{RELOADS}"]
        _tells(hotline)


def _tells(hotline: Hotline) -> None:
    """The commands of an admin, from the outside."""

    def run(*words: str) -> tuple[int, str, str]:
        return command(hotline, *words)

    code, out, _ = run("dialplans", "--json")
    rows = json.loads(out)
    assert code == 0
    assert len(rows) == RELOADS + 1
    assert (rows[0]["standing"], rows[0]["calls"], rows[0]["completion_rate"]) == ("running", 1, 1.0)
    assert (rows[-1]["why"], rows[-1]["calls"], rows[-1]["completed"]) == ("start", CALLS, CALLS)

    code, out, _ = run("status", "--json")
    status = json.loads(out)
    assert code == 0
    assert [item["standing"] for item in status["dialplans"]] == [
        "running"
    ]  # the others went with their calls
    assert status["metrics"]["calls"] == 0

    uid = hotline.calls()[-1]["uid"]
    code, out, _ = run("why", uid, "1", "--json")
    (turn,) = json.loads(out)
    assert code == 0
    assert "This is version zero" in turn["question"]  # the line as it was when the call began
    assert turn["rules"][0]["text"] == "goes to bye"
    assert run("replay", uid)[0] == 1  # it would hang up with another reason now
    assert "hangup version_0" in run("replay", uid)[1]

    Path(json.loads(hotline.config.read_text())["dialplans"]["main"]).write_text("dialplan: 1\n", "utf-8")
    code, out, err = run("reload")
    assert code == 1
    assert "VB022" in err
    assert "stays" in err
    code, out, _ = run("reload", "--rollback")
    assert code == 0
    assert "still differs" in out


def command(hotline: Hotline, name: str, *words: str) -> tuple[int, str, str]:
    """Run a command in this process; return exit code, stdout and stderr."""
    where = ["--config", str(hotline.config), "--data", str(hotline.data)]
    done = CliRunner().invoke(app, [name, *where, *words])
    return done.exit_code, done.stdout, done.stderr


def test_commands_without_a_server_say_so(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(DIALPLAN, "utf-8")
    hotline = Hotline(tmp_path / "server", tmp_path / "main.yaml")
    for name in ("reload", "status"):
        code, _, err = command(hotline, name)
        assert code == 2
        assert "no server runs" in err
    assert command(hotline, "reload", "--rollback", "--promote")[0] == 2
