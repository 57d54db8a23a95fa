"""What is played on all legs: from the command through loading, pauses and reflexes to its end, which control is told."""

from collections import deque
from collections.abc import Mapping

from voicebot.media.playout import Clip, LiveClip
from voicebot.runtime.media_worker.leg import Leg
from voicebot.runtime.media_worker.playback import Playback
from voicebot.runtime.media_worker.prompts import Prompts
from voicebot.runtime.media_worker.streams import Streams
from voicebot.runtime.media_worker.turns import Sender
from voicebot.wire import (
    Message,
    Pause,
    Play,
    PlayEnded,
    PlayPaused,
    PlayStarted,
    PromptItem,
    Resume,
    SilenceItem,
    Stop,
    StreamItem,
)
from voicebot.wire.channel import ChannelClosed, ChannelFull


class Plays:
    """The plays of a worker. `outbox` is what control is told."""

    def __init__(self, prompts: Prompts, outbox: deque[Message]) -> None:
        self.streams = Streams()
        self._prompts = prompts
        self._outbox = outbox
        self._waiting: list[tuple[Leg, Playback, Play]] = []  # plays whose prompts are being loaded

    def play(self, leg: Leg, message: Play, now: float) -> None:
        """Begin a play as soon as its prompts are there; what was playing ends."""
        self.end(leg, "replaced", now)
        wanted = {item.path for item in message.items if isinstance(item, PromptItem)}
        missing = {path for path in wanted if self._prompts.get(path, leg.codec.name, now) is None}
        streams = tuple(item.stream for item in message.items if isinstance(item, StreamItem))
        leg.playback = Playback(message, missing, streams)
        for stream in streams:
            self.streams.want(leg.call, stream, leg.codec, now)
        if missing:
            self._waiting.append((leg, leg.playback, message))
        else:
            self._accept(leg, leg.playback, message, now)

    def _accept(self, leg: Leg, playback: Playback, message: Play, now: float) -> None:
        items: list[Clip | LiveClip] = []
        for item in message.items:
            if isinstance(item, StreamItem):
                items.append(self.streams.want(leg.call, item.stream, leg.codec, now).clip)
            elif isinstance(item, SilenceItem):
                items.append(Clip(leg.codec.quiet(max(0, item.milliseconds) * 8), leg.codec))
            else:
                payload = self._prompts.get(item.path, leg.codec.name, now)
                if payload is None:  # the cache is smaller than this play, or the codec has changed meanwhile
                    playback.missing.add(item.path)
                    self._waiting.append((leg, playback, message))
                    return
                items.append(Clip(payload, leg.codec))
        playback.accept(items, message.loop)

    def prompts_loaded(self, now: float) -> None:
        """Go on with the plays that waited for what has been loaded."""
        for path, _codec, problem in self._prompts.loaded():
            waiting, self._waiting = self._waiting, []
            for entry in waiting:
                leg, playback, message = entry
                if leg.playback is not playback:
                    continue  # it has ended meanwhile
                if problem and path in playback.missing:
                    self.end(leg, "failed", now, problem)
                    continue
                playback.missing.discard(path)
                if playback.missing:
                    self._waiting.append(entry)
                else:
                    self._accept(leg, playback, message, now)

    def end(self, leg: Leg, cause: str, now: float, problem: str = "") -> None:
        """End the play of a leg, if there is one (causes: `wire.PlayEnded`)."""
        playback = leg.playback
        if playback is None:
            return
        leg.playback = None
        for stream in playback.streams:
            self.streams.end(leg.call, stream)
        self._outbox.append(
            PlayEnded(leg.call, leg.number, playback.play, now, cause, playback.position, problem)
        )

    def pause(self, leg: Leg, message: Pause, now: float) -> None:
        if leg.playback is not None and leg.playback.play == message.play and leg.playback.hold():
            self._tell_paused(leg, leg.playback, True, now)

    def resume(self, leg: Leg, message: Resume, now: float) -> None:
        if leg.playback is not None and leg.playback.play == message.play and leg.playback.release():
            self._tell_paused(leg, leg.playback, False, now)

    def _tell_paused(self, leg: Leg, playback: Playback, paused: bool, now: float) -> None:
        self._outbox.append(PlayPaused(leg.call, leg.number, playback.play, now, playback.position, paused))

    def stop(self, leg: Leg, message: Stop, now: float) -> None:
        if leg.playback is not None and leg.playback.play == message.play:
            self.end(leg, "stopped", now)

    def interrupt(self, leg: Leg, onset_at: float, now: float) -> None:
        """The reflexes to an onset (`wire.Play`)."""
        playback = leg.playback
        if playback is None or not playback.accepted or leg.on_hold:
            return
        if playback.barge_in == "immediate":
            self.end(leg, "speech", now)
        elif playback.barge_in == "reversible" and playback.pause_on_onset(onset_at):
            self._tell_paused(leg, playback, True, now)

    def take(self, leg: Leg, playback: Playback, now: float) -> bytes | None:
        """Return this tick's frame of the play, b"" while there is none, None when it has just ended."""
        playout = playback.playout
        if leg.patience and leg.latched is None and playout is not None:
            leg.patience -= 1
            return b""
        frame = b"" if playout is None else playout.take()
        if frame:
            playback.empty = 0
            if not playback.started:
                playback.started = leg.marker = True
                self._outbox.append(PlayStarted(leg.call, leg.number, playback.play, now))
        elif frame is None:
            self.end(leg, "done", now)
        elif playback.starves():
            self.end(leg, "failed", now, "live speech stopped coming")
        return frame

    def resume_in_time(self, leg: Leg, playback: Playback, now: float) -> None:
        """A play that an onset paused goes on by itself when nothing came of it."""
        if playback.resume_at is not None and now >= playback.resume_at:
            playback.release()
            self._tell_paused(leg, playback, False, now)

    def give_credit(self, speech: Mapping[int, Sender]) -> None:
        """Tell the speech workers how much more live speech is wanted."""
        for worker, credit in self.streams.credits():
            for number, channel in speech.items():
                if worker in (-1, number):
                    try:
                        channel.send(credit)
                    except (ChannelFull, ChannelClosed):
                        continue
