"""The line: everything that a step may ask of a call, and nothing else.

Steps and the interpreter await only methods of `Line`. Every race (prompt against key against speech against hang-up)
is a single method here, built once in `calls` for telephones and again in `sim` for the simulator. Hang-up is
cancellation: whichever method is awaited raises `asyncio.CancelledError` once, the interpreter lets it pass.
"""

import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from voicebot.nlu.entries import Completeness, Entry, Judgement

__all__ = [
    "Answer",
    "BargeIn",
    "CallbackOffer",
    "CallbackRequest",
    "Completeness",
    "Entry",
    "Failed",
    "FetchRequest",
    "FetchResult",
    "Heard",
    "InputOptions",
    "Judgement",
    "Line",
    "Matcher",
    "NoInput",
    "NoMatch",
    "Question",
    "QueueResult",
    "QueueView",
    "QueueWait",
    "Spoken",
    "TransferRequest",
    "TransferResult",
    "VoiceMessage",
]

BargeIn = Literal["reversible", "immediate", "none"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One piece of what the caller is to hear: a text in one language, or an audio file.

    `constant` text was rendered when the dialplan was loaded; other text is synthesised live. `sensitive` text is
    never cached, logged or recorded. With `file` (a path below `prompts/`) `text` is empty.
    """

    text: str
    language: str
    voice: str | None = None
    constant: bool = True
    sensitive: bool = False
    file: str | None = None


class Matcher(Protocol):
    """What a question accepts. Pure: same entries, same judgement. It also knows the links in scope."""

    def phrases(self, language: str) -> tuple[str, ...]:
        """Return what may be said, as JSGF expansions, to bias the recogniser; empty = free speech."""

    def accepts_speech(self) -> bool: ...

    def accepts_keys(self) -> bool: ...

    def judge(self, entries: Sequence[Entry], *, closed: bool = False) -> Judgement:
        """Say what the entries mean. `closed`: nothing more will come (time-out, `term_char`)."""


@dataclass(frozen=True, slots=True)
class InputOptions:
    """The input options of the language, all in seconds."""

    timeout: float = 5.0
    complete_timeout: float = 0.4
    final_timeout: float = 0.2  # complete_timeout where no longer match can follow
    incomplete_timeout: float = 1.2
    max_speech: float = 15.0
    interdigit_timeout: float = 3.0
    term_char: str = "#"
    barge_in: BargeIn = "immediate"


class Question(NamedTuple):
    """One prompt and one wait for an answer to it."""

    step: str
    prompt: tuple[Spoken, ...]
    matcher: Matcher
    languages: tuple[str, ...]
    options: InputOptions = InputOptions()
    sensitive: bool = False


class Heard(NamedTuple):
    """The caller's answer: MATCH or FINAL. `language` is the language that matched ("" for keys alone)."""

    entries: tuple[Entry, ...]
    judgement: Judgement
    language: str = ""


@dataclass(frozen=True, slots=True)
class NoInput:
    """Neither speech nor key before `timeout` after the prompt."""


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Something was said or keyed that the matcher does not accept (entries may be empty: noise, mumbling)."""

    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing could be asked: no recogniser and no keys. `kind` is for `error.kind`."""

    kind: str


Answer = Heard | NoInput | NoMatch | Failed


@dataclass(frozen=True, slots=True)
class QueueView:
    """What `queue.*` tells of a waiting caller: seconds waited, place (0: not known), estimated seconds (None: nobody knows)."""

    waited: float
    position: int = 0
    ewt: float | None = None


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """Whom a queue is to call back. `at` None: as soon as it is their turn. `whisper`: what the agent hears first.

    `keep_place`: the booking stands where the caller stood who now leaves the queue.
    """

    number: str
    queue: str
    language: str
    at: datetime.datetime | None = None
    priority: int | None = None
    require: tuple[str, ...] = ()
    whisper: tuple[Spoken, ...] = ()
    keep_place: bool = True


@dataclass(frozen=True, slots=True)
class CallbackOffer:
    """A callback that a waiting caller may be offered.

    `due` says whether it is worth one now. `talk` offers it (`chosen`: the caller has asked for it by its key) and
    returns what is to be booked, the judgement of a link to follow, or None. `takes`: a judgement of `QueueWait.keys` means the offer.
    """

    due: Callable[[QueueView], bool]
    talk: Callable[[bool], Awaitable["CallbackRequest | Judgement | None"]]
    takes: Callable[[Judgement], bool]


@dataclass(frozen=True, slots=True)
class QueueWait:
    """The `queue` step. Texts are functions of the position or of the wait, since they are spoken live.

    `position_every`: the place is told again after so many seconds, and when it got worse; None: only when it improved.
    `quantile`: how sure the estimated wait is; None: its mean.
    """

    step: str
    name: str
    priority: int | None = None
    require: tuple[str, ...] = ()
    announce_position: Callable[[int], tuple[Spoken, ...]] | None = None
    announce_wait: Callable[[float], tuple[Spoken, ...]] | None = None
    announce_every: float = 45.0
    music: str | None = None  # a file of prompts/, None = the generated music on hold
    max_wait: float | None = None
    whisper: tuple[Spoken, ...] = ()
    keys: Matcher | None = (
        None  # links that are heard while waiting (their judgement comes back in QueueResult)
    )
    while_waiting: Callable[[], Awaitable[None]] | None = None
    no_agent_text: tuple[Spoken, ...] = ()
    # the whisper where it tells of the queue; takes the place of `whisper`
    speak_whisper: Callable[[QueueView], tuple[Spoken, ...]] | None = None
    position_every: float | None = None
    quantile: float | None = None
    offer: CallbackOffer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # of the INVITEs to agents


@dataclass(frozen=True, slots=True)
class QueueResult:
    """`exit` is one of the language's queue exits, or "link" with the link's judgement."""

    exit: str
    waited: float = 0.0
    agent: str = ""
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class TransferRequest:
    step: str
    to: str
    mode: Literal["bridge", "blind", "attended", "auto"] = "bridge"
    timeout: float = 30.0
    whisper: tuple[Spoken, ...] = ()
    accept_key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    early_media: Literal["pass", "ignore"] = "ignore"  # what the target plays before it answers


@dataclass(frozen=True, slots=True)
class TransferResult:
    """`exit` is one of the language's transfer exits; `reason` says more about a failure (`transfer.reason`)."""

    exit: str
    status: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One HTTP request to a declared service, fully rendered."""

    step: str
    service: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    timeout: float | None = None
    filler_after: float | None = None
    filler: tuple[Spoken, ...] = ()
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class FetchResult:
    """`status` 0 with `kind` ("timeout", "unreachable", "too_large", "not_json") when there was no usable answer."""

    status: int
    body: object = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class VoiceMessage:
    url: str
    seconds: float
    text: str = ""


class Line(Protocol):
    """One caller, as the steps of a dialplan see it."""

    def now(self) -> datetime.datetime:
        """Return the wall time, aware, in UTC: for `hours`, dates and times only."""

    def trace(self, event: str, fields: Mapping[str, object]) -> None:
        """Add an event to the call's timeline, which keeps `fields`. Never pass what a sensitive slot holds."""

    def languages_heard(self) -> tuple[str, ...]:
        """Return the languages for which a recogniser is installed."""

    async def answer(self, after: float = 0.0) -> None:
        """Answer the call, after letting it ring for `after` seconds; nothing if it is answered.

        Until then what is said is early media. Whatever listens, connects or records answers first.
        """

    async def say(self, speech: Sequence[Spoken], *, barge_in: BargeIn = "immediate") -> None:
        """Speak, and return when it was heard, or when the caller interrupted it.

        Keys that interrupt are kept for the next `ask`, and what follows until then is not spoken.
        """

    async def ask(self, question: Question) -> Answer:
        """Speak the prompt and wait for the answer to it: the whole turn, with barge-in and all timeouts."""

    async def wait_in_queue(self, wait: QueueWait) -> QueueResult: ...

    async def transfer(self, request: TransferRequest) -> TransferResult: ...

    def may_call(self, number: str) -> bool:
        """Say whether a callback to `number` could be dialled: the trunk's patterns let it through."""

    async def book_callback(self, request: CallbackRequest) -> bool:
        """Book a callback outside a queue; true once it is kept, false if it could not be."""

    async def fetch(self, request: FetchRequest) -> FetchResult: ...

    async def record_message(
        self, *, longest: float, beep: bool, term_char: str, transcribe: bool
    ) -> VoiceMessage: ...

    async def record(self, mode: Literal["start", "pause", "resume", "off"]) -> None:
        """Start, pause, resume or end the recording of this call."""

    async def hang_up(self, reason: str) -> None:
        """End the call from our side, after what is being said was heard."""
