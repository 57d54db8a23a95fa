"""The line of a telephone call: what the steps of a dialplan do to a caller (`dialplan.line.Line`)."""

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from voicebot.calls.answering import Door
from voicebot.calls.asking import Asking
from voicebot.calls.call import Call
from voicebot.calls.floor import Floor, Ticket
from voicebot.calls.leg import Leg
from voicebot.calls.message import record_message
from voicebot.calls.protocols import PlayItem, Services, Speech
from voicebot.calls.racing import first_of
from voicebot.calls.recording import CallRecording
from voicebot.calls.transferring import Telephones, transfer
from voicebot.calls.waiting import wait_in_queue
from voicebot.dialplan.line import (
    Answer,
    BargeIn,
    CallbackRequest,
    Completeness,
    Entry,
    FetchRequest,
    FetchResult,
    Heard,
    NoMatch,
    Question,
    QueueResult,
    QueueWait,
    Spoken,
    TransferRequest,
    TransferResult,
    VoiceMessage,
)
from voicebot.wire import PlayEnded, PromptItem

FILLER_AGAIN = 8.0  # seconds: whoever hears nothing for ten takes the line for dead
SETTLED_WITHIN = 2.0  # seconds for a peer that was asked to go on with the call
BYE_BEHIND = 0.2  # seconds behind its answer, in which its BYE may follow


class Callbacks(Protocol):
    """Where callers book that they are called back (`calls.callbacks`)."""

    def may_call(self, call: Call, number: str) -> bool: ...

    async def book(self, call: Call, request: CallbackRequest, ticket: Ticket | None = None) -> bool: ...


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True)
class Sounds:
    """Sounds that every call can need, as WAV files (8 kHz, 16 bit, mono)."""

    music: Path
    ringback: Path
    beep: Path


class TelephoneLine:
    """Implements `dialplan.line.Line` on a caller's leg."""

    def __init__(
        self,
        call: Call,
        caller: Leg,
        *,
        speech: Speech,
        floor: Floor,
        callbacks: Callbacks,
        telephones: Telephones,
        services: Services,
        sounds: Sounds,
        folder: Path,
        recorded: bool,
        clock: Callable[[], datetime.datetime] = utc_now,
        door: Door | None = None,
    ) -> None:
        """`folder`: where recording and messages go. Unless `recorded`, the call's recording is never made.

        `clock` returns the wall time, aware, in UTC. `door`: the call is not answered yet.
        """
        self.call = call
        self.caller = caller
        self.speech = speech
        self.floor = floor
        self.callbacks = callbacks
        self.telephones = telephones
        self.services = services
        self.sounds = sounds
        self._clock = clock
        self._folder = folder
        self.recording = CallRecording(call, caller, folder, allowed=recorded)
        self._messages = 0
        self._skip = False  # a key interrupted what was said: the caller knows the way
        self._door = door
        caller.on_late_key = lambda key: call.trace("late_key", key=key)

    def now(self) -> datetime.datetime:
        return self._clock()

    def trace(self, event: str, fields: Mapping[str, object]) -> None:
        if event == "language" and isinstance(language := fields.get("language"), str):
            self.call.language = language
        self.call.store.event(self.call.uid, event, fields)

    def languages_heard(self) -> tuple[str, ...]:
        return self.speech.languages()

    async def answer(self, after: float = 0.0) -> None:
        door = self._door
        if door is None:
            return
        if after:
            heard = (
                None if door.ring() else self.caller.play([PromptItem(str(self.sounds.ringback))], loop=True)
            )
            try:
                await asyncio.sleep(after)
            finally:
                if heard is not None:
                    heard.stop()
        await door.answer()
        self._door = None
        self.call.trace("answered")

    # --- speaking -----------------------------------------------------------------------------------------------------

    async def say(self, speech: Sequence[Spoken], *, barge_in: BargeIn = "immediate") -> None:
        if not speech or (self._skip and barge_in != "none"):
            return
        ended = await self.speak(self.caller, speech, barge_in=barge_in)
        self._skip = ended.cause == "key"

    async def speak(self, leg: Leg, speech: Sequence[Spoken], *, barge_in: BargeIn = "none") -> PlayEnded:
        """Say something on any leg of the call, and wait until it was heard or interrupted.

        A caller who is not answered yet hears it as early media, or not at all where there is no way to.
        """
        if leg is self.caller and self._door is not None and not self._door.early_media():
            return PlayEnded(self.call.uid, 0, 0, 0.0, "stopped", 0.0)
        sensitive = True in [spoken.sensitive for spoken in speech]
        items = self.items(leg, speech)
        if sensitive:
            self.recording.begin_sensitive()
        try:
            ended = await self._play(leg, items, barge_in)
        finally:
            if sensitive:
                self.recording.end_sensitive()
            self.speech.cancel(self.call.uid, items)
        if ended.cause == "failed":
            self.call.trace("play_failed", problem=ended.problem)
        return ended

    async def _play(self, leg: Leg, items: Sequence[PlayItem], barge_in: BargeIn) -> PlayEnded:
        while True:
            playing = leg.play(items, barge_in=barge_in)
            ended = await playing.wait()
            if not playing.ended_by_swallowed_key:
                return ended

    def items(self, leg: Leg, speech: Sequence[Spoken]) -> tuple[PlayItem, ...]:
        """Return what plays `speech` on `leg`, and note in the timeline that it is said."""
        assert leg.media is not None
        if speech and leg is self.caller:
            text = " ".join(
                ["*" if spoken.sensitive else spoken.text or f"[{spoken.file}]" for spoken in speech]
            )
            self.call.trace("said", text=text, language=speech[0].language)
        return self.speech.play_items(self.call.uid, leg.media, leg.codec, speech, self.call.streams)

    def music(self, file: str | None) -> tuple[PlayItem, ...]:
        """Return what a waiting caller hears: `file` of the prompts folder, or the generated music."""
        if file is None:
            return (PromptItem(str(self.sounds.music)),)
        assert self.caller.media is not None
        spoken = Spoken("", self.call.language, file=file)
        return self.speech.play_items(
            self.call.uid, self.caller.media, self.caller.codec, [spoken], self.call.streams
        )

    # --- asking -------------------------------------------------------------------------------------------------------

    async def ask(self, question: Question) -> Answer:
        if self._door is not None:
            await self.answer()
        self._skip = False
        keys = self.caller.take_keys(wanted=lambda key: _takes(question, key))
        recognised = self.speech.languages()
        languages = [language for language in question.languages if language in recognised]
        sensitive = question.sensitive or True in [spoken.sensitive for spoken in question.prompt]
        asking = Asking(self.caller, self.speech, question, languages, self.call.utterances)
        prompt = (
            () if keys and question.options.barge_in != "none" else self.items(self.caller, question.prompt)
        )
        if sensitive:
            self.recording.begin_sensitive()
        try:
            answer = await asking.run(prompt, keys)
            if question.sensitive and isinstance(answer, (Heard, NoMatch)):
                self.caller.swallow_keys()
            else:
                self.caller.give_back(asking.unused_keys)
                self.caller.expect_late(asking.late_key)
            return answer
        finally:
            self.speech.cancel(self.call.uid, prompt)
            if sensitive:
                self.recording.end_sensitive()

    # --- people -------------------------------------------------------------------------------------------------------

    async def _settled(self) -> None:
        """Nobody is rung for a caller who may have gone with a transfer that failed: wait until the peer has told."""
        if self.caller.settled.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_WITHIN):
                await self.caller.settled.wait()
        await asyncio.sleep(BYE_BEHIND)
        self.caller.settled.set()  # a peer that was never asked, or does not tell, is not waited for at every step

    async def wait_in_queue(self, wait: QueueWait) -> QueueResult:
        await self.answer()
        await self._settled()
        self._skip = False
        return await wait_in_queue(self, wait)

    async def transfer(self, request: TransferRequest) -> TransferResult:
        await self.answer()
        await self._settled()
        self._skip = False
        return await transfer(self, request)

    def may_call(self, number: str) -> bool:
        return self.callbacks.may_call(self.call, number)

    async def book_callback(self, request: CallbackRequest) -> bool:
        return await self.callbacks.book(self.call, request)

    async def hang_up(self, reason: str) -> None:
        self.call.releases(reason, "bot")

    # --- services, messages -------------------------------------------------------------------------------------------

    async def fetch(self, request: FetchRequest) -> FetchResult:
        fetching = asyncio.get_running_loop().create_task(self.services.fetch(request))
        try:
            silence = request.filler_after
            while request.filler and not fetching.done():
                await first_of(fetching, timeout=silence)
                if not fetching.done():
                    await self.speak(self.caller, request.filler)
                silence = FILLER_AGAIN
            return await fetching
        finally:
            fetching.cancel()

    async def record_message(
        self, *, longest: float, beep: bool, term_char: str, transcribe: bool
    ) -> VoiceMessage:
        """The plain form: nothing is transcribed. The message is kept however it ends, by hang-up as well."""
        await self.answer()
        self._skip = False
        self._messages += 1
        path = self._folder / f"{self.call.uid}-message-{self._messages}.wav"
        if beep:
            await self.caller.play([PromptItem(str(self.sounds.beep))]).wait()
        return await record_message(self.caller, self.call, path, longest, term_char)

    async def record(self, mode: Literal["start", "pause", "resume", "off"]) -> None:
        if mode in ("start", "resume"):
            await self.answer()
        self.recording.control(mode)


def _takes(question: Question, key: str) -> bool:
    """Say whether the key begins or is an answer."""
    return question.matcher.judge([Entry("keys", key)]).completeness is not Completeness.NONE
