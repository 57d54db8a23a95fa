"""Recordings on their way to the disk: one thread a worker, writing every 200 ms."""

import os
import threading
from collections import deque
from pathlib import Path
from typing import NamedTuple

from voicebot.media.recording import RecordingBuffer, recording_header

WRITE_EVERY = 0.2  # seconds
_MODE = 0o600


class Finished(NamedTuple):
    """A recording whose file is closed."""

    call: str
    leg: int
    path: str
    seconds: float
    problem: str


class Recording:
    """One recording: the tick fills `buffer`, the writer has the file."""

    __slots__ = ("_descriptor", "_written", "buffer", "call", "ending", "leg", "path", "problem")

    def __init__(self, call: str, leg: int, path: str) -> None:
        self.call = call
        self.leg = leg
        self.path = path
        self.buffer = RecordingBuffer()
        self.ending = False
        self.problem = ""
        self._descriptor = -1
        self._written = 0

    def write(self) -> bool:
        """Write what waits and bring the header up to date; True when the recording is over and closed."""
        ending = (
            self.ending or self.buffer.overrun
        )  # read first: what is appended before it is set gets written
        try:
            if self._descriptor < 0:
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._descriptor = os.open(self.path, flags, _MODE)
                self._write_all(recording_header(0), 0)
            audio = self.buffer.take()
            if audio:
                self._write_all(audio, 44 + self._written)
                self._written += len(audio)
                self._write_all(recording_header(self._written), 0)
        except OSError as error:
            self.problem = f"recording ended early: {error.strerror or error}"
            ending = self.buffer.overrun = True
        if not ending:
            return False
        if self.buffer.overrun and not self.problem:
            self.problem = "recording ended early: the disk is too slow"
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        return True

    def _write_all(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            count = os.pwrite(self._descriptor, view, offset)
            view, offset = view[count:], offset + count

    def finished(self) -> Finished:
        return Finished(self.call, self.leg, self.path, self._written / 32000, self.problem)


class Recorder:
    """All recordings of a worker. `run` is the thread; everything else belongs to the tick's thread."""

    def __init__(self) -> None:
        self._recordings: deque[Recording] = deque()  # new ones for the writer
        self._open: list[Recording] = []  # the writer's own
        self._finished: deque[Finished] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self.run, name="recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all recordings and wait (2 s at most) until they are written."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def record(self, call: str, leg: int, path: str) -> Recording:
        recording = Recording(call, leg, path)
        self._recordings.append(recording)
        return recording

    def end(self, recording: Recording) -> None:
        recording.ending = True
        self._wake.set()

    def finished(self) -> list[Finished]:
        """Return the recordings that were closed since the last call."""
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def run(self) -> None:
        """The body of the thread."""
        while not self._stopping:
            self._wake.wait(WRITE_EVERY)
            self._wake.clear()
            self.write_all()
        for recording in [*self._open, *self._recordings]:
            recording.ending = True
        self.write_all()

    def write_all(self) -> None:
        """One round over all recordings."""
        while self._recordings:
            self._open.append(self._recordings.popleft())
        still_open = []
        for recording in self._open:
            if recording.write():
                self._finished.append(recording.finished())
            else:
                still_open.append(recording)
        self._open = still_open
