"""How many messages an address may send: a token bucket each, asked before anything of a message is read."""

from collections.abc import Callable

from voicebot.sip.address import site

BURST_SECONDS = 2.0  # of its rate that an address may send at once
SOURCES = 10_000  # that are known at once: a flood from many addresses must not fill the memory
TOLD_EVERY = 60.0  # seconds
RATED_EVERY = 1.0  # seconds between looks whether an address that is dropped may send more by now


class _Bucket:
    __slots__ = ("at", "rate", "rated_at", "tokens", "told_at")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self.tokens = rate * BURST_SECONDS
        self.at = self.rated_at = now
        self.told_at = now - TOLD_EVERY


class SourceLimits:
    """`rate(host)`: messages a second that an address may send. `on_flood(host)`: it sends more, told once a minute.

    Of IPv6 the networks of 64 bits count, which is what one customer gets.

    `now` is monotonic, in seconds.
    """

    def __init__(self, rate: Callable[[str], float], on_flood: Callable[[str], None]) -> None:
        self.dropped = 0
        self._rate = rate
        self._on_flood = on_flood
        self._buckets: dict[str, _Bucket] = {}

    def admits(self, host: str, now: float) -> bool:
        """Take a message of `host` into account; False if it is to be dropped."""
        name = site(host)
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= SOURCES:
                del self._buckets[next(iter(self._buckets))]  # the one that is known for longest
            bucket = self._buckets[name] = _Bucket(self._rate(host), now)
        tokens = bucket.tokens + (now - bucket.at) * bucket.rate
        full = bucket.rate * BURST_SECONDS
        bucket.at = now
        bucket.tokens = tokens = tokens if tokens < full else full
        if tokens >= 1.0:
            bucket.tokens = tokens - 1.0
            return True
        self.dropped += 1
        if now - bucket.rated_at >= RATED_EVERY:  # it may be a trunk's by now, or that of phones
            bucket.rated_at = now
            bucket.rate = self._rate(host)
        if now - bucket.told_at >= TOLD_EVERY:
            bucket.told_at = now
            self._on_flood(host)
        return False
