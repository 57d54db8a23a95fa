"""What calls need of the world, as Protocols: media plane, speech, telephones, storage.

`runtime/` implements them with processes and sockets, `sim/` with virtual time; both pass the same contract tests.
Events come back as the `wire` messages of media and speech workers, through the callback that a leg or call gave.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from voicebot.dialplan.line import BargeIn, FetchRequest, FetchResult, Spoken
from voicebot.sdp import Media as SettledMedia
from voicebot.wire import Message, PromptItem, SilenceItem, StreamItem

PlayItem = PromptItem | StreamItem | SilenceItem
OnMessage = Callable[[Message], None]


class NoMediaPort(Exception):
    """Every media port is in use or rests after its release; the call is refused with 503."""


class MediaLeg(Protocol):
    """One leg in a media worker. Commands are sent at once and never block; after `close` they do nothing."""

    @property
    def id(self) -> int: ...

    @property
    def worker(self) -> int:
        """Return the number of the media worker that has the leg."""

    @property
    def port(self) -> int:
        """Return the local RTP port, bound already."""

    def configure(self, media: SettledMedia, *, remote_host: str, source_host: str, timeout: float) -> None:
        """Let media flow as offer and answer settled it; `remote_host` is its address, which is no name."""

    def play(
        self, play: int, items: Sequence[PlayItem], *, barge_in: BargeIn, loop: bool = False
    ) -> None: ...

    def stop(self, play: int) -> None: ...

    def listen(self, turn: int, *, speech_worker: int) -> None: ...

    def end_listen(self, turn: int) -> None: ...

    def bridge(self, other: int, *, when_heard: bool = False) -> None:
        """Join the two legs, which ends what is played on both; with `when_heard` as soon as `other` was heard."""

    def unbridge(self) -> None: ...

    def record(self, path: str) -> None: ...

    def mask_recording(self, on: bool) -> None: ...

    def end_recording(self, path: str) -> None: ...

    def send_keys(self, keys: str) -> None: ...

    def close(self) -> None:
        """LegClosed follows, within seconds, whatever becomes of the worker; where that is silent, without counters."""


class Media(Protocol):
    """The media plane."""

    def open_leg(self, call: str, host: str, on_message: OnMessage) -> MediaLeg:
        """Open a leg, all of a call's in one worker. `host`: the local address that its packets leave from.

        Raises NoMediaPort. If the worker dies, `on_message` gets a MediaTimeout for the leg.
        """


class Speech(Protocol):
    """Recognisers and voices."""

    def languages(self) -> tuple[str, ...]:
        """Return the languages that can be recognised."""

    def start_turn(
        self,
        call: str,
        turn: int,
        phrases: Mapping[str, tuple[str, ...]],
        on_message: OnMessage,
        *,
        sensitive: bool,
    ) -> int:
        """Prepare to recognise `turn` (phrases by language); return the speech worker's number for `listen`, or -1.

        `on_message` gets Partial, Final or SpeechProblem of this turn, also when the worker dies.
        """

    def forget_turn(self, call: str, turn: int) -> None:
        """Nobody waits for what is still to come of this turn."""

    def play_items(
        self, call: str, leg: MediaLeg, codec: str, speech: Sequence[Spoken], streams: Iterator[int]
    ) -> tuple[PlayItem, ...]:
        """Return what `leg` is to play: rendered prompts by path, the rest as live streams, numbered by `streams`."""

    def cancel(self, call: str, items: Sequence[PlayItem]) -> None:
        """Nobody plays these any more: what is still being spoken of them stops."""

    def end_call(self, call: str) -> None: ...


class Services(Protocol):
    """The web services that a dialplan declares."""

    async def fetch(self, request: FetchRequest) -> FetchResult: ...


class Store(Protocol):
    """The records. Every method returns at once; the writer thread commits."""

    def call_started(self, uid: str, fields: Mapping[str, object]) -> None: ...

    def event(self, uid: str, kind: str, fields: Mapping[str, object]) -> None:
        """Add to the call's timeline."""

    def event_committed(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
        """The same; the future is done when it is committed."""

    def call_ended(self, uid: str, fields: Mapping[str, object]) -> None: ...

    def callback(self, uid: str, fields: Mapping[str, object]) -> "Future[None]":
        """Keep a booked callback as it is now: `state`, `booked_by`, `data`; the future is done when it is committed."""
