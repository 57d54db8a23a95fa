"""Random bits of the operating system, fetched many at a time: each fetch is a system call."""

import os

_FETCHED = 4096  # bytes


class SystemRandomness:
    """As `random.SystemRandom`, for who only needs bits (`sip.core.Randomness`). No bit is given away twice."""

    def __init__(self) -> None:
        self._bytes = b""
        self._used = 0

    def getrandbits(self, k: int, /) -> int:
        """Return an integer of `k` random bits."""
        count = -(-k // 8)
        start, self._used = self._used, self._used + count
        if self._used > len(self._bytes):
            self._bytes = os.urandom(max(_FETCHED, count))
            start, self._used = 0, count
        return int.from_bytes(self._bytes[start : self._used], "big") >> (8 * count - k)
