"""Media without audio: legs whose plays last as long as their texts, and callers who press and speak by call of a method."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voicebot.calls.protocols import NoMediaPort, OnMessage, PlayItem
from voicebot.sdp import Media as SettledMedia
from voicebot.sim.speech import SimSpeech, seconds_of
from voicebot.wire import (
    Key,
    LegClosed,
    PlayEnded,
    RecordingEnded,
    SilenceItem,
    SpeechStarted,
    SpeechStopped,
)

ONSET = 0.1  # seconds of speech until the VAD reports it, as measured for the real one
OFFSET = 0.12  # seconds of silence until it reports the end
NOTED_SILENCE = 1.0  # seconds


@dataclass(slots=True)
class _Play:
    number: int
    barge_in: str
    started_at: float
    first: int  # of what it says, in `said`
    seconds: float | None  # None: it loops
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Said:
    """Something that the leg's far side was told. `heard` seconds of it were heard."""

    at: float
    text: str
    heard: float = 0.0


@dataclass(slots=True)
class Air:
    """Whether anything goes on: sound in either direction, a question that waits. `silences`: (from, seconds) without."""

    loop: asyncio.AbstractEventLoop
    since: float = field(init=False)
    silences: list[tuple[float, float]] = field(default_factory=list)
    _going_on: int = 0

    def __post_init__(self) -> None:
        self.since = self.loop.time()

    def begins(self) -> None:
        self.silence_ends()
        self._going_on += 1

    def ends(self) -> None:
        self._going_on -= 1
        if not self._going_on:
            self.since = self.loop.time()

    def silence_ends(self) -> None:
        """Something begins, or the call is over: note the silence until now, if there was one."""
        if not self._going_on and (seconds := self.loop.time() - self.since) > NOTED_SILENCE:
            self.silences.append((self.since, seconds))


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
        self.on_quiet: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self.air = Air(self._loop)
        self.held_at: float | None = None  # since when the person has us on hold
        self._media = media
        self._on_message = on_message
        self._play: _Play | None = None

    # --- the person ---------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """Press one key now."""
        if self.closed:
            return
        self._on_message(Key(self.call, self.id, key, self._loop.time()))
        if self._play is not None and self._play.barge_in != "none" and self.held_at is None:
            self._ended("key")

    async def speak(self, text: str, seconds: float | None = None) -> None:
        """Speak, and wait until it is said."""
        over = self._loop.create_future()
        self.say(text, seconds, on_said=lambda: over.set_result(None))
        await over

    def say(
        self,
        text: str,
        seconds: float | None = None,
        *,
        confidence: float | None = None,
        on_said: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to speak: onset, partial result, offset come as the real workers would report them.

        Without `text` it is a voice in which no word is recognised.
        """
        seconds = seconds_of(text) if seconds is None else seconds
        started_at, turn = self._loop.time(), self.listening
        self.air.begins()

        def onset() -> None:
            if turn is not None and turn == self.listening and not self.closed:
                self._on_message(SpeechStarted(self.call, self.id, turn, started_at))
                barges_in = self._play is not None and self._play.barge_in == "immediate"
                if barges_in and self.held_at is None:
                    self._ended("speech")
            self._loop.call_later(max(seconds - ONSET, 0.0), last_word)

        def last_word() -> None:
            if turn is not None and turn == self.listening and not self.closed and text:
                self._media.speech.hear(self.call, turn, text, confidence)
            self._loop.call_later(OFFSET, offset, self._loop.time())

        def offset(stopped_at: float) -> None:
            self.air.ends()
            if turn is not None and turn == self.listening and not self.closed:
                self._on_message(SpeechStopped(self.call, self.id, turn, stopped_at))
            on_said()

        self._loop.call_later(min(ONSET, seconds), onset)

    @property
    def playing(self) -> bool:
        return self._play is not None

    # --- MediaLeg -----------------------------------------------------------------------------------------------------

    def configure(self, media: SettledMedia, *, remote_host: str, source_host: str, timeout: float) -> None:
        """Only hold counts here: what is played stands still, and goes on where it stopped."""
        now = self._loop.time()
        play = self._play
        if not media.send and self.held_at is None:
            self.held_at = now
            if play is not None and play.timer is not None:
                play.timer.cancel()
        elif media.send and self.held_at is not None:
            away, self.held_at = now - self.held_at, None
            if play is not None:
                play.started_at += away
                for said in self.said[play.first :]:
                    said.at += away
                self._set_timer(play)

    def _set_timer(self, play: _Play) -> None:
        if play.seconds is not None:
            play.timer = self._loop.call_at(play.started_at + play.seconds, self._played, play)

    def play(self, play: int, items: Sequence[PlayItem], *, barge_in: str, loop: bool = False) -> None:
        if self.closed:
            return
        if self._play is not None:
            self._ended("replaced")
        now = over_at = self._loop.time()
        first = len(self.said)
        for item in items:
            if isinstance(item, SilenceItem):
                over_at += item.milliseconds / 1000
                continue
            text = self._media.speech.text_of(item)
            self.said.append(Said(over_at, text))
            over_at += seconds_of(text)
        self._play = _Play(play, barge_in, now, first, None if loop else over_at - now)
        if self.held_at is None:
            self._set_timer(self._play)
        else:
            self.held_at = now  # nothing of it was heard yet
        self.air.begins()

    def stop(self, play: int) -> None:
        if self._play is not None and self._play.number == play:
            self._ended("stopped")

    def listen(self, turn: int, *, speech_worker: int) -> None:
        if not self.closed:
            self.listening = turn

    def end_listen(self, turn: int) -> None:
        if self.listening == turn:
            self.listening = None
            self._media.speech.audio_ended(self.call, turn)

    def bridge(self, other: int, *, when_heard: bool = False) -> None:
        self._ended("replaced")
        self.air.begins()
        peer = self._media.legs[other]
        peer.air.begins()
        self.bridged_with, peer.bridged_with = other, self.id

    def unbridge(self) -> None:
        if self.bridged_with is not None:
            if (peer := self._media.legs.get(self.bridged_with)) is not None:
                peer.bridged_with = None
                peer.air.ends()
            self.air.ends()
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
        """End what is playing; who hears of it hears later, as from a worker."""
        if self._play is not None:
            self._loop.call_soon(self._tell, self._take_off(self._play, cause))

    def _played(self, play: _Play) -> None:
        """It came to its end. Nobody but the loop has called this, so it can be told at once."""
        self._tell(self._take_off(play, "done"))

    def _take_off(self, play: _Play, cause: str) -> PlayEnded:
        self._play = None
        if play.timer is not None:
            play.timer.cancel()
        now = self._loop.time() if self.held_at is None else self.held_at
        for said in self.said[play.first :]:
            said.heard = max(0.0, min(now - said.at, seconds_of(said.text)))
        self.air.ends()
        return PlayEnded(self.call, self.id, play.number, now, cause, now - play.started_at)

    def _tell(self, ended: PlayEnded) -> None:
        self._on_message(ended)
        if self.on_quiet is not None:
            self.on_quiet()


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
