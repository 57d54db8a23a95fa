"""Packets of another length than a tick: what is to be sent is gathered and cut."""


class Packing:
    """Frames of 20 ms in, packets of `ptime_ms` out. `width` is bytes for each tick of 8 kHz."""

    __slots__ = ("_pending", "_size", "_width", "ptime_ms")

    def __init__(self, ptime_ms: int, width: int) -> None:
        self.ptime_ms = ptime_ms
        self._width = width
        self._size = ptime_ms * 8 * width
        self._pending = b""

    def add(self, frame: bytes, rtp_timestamp: int) -> list[tuple[bytes, int]]:
        """Take the frame that begins at `rtp_timestamp` (8 kHz); return what is complete, each with its timestamp."""
        start = rtp_timestamp - len(self._pending) // self._width
        data = self._pending + frame
        count = len(data) // self._size
        ticks = self._size // self._width
        self._pending = data[count * self._size :]
        return [
            (data[n * self._size : (n + 1) * self._size], (start + n * ticks) & 0xFFFFFFFF)
            for n in range(count)
        ]

    def drop(self) -> None:
        """Forget what is not a packet yet: a key or a gap comes in between."""
        self._pending = b""
