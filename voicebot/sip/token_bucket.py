"""How often something may happen: so many times at once, and then at a rate."""


class TokenBucket:
    """Begins full. `size` and `rate` (tokens a second) are given each time, since they may change meanwhile."""

    __slots__ = ("filled_at", "tokens")

    def __init__(self, size: float, now: float) -> None:
        self.tokens = size
        self.filled_at = now

    def take(self, size: float, rate: float, now: float) -> bool:
        """Take one token, if there is one."""
        tokens = self.tokens + (now - self.filled_at) * rate
        self.filled_at = now
        self.tokens = tokens = tokens if tokens < size else size
        if tokens < 1.0:
            return False
        self.tokens = tokens - 1.0
        return True

    def leave(self, most: float, rate: float, now: float) -> None:
        """Take all tokens but `most`."""
        self.tokens = min(self.tokens + (now - self.filled_at) * rate, most)
        self.filled_at = now
