"""The demo, end to end: a server of its own, a real call, and three faults that it must notice.

The four runs share this module's fixture, some at a time: their time is that of telephone calls, not of a processor.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
RUNS = ("", "cut-bridge", "swap-prompts", "mute")  # the longest first
AT_ONCE = min(3, os.cpu_count() or 1)


class Run(NamedTuple):
    code: int
    document: dict[str, Any]
    errors: str

    def check(self, beginning: str) -> bool:
        """Return whether the expectations whose names begin so were met; at least one must be there."""
        found = [check["good"] for check in self.document["checks"] if check["name"].startswith(beginning)]
        assert found, f"nothing was checked that begins with {beginning!r}: {self.document['checks']}"
        return all(found)

    @property
    def failed(self) -> list[str]:
        return [check["name"] for check in self.document["checks"] if not check["good"]]


def run(fault: str, data: Path) -> Run:
    command = [sys.executable, "-m", "voicebot", "demo", "--quick", "--json", "--data", str(data)]
    command += ["--config", str(ROOT / "config.yaml")] + (["--fault", fault] if fault else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, cwd=data.parent, check=False)
    document = json.loads(done.stdout) if done.stdout.startswith("{") else {"checks": []}
    return Run(done.returncode, document, done.stderr)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folders = [tmp_path_factory.mktemp("demo") / (fault or "honest") for fault in RUNS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(RUNS, pool.map(run, RUNS, folders), strict=True))


def test_the_demo_is_good_and_everything_in_it_happened(runs: dict[str, Run]) -> None:
    honest = runs[""]
    assert (honest.code, honest.failed) == (0, []), honest.errors
    for part in ("heard: ", "understood: ", "agent: ", "bridge: ", "record: ", "recording: ", "the hotline"):
        assert honest.check(part)
    record = honest.document["record"]
    assert (record["agent"], record["ended_by"], record["queue"]) == ("alice", "bot", "agents")


def test_a_muted_wire_fails_the_demo(runs: dict[str, Run]) -> None:
    muted = runs["mute"]
    assert muted.code == 1, muted.errors
    assert not muted.check("heard: the welcome")


def test_two_swapped_prompts_fail_the_demo(runs: dict[str, Run]) -> None:
    swapped = runs["swap-prompts"]
    assert swapped.code == 1, swapped.errors
    assert swapped.check("heard: the welcome")
    assert not swapped.check("heard: the main menu")


def test_one_direction_of_the_bridge_cut_fails_the_demo(runs: dict[str, Run]) -> None:
    cut = runs["cut-bridge"]
    assert cut.code == 1, cut.errors
    assert cut.failed == ["bridge: the agent hears the caller"]
    assert cut.check("bridge: the caller hears the agent")
