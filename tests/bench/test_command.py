"""`python -m bench` as a person types it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_an_unknown_benchmark_is_refused_with_the_names_of_all() -> None:
    told = _bench("speed")
    assert told.returncode == 2
    assert "there is no benchmark `speed`" in told.stderr
    assert "reaction" in told.stderr


def test_a_comparison_needs_the_process_of_the_other_server() -> None:
    told = _bench("load", "--compare", "sip:9001@127.0.0.1:5070")
    assert told.returncode == 2
    assert "--compare-pid" in told.stderr
