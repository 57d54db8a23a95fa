"""What a leg is to hear: items one after the other, taken one frame a tick, already in the leg's inner format."""

from collections.abc import Sequence

from voicebot.media import FRAME_SAMPLES, FRAME_SECONDS
from voicebot.media.g711 import PCMU
from voicebot.media.inner import Inner, convert


class Clip:
    """Audio that is there as a whole. Its last frame is padded with silence."""

    __slots__ = ("_at", "_codec", "_frame", "payload")

    def __init__(self, payload: bytes, codec: Inner) -> None:
        self._at = 0
        self._take_on(payload, codec)

    def _take_on(self, payload: bytes, codec: Inner) -> None:
        self._codec = codec
        self._frame = FRAME_SAMPLES * codec.width
        missing = -len(payload) % self._frame
        self.payload = payload + bytes((codec.silence,)) * missing if missing else payload

    def take(self) -> bytes | None:
        start = self._at
        frame = self.payload[start : start + self._frame]
        if not frame:
            return None
        self._at = start + self._frame
        return frame

    def rewind(self) -> None:
        self._at = 0

    def change_codec(self, codec: Inner) -> None:
        frames = self._at // self._frame
        self._take_on(convert(self.payload, self._codec, codec), codec)
        self._at = frames * self._frame


class LiveClip:
    """Audio that arrives while it is played, in the format that the leg had when the stream began.

    `take` returns b"" while the next frame has not come (time goes on, the position does not), None after the last.
    """

    __slots__ = ("_at", "_codec", "_last", "_pending", "_source", "received", "taken")

    def __init__(self, source: Inner = PCMU) -> None:
        self._source = source
        self._codec = source
        self._pending = bytearray()
        self._at = 0
        self._last = False
        self.received = 0  # samples, at 8 kHz
        self.taken = 0

    @property
    def waiting(self) -> int:
        """Samples that lie here."""
        return (len(self._pending) - self._at) // self._codec.width

    @property
    def complete(self) -> bool:
        return self._last

    def feed(self, payload: bytes, last: bool = False) -> None:
        """Append what arrived."""
        self._pending += (
            payload if self._codec is self._source else convert(payload, self._source, self._codec)
        )
        self.received += len(payload) // self._source.width
        self._last = self._last or last

    def take(self) -> bytes | None:
        size = FRAME_SAMPLES * self._codec.width
        have = len(self._pending) - self._at
        if have >= size or (self._last and have):
            frame = bytes(self._pending[self._at : self._at + size])
            self._at += len(frame)
            self.taken += len(frame) // self._codec.width
            if self._at >= 50 * size:
                del self._pending[: self._at]
                self._at = 0
            return frame + bytes((self._codec.silence,)) * (size - len(frame))
        return None if self._last else b""

    def rewind(self) -> None:
        """What was live is over: a loop goes on without it."""

    def change_codec(self, codec: Inner) -> None:
        if codec is self._codec:
            return
        self._pending = bytearray(convert(bytes(self._pending[self._at :]), self._codec, codec))
        self._at = 0
        self._codec = codec


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
        """Return this tick's frame, b"" when silence is to be sent meanwhile, None when all was played."""
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

    def change_codec(self, codec: Inner) -> None:
        """Go over to another format in the middle."""
        for item in self._items:
            item.change_codec(codec)
