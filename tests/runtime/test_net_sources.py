"""An address that floods is dropped; all others are served."""

from voicebot.runtime.net import sources
from voicebot.runtime.net.sources import BURST_SECONDS, SourceLimits


def passed(limits: SourceLimits, host: str, start: float, seconds: float, rate: int) -> int:
    """Return how many of so many messages a second are admitted."""
    return sum(limits.admits(host, start + index / rate) for index in range(round(seconds * rate)))


def test_a_flood_gets_its_burst_and_then_its_rate() -> None:
    told: list[str] = []
    limits = SourceLimits(lambda host: 100.0, told.append)
    admitted = passed(limits, "192.0.2.66", 1000.0, 10.0, 2000)
    assert 100 * (BURST_SECONDS + 10) - 2 <= admitted <= 100 * (BURST_SECONDS + 10)
    assert limits.dropped == 20_000 - admitted
    assert told == ["192.0.2.66"]


def test_others_do_not_notice_a_flood() -> None:
    limits = SourceLimits(lambda host: 100.0, lambda host: None)
    passed(limits, "192.0.2.66", 0.0, 5.0, 2000)
    assert passed(limits, "192.0.2.7", 0.0, 5.0, 90) == 450


def test_a_trunk_may_send_as_much_as_a_trunk_sends() -> None:
    limits = SourceLimits(lambda host: 10_000.0 if host == "192.0.2.1" else 100.0, lambda host: None)
    assert passed(limits, "192.0.2.1", 0.0, 5.0, 8000) == 40_000


def test_an_address_that_has_become_a_trunk_is_soon_served_as_one() -> None:
    rates = {"192.0.2.1": 1.0}
    limits = SourceLimits(rates.__getitem__, lambda host: None)
    passed(limits, "192.0.2.1", 0.0, 1.0, 100)
    rates["192.0.2.1"] = 1000.0
    passed(limits, "192.0.2.1", 2.0, 1.0, 100)
    assert passed(limits, "192.0.2.1", 4.0, 5.0, 500) == 2500


def test_addresses_without_end_do_not_fill_the_memory() -> None:
    limits = SourceLimits(lambda host: 100.0, lambda host: None)
    for index in range(sources.SOURCES + 10):
        assert limits.admits(f"h{index}", 0.0)
    assert len(limits._sources) == sources.SOURCES


def test_one_customer_of_ipv6_is_one_address() -> None:
    limits = SourceLimits(lambda host: 100.0, lambda host: None)
    assert sum(limits.admits(f"2001:db8::{number:x}", 0.0) for number in range(1, 2000)) == 200
