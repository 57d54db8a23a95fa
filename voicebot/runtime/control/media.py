"""The media plane as calls see it: legs in media workers."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from voicebot.calls.later import Later
from voicebot.calls.protocols import NoMediaPort, OnMessage, PlayItem
from voicebot.runtime.control.ports import PortPool
from voicebot.runtime.control.worker import Worker
from voicebot.sdp import Media as SettledMedia
from voicebot.wire import (
    Bridge,
    CloseLeg,
    ConfigureLeg,
    EndListen,
    EndRecording,
    Heartbeat,
    LegClosed,
    Listen,
    MaskRecording,
    MediaTimeout,
    Message,
    OpenLeg,
    Play,
    Record,
    SendKeys,
    SrtpKeys,
    Stop,
    Unbridge,
)

WORKER_LOST = "media_worker_lost"  # the only counter of a leg whose worker died
CLOSE_WITHIN = 2.0  # seconds for a worker to close a leg; then its port is taken back, and its counters are not waited for

log = structlog.get_logger("media")


class WorkerLeg:
    """A leg in a media worker: implements `calls.protocols.MediaLeg`."""

    def __init__(self, plane: "MediaPlane", worker: Worker, call: str, number: int, port: int) -> None:
        self.id = number
        self.port = port
        self.call = call
        self.closed = False
        self._plane = plane
        self._worker = worker

    @property
    def worker(self) -> int:
        """Return the number of the media worker that has the leg."""
        return self._worker.index

    def configure(self, media: SettledMedia, *, remote_host: str, source_host: str, timeout: float) -> None:
        """See `calls.protocols.MediaLeg.configure`."""
        srtp = media.srtp
        self._send(
            ConfigureLeg(
                self.call,
                self.id,
                media.codec,
                media.payload_type,
                media.event_payload_type,
                media.receive_event_payload_type,
                remote_host,
                media.remote_port,
                source_host,
                send=media.send,
                receive=media.receive,
                ptime_ms=media.ptime_ms,
                timeout=timeout,
                receive_payload_type=media.receive_payload_type,
                event_clock_rate=media.event_clock_rate,
                alternatives=media.alternatives,
                rtcp_mux=media.rtcp_mux,
                rtcp_port=media.rtcp_port,
                srtp=SrtpKeys(srtp.suite, srtp.send_key, srtp.receive_key) if srtp is not None else None,
            )
        )

    def play(self, play: int, items: Sequence[PlayItem], *, barge_in: str, loop: bool = False) -> None:
        self._send(Play(self.call, self.id, play, tuple(items), barge_in, loop))  # type: ignore[arg-type]

    def stop(self, play: int) -> None:
        self._send(Stop(self.call, self.id, play))

    def listen(self, turn: int, *, speech_worker: int) -> None:
        self._send(Listen(self.call, self.id, turn, speech_worker))

    def end_listen(self, turn: int) -> None:
        self._send(EndListen(self.call, self.id, turn))

    def bridge(self, other: int, *, when_heard: bool = False) -> None:
        self._send(Bridge(self.call, self.id, other, when_heard))

    def unbridge(self) -> None:
        self._send(Unbridge(self.call, self.id))

    def record(self, path: str) -> None:
        self._send(Record(self.call, self.id, path))

    def mask_recording(self, on: bool) -> None:
        self._send(MaskRecording(self.call, self.id, on))

    def end_recording(self, path: str) -> None:
        self._send(EndRecording(self.call, self.id, path))

    def send_keys(self, keys: str) -> None:
        self._send(SendKeys(self.call, self.id, keys))

    def close(self) -> None:
        if not self.closed:
            self._send(CloseLeg(self.call, self.id))
            self.closed = True
            self._plane.leg_closing(self)

    def _send(self, message: Message) -> None:
        if not self.closed:
            self._worker.send(message)


class MediaPlane:
    """Legs over all media workers; all legs of a call live in one of them."""

    def __init__(self, workers: int, ports: PortPool) -> None:
        self._ports = ports
        self._legs: dict[int, tuple[WorkerLeg, OnMessage]] = {}
        self._of_call: dict[str, list[WorkerLeg]] = {}
        self._load = [0] * workers  # legs of each worker
        self._numbers = itertools.count(1)
        self._closing = Later(CLOSE_WITHIN)
        self.on_worker_start: Callable[[Worker], None] = lambda worker: None
        self.workers = [
            Worker(
                "voicebot.runtime.media_worker",
                index,
                on_message=self._on_message,
                on_start=self._on_start,
                on_death=self._on_death,
            )
            for index in range(workers)
        ]

    @property
    def ports(self) -> int:
        """Return how many pairs of ports are taken."""
        return self._ports.taken

    @property
    def legs(self) -> int:
        return len(self._legs)

    def open_leg(self, call: str, host: str, on_message: OnMessage) -> WorkerLeg:
        """See `calls.protocols.Media.open_leg`."""
        worker = self._worker_of(call)
        port, rtp, rtcp = self._ports.acquire(host, asyncio.get_running_loop().time())
        leg = WorkerLeg(self, worker, call, next(self._numbers), port)
        with rtp, rtcp:
            sent = worker.send(OpenLeg(call, leg.id), (rtp, rtcp))
        if not sent:
            self._ports.release(port, asyncio.get_running_loop().time())
            raise NoMediaPort("the media worker is being restarted")
        self._legs[leg.id] = (leg, on_message)
        self._of_call.setdefault(call, []).append(leg)
        self._load[worker.index] += 1
        return leg

    def leg_closing(self, leg: WorkerLeg) -> None:
        self._closing.call(leg.id, partial(self._give_up, leg))

    def _worker_of(self, call: str) -> Worker:
        for leg in self._of_call.get(call, ()):
            if not leg.closed:
                return self.workers[leg.worker]
        alive = [worker for worker in self.workers if worker.alive]
        if not alive:
            raise NoMediaPort("no media worker runs; one is being started")
        return min(alive, key=lambda worker: self._load[worker.index])

    def _give_up(self, leg: WorkerLeg) -> None:
        """The worker has not closed the leg: who waits for that waits no longer."""
        if (entry := self._legs.get(leg.id)) is not None:
            self._forget(leg.id)
            entry[1](LegClosed(leg.call, leg.id, {}))

    def _forget(self, number: int) -> None:
        if (entry := self._legs.pop(number, None)) is None:
            return
        self._closing.cancel(number)
        leg = entry[0]
        self._load[leg.worker] -= 1
        legs = self._of_call[leg.call]
        legs.remove(leg)
        if not legs:
            del self._of_call[leg.call]
        self._ports.release(leg.port, asyncio.get_running_loop().time())

    def _on_start(self, worker: Worker) -> None:
        self.on_worker_start(worker)

    def _on_message(self, worker: Worker, message: Message) -> None:
        if isinstance(message, Heartbeat):
            return
        number = getattr(message, "leg", None)
        entry = self._legs.get(number) if isinstance(number, int) else None
        if entry is None:
            return
        if isinstance(message, LegClosed):
            self._forget(message.leg)
        entry[1](message)

    def _on_death(self, worker: Worker) -> None:
        """Its calls end cleanly: each leg is told that its media is gone; the stories do the rest."""
        now = asyncio.get_running_loop().time()
        for number, (leg, on_message) in list(self._legs.items()):
            if leg.worker == worker.index:
                self._forget(number)
                leg.closed = True
                on_message(LegClosed(leg.call, number, {WORKER_LOST: 1}))
                on_message(MediaTimeout(leg.call, number, now))
