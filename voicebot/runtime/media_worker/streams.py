"""Live speech on its way from the speech workers to the legs, by credit: never more than 1 s ahead of what was played.

Chunks may come before the Play that wants them, since the two travel by different ways. They are kept for a while.
"""

from collections import OrderedDict
from collections.abc import Iterator

from voicebot.media.inner import INNER, Inner
from voicebot.media.playout import LiveClip
from voicebot.wire import Credit, StreamChunk

AHEAD = 8000  # samples: 1 s
_MOST_WAITING = 3 * AHEAD  # a worker that ignores the credit loses what is more
_GRANT_STEP = 1600  # samples: credit is given back in steps of 200 ms
_REMEMBERED = 512
_EARLY_FOR = 10.0  # seconds that chunks without a Play are kept
_MOST_STREAMS = 4096


class LiveStream:
    """One stream. `granted` counts the samples for which credit was given, `worker` is -1 until the first chunk."""

    __slots__ = ("clip", "granted", "since", "wanted", "worker")

    def __init__(self, since: float, codec: Inner) -> None:
        self.clip = LiveClip(codec)
        self.granted = 0
        self.worker = -1
        self.wanted = False
        self.since = since


class Streams:
    """All streams of a worker, by call and number."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, int], LiveStream] = {}
        self._over: OrderedDict[tuple[str, int], None] = OrderedDict()
        self.dropped = 0

    def want(self, call: str, stream: int, codec: Inner, now: float) -> LiveStream:
        """A Play needs the stream: return it, with what has come already."""
        key = (call, stream)
        live = self._streams.get(key)
        if live is None:
            self._over.pop(key, None)
            live = self._streams[key] = LiveStream(now, codec)
        live.clip.change_codec(codec)
        live.wanted = True
        return live

    def feed(self, worker: int, chunk: StreamChunk, now: float) -> None:
        """Take a chunk from speech worker `worker`."""
        key = (chunk.call, chunk.stream)
        live = self._streams.get(key)
        if live is None:
            if key in self._over or len(self._streams) >= _MOST_STREAMS:
                self.dropped += 1
                return
            live = self._streams[key] = LiveStream(now, INNER[chunk.codec])
        live.worker = worker
        if live.clip.waiting + len(chunk.payload) // INNER[chunk.codec].width > _MOST_WAITING:
            self.dropped += 1
            live.clip.feed(b"", chunk.last)
            return
        live.clip.feed(chunk.payload, chunk.last)

    def end(self, call: str, stream: int) -> None:
        """Nobody will play it any more: no more credit, and what still comes is dropped."""
        self._streams.pop((call, stream), None)
        self._over[call, stream] = None
        while len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)

    def worker_gone(self, worker: int) -> list[tuple[str, int]]:
        """Return the unfinished streams of a speech worker that is no more; they will not go on."""
        return [
            key for key, live in self._streams.items() if live.worker == worker and not live.clip.complete
        ]

    def forget_early(self, now: float) -> None:
        """Drop streams for which no Play came in time."""
        for key in [
            key for key, live in self._streams.items() if not live.wanted and now - live.since > _EARLY_FOR
        ]:
            self.end(*key)

    def credits(self) -> Iterator[tuple[int, Credit]]:
        """Yield the credit that is due, each with its speech worker (-1: not known yet, so tell all)."""
        for (call, stream), live in self._streams.items():
            if not live.wanted or live.clip.complete:
                continue
            allowed = max(live.clip.taken + AHEAD, live.clip.received) - live.granted
            if allowed >= (_GRANT_STEP if live.granted else 1):
                live.granted += allowed
                yield live.worker, Credit(call, stream, allowed // 8)
