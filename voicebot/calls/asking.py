"""A question on a leg: drives `calls.turn` with what media and speech workers report, and carries out its commands."""

import asyncio
from collections.abc import Iterator, Sequence

from voicebot.calls.leg import Leg, Playing
from voicebot.calls.protocols import PlayItem, Speech
from voicebot.calls.turn import CloseUtterance, StartUtterance, StopPrompt, Turn
from voicebot.dialplan.line import Answer, Entry, Heard, NoMatch, Question
from voicebot.wire import (
    Final,
    Hypothesis,
    Key,
    Message,
    Partial,
    SpeechProblem,
    SpeechStarted,
    SpeechStopped,
)


class Asking:
    """One `Line.ask`. Everything happens in callbacks of the loop, so an edge reaches the turn without a task switch."""

    def __init__(
        self,
        leg: Leg,
        speech: Speech,
        question: Question,
        languages: Sequence[str],
        count: Iterator[int],
    ) -> None:
        """`languages` are those of the question that can be recognised; `count` numbers the call's utterances."""
        self._leg = leg
        self._speech = speech
        self._question = question
        self._phrases = {language: question.matcher.phrases(language) for language in languages}
        self._count = count
        self._turn = Turn(
            question.matcher,
            question.options,
            speech=bool(self._phrases) and question.matcher.accepts_speech(),
        )
        # The turn counts its utterances, the call those of all questions: that number goes over the wire.
        self._numbers: dict[int, int] = {}  # by the turn's
        self._utterances: dict[int, int] = {}  # by the call's
        self._playing: Playing | None = None
        self._prompt: Sequence[PlayItem] = ()
        self.late_key = ""  # what callers may still press to end the answer, which has ended by itself
        self.unused_keys = ""  # pressed too early: they are for the next question
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Answer] = self._loop.create_future()

    async def run(self, prompt: Sequence[PlayItem], keys: str) -> Answer:
        """Ask, and return the answer. `keys` are the type-ahead. Cancellation stops prompt and ears at once."""
        with self._leg.listening(self._on_message, self._on_hold):
            try:
                if self._leg.held:
                    self._turn.hold()
                self.unused_keys = self._turn.start(
                    self._loop.time(), prompt=bool(prompt) and not keys, keys=keys
                )
                self._settle()
                if prompt and not keys and self._turn.answer is None:
                    self._prompt = prompt
                    self._play_prompt()
                return await self._answer
            finally:
                if self._timer is not None:
                    self._timer.cancel()
                for number in self._numbers.values():
                    self._forget(number)
                if self._playing is not None:
                    self._playing.stop()

    def _play_prompt(self) -> None:
        self._playing = self._leg.play(self._prompt, barge_in=self._question.options.barge_in)
        self._playing.ended.add_done_callback(self._prompt_ended)

    def _prompt_ended(self, _ended: object) -> None:
        if self._answer.done():
            return
        if self._playing is not None and self._playing.ended_by_swallowed_key:
            self._play_prompt()
            return
        self._turn.prompt_ended(self._loop.time())
        self._settle()

    def _on_message(self, message: Message) -> None:
        turn, now = self._turn, self._loop.time()
        if isinstance(message, Key):
            if turn.answer is None:
                turn.key(message.key, now)
            else:
                self.unused_keys += message.key
            self._settle()
            return
        if not isinstance(message, (SpeechStarted, SpeechStopped, Partial, Final, SpeechProblem)):
            return
        utterance = self._utterances.get(message.turn)
        if utterance is None:  # of an utterance that the turn has dropped
            return
        if isinstance(message, SpeechStarted):
            turn.speech_started(utterance, message.at, now)
        elif isinstance(message, SpeechStopped):
            turn.speech_stopped(utterance, message.at, now)
        elif isinstance(message, Partial):
            turn.partial(utterance, entry_of(message), now)
        elif isinstance(message, Final):
            turn.final(utterance, entry_of(message), now)
        elif utterance == turn.utterances:
            turn.lost(now)
        self._settle()

    def _on_hold(self, held: bool) -> None:
        if held:
            self._turn.hold()
        else:
            self._turn.resume(self._loop.time())
        self._settle()

    def _on_timer(self) -> None:
        self._timer = self._timer_at = None
        self._turn.handle_timer(self._loop.time())
        self._settle()

    def _settle(self) -> None:
        """Carry out the turn's commands, set its timer, hand over its answer."""
        turn = self._turn
        for command in turn.commands():
            if isinstance(command, StopPrompt):
                if self._playing is not None:
                    self._playing.stop()
            elif isinstance(command, StartUtterance):
                self._start_utterance(command.utterance)
            else:
                self._close_utterance(command)
        if turn.answer is not None and not self._answer.done():
            keyed = isinstance(turn.answer, (Heard, NoMatch)) and turn.ended_by_itself
            self.late_key = self._question.options.term_char if keyed else ""
            self._answer.set_result(turn.answer)
        at = turn.next_timer()
        if at != self._timer_at:
            self._set_timer(at)

    def _set_timer(self, at: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at is None else self._loop.call_at(at, self._on_timer)
        self._timer_at = at

    def _start_utterance(self, utterance: int) -> None:
        number = self._numbers[utterance] = next(self._count)
        self._utterances[number] = utterance
        worker = self._speech.start_turn(
            self._leg.call, number, self._phrases, self._on_message, sensitive=self._question.sensitive
        )
        self._leg.listen(number, speech_worker=worker)

    def _close_utterance(self, command: CloseUtterance) -> None:
        if command.wanted:
            self._leg.end_listen(self._numbers[command.utterance])
        else:
            number = self._numbers.pop(command.utterance)
            del self._utterances[number]
            self._forget(number)

    def _forget(self, number: int) -> None:
        self._speech.forget_turn(self._leg.call, number)
        self._leg.end_listen(number)


def entry_of(message: Partial | Final) -> Entry:
    """Return the best language's hypothesis as an entry, the others as its alternatives."""
    if not message.hypotheses:
        return Entry("speech", "")
    best, *others = sorted(message.hypotheses, key=_weight, reverse=True)
    return Entry(
        "speech",
        best.text,
        best.language,
        best.confidence,
        tuple((other.language, other.text, other.confidence) for other in others if other.text),
    )


def _weight(hypothesis: Hypothesis) -> tuple[bool, float]:
    return bool(hypothesis.text), hypothesis.confidence
