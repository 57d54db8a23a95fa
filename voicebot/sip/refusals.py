"""What was refused without a transaction is remembered: who repeats it gets the same answer (RFC 3261 section 8.2.7)."""

from collections.abc import Hashable

from voicebot.sip.timers import TIMEOUT

MOST = 100_000  # that are remembered


class Refusals:
    """Keys of refused requests, for at least as long as they may be repeated, or until there are MOST of them."""

    def __init__(self) -> None:
        self._recent: set[Hashable] = set()
        self._older: set[Hashable] = set()
        self._since = 0.0

    def add(self, key: Hashable, now: float) -> None:
        if now - self._since >= TIMEOUT or len(self._recent) >= MOST // 2:
            self._older, self._recent, self._since = self._recent, set(), now
        self._recent.add(key)

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._recent or key in self._older
