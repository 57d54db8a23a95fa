"""A line without audio: a scripted caller on one side, a transcript on the other."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from voicebot.dialplan.line import (
    Answer,
    BargeIn,
    CallbackRequest,
    Completeness,
    Entry,
    Failed,
    FetchRequest,
    FetchResult,
    Heard,
    NoInput,
    NoMatch,
    Question,
    QueueResult,
    QueueWait,
    Spoken,
    TransferRequest,
    TransferResult,
    VoiceMessage,
)

NOON = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)  # a Tuesday, 12:00 in Shanghai


@dataclass(frozen=True)
class Said:
    """The caller says something; `language` is that of the recogniser that hears it."""

    text: str
    language: str = "en"
    confidence: float = 1.0
    alternatives: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True)
class Keyed:
    """Keys, one after the other; after the last one nothing comes."""

    keys: str


@dataclass(frozen=True)
class Nothing:
    """Silence."""


@dataclass(frozen=True)
class Mumble:
    """Noise that is no word."""


Act = Said | Keyed | Nothing | Mumble | Failed


class ScriptEnded(Exception):
    """The dialplan asks, and the script has no answer left: the test is wrong, or the dialplan loops."""


@dataclass
class FakeLine:
    """Implements `Line`. `said` is all that the caller heard; `events` is the timeline."""

    acts: list[Act] = field(default_factory=list)
    at: datetime.datetime = NOON
    queue_results: list[QueueResult] = field(default_factory=list)
    transfer_results: list[TransferResult] = field(default_factory=list)
    fetch_results: list[FetchResult] = field(default_factory=list)
    heard_languages: tuple[str, ...] = ("en", "zh")
    said: list[Spoken] = field(default_factory=list)
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    waits: list[QueueWait] = field(default_factory=list)
    transfers: list[TransferRequest] = field(default_factory=list)
    fetches: list[FetchRequest] = field(default_factory=list)
    recording: list[str] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)
    callable_numbers: tuple[str, ...] | None = None  # None: all
    callbacks: list[CallbackRequest] = field(default_factory=list)
    keeps_callbacks: bool = True
    hung_up: str | None = None
    answered_after: list[float] = field(default_factory=list)

    # --- what tests look at ----------------------------------------------------------------------------------------

    @property
    def heard(self) -> str:
        """Return all that the caller heard, as one text."""
        return " ".join(item.text or f"<{item.file}>" for item in self.said)

    def events_named(self, name: str) -> list[dict[str, object]]:
        return [fields for event, fields in self.events if event == name]

    @property
    def flows(self) -> list[object]:
        """Return the flows entered, in order."""
        return [fields["flow"] for event, fields in self.events if event in ("flow", "goto", "call")]

    # --- Line ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime.datetime:
        return self.at

    def trace(self, event: str, fields: Mapping[str, object]) -> None:
        self.events.append((event, dict(fields)))

    def languages_heard(self) -> tuple[str, ...]:
        return self.heard_languages

    async def answer(self, after: float = 0.0) -> None:
        self.answered_after.append(after)

    async def say(self, speech: Sequence[Spoken], *, barge_in: BargeIn = "immediate") -> None:
        self.said.extend(speech)

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        self.said.extend(question.prompt)
        if not self.acts:
            raise ScriptEnded(question.step)
        act = self.acts.pop(0)
        if isinstance(act, Failed):
            return act
        if isinstance(act, Nothing):
            return NoInput()
        if isinstance(act, Mumble):
            return NoMatch()
        if isinstance(act, Keyed):
            return self._keys(question, act.keys)
        return self._speech(question, act)

    def _keys(self, question: Question, keys: str) -> Answer:
        if not question.matcher.accepts_keys():
            return NoInput()
        pressed = ""
        for key in keys:
            entries = (Entry("keys", pressed + key),)
            judgement = question.matcher.judge(entries)
            if judgement.completeness is Completeness.FINAL:
                rest = keys[len(pressed) + 1 :]
                if rest:  # type-ahead
                    self.acts.insert(0, Keyed(rest))
                return Heard(entries, judgement)
            if judgement.completeness is Completeness.NONE:
                if key == question.options.term_char and pressed:
                    break
                return NoMatch(entries)
            pressed += key
        entries = (Entry("keys", pressed),)
        judgement = question.matcher.judge(entries, closed=True)
        matched = judgement.completeness in (Completeness.MATCH, Completeness.FINAL)
        return Heard(entries, judgement) if matched else NoMatch(entries)

    def _speech(self, question: Question, act: Said) -> Answer:
        if not question.matcher.accepts_speech() or act.language not in question.languages:
            return NoInput()
        entry = Entry("speech", act.text, act.language, act.confidence, act.alternatives)
        judgement = question.matcher.judge((entry,), closed=True)
        matched = judgement.completeness in (Completeness.MATCH, Completeness.FINAL)
        return Heard((entry,), judgement, act.language) if matched else NoMatch((entry,))

    async def wait_in_queue(self, wait: QueueWait) -> QueueResult:
        self.waits.append(wait)
        if wait.while_waiting is not None:
            await wait.while_waiting()
        return self.queue_results.pop(0)

    async def transfer(self, request: TransferRequest) -> TransferResult:
        self.transfers.append(request)
        return self.transfer_results.pop(0)

    def may_call(self, number: str) -> bool:
        return self.callable_numbers is None or number in self.callable_numbers

    async def book_callback(self, request: CallbackRequest) -> bool:
        self.callbacks.append(request)
        return self.keeps_callbacks

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.fetches.append(request)
        return self.fetch_results.pop(0)

    async def record_message(
        self, *, longest: float, beep: bool, term_char: str, transcribe: bool
    ) -> VoiceMessage:
        self.messages.append(longest)
        return VoiceMessage("recordings/x.wav", 3.0, "call me")

    async def record(self, mode: Literal["start", "pause", "resume", "off"]) -> None:
        self.recording.append(mode)

    async def hang_up(self, reason: str) -> None:
        self.hung_up = reason
