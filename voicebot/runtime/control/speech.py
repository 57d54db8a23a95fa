"""The speech pool as calls see it: recognisers and voices in speech workers."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from voicebot.calls.protocols import MediaLeg, OnMessage, PlayItem
from voicebot.dialplan.line import Spoken
from voicebot.media.inner import inner_name
from voicebot.runtime.control.worker import Worker
from voicebot.wire import (
    AttachMedia,
    AttachSpeech,
    CancelSpeech,
    EndCall,
    Final,
    Heartbeat,
    Message,
    Partial,
    PromptItem,
    SilenceItem,
    Speak,
    SpeechProblem,
    StartTurn,
    StreamItem,
    TurnGrammar,
)
from voicebot.wire.channel import pair

log = structlog.get_logger("speech")


@dataclass(frozen=True, slots=True)
class Engine:
    """What recognises a language: an engine and, for vosk, its model's folder."""

    engine: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """What speaks a language."""

    engine: str
    voice: str


@dataclass(slots=True)
class _Caller:
    """A call's worker and what its recognisers have learned of the caller, by language."""

    worker: int
    learned: dict[str, str] = field(default_factory=dict)
    turns: dict[int, OnMessage] = field(default_factory=dict)
    streams: set[int] = field(default_factory=set)


class SpeechPool:
    """Implements `calls.protocols.Speech`. A call keeps its worker; when that dies it gets another, with what was learned."""

    def __init__(
        self,
        workers: int,
        *,
        recognisers: Mapping[str, Engine],
        voices: Mapping[str, VoiceChoice],
        prompt_path: Callable[[Spoken, VoiceChoice | None], Path | None],
        media_workers: Sequence[Worker],
    ) -> None:
        """`prompt_path` returns the file of a rendered prompt or audio file if it is there, without blocking."""
        self._recognisers = dict(recognisers)
        self._voices = dict(voices)
        self._prompt_path = prompt_path
        self._media_workers = media_workers
        self._callers: dict[str, _Caller] = {}
        self._unheard: dict[
            str, tuple[int, OnMessage]
        ] = {}  # turns that began while no worker lived, by call
        self.workers = [
            Worker(
                "voicebot.runtime.speech_worker",
                index,
                on_message=self._on_message,
                on_start=self._attach,
                on_death=self._on_death,
            )
            for index in range(workers)
        ]

    def attach_media(self, media_worker: Worker) -> None:
        """Connect a media worker that has just started with every speech worker that runs."""
        for worker in self.workers:
            if worker.alive:
                self._connect(worker, media_worker)

    def languages(self) -> tuple[str, ...]:
        return tuple(self._recognisers)

    def add(self, recognisers: Mapping[str, Engine], voices: Mapping[str, VoiceChoice]) -> None:
        """Hear and speak more languages, for calls that begin now; a worker loads an engine when it is first needed."""
        self._recognisers = {**recognisers, **self._recognisers}
        self._voices = {**voices, **self._voices}

    def start_turn(
        self,
        call: str,
        turn: int,
        phrases: Mapping[str, tuple[str, ...]],
        on_message: OnMessage,
        *,
        sensitive: bool,
    ) -> int:
        """See `calls.protocols.Speech.start_turn`."""
        caller = self._caller(call)
        if caller is None:
            self._unheard[call] = (turn, on_message)
            return -1
        self._unheard.pop(call, None)
        grammars = tuple(
            TurnGrammar(
                language, engine.engine, engine.model, phrases[language], caller.learned.get(language, "")
            )
            for language, engine in self._recognisers.items()
            if language in phrases
        )
        if not grammars or not self.workers[caller.worker].send(StartTurn(call, turn, grammars, sensitive)):
            return -1
        caller.turns = {turn: on_message}  # what belongs to an earlier turn is dropped
        return caller.worker

    def forget_turn(self, call: str, turn: int) -> None:
        if (caller := self._callers.get(call)) is not None:
            caller.turns.pop(turn, None)

    def play_items(
        self, call: str, leg: MediaLeg, codec: str, speech: Sequence[Spoken], streams: Iterator[int]
    ) -> tuple[PlayItem, ...]:
        """See `calls.protocols.Speech.play_items`."""
        items: list[PlayItem] = []
        for spoken in speech:
            voice = self._voice(spoken)
            path = self._prompt_path(spoken, voice)
            if path is not None:
                items.append(PromptItem(str(path)))
                continue
            caller = self._caller(call)
            if voice is None or caller is None or not spoken.text:
                log.error("nothing can speak this", call=call, language=spoken.language)
                items.append(SilenceItem(200))
                continue
            stream = next(streams)
            caller.streams.add(stream)
            self.workers[caller.worker].send(
                Speak(
                    call,
                    stream,
                    leg.worker,
                    voice.engine,
                    voice.voice,
                    spoken.text,
                    inner_name(codec),
                    spoken.sensitive,
                )
            )
            items.append(StreamItem(stream))
        return tuple(items)

    def cancel(self, call: str, items: Sequence[PlayItem]) -> None:
        caller = self._callers.get(call)
        for item in items:
            if caller is not None and isinstance(item, StreamItem) and item.stream in caller.streams:
                caller.streams.discard(item.stream)
                self.workers[caller.worker].send(CancelSpeech(call, item.stream))

    def end_call(self, call: str) -> None:
        self._unheard.pop(call, None)
        caller = self._callers.pop(call, None)
        if caller is not None:
            self.workers[caller.worker].send(EndCall(call))

    # --- workers -----------------------------------------------------------------------------------------------------

    def _voice(self, spoken: Spoken) -> VoiceChoice | None:
        choice = self._voices.get(spoken.language)
        if choice is not None and spoken.voice:
            return VoiceChoice(choice.engine, spoken.voice)
        return choice

    def _caller(self, call: str) -> _Caller | None:
        """Return the call's entry, on a worker that lives; None if no worker does."""
        caller = self._callers.get(call)
        if caller is not None and self.workers[caller.worker].alive:
            return caller
        alive = [worker.index for worker in self.workers if worker.alive]
        if not alive:
            return None
        load = dict.fromkeys(alive, 0)
        for other in self._callers.values():
            if other.worker in load:
                load[other.worker] += 1
        chosen = min(alive, key=lambda index: load[index])
        if caller is None:
            caller = self._callers[call] = _Caller(chosen)
        caller.worker = chosen
        return caller

    def _attach(self, worker: Worker) -> None:
        for media_worker in self._media_workers:
            if media_worker.alive:
                self._connect(worker, media_worker)
        unheard, self._unheard = self._unheard, {}
        for call, (turn, on_message) in unheard.items():  # they may start again: there are ears now
            on_message(SpeechProblem(call, turn, 0, "no speech worker was there"))

    def _connect(self, worker: Worker, media_worker: Worker) -> None:
        audio, speech = pair()
        with audio, speech:
            media_worker.send(AttachSpeech(worker.index), (audio,))
            worker.send(AttachMedia(media_worker.index), (speech,))

    def _on_message(self, worker: Worker, message: Message) -> None:
        if isinstance(message, Heartbeat) or not isinstance(message, (Partial, Final, SpeechProblem)):
            return
        caller = self._callers.get(message.call)
        if caller is None or caller.worker != worker.index:
            return
        if isinstance(message, SpeechProblem):
            log.warning(
                "speech problem",
                call=message.call,
                turn=message.turn,
                stream=message.stream,
                problem=message.problem,
            )
        if isinstance(message, Final):
            for hypothesis in message.hypotheses:
                if hypothesis.state:
                    caller.learned[hypothesis.language] = hypothesis.state
        if (on_message := caller.turns.get(message.turn)) is not None:
            on_message(message)

    def _on_death(self, worker: Worker) -> None:
        """Turns that it was hearing are asked again, by the turn's own rules."""
        for call, caller in list(self._callers.items()):
            if caller.worker != worker.index:
                continue
            turns, caller.turns = caller.turns, {}
            for turn, on_message in turns.items():
                on_message(SpeechProblem(call, turn, 0, "the speech worker was lost"))


async def all_started(workers: Sequence[Worker], within: float) -> None:
    """Wait until each worker has sent a heartbeat. Raises TimeoutError."""
    async with asyncio.timeout(within):
        for worker in workers:
            await worker.started.wait()
