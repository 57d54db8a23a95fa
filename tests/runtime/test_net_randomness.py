"""Random bits: as many as asked for, none of them twice."""

import os

import pytest

from voicebot.runtime.net import randomness
from voicebot.runtime.net.randomness import SystemRandomness


def test_as_many_bits_as_asked_for() -> None:
    made = SystemRandomness()
    for bits in (1, 3, 8, 16, 80, 256, 100_000):
        found = [made.getrandbits(bits) for _ in range(20)]
        assert all(0 <= one < 2**bits for one in found)
        assert max(one.bit_length() for one in found) > bits - 20  # one in a million to the fourth is not


def test_no_byte_is_given_away_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []

    def urandom(count: int) -> bytes:
        fetched.append(count)
        first = 1000 * len(fetched)
        return b"".join((first + index).to_bytes(4, "big") for index in range(count // 4))

    monkeypatch.setattr(os, "urandom", urandom)
    monkeypatch.setattr(randomness, "_FETCHED", 40)
    made = SystemRandomness()
    found = [made.getrandbits(32) for _ in range(35)]
    assert len(set(found)) == 35
    assert fetched == [40] * 4
