"""Blocks of ports: each has one owner at a time."""

import gc
import os
import socket

import pytest

from tests.live import port_blocks
from tests.live.port_blocks import claim


class Owner:
    pass


ZONE = range(4000, 4008, 4)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks of four ports that nothing else asks for, in whatever else runs on the machine."""
    monkeypatch.setitem(port_blocks._turns, ZONE, iter(range(1000)))
    monkeypatch.setattr(port_blocks, "_LOCK", f"\0voicebot-tests-{os.getpid()}-{{}}")
    monkeypatch.setattr(port_blocks, "_FREE_WITHIN", 0.0)


def in_use(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    monkeypatch.setattr(port_blocks, "_in_use", lambda first, end: any(first <= port < end for port in ports))


def test_no_two_owners_share_a_port_and_a_block_is_free_when_its_owner_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_use(monkeypatch)
    first, second = Owner(), Owner()
    assert {claim(first, ZONE), claim(second, ZONE)} == {(4000, 4003), (4004, 4007)}
    with pytest.raises(AssertionError, match="taken"):
        claim(Owner(), ZONE)
    del first
    gc.collect()
    assert claim(Owner(), ZONE) == (4000, 4003)


def test_a_block_with_a_port_in_use_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(monkeypatch, 4002)
    assert claim(Owner(), ZONE) == (4004, 4007)


def test_a_port_of_a_program_that_claims_nothing_is_seen() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
        program.bind(("127.0.0.1", 0))
        port = program.getsockname()[1]
        assert port_blocks._in_use(port - 1, port + 1)
