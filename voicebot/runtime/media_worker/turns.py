"""What one Listen command started: its edges, and its audio on the way to a speech worker."""

from typing import Protocol

from voicebot.media import SAMPLE_RATE
from voicebot.wire import Audio, AudioEnd, Message
from voicebot.wire.channel import ChannelClosed, ChannelFull

PREROLL = 0.300  # seconds before the first voiced frame
_FRAMES_PER_MESSAGE = 3  # a message costs as much as three frames of everything else


class Sender(Protocol):
    """The channel to a speech worker."""

    def send(self, message: Message, /) -> None: ...


class Turn:
    """A turn being listened to. Audio is handed over without ever waiting: what does not fit is lost, and marked."""

    __slots__ = ("_at", "_pending", "call", "lagging", "leg", "number", "speech", "streaming")

    def __init__(self, call: str, leg: int, number: int, speech: int) -> None:
        self.call = call
        self.leg = leg
        self.number = number
        self.speech = speech  # -1: edges only
        self.streaming = False
        self.lagging = False
        self._pending: list[bytes] = []
        self._at = 0.0

    def begin(self, at: float, preroll: bytes, channel: Sender | None) -> None:
        """Speech has begun: hand over what was said since the instant `at`, and everything from now on."""
        self.streaming = True
        self._hand_over(at, preroll, channel)

    def add(self, at: float, frame: bytes, channel: Sender | None) -> None:
        """Take the frame that begins at `at`."""
        if not self._pending:
            self._at = at
        self._pending.append(frame)
        if len(self._pending) >= _FRAMES_PER_MESSAGE:
            self.flush(channel)

    def flush(self, channel: Sender | None) -> None:
        if self._pending:
            pcm = b"".join(self._pending)
            self._pending.clear()
            self._hand_over(self._at, pcm, channel)

    def end(self, at: float, channel: Sender | None) -> None:
        """The turn is over: if audio was sent, say that no more comes."""
        if not self.streaming:
            return
        self.flush(channel)
        self.streaming = False
        self._send(AudioEnd(self.call, self.leg, self.number, at, self.lagging), channel)

    def _hand_over(self, at: float, pcm: bytes, channel: Sender | None) -> None:
        if not self._send(Audio(self.call, self.leg, self.number, at, SAMPLE_RATE, pcm), channel):
            self.lagging = True

    def _send(self, message: Message, channel: Sender | None) -> bool:
        if channel is None:
            return False
        try:
            channel.send(message)
        except (ChannelFull, ChannelClosed):
            return False
        return True
