"""What a leg is to hear: items one after the other, taken one frame a tick, already encoded in the leg's codec."""

from collections.abc import Sequence

from voicebot.media import FRAME_SAMPLES, FRAME_SECONDS


class Clip:
    """Encoded audio that is there as a whole. Its last frame is padded with silence."""

    __slots__ = ("_at", "payload")

    def __init__(self, payload: bytes, silence: int) -> None:
        missing = -len(payload) % FRAME_SAMPLES
        self.payload = payload + bytes((silence,)) * missing if missing else payload
        self._at = 0

    def take(self) -> bytes | None:
        start = self._at
        frame = self.payload[start : start + FRAME_SAMPLES]
        if not frame:
            return None
        self._at = start + FRAME_SAMPLES
        return frame

    def rewind(self) -> None:
        self._at = 0

    def translate(self, table: bytes) -> None:
        self.payload = self.payload.translate(table)


class LiveClip:
    """Encoded audio that arrives while it is played.

    `take` returns b"" while the next frame has not come (time goes on, the position does not), None after the last.
    """

    __slots__ = ("_at", "_last", "_pending", "_table", "received", "silence", "taken")

    def __init__(self, silence: int = 0xFF) -> None:
        self.silence = silence  # the byte that fills the last frame up
        self._pending = bytearray()
        self._at = 0
        self._last = False
        self._table: bytes | None = None
        self.received = 0  # samples
        self.taken = 0

    @property
    def waiting(self) -> int:
        """Samples that lie here."""
        return len(self._pending) - self._at

    @property
    def complete(self) -> bool:
        return self._last

    def feed(self, payload: bytes, last: bool = False) -> None:
        """Append what arrived, in the codec that the leg had when the stream began."""
        self._pending += payload.translate(self._table) if self._table else payload
        self.received += len(payload)
        self._last = self._last or last

    def take(self) -> bytes | None:
        have = self.waiting
        if have >= FRAME_SAMPLES or (self._last and have):
            frame = bytes(self._pending[self._at : self._at + FRAME_SAMPLES])
            self._at += len(frame)
            self.taken += len(frame)
            if self._at >= 50 * FRAME_SAMPLES:
                del self._pending[: self._at]
                self._at = 0
            return frame + bytes((self.silence,)) * (FRAME_SAMPLES - len(frame))
        return None if self._last else b""

    def rewind(self) -> None:
        """What was live is over: a loop goes on without it."""

    def translate(self, table: bytes) -> None:
        self._pending = self._pending.translate(table)
        self._table = table if self._table is None else self._table.translate(table)


class Playout:
    """The items of one play. `position` counts what has left, in samples; pauses and starvation do not move it."""

    __slots__ = ("_index", "_items", "_loop", "_moved", "paused", "samples")

    def __init__(self, items: Sequence[Clip | LiveClip], loop: bool = False) -> None:
        self._items = list(items)
        self._loop = loop
        self._index = 0
        self._moved = False  # in this round something was heard: a loop of nothing ends
        self.samples = 0
        self.paused = False

    @property
    def position(self) -> float:
        """Seconds that were played so far."""
        return self.samples / FRAME_SAMPLES * FRAME_SECONDS

    def take(self) -> bytes | None:
        """Return this tick's 160 bytes, b"" when silence is to be sent meanwhile, None when all was played."""
        if self.paused:
            return b""
        while self._index < len(self._items):
            frame = self._items[self._index].take()
            if frame is not None:
                if frame:
                    self.samples += FRAME_SAMPLES
                    self._moved = True
                return frame
            self._index += 1
            if self._index == len(self._items) and self._loop and self._moved:
                self._index, self._moved = 0, False
                for item in self._items:
                    item.rewind()
        return None

    def translate(self, table: bytes) -> None:
        """Go over to another codec in the middle; `table` is `g711.TRANSCODE[old, new]`."""
        for item in self._items:
            item.translate(table)
