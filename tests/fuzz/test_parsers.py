"""Longer fuzzing of everything that peers' bytes reach: `make fuzz`, for FUZZ_SECONDS (60) in all; prints what was tried.

Led by coverage where `atheris` is installed (extra `fuzz`); else hypothesis damages what the corpus has. Findings are
left in FUZZ_FINDINGS (a temporary directory): put them, as small as they can be, into tests/corpus/fuzz/TARGET.
"""

import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.script import made_up
from tests.fuzz.targets import TARGETS, kept
from tests.sip.test_fuzz import mutate, run_mutations

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
EACH = SECONDS / (len(TARGETS) + 1)
GUIDED = importlib.util.find_spec("atheris") is not None
TESTS = Path(__file__).parents[1]


def seeds(name: str) -> list[bytes]:
    """Return what a target starts from: what was kept, and messages of peers."""
    found = [path.read_bytes() for path in kept(name)]
    if name in ("sip_message", "stream"):
        folders = (TESTS / "sip" / "corpus", TESTS / "corpus" / "rfc4475")
        found += [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.*"))]
    if name == "endpoint":
        found += [made_up(random.Random(seed)) for seed in range(50)]
    return found or [b"\0"]


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if GUIDED:
        told = _guided(name, tmp_path)
    else:
        told = f"{_damaged(name)} inputs, not led by coverage: atheris is not installed (pip install 'voicebot[fuzz]')"
    with capsys.disabled():
        print(f"\n{name}: {told}")


def test_damaged_messages_to_one_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    source, end, messages = random.SystemRandom(), time.monotonic() + EACH, 0
    while time.monotonic() < end:
        seed = source.getrandbits(48)
        try:
            run_mutations(seed, 400)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        messages += 400
    with capsys.disabled():
        print(f"\ndamaged messages to one endpoint: {messages} messages, no finding")


def _guided(name: str, folder: Path) -> str:
    corpus = folder / "corpus"
    corpus.mkdir()
    findings = Path(os.environ.get("FUZZ_FINDINGS", folder)) / name
    findings.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (corpus / f"seed{number}").write_bytes(data)
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(max(1, int(EACH)))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), *sys.path])}
    done = subprocess.run(
        [*command, str(corpus), str(findings)],
        cwd=TESTS.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name}: see {findings}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    _keep_new(name, corpus)
    return (
        f"{tried[1] if tried else '?'} inputs, {covered[-1] if covered else '?'} branches reached, no finding"
    )


def _keep_new(name: str, corpus: Path) -> None:
    """With FUZZ_CORPUS=DIRECTORY, what was found to go new ways is kept there for the next run."""
    if where := os.environ.get("FUZZ_CORPUS"):
        shutil.copytree(corpus, Path(where) / name, dirs_exist_ok=True)


def _damaged(name: str) -> int:
    target, known = TARGETS[name], seeds(name)
    end, tried = time.monotonic() + EACH, 0

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(known), st.integers(0, 2**48), st.binary(max_size=40))
    def damage(data: bytes, seed: int, more: bytes) -> None:
        nonlocal tried
        tried += 1
        target(mutate(random.Random(seed), data) + more)

    while time.monotonic() < end:
        damage()
    return tried
