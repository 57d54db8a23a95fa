"""The process around the plane: one absolute clock, sockets, channels, heartbeats.

The loop sleeps to the next of four slots a tick, reads what has arrived, and every fourth slot is a tick. Sleeping to
an absolute instant costs nothing while little happens and does not wake for every packet while much does.
"""

import contextlib
import gc
import random
import select
import signal
import socket
import sys
import time
from collections import deque

from voicebot.media import FRAME_SECONDS
from voicebot.runtime.media_worker.clock import SLOT_SECONDS, TickClock
from voicebot.runtime.media_worker.plane import MediaPlane
from voicebot.runtime.media_worker.prompts import PromptLoader
from voicebot.runtime.media_worker.recorder import Recorder
from voicebot.wire import AttachSpeech, Heartbeat, Log, WireError
from voicebot.wire.channel import Channel, ChannelClosed, ChannelFull

_COMMANDS_PER_SLOT = 64
_HEARTBEAT = 1.0
_COLLECT_EVERY = 10  # heartbeats
_SWITCH_INTERVAL = 0.0002  # so that the helper threads never hold the lock for long
_LATENESS_TICKS = 500  # over which the heartbeat's percentile goes
_MOST_READY = 1024  # sockets, at a time
_MOST_UNSENT = 10_000  # messages for a control process that does not read


class RtpPoller:
    """epoll over the legs' sockets."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def register(self, descriptor: int) -> None:
        self._epoll.register(descriptor, select.EPOLLIN)

    def unregister(self, descriptor: int) -> None:
        self._epoll.unregister(descriptor)

    def ready(self) -> list[tuple[int, int]]:
        return self._epoll.poll(0, _MOST_READY)


class MediaWorker:
    """The worker process: `run` returns when control has closed the channel."""

    def __init__(self, channel: Channel, index: int) -> None:
        self._control = channel
        self._name = f"media-{index}"
        self._prompts = PromptLoader()
        self._recorder = Recorder()
        rng = random.Random(random.SystemRandom().getrandbits(128))
        self._plane = MediaPlane(RtpPoller(), self._prompts, self._recorder, rng)
        self._speech: dict[int, Channel] = {}
        self._channels = select.epoll()
        self._channels.register(channel.fileno(), select.EPOLLIN)
        self._lateness: deque[float] = deque(maxlen=_LATENESS_TICKS)
        self._ticks = self._skipped = self._heartbeats = 0
        self._busy = 0.0
        self._next_heartbeat = 0.0
        self._closed = False

    def run(self) -> None:
        """Serve until control is gone."""
        self._prompts.start()
        self._recorder.start()
        while not self._closed:
            if self._plane.idle:
                self._wait()
            else:
                self._serve()
        self._recorder.stop()
        self._prompts.stop()

    def _wait(self) -> None:
        """There are no legs: sleep until control or a speech worker says something, or a heartbeat is due."""
        left = self._next_heartbeat - time.monotonic()
        if left > 0:
            self._channels.poll(left)
        self._read_channels(time.monotonic())
        self._beat(time.monotonic())
        self._flush()

    def _serve(self) -> None:
        """Run the clock as long as there are legs."""
        clock = TickClock(time.monotonic())
        while not self._closed and not self._plane.idle:
            at, is_tick = clock.advance()
            now = time.monotonic()
            if now < at:
                time.sleep(at - now)
                now = time.monotonic()
            elif missed := clock.skip_missed(now):
                self._plane.skip(missed)
                self._skipped += missed
                at += missed * FRAME_SECONDS
            if not is_tick and now - at > SLOT_SECONDS:
                continue  # behind: ticks only
            self._read_channels(now)
            self._plane.drain(now)
            if is_tick:
                self._lateness.append(now - at)
                self._ticks += 1
                self._plane.tick(at)
                self._busy += time.monotonic() - now
                self._beat(now)
            self._flush()

    def _read_channels(self, now: float) -> None:
        for descriptor, _ in self._channels.poll(0):
            if descriptor == self._control.fileno():
                self._read_control(now)
            else:
                self._read_speech(descriptor, now)

    def _read_control(self, now: float) -> None:
        for _ in range(_COMMANDS_PER_SLOT):
            try:
                received = self._control.receive()
            except WireError as error:
                self._plane.outbox.append(Log("error", "control sent no message", {"problem": str(error)}))
                continue
            except ChannelClosed:
                self._closed = True
                return
            if received is None:
                return
            message, sockets = received
            if isinstance(message, AttachSpeech):
                self._attach(message.worker, sockets, now)
            else:
                self._plane.handle(message, sockets, now)

    def _attach(self, worker: int, sockets: tuple[socket.socket, ...], now: float) -> None:
        if len(sockets) != 1:
            for item in sockets:
                item.close()
            return
        self._detach(worker, now)
        channel = self._speech[worker] = Channel(sockets[0])
        self._channels.register(channel.fileno(), select.EPOLLIN)
        self._plane.attach_speech(worker, channel, now)

    def _detach(self, worker: int, now: float) -> None:
        channel = self._speech.pop(worker, None)
        if channel is not None:
            self._plane.speech_gone(worker, now)
            with contextlib.suppress(OSError):
                self._channels.unregister(channel.fileno())
            channel.close()

    def _read_speech(self, descriptor: int, now: float) -> None:
        for worker, channel in list(self._speech.items()):
            if channel.fileno() != descriptor:
                continue
            try:
                for _ in range(_COMMANDS_PER_SLOT):
                    received = channel.receive()
                    if received is None:
                        return
                    for item in received[1]:
                        item.close()
                    self._plane.handle_speech(worker, received[0], now)
            except WireError as error:
                self._plane.outbox.append(
                    Log("error", "a speech worker sent no message", {"problem": str(error)})
                )
            except ChannelClosed:
                self._detach(worker, now)

    def _flush(self) -> None:
        """Send what control is to be told; what does not fit is sent later."""
        outbox = self._plane.outbox
        while outbox:
            try:
                self._control.send(outbox[0])
            except ChannelFull:
                while len(outbox) > _MOST_UNSENT:
                    outbox.popleft()
                return
            except ChannelClosed:
                self._closed = True
                return
            outbox.popleft()

    def _beat(self, now: float) -> None:
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + _HEARTBEAT
        self._heartbeats += 1
        if self._heartbeats % _COLLECT_EVERY == 0:
            gc.collect()
        ordered = sorted(self._lateness) or [0.0]
        counters = self._plane.counters()
        counters["ticks"] = self._ticks
        counters["ticks_skipped"] = self._skipped
        counters["tick_late_p99_ms"] = round(ordered[len(ordered) * 99 // 100] * 1000, 3)
        counters["tick_late_max_ms"] = round(ordered[-1] * 1000, 3)
        counters["tick_busy_seconds"] = round(self._busy, 6)
        counters["cpu_seconds"] = round(time.process_time(), 6)
        self._plane.outbox.append(Heartbeat(self._name, now, counters))


def main(arguments: list[str]) -> int:
    """Serve the control channel whose descriptor is `arguments[0]`, as worker number `arguments[1]`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = socket.socket(fileno=int(arguments[0]))
    sys.setswitchinterval(_SWITCH_INTERVAL)
    worker = MediaWorker(Channel(end), int(arguments[1]) if len(arguments) > 1 else 0)
    gc.collect()
    gc.freeze()
    gc.disable()
    worker.run()
    return 0
