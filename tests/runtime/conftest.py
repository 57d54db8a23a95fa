"""What tests of sockets share."""

from pathlib import Path

import pytest

from tests.runtime.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
