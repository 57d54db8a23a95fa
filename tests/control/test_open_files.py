"""The server may open as many files as its limits ask for, where the system lets it."""

import resource
from collections.abc import Iterator

import pytest

from voicebot.runtime.control.open_files import A_CALL, SPARE, provide

LOW = 700


@pytest.fixture(autouse=True)
def low_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LOW, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_is_raised_to_what_connections_and_calls_need() -> None:
    assert provide(300, 20) == 300 + A_CALL * 20 + SPARE == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_what_is_enough_stays() -> None:
    assert provide(10, 1) == LOW


def test_the_system_has_the_last_word(low_limit: int) -> None:
    if low_limit != resource.RLIM_INFINITY:
        assert provide(low_limit, 1) == low_limit
