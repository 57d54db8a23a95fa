"""What fuzzing has found, and inputs that together go everywhere it went: played again (see tests/fuzz)."""

from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS, kept


def test_every_file_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_kept(name: str) -> None:
    assert kept(name)
    for path in kept(name):
        replay(name, path)


def replay(name: str, path: Path) -> None:
    try:
        TARGETS[name](path.read_bytes())
    except Exception as error:
        raise AssertionError(f"{path}: {error!r}") from error
