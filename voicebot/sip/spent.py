"""What is left of transactions that only wait for repetitions: their keys, and the word that each repetition is answered with.

The last state of a transaction lasts up to 32 s, the call around it may have lasted one: most transactions that an endpoint
knows are in it. As objects they made the garbage collector stop all calls for a tenth of a second at 800 calls/s.
Keys are tuples of strings, which it does not look at.
"""

import heapq
from typing import NamedTuple

from voicebot.sip.address import Address
from voicebot.sip.scheduler import Entry

Key = tuple[str, ...]


class LastWord(NamedTuple):
    """A response that is sent again to who repeats the request."""

    data: bytes
    destination: Address
    local: Address | None


class Spent:
    """Keys, each until its own instant; the scheduler has them dropped."""

    def __init__(self) -> None:
        self.entry: Entry | None = None
        self._due: list[tuple[float, Key]] = []  # a heap
        self._words: dict[Key, LastWord | None] = {}

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, key: Key) -> bool:
        return key in self._words

    def add(self, key: Key, until: float, word: LastWord | None = None) -> None:
        self._words[key] = word
        heapq.heappush(self._due, (until, key))

    def word(self, key: Key) -> LastWord | None:
        """Return what a repetition is answered with; None for silence."""
        return self._words.get(key)

    def next_timer(self) -> float | None:
        return self._due[0][0] if self._due else None

    def handle_timer(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            self._words.pop(heapq.heappop(self._due)[1], None)
