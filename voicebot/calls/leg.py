"""A leg: a dialog with its media. It speaks, listens, is bridged, renegotiates, and ends once."""

import asyncio
import itertools
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from voicebot.calls.protocols import MediaLeg, OnMessage, PlayItem
from voicebot.calls.racing import first_of
from voicebot.calls.referral import Referral
from voicebot.dialplan.line import BargeIn
from voicebot.sip import Request
from voicebot.wire import (
    Key,
    LegClosed,
    MediaTimeout,
    Message,
    PlayEnded,
    PlayPaused,
    PlayStarted,
    RecordingEnded,
    SpeechStarted,
    SpeechStopped,
    Unheard,
)

MOST_KEYS = 128  # that wait for somebody who listens; those that come after them are lost
SWALLOW_WITHIN = 2.0  # seconds between keys that still belong to what was keyed too long
LATE_WITHIN = 2.0  # seconds after an answer in which the key that ends entries still belongs to it
ON_ITS_WAY = 0.3  # seconds from our last packet to the caller's ear: network and jitter buffers, also those of a gateway
SAME_KEY_WITHIN = 2.0  # seconds between the two reports of a key that a phone sends both in RTP and by INFO


@dataclass(frozen=True, slots=True)
class Gone:
    """Why a leg is over. `by_peer`: the far side hung up; `cause` as in the record's `release_cause`."""

    cause: str
    by_peer: bool


class Playing:
    """One play on a leg. `ended` gets the media worker's PlayEnded; being cancelled in `wait` is all that cancels it."""

    def __init__(self, leg: "Leg", number: int, media: MediaLeg, ended: "asyncio.Future[PlayEnded]") -> None:
        self.number = number
        self.ended = ended
        self._media = media
        self._leg = leg
        self._swallowed_before = leg.swallowed

    @property
    def ended_by_swallowed_key(self) -> bool:
        """Say whether it was ended by a key that counts for nothing, so that it has to be played again."""
        if not self.ended.done() or self.ended.result().cause != "key":
            return False
        return self._leg.swallowed > self._swallowed_before

    def stop(self) -> None:
        """End it now; `ended` follows."""
        if not self.ended.done():
            self._media.stop(self.number)

    async def wait(self) -> PlayEnded:
        """Wait for its end; being cancelled stops it."""
        try:
            return await self.ended
        except asyncio.CancelledError:
            self._media.stop(self.number)
            raise


@dataclass(slots=True)
class _Listening:
    """Who listens to a leg: within `with`, these; afterwards who listened before, whom it keeps meanwhile."""

    leg: "Leg"
    listener: OnMessage | None
    on_hold: Callable[[bool], None]

    def _exchange(self, *_error: object) -> None:
        leg = self.leg
        leg._listener, self.listener = self.listener, leg._listener
        leg._hold_listener, self.on_hold = self.on_hold, leg._hold_listener

    __enter__ = __exit__ = _exchange


class Leg:
    """One dialog and its media leg. `session` is the SIP endpoint's number for the dialog."""

    def __init__(self, call: str, name: str, session: int, plays: "itertools.count[int]") -> None:
        """`name` is for the timeline ("caller", an agent's name); `plays` counts within the call."""
        self.call = call
        self.name = name
        self.session = session
        self.media: MediaLeg | None = None
        self.codec = "PCMU"
        self.refers = True  # whether its peer takes REFER, and Replaces in one, as far as it has told
        self.replaces = False
        self.counters: Mapping[str, float] = {}
        self._tell_nobody()
        self.gone: asyncio.Future[Gone] = asyncio.get_running_loop().create_future()
        self.settled = (
            asyncio.Event()
        )  # not set: its peer was asked to go on with the call, and has not answered
        self.settled.set()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._plays = plays
        self._playing: dict[int, asyncio.Future[PlayEnded]] = {}
        self._said_at = -math.inf  # when the last play came to its end
        self._interruptible = 0  # the play that a key ends
        self._ended_by_key = 0
        self.held = False
        self._keyed_on_hold: list[Key] = []
        self._keys_in_rtp = False
        self._unmatched: deque[tuple[Key, bool]] = deque(maxlen=32)  # keys, and whether they came by INFO
        self._listener: OnMessage | None = None
        self._hold_listener: Callable[[bool], None] = _not_told
        self._keys = ""
        self._swallow_until = 0.0
        self.swallowed = 0  # keys, since the call began
        self._late_key = (
            ""  # what would have ended an answer that has ended by itself, and is no answer of its own
        )
        self._late_until = 0.0
        self._late_waits = False  # it is the first of `_keys`

    def _tell_nobody(self) -> None:
        self.on_held: Callable[[bool], None] = _not_told
        self.on_unheard: Callable[[Unheard], None] = _not_told
        self.on_recording: Callable[[RecordingEnded], None] = _not_told
        self.on_late_key: Callable[[str], None] = _not_told
        self.on_refer: Callable[[Referral], None] | None = None  # absent: its peer may transfer nobody
        self.on_info_key: Callable[[str], None] | None = None  # in a talk: carries keys to the other side

    def learn(self, message: Request) -> None:
        """Note what the peer's INVITE says that it can do."""
        self.refers = "refer" in message.tokens("allow") or not message.has("allow")
        self.replaces = "replaces" in message.tokens("supported")

    # --- what the media worker reports --------------------------------------------------------------------------------

    def on_message(self, message: Message) -> None:
        """Take a message of the media worker about this leg."""
        if isinstance(message, PlayEnded):
            ended = self._playing.pop(message.play, None)
            if message.cause == "done":
                self._said_at = asyncio.get_running_loop().time()
            if message.play == self._ended_by_key and message.cause == "stopped":
                message = replace(message, cause="key")
            if ended is not None and not ended.done():
                ended.set_result(message)
        elif isinstance(message, Key):
            self._keys_in_rtp = True
            if not self._known(message, by_info=False):
                self._key(message)
        elif isinstance(message, (SpeechStarted, SpeechStopped, PlayStarted, PlayPaused)):
            if self._listener is not None and not self.held:
                self._listener(message)
        elif isinstance(message, MediaTimeout):
            lost = "media_worker_lost" in self.counters
            self.end(Gone("media_lost" if lost else "media_timeout", by_peer=False))
        elif isinstance(message, Unheard):
            self.on_unheard(message)
        elif isinstance(message, RecordingEnded):
            self.on_recording(message)
        elif isinstance(message, LegClosed):
            self.counters = message.counters
            self._media_over()

    def info_key(self, key: str) -> None:
        """Take a key that came by SIP INFO: it does what one of RFC 4733 does, and is not counted if it came so too."""
        message = Key(self.call, self.media.id if self.media else 0, key, asyncio.get_running_loop().time())
        if self._known(message, by_info=True):
            return
        if self.media is not None and self._interruptible in self._playing and not self.held:
            self._ended_by_key = self._interruptible
            self.media.stop(self._interruptible)
        if self.on_info_key is not None and not self._keys_in_rtp:  # those in RTP reach it without us
            self.on_info_key(key)
        self._key(message)

    def _known(self, message: Key, *, by_info: bool) -> bool:
        """Say whether the same key has been reported the other way; each report counts for one key only."""
        for entry in self._unmatched:
            other, came_by_info = entry
            if (
                came_by_info is not by_info
                and other.key == message.key
                and abs(message.at - other.at) < SAME_KEY_WITHIN
            ):
                self._unmatched.remove(entry)
                return True
        self._unmatched.append((message, by_info))
        return False

    def _key(self, message: Key) -> None:
        now = asyncio.get_running_loop().time()
        late = message.key == self._late_key and now < self._late_until
        if now < self._swallow_until:
            self._swallow_until = now + SWALLOW_WITHIN
            self.swallowed += 1
        elif self.held:
            if len(self._keyed_on_hold) < MOST_KEYS:
                self._keyed_on_hold.append(message)
        elif self._listener is None:
            if late and not self._keys:
                self._late_waits = True
                self.swallowed += 1
            self._keys = (self._keys + message.key)[:MOST_KEYS]
        elif late:
            self.swallowed += 1
            self._forget_late_key(told=True)
        else:
            self._late_key = ""
            self._listener(message)

    def hold(self, held: bool) -> None:
        """Note whether the peer has put us on hold. What it keys meanwhile is heard when it is back."""
        if held == self.held:
            return
        self.held = held
        self.on_held(held)
        self._hold_listener(held)
        if not held:
            keyed, self._keyed_on_hold = self._keyed_on_hold, []
            for message in keyed:
                self._key(message)

    def end(self, gone: Gone) -> None:
        """Note that the leg is over; the first cause counts."""
        if not self.gone.done():
            self.gone.set_result(gone)

    async def last_word(self) -> None:
        """Wait until what was said last is heard: it is still in the network and in the peer's jitter buffer."""
        left = self._said_at + ON_ITS_WAY - asyncio.get_running_loop().time()
        if left > 0 and not self.gone.done():
            await first_of(self.gone, timeout=left)

    # --- what stories do ----------------------------------------------------------------------------------------------

    def play(self, items: Sequence[PlayItem], *, barge_in: BargeIn = "none", loop: bool = False) -> Playing:
        """Start to play; what played before ends."""
        number = next(self._plays)
        ended: asyncio.Future[PlayEnded] = asyncio.get_running_loop().create_future()
        assert self.media is not None, "a leg without media cannot play"
        if self.closed.done():
            ended.set_result(PlayEnded(self.call, self.media.id, number, 0.0, "closed", 0.0))
        else:
            self._playing[number] = ended
            self._interruptible = number if barge_in != "none" else 0
            self.media.play(number, items, barge_in=barge_in, loop=loop)
        return Playing(self, number, self.media, ended)

    def listening(
        self, listener: OnMessage, on_hold: Callable[[bool], None] = lambda _held: None
    ) -> "_Listening":
        """Hand keys and edges to `listener` while entered, and tell `on_hold` when the peer goes and comes back."""
        return _Listening(self, listener, on_hold)

    def take_keys(self, wanted: Callable[[str], bool] = lambda key: False) -> str:
        """Return the keys that nobody listened to, and forget them.

        The late key of `expect_late` is not among them, nor is it taken later, unless it is `wanted`: a choice here.
        """
        keys, self._keys = self._keys, ""
        if self._late_key and wanted(self._late_key):
            self._forget_late_key()
        elif self._late_waits:
            keys = keys.removeprefix(self._late_key)
            self._forget_late_key(told=True)
        elif keys:
            self._forget_late_key()
        return keys

    def expect_late(self, key: str) -> None:
        """Take `key`, if it is the next one and comes soon, as the end of the answer that has ended without it."""
        self._late_key = key
        self._late_until = asyncio.get_running_loop().time() + LATE_WITHIN
        self._late_waits = bool(key) and self._keys.startswith(key)

    def _forget_late_key(self, *, told: bool = False) -> None:
        if told:
            self.on_late_key(self._late_key)
        self._late_key, self._late_waits = "", False

    def give_back(self, keys: str) -> None:
        """Keep keys that were pressed too early for who listened: they are for whoever listens next."""
        self._keys = keys + self._keys

    def swallow_keys(self) -> None:
        """Drop what is keyed on in the same breath: a code keyed too long or twice is nobody else's answer."""
        self._keys = ""
        self._swallow_until = asyncio.get_running_loop().time() + SWALLOW_WITHIN

    def listen(self, turn: int, *, speech_worker: int) -> None:
        if self.media is not None:
            self.media.listen(turn, speech_worker=speech_worker)

    def end_listen(self, turn: int) -> None:
        if self.media is not None:
            self.media.end_listen(turn)

    def close_media(self) -> "asyncio.Future[None]":
        """Release the media leg. The future is done at its LegClosed, with the last counters: shield it."""
        if self.media is None:
            self._media_over()
        elif not self._closing and not self.closed.done():
            self._closing = True
            self.media.close()
        return self.closed

    def _media_over(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        playing, self._playing = self._playing, {}
        for number, ended in playing.items():
            if not ended.done():
                ended.set_result(PlayEnded(self.call, 0, number, 0.0, "closed", 0.0))
        self._tell_nobody()  # who was told knows the call, the call its legs: together they would outlive it


def _not_told(_what: object) -> None:
    """Until somebody asks to be told, and after the end."""
