"""Media without audio: legs whose plays last as long as their texts, and callers who press and speak by call of a method."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voicebot.calls.protocols import NoMediaPort, OnMessage, PlayItem
from voicebot.sim.speech import SimSpeech, seconds_of
from voicebot.wire import (
    Key,
    LegClosed,
    PlayEnded,
    PlayStarted,
    RecordingEnded,
    SilenceItem,
    SpeechStarted,
    SpeechStopped,
)

ONSET = 0.1  # seconds of speech until the VAD reports it, as measured for the real one
OFFSET = 0.12  # seconds of silence until it reports the end


@dataclass(slots=True)
class _Play:
    number: int
    barge_in: str
    started_at: float
    timer: asyncio.TimerHandle | None


@dataclass(slots=True)
class Said:
    """Something that the leg's far side was told. `heard` seconds of it were heard."""

    at: float
    text: str
    heard: float = 0.0


class SimLeg:
    """Implements `calls.protocols.MediaLeg`; what the person on the line does is done with `press` and `speak`."""

    def __init__(self, media: "SimMedia", call: str, number: int, on_message: OnMessage) -> None:
        self.id = number
        self.worker = 0
        self.port = 20000 + 2 * number
        self.call = call
        self.closed = False
        self.said: list[Said] = []
        self.bridged_with: int | None = None
        self.keys_sent = ""
        self.recordings: set[str] = set()
        self.masked: list[tuple[float, bool]] = []
        self.listening: int | None = None
        self.on_listen: Callable[[], None] = lambda: None
        self._media = media
        self._on_message = on_message
        self._play: _Play | None = None
        self._loop = asyncio.get_running_loop()

    # --- the person ---------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """Press one key now."""
        if self.closed:
            return
        self._on_message(Key(self.call, self.id, key, self._loop.time()))
        if self._play is not None and self._play.barge_in != "none":
            self._ended("key")

    async def speak(self, text: str, seconds: float | None = None) -> None:
        """Speak: onset, partial result, offset, as the real workers would report them."""
        seconds = seconds_of(text) if seconds is None else seconds
        started_at = self._loop.time()
        turn = self.listening
        await asyncio.sleep(min(ONSET, seconds))
        if turn is not None and turn == self.listening and not self.closed:
            self._on_message(SpeechStarted(self.call, self.id, turn, started_at))
            if self._play is not None and self._play.barge_in == "immediate":
                self._ended("speech")
        await asyncio.sleep(max(seconds - ONSET, 0.0))
        if turn is None or turn != self.listening or self.closed:
            return
        self._media.speech.hear(self.call, turn, text)
        stopped_at = self._loop.time()
        await asyncio.sleep(OFFSET)
        if turn == self.listening and not self.closed:
            self._on_message(SpeechStopped(self.call, self.id, turn, stopped_at))

    # --- MediaLeg -----------------------------------------------------------------------------------------------------

    def configure(
        self,
        *,
        codec: str,
        payload_type: int,
        event_payload_type: int | None,
        receive_event_payload_type: int,
        remote: tuple[str, int],
        source_host: str,
        send: bool,
        receive: bool,
        timeout: float,
    ) -> None:
        pass

    def play(self, play: int, items: Sequence[PlayItem], *, barge_in: str, loop: bool = False) -> None:
        if self.closed:
            return
        self._ended("replaced")
        now = self._loop.time()
        seconds = 0.0
        for item in items:
            if isinstance(item, SilenceItem):
                seconds += item.milliseconds / 1000
                continue
            text = self._media.speech.text_of(item)
            self.said.append(Said(now + seconds, text))
            seconds += seconds_of(text)
        timer = None if loop else self._loop.call_later(seconds, self._ended, "done")
        self._play = _Play(play, barge_in, now, timer)
        self._loop.call_soon(self._on_message, PlayStarted(self.call, self.id, play, now))

    def stop(self, play: int) -> None:
        if self._play is not None and self._play.number == play:
            self._ended("stopped")

    def listen(self, turn: int, *, speech_worker: int) -> None:
        if not self.closed:
            self.listening = turn
            self._loop.call_soon(self.on_listen)

    def end_listen(self, turn: int) -> None:
        if self.listening == turn:
            self.listening = None
            self._media.speech.audio_ended(self.call, turn)

    def bridge(self, other: int) -> None:
        self._ended("replaced")
        peer = self._media.legs[other]
        self.bridged_with, peer.bridged_with = other, self.id

    def unbridge(self) -> None:
        if self.bridged_with is not None and (peer := self._media.legs.get(self.bridged_with)) is not None:
            peer.bridged_with = None
        self.bridged_with = None

    def record(self, path: str) -> None:
        self.recordings.add(path)

    def mask_recording(self, on: bool) -> None:
        self.masked.append((self._loop.time(), on))

    def end_recording(self, path: str) -> None:
        if path in self.recordings:
            self.recordings.discard(path)
            self._loop.call_soon(self._on_message, RecordingEnded(self.call, self.id, path, 1.0))

    def send_keys(self, keys: str) -> None:
        self.keys_sent += keys

    def close(self) -> None:
        if not self.closed:
            self._ended("closed")
            self.unbridge()
            self.closed = True
            self.listening = None
            self._media.legs.pop(self.id, None)
            for path in list(self.recordings):
                self.end_recording(path)
            self._loop.call_soon(self._on_message, LegClosed(self.call, self.id, {"sent": 1.0}))

    def _ended(self, cause: str) -> None:
        play, self._play = self._play, None
        if play is None:
            return
        if play.timer is not None:
            play.timer.cancel()
        now = self._loop.time()
        for said in self.said:
            if said.at >= play.started_at:
                said.heard = max(0.0, min(now - said.at, seconds_of(said.text)))
        self._loop.call_soon(
            self._on_message, PlayEnded(self.call, self.id, play.number, now, cause, now - play.started_at)
        )


@dataclass(slots=True)
class SimMedia:
    """Implements `calls.protocols.Media`."""

    speech: SimSpeech
    capacity: int = 1000
    legs: dict[int, SimLeg] = field(default_factory=dict)
    opened: list[SimLeg] = field(default_factory=list)

    def open_leg(self, call: str, host: str, on_message: OnMessage) -> SimLeg:
        if len(self.legs) >= self.capacity:
            raise NoMediaPort("no simulated port is left")
        leg = SimLeg(self, call, len(self.opened) + 1, on_message)
        self.legs[leg.id] = leg
        self.opened.append(leg)
        return leg
