"""The process round the worker: channels, heartbeats, and what happens when something unforeseen happens."""

import contextlib
import faulthandler
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque

from voicebot.runtime.speech_worker.worker import SpeechWorker
from voicebot.speech.asr import open_recogniser
from voicebot.speech.tts import open_synthesiser
from voicebot.wire import AttachMedia, Heartbeat, Log, Message, StreamChunk, WireError
from voicebot.wire.channel import Channel, ChannelClosed, ChannelFull

_HEARTBEAT = 1.0
_MESSAGES_A_ROUND = 200  # from one channel, so that none starves the others
_STEPS_A_ROUND = 4  # pieces of work between two looks at the channels: at most some 20 ms
_MOST_UNSENT = 10_000  # messages for a control process that does not read


class SpeechProcess:
    """`run` returns when control has closed the channel."""

    def __init__(self, control: Channel, index: int) -> None:
        self._control = control
        self._name = f"speech-{index}"
        self._media: dict[int, Channel] = {}
        self._unsent: deque[Message] = deque(maxlen=_MOST_UNSENT)
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)
        self._next_heartbeat = 0.0
        self._closed = False
        self._worker = SpeechWorker(
            to_control=self._to_control,
            to_media=self._to_media,
            open_recogniser=open_recogniser,
            open_synthesiser=open_synthesiser,
        )

    def run(self) -> None:
        busy = False
        while not self._closed:
            wait = 0.0 if busy else max(0.0, self._next_heartbeat - time.monotonic())
            if self._poll.poll(wait * 1000):
                self._read()
            busy = False
            for _ in range(_STEPS_A_ROUND):
                busy = self._worker.step(time.monotonic())
                if not busy:
                    break
            self._beat(time.monotonic())
            self._flush()
        self._worker.close()

    def _read(self) -> None:
        """Control's messages are handled before those of the media workers, but read after them.

        Whatever a media worker says follows from something that control has told us before: it is here already.
        """
        heard: list[Message] = []
        for index, channel in list(self._media.items()):
            try:
                heard += [message for message, _ in self._receive(channel, f"media-{index}")]
            except ChannelClosed:
                self._detach(index)
        with contextlib.suppress(ChannelClosed):
            for message, sockets in self._receive(self._control, "control"):
                if isinstance(message, AttachMedia) and sockets:
                    self._attach(message.worker, sockets)
                else:
                    self._worker.handle(message, time.monotonic())
            for message in heard:
                self._worker.handle(message, time.monotonic())
            return
        self._closed = True

    def _receive(self, channel: Channel, sender: str) -> list[tuple[Message, tuple[socket.socket, ...]]]:
        received = []
        for _ in range(_MESSAGES_A_ROUND):
            try:
                item = channel.receive()
            except WireError as error:
                self._to_control(Log("error", "no message", {"sender": sender, "problem": str(error)}))
                continue
            if item is None:
                break
            received.append(item)
        return received

    def _attach(self, index: int, sockets: tuple[socket.socket, ...]) -> None:
        self._detach(index)
        for extra in sockets[1:]:
            extra.close()
        self._media[index] = Channel(sockets[0])
        self._poll.register(sockets[0].fileno(), select.POLLIN)

    def _detach(self, index: int) -> None:
        channel = self._media.pop(index, None)
        if channel is not None:
            self._poll.unregister(channel.fileno())
            channel.close()

    def _to_media(self, index: int, chunk: StreamChunk) -> bool:
        channel = self._media.get(index)
        if channel is None:
            return False
        try:
            channel.send(chunk)
        except (ChannelFull, ChannelClosed):
            return False
        return True

    def _to_control(self, message: Message) -> None:
        self._unsent.append(message)
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(ChannelFull, ChannelClosed):
            while self._unsent:
                self._control.send(self._unsent[0])
                self._unsent.popleft()

    def _beat(self, now: float) -> None:
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + _HEARTBEAT
        used = resource.getrusage(resource.RUSAGE_SELF)
        counters = {
            **self._worker.counters(),
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "most_memory_bytes": float(used.ru_maxrss * 1024),
        }
        self._to_control(Heartbeat(self._name, now, counters))

    def report(self, error: BaseException) -> None:
        """Tell control where the process failed: places and types only, since a text could hold what a caller said."""
        frames = traceback.extract_tb(error.__traceback__)
        place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
        self._to_control(
            Log("error", "the speech worker failed", {"error": type(error).__name__, "place": place})
        )


def main(arguments: list[str]) -> int:
    """Serve on the descriptor `arguments[0]` as worker number `arguments[1]` until control closes it."""
    descriptor, index = (int(argument) for argument in arguments[:2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    faulthandler.enable(sys.stderr)
    process = SpeechProcess(Channel(socket.socket(fileno=descriptor)), index)
    try:
        process.run()
    except Exception as error:  # the edge of the process: said without its text, then the process ends
        process.report(error)
        return 1
    return 0
