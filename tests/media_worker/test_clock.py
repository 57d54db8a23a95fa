"""The absolute clock."""

import pytest

from voicebot.runtime.media_worker.clock import TickClock


def ticks(clock: TickClock, slots: int) -> list[float]:
    found = []
    for _ in range(slots):
        at, is_tick = clock.advance()
        if is_tick:
            found.append(at)
    return found


def test_a_tick_lies_every_20_ms_and_never_drifts() -> None:
    clock = TickClock(50.0)
    assert ticks(clock, 4 * 50 * 3600)[-1] == pytest.approx(50.0 + 3600, abs=1e-6)


def test_a_short_stall_is_caught_up_tick_by_tick() -> None:
    clock = TickClock(0.0)
    ticks(clock, 40)
    assert clock.skip_missed(now=0.2 + 0.15) == 0
    assert ticks(clock, 4) == [pytest.approx(0.22)]


def test_a_long_stall_is_skipped_and_the_rhythm_kept() -> None:
    clock = TickClock(0.0)
    ticks(clock, 41)
    missed = clock.skip_missed(now=0.205 + 1.013)
    assert missed == 50
    assert ticks(clock, 4) == [pytest.approx(0.22 + 50 * 0.02)]
    assert clock.skip_missed(now=1.25) == 0
