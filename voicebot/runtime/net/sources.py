"""How many messages an address may send: a token bucket each, asked before anything of a message is read."""

from collections.abc import Callable

from voicebot.sip.address import site
from voicebot.sip.token_bucket import TokenBucket

BURST_SECONDS = 2.0  # of its rate that an address may send at once
SOURCES = 10_000  # that are known at once: a flood from many addresses must not fill the memory
TOLD_EVERY = 60.0  # seconds
RATED_EVERY = 1.0  # seconds between looks whether an address that is dropped may send more by now


class _Source(TokenBucket):
    __slots__ = ("rate", "rated_at", "told_at")

    def __init__(self, rate: float, now: float) -> None:
        super().__init__(rate * BURST_SECONDS, now)
        self.rate = rate
        self.rated_at = now
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
        self._sources: dict[str, _Source] = {}

    def admits(self, host: str, now: float) -> bool:
        """Take a message of `host` into account; False if it is to be dropped."""
        name = site(host)
        source = self._sources.get(name)
        if source is None:
            if len(self._sources) >= SOURCES:
                del self._sources[next(iter(self._sources))]  # the one that is known for longest
            source = self._sources[name] = _Source(self._rate(host), now)
        if source.take(source.rate * BURST_SECONDS, source.rate, now):
            return True
        self.dropped += 1
        if now - source.rated_at >= RATED_EVERY:  # it may be a trunk's by now, or that of phones
            source.rated_at = now
            source.rate = self._rate(host)
        if now - source.told_at >= TOLD_EVERY:
            source.told_at = now
            self._on_flood(host)
        return False
