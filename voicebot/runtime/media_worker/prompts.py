"""Prompts in memory, encoded: a thread loads them, the tick only looks them up."""

import os
import queue
import threading
from collections import OrderedDict, deque
from typing import NamedTuple, Protocol

from voicebot.media.inner import INNER
from voicebot.media.wav import AudioFileError, read_wav

CACHE_BYTES = 128 * 1024 * 1024  # 4.5 hours of audio
_RECHECK_AFTER = 2.0  # seconds before the file of a cached prompt is looked at again


class Loaded(NamedTuple):
    """A prompt that was asked for is there, or `problem` says why not."""

    path: str
    codec: str
    problem: str


class Prompts(Protocol):
    """What the plane needs: both methods return at once."""

    def get(self, path: str, codec: str, now: float) -> bytes | None:
        """Return the encoded prompt if it is in memory; None starts loading it."""

    def loaded(self) -> list[Loaded]:
        """Return what has been loaded, or has failed, since the last call."""


class _Entry:
    __slots__ = ("checked_at", "modified", "payload")

    def __init__(self, payload: bytes, modified: tuple[int, int], checked_at: float) -> None:
        self.payload = payload
        self.modified = modified
        self.checked_at = checked_at


class PromptLoader:
    """A least-recently-used cache with one loading thread. All methods but `run` belong to the tick's thread."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._wanted: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._done: deque[tuple[Loaded, bytes, tuple[int, int]]] = deque()
        self._cache: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._loading: set[tuple[str, str]] = set()
        self._cache_bytes = cache_bytes
        self._used = 0
        self._now = 0.0

    def start(self) -> None:
        threading.Thread(target=self.run, name="prompts", daemon=True).start()

    def stop(self) -> None:
        self._wanted.put(None)

    def get(self, path: str, codec: str, now: float) -> bytes | None:
        """See `Prompts`. A file that was changed meanwhile is played anew from the next time on."""
        self._now = now
        key = (path, codec)
        entry = self._cache.get(key)
        if entry is not None:
            self._cache.move_to_end(key)
            if now - entry.checked_at > _RECHECK_AFTER:
                entry.checked_at = now
                self._want(key)
            return entry.payload
        self._want(key)
        return None

    def _want(self, key: tuple[str, str]) -> None:
        if key not in self._loading:
            self._loading.add(key)
            self._wanted.put(key)

    def loaded(self) -> list[Loaded]:
        """See `Prompts`."""
        results = []
        while self._done:
            result, payload, modified = self._done.popleft()
            key = (result.path, result.codec)
            self._loading.discard(key)
            if not result.problem:
                self._store(key, _Entry(payload, modified, self._now))
            results.append(result)
        return results

    def _store(self, key: tuple[str, str], entry: _Entry) -> None:
        old = self._cache.pop(key, None)
        if old is not None:
            self._used -= len(old.payload)
        self._cache[key] = entry
        self._used += len(entry.payload)
        while self._used > self._cache_bytes and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._used -= len(dropped.payload)

    def run(self) -> None:
        """Load what is wanted until `stop`: the body of the thread."""
        while (key := self._wanted.get()) is not None:
            self.load(*key)

    def load(self, path: str, codec: str) -> None:
        """Load one file, unless it is in memory as it is on the disk."""
        try:
            status = os.stat(path)
            modified = (status.st_mtime_ns, status.st_size)
            cached = self._cache.get((path, codec))
            if cached is not None and cached.modified == modified:
                self._done.append((Loaded(path, codec, ""), cached.payload, modified))
                return
            payload = INNER[codec].encode(read_wav(path))
        except OSError as error:
            problem = f"{path}: cannot be read: {error.strerror or error}"
            self._done.append((Loaded(path, codec, problem), b"", (0, 0)))
            return
        except AudioFileError as error:
            self._done.append((Loaded(path, codec, str(error)), b"", (0, 0)))
            return
        self._done.append((Loaded(path, codec, ""), payload, modified))
