from pathlib import Path

import pytest

from tests.media_worker.fakes import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A plane with fakes around it and a virtual clock."""
    return Bench(tmp_path)
