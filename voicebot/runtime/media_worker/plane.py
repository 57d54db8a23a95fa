"""All legs of a media worker: control's commands in, one tick every 20 ms, messages out.

Reads no clock and no file: `now` is an argument (CLOCK_MONOTONIC), sockets, prompts and recordings are handed in. In a
tick everything that arrived is taken from the jitter buffers, then every leg sends one packet, and only then is looked
at what was said, so that the packets leave at the same point of every tick.
"""

import random
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from voicebot.media import FRAME_SAMPLES
from voicebot.runtime.media_worker.hearing import Hearing
from voicebot.runtime.media_worker.leg import Datagrams, Leg, is_socket_pair
from voicebot.runtime.media_worker.plays import Plays
from voicebot.runtime.media_worker.prompts import Prompts
from voicebot.runtime.media_worker.receiving import receive, receive_report, unheard
from voicebot.runtime.media_worker.recorder import Recorder
from voicebot.runtime.media_worker.sending import (
    forward,
    keep_open,
    send_audio,
    send_events,
    send_keys,
    send_report,
    take_tone,
)
from voicebot.runtime.media_worker.turns import Sender, Turn
from voicebot.speech.vad import Edge
from voicebot.wire import (
    Bridge,
    CloseLeg,
    ConfigureLeg,
    EndListen,
    EndRecording,
    Key,
    LegClosed,
    Listen,
    Log,
    MaskRecording,
    MediaTimeout,
    Message,
    OpenLeg,
    Pause,
    Play,
    Record,
    RecordingEnded,
    Resume,
    SendKeys,
    SpeechStarted,
    SpeechStopped,
    Stop,
    StreamChunk,
    Unbridge,
)

READS_PER_DRAIN = 8  # packets of one leg: with four drains a tick 32 times what a peer should send
_DATAGRAM = 2048  # more than any packet that we take; longer ones are cut, and then refused by their length
_HOUSEKEEPING = 12  # ticks between looks at timeouts and reports
_CLOSING_WITHIN = 1.5  # seconds that a closed leg waits for its recording to be written


class Poller(Protocol):
    """Which sockets have something to read: epoll, or a fake."""

    def register(self, descriptor: int) -> None: ...

    def unregister(self, descriptor: int) -> None: ...

    def ready(self) -> Sequence[tuple[int, int]]:
        """Return the descriptors, each with what happened to it."""


class MediaPlane:
    """The legs of one worker. `outbox` is what control is to be told, in order."""

    def __init__(self, poller: Poller, prompts: Prompts, recorder: Recorder, rng: random.Random) -> None:
        self.outbox: deque[Message] = deque()
        self.speech: dict[int, Sender] = {}  # by speech worker
        self._poller = poller
        self._recorder = recorder
        self._rng = rng
        self._hearing = Hearing()
        self._plays = Plays(prompts, self.outbox)
        self._legs: dict[int, Leg] = {}
        self._active: list[Leg] = []  # those that are configured
        self._changed = False  # since the last tick
        self._wide: list[Leg] = []  # those of them with samples at 16 kHz
        self._awaited: dict[
            int, tuple[Leg, Leg]
        ] = {}  # bridges until the second is heard, by the first's number
        self._closing: dict[int, tuple[Leg, float]] = {}
        self._by_descriptor: dict[int, tuple[Leg, bool]] = {}  # True: RTCP
        self._ticks = 0
        self._totals: dict[str, float] = {}
        self._commands: dict[type[Message], Callable[..., None]] = {
            ConfigureLeg: self._configure,
            CloseLeg: self._close,
            Play: self._plays.play,
            Pause: self._plays.pause,
            Resume: self._plays.resume,
            Stop: self._plays.stop,
            SendKeys: self._send_keys,
            Listen: self._listen,
            EndListen: self._end_listen,
            Bridge: self._bridge,
            Unbridge: self._unbridge,
            Record: self._record,
            MaskRecording: self._mask_recording,
            EndRecording: self._end_recording,
        }

    @property
    def idle(self) -> bool:
        """Is there nothing to do until control says something?"""
        return not self._legs and not self._closing

    # --- commands -------------------------------------------------------------------------------------------------

    def handle(self, message: Message, sockets: tuple[socket.socket, ...], now: float) -> None:
        """Carry out one command of control. What is about a leg that is no more is dropped."""
        if isinstance(message, OpenLeg):
            self._open(message, sockets)
            return
        for item in sockets:
            item.close()
        command = self._commands.get(type(message))
        if command is None:
            self._log("warning", "media worker got a message that is not for it", kind=type(message).__name__)
            return
        leg = self._legs.get(getattr(message, "leg", -1))
        if leg is not None:
            command(leg, message, now)

    def _open(self, message: OpenLeg, sockets: tuple[socket.socket, ...]) -> None:
        if message.leg in self._legs or not is_socket_pair(sockets):
            for item in sockets:
                item.close()
            self._log("error", "a leg came without its sockets, or twice", leg=message.leg)
            return
        for item in sockets:
            item.setblocking(False)
        self.open_leg(message.call, message.leg, *sockets)

    def open_leg(self, call: str, number: int, rtp_socket: Datagrams, rtcp_socket: Datagrams) -> None:
        """Open a leg on bound, non-blocking sockets; nothing is read before it is configured."""
        self._legs[number] = Leg(
            call,
            number,
            self._hearing.take_row(),
            rtp_socket,
            rtcp_socket,
            ssrc=self._rng.getrandbits(32),
            sequence_number=self._rng.getrandbits(16),
            rtp_timestamp=self._rng.getrandbits(32),
            cname=f"{self._rng.getrandbits(96):024x}",  # RFC 7022 section 4.2: short-term and unlinkable
        )

    def _configure(self, leg: Leg, message: ConfigureLeg, now: float) -> None:
        first = not leg.configured
        if not leg.configure(message, now):
            self._log("warning", "the peer's media address is no IP address", call=leg.call, leg=leg.number)
        if first:
            for item, is_rtcp in ((leg.rtp_socket, False), (leg.rtcp_socket, True)):
                self._by_descriptor[item.fileno()] = (leg, is_rtcp)
                self._poller.register(item.fileno())
            self._active.append(leg)
        keep_open(leg, now)
        self._changed = True

    def _active_changed(self) -> None:
        """Once a tick at most, however many legs came and went."""
        self._changed = False
        self._wide = [leg for leg in self._active if leg.wide is not None]
        self._hearing.set_legs(self._active)

    def _close(self, leg: Leg, message: CloseLeg, now: float) -> None:
        self._plays.end(leg, "closed", now)
        self._end_turn(leg, now)
        self._unbridge(leg, message, now)
        self._awaited = {key: pair for key, pair in self._awaited.items() if pair[1] is not leg}
        for item in (leg.rtp_socket, leg.rtcp_socket):
            if self._by_descriptor.pop(item.fileno(), None) is not None:
                self._poller.unregister(item.fileno())
        if leg.configured:
            send_report(leg, now, bye=True)
            self._active.remove(leg)
            self._changed = True
        leg.close_sockets()
        del self._legs[leg.number]
        self._hearing.release_row(leg.row)
        counters = leg.counters()
        for name, value in counters.items():
            self._totals[name] = self._totals.get(name, 0) + value
        for recording in leg.recordings.values():
            self._recorder.end(recording)
        if not leg.unwritten:
            self.outbox.append(LegClosed(leg.call, leg.number, counters))
        else:  # the files are closed first, so that LegClosed is the last message of a leg
            self._closing[leg.number] = (leg, now + _CLOSING_WITHIN)

    def _send_keys(self, leg: Leg, message: SendKeys, now: float) -> None:
        send_keys(leg, message.keys, message.duration_ms, message.gap_ms)

    # --- listening ------------------------------------------------------------------------------------------------

    def _listen(self, leg: Leg, message: Listen, now: float) -> None:
        self._end_turn(leg, now)
        leg.turn = Turn(leg.call, leg.number, message.turn, message.speech)
        if leg.detector is not None:
            leg.detector.reset()

    def _end_listen(self, leg: Leg, message: EndListen, now: float) -> None:
        if leg.turn is not None and leg.turn.number == message.turn:
            self._end_turn(leg, now)

    def _end_turn(self, leg: Leg, now: float) -> None:
        if leg.turn is not None:
            leg.turn.end(now, self.speech.get(leg.turn.speech))
            leg.turn = None

    def _edge(self, leg: Leg, edge: Edge, now: float) -> None:
        turn = leg.turn
        if edge.started:
            if turn is not None:
                self.outbox.append(SpeechStarted(leg.call, leg.number, turn.number, edge.at))
                if turn.speech >= 0 and not turn.streaming:
                    turn.begin(*self._hearing.before(leg, edge.at, now), self.speech.get(turn.speech))
            self._plays.interrupt(leg, edge.at, now)
        elif turn is not None:
            turn.flush(self.speech.get(turn.speech))
            self.outbox.append(SpeechStopped(leg.call, leg.number, turn.number, edge.at))

    def _key(self, leg: Leg, key: str, now: float) -> None:
        self.outbox.append(Key(leg.call, leg.number, key, now))
        if leg.playback is not None and leg.playback.barge_in != "none" and not leg.on_hold:
            self._plays.end(leg, "key", now)

    # --- bridging and recording -------------------------------------------------------------------------------------

    def _bridge(self, leg: Leg, message: Bridge, now: float) -> None:
        other = self._legs.get(message.other)
        if other is None or other is leg:
            self._log("warning", "no such leg to bridge to", call=leg.call, leg=leg.number)
            return
        self._awaited.pop(leg.number, None)
        if message.when_heard and not other.packets_received:
            self._awaited[leg.number] = (leg, other)
            return
        self._join(leg, other, now)

    def _join(self, leg: Leg, other: Leg, now: float) -> None:
        for one, peer in ((leg, other), (other, leg)):
            self._plays.end(one, "replaced", now)
            if one.peer is not None and one.peer is not peer:
                one.peer.peer = None
            one.peer = peer
            one.key_passes_on = False

    def _join_heard(self, now: float) -> None:
        for leg, other in list(self._awaited.values()):
            if other.packets_received:
                del self._awaited[leg.number]
                self._join(leg, other, now)

    def _unbridge(self, leg: Leg, message: Message, now: float) -> None:
        self._awaited.pop(leg.number, None)
        if leg.peer is not None:
            leg.peer.peer = None
            leg.peer = None

    def _record(self, leg: Leg, message: Record, now: float) -> None:
        self._stop_recording(leg, message.path)
        recording = self._recorder.record(leg.call, leg.number, message.path)
        recording.buffer.masked = leg.masked
        leg.recordings[message.path] = recording
        leg.unwritten += 1

    def _mask_recording(self, leg: Leg, message: MaskRecording, now: float) -> None:
        leg.masked = message.on
        for recording in leg.recordings.values():
            recording.buffer.masked = message.on

    def _end_recording(self, leg: Leg, message: EndRecording, now: float) -> None:
        self._stop_recording(leg, message.path)

    def _stop_recording(self, leg: Leg, path: str) -> None:
        if (recording := leg.recordings.pop(path, None)) is not None:
            self._recorder.end(recording)

    def _recordings_written(self, now: float) -> None:
        for call, number, path, seconds, problem in self._recorder.finished():
            self.outbox.append(RecordingEnded(call, number, path, seconds, problem))
            closing = self._closing.get(number)
            leg = self._legs.get(number) if closing is None else closing[0]
            if leg is None:
                continue
            leg.unwritten -= 1
            if problem:
                leg.recordings.pop(path, None)
            if closing is not None and not leg.unwritten:
                self._forget(number)
        for number in [number for number, (_, until) in self._closing.items() if now > until]:
            self._forget(number)

    def _forget(self, number: int) -> None:
        leg, _ = self._closing.pop(number)
        self.outbox.append(LegClosed(leg.call, number, leg.counters()))

    # --- speech workers -----------------------------------------------------------------------------------------------

    def attach_speech(self, worker: int, channel: Sender, now: float) -> None:
        """Talk to speech worker `worker` by this channel from now on."""
        if worker in self.speech:
            self.speech_gone(worker, now)
        self.speech[worker] = channel

    def speech_gone(self, worker: int, now: float) -> None:
        """The speech worker has died: what it was speaking ends, what it was hearing lags."""
        self.speech.pop(worker, None)
        gone = self._plays.streams.worker_gone(worker)
        for leg in self._legs.values():
            playback = leg.playback
            if playback is not None and any((leg.call, stream) in gone for stream in playback.streams):
                self._plays.end(leg, "failed", now, "the speech worker is gone")
            if leg.turn is not None and leg.turn.speech == worker:
                leg.turn.lagging = True

    def handle_speech(self, worker: int, message: Message, now: float) -> None:
        """Take one message of a speech worker."""
        if isinstance(message, StreamChunk):
            self._plays.streams.feed(worker, message, now)

    # --- packets ------------------------------------------------------------------------------------------------------

    def drain(self, now: float) -> None:
        """Read what has arrived, a bounded number of packets of every leg."""
        by_descriptor = self._by_descriptor
        for _ in range(READS_PER_DRAIN):
            ready = self._poller.ready()
            if not ready:
                return
            for descriptor, _ in ready:
                entry = by_descriptor.get(descriptor)
                if entry is None:
                    continue
                leg, is_rtcp = entry
                try:
                    if is_rtcp:
                        data, address = leg.rtcp_socket.recvfrom(_DATAGRAM)
                        receive_report(leg, data, address, now)
                        continue
                    data, address = leg.rtp_socket.recvfrom(_DATAGRAM)
                except OSError:  # nothing there after all, or an ICMP answer to what we sent
                    continue
                key = receive(leg, data, address, now)
                if key is not None:
                    self._key(leg, key, now)

    # --- the tick -----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Move 20 ms of audio in all directions; `now` is the tick's nominal instant."""
        self._ticks += 1
        self._plays.prompts_loaded(now)
        if self._changed:
            self._active_changed()
        if self._awaited:
            self._join_heard(now)
        active = self._active
        for leg in active:
            leg.heard = leg.jitter.pop(leg.quiet)
        for leg in self._wide:
            assert leg.wide is not None, "these are the ones that have it"
            leg.wide.hear(leg.heard)
        for leg in active:
            self._send(leg, now)
        if active:
            for leg, edge in self._hearing.hear(now, self.speech):
                self._edge(leg, edge, now)
        self._plays.give_credit(self.speech)
        self._recordings_written(now)
        if self._ticks % _HOUSEKEEPING == 0:
            self._keep_house(now)

    def skip(self, ticks: int) -> None:
        """The process stood still for so long that the missed packets are not sent any more."""
        for leg in self._active:
            leg.rtp_timestamp = (leg.rtp_timestamp + ticks * FRAME_SAMPLES) & 0xFFFFFFFF
            leg.marker = True
            if leg.packing is not None:
                leg.packing.drop()

    def _send(self, leg: Leg, now: float) -> None:
        """Send the leg's packet of this tick: keys before plays before the bridge before silence."""
        playback = leg.playback if leg.sends else None  # on hold: it goes on where it stopped
        if playback is not None and playback.resume_at is not None:
            self._plays.resume_in_time(leg, playback, now)
        if (leg.keys.queue or leg.relayed) and send_events(leg):
            return
        frame: bytes | None = take_tone(leg) if leg.tones else None
        if frame is None and playback is not None:
            frame = self._plays.take(leg, playback, now)
        elif frame is None and leg.peer is not None:
            frame = leg.from_peer()
            payload = leg.payload_of_peer() if leg.wide is not None else None
            if frame is not None and payload is not None:
                forward(leg, payload, frame)
                return
        send_audio(leg, frame or leg.silence)

    def _keep_house(self, now: float) -> None:
        self._plays.streams.forget_early(now)
        for leg in self._active:
            if now >= leg.next_report_at:
                send_report(leg, now)
            if not leg.sends:
                keep_open(leg, now)
            if (message := unheard(leg, now)) is not None:
                self.outbox.append(message)
            silent_for = now - leg.last_packet_at
            if leg.timeout and leg.receives and silent_for > leg.timeout:
                if not leg.timed_out:
                    leg.timed_out = True
                    self.outbox.append(MediaTimeout(leg.call, leg.number, now))
            else:
                leg.timed_out = False

    # --- reports ------------------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, float]:
        """Return the totals of all legs since the start, for the heartbeat."""
        totals = dict(self._totals)
        for leg in self._active:
            for name, value in leg.counters().items():
                totals[name] = totals.get(name, 0) + value
        for name in ("jitter_ms", "remote_jitter_ms", "round_trip_ms"):
            totals.pop(name, None)
        totals["legs"] = len(self._legs)
        totals["stream_chunks_dropped"] = self._plays.streams.dropped
        return totals

    def _log(self, level: str, event: str, **fields: str | int | float | bool | None) -> None:
        self.outbox.append(Log(level, event, fields))
