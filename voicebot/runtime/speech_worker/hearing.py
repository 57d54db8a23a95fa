"""One call's ears: the turn that is being heard, with a recogniser for each language while the caller speaks."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from voicebot.runtime.speech_worker.recognisers import Kind, Recognisers
from voicebot.speech.asr import Recogniser, Result
from voicebot.speech.asr.recogniser import NOTHING
from voicebot.speech.errors import SpeechError
from voicebot.speech.resample import StreamResampler
from voicebot.wire import Audio, AudioEnd, Final, Hypothesis, Partial, SpeechProblem, StartTurn, TurnGrammar

PIECE = 480  # samples: 60 ms, the most that is decoded at once, so that calls take turns
PARTIAL_EVERY = 0.060  # seconds of audio between two looks at the hypothesis
LAGGING_AFTER = 0.300  # seconds that audio may wait for its turn
MOST_WAITING = 30.0  # seconds of audio in a turn's queue; what is more is dropped and the turn marked
_HZ = 8000


class _Turn:
    """What arrived and is not decoded yet, and what was told so far."""

    def __init__(self, start: StartTurn) -> None:
        self.start = start
        self.waiting: deque[tuple[float, NDArray[np.int16]]] = deque()  # (arrived at, samples)
        self.waiting_samples = 0
        self.ended = False
        self.lagging = False
        self.at = 0.0  # media time of the end of what was decoded
        self.since_partial = 0.0
        self.told: tuple[tuple[str, str], ...] = ()
        self.resampler: StreamResampler | None = None
        self.rate = _HZ


class Hearing:
    """A call. What its recognisers learned stays from turn to turn; a new turn replaces the one before."""

    def __init__(self, call: str, recognisers: Recognisers) -> None:
        self.call = call
        self._recognisers = recognisers
        self._learned: dict[Kind, str] = {}
        self._grammars: list[TurnGrammar] = []  # those that can be heard
        self._active: list[tuple[TurnGrammar, Recogniser]] = []  # while there is audio
        self._turn: _Turn | None = None

    @property
    def has_work(self) -> bool:
        return self._turn is not None and (bool(self._turn.waiting) or self._turn.ended)

    def start(self, message: StartTurn) -> list[str | SpeechProblem]:
        """Begin a turn. Returns the problems of single languages as text; if none can be heard, a SpeechProblem."""
        self.close()
        problems: list[str | SpeechProblem] = []
        for grammar in message.grammars:
            try:
                self._recognisers.try_grammar(_kind(grammar), self._state(grammar), grammar.phrases)
            except SpeechError as problem:
                problems.append(str(problem))
            else:
                self._grammars.append(grammar)
        if self._grammars:
            self._turn = _Turn(message)
        else:
            text = "; ".join(str(problem) for problem in problems) or "the turn has no grammar"
            problems.append(SpeechProblem(self.call, message.turn, 0, text))
        return problems

    def close(self) -> None:
        """Forget the turn, and give back what was borrowed for it."""
        for grammar, recogniser in self._active:
            self._recognisers.give(_kind(grammar), recogniser)
        self._turn, self._active, self._grammars = None, [], []

    def audio(self, message: Audio, now: float) -> bool:
        """Queue audio; False if it belongs to no turn that is being heard."""
        turn = self._turn
        if turn is None or message.turn != turn.start.turn or turn.ended:
            return False
        samples = np.frombuffer(message.pcm[: len(message.pcm) // 2 * 2], "<i2")
        if message.sample_rate != turn.rate:
            turn.rate = message.sample_rate
            turn.resampler = StreamResampler(message.sample_rate, _HZ) if message.sample_rate != _HZ else None
        if turn.at == 0.0:
            turn.at = message.at
        if turn.resampler is not None:
            samples = turn.resampler.feed(samples)
        if turn.waiting_samples > MOST_WAITING * _HZ:
            turn.lagging = True
            return True
        if len(samples):
            turn.waiting.append((now, samples))
            turn.waiting_samples += len(samples)
        return True

    def end(self, message: AudioEnd) -> bool:
        turn = self._turn
        if turn is None or message.turn != turn.start.turn:
            return False
        turn.ended = True
        turn.lagging |= message.lagging
        return True

    def backlog(self) -> float:
        """Return the seconds of audio that wait."""
        return self._turn.waiting_samples / _HZ if self._turn else 0.0

    def step(self, now: float) -> Partial | Final | SpeechProblem | None:
        """Decode one piece, or end the turn when all is decoded; return what control should know."""
        turn = self._turn
        if turn is None:
            return None
        try:
            if turn.waiting:
                return self._decode(turn, now)
            return self._finish(turn) if turn.ended else None
        except SpeechError as problem:
            self._active = []  # whatever state they are in, nobody gets them again
            self.close()
            return SpeechProblem(self.call, turn.start.turn, 0, str(problem))

    def _decode(self, turn: _Turn, now: float) -> Partial | None:
        pieces: list[NDArray[np.int16]] = []
        count = 0
        while turn.waiting and count < PIECE:
            arrived, samples = turn.waiting.popleft()
            turn.lagging |= now - arrived > LAGGING_AFTER
            taken = samples[: PIECE - count]
            if len(taken) < len(samples):
                turn.waiting.appendleft((arrived, samples[len(taken) :]))
            pieces.append(taken)
            count += len(taken)
        piece = np.concatenate(pieces)
        turn.waiting_samples -= count
        turn.at += count / _HZ
        turn.since_partial += count / _HZ
        if not self._active:
            self._borrow()
        for _, recogniser in self._active:
            recogniser.feed(piece)
        if turn.since_partial < PARTIAL_EVERY - 1e-9 or turn.waiting or turn.ended:
            return None
        turn.since_partial = 0.0
        results = {grammar.language: recogniser.partial() for grammar, recogniser in self._active}
        told = tuple((result.text, f"{result.confidence:.1f}") for result in results.values())
        if told == turn.told or not (turn.told or any(result.text for result in results.values())):
            return None
        turn.told = told
        return Partial(self.call, turn.start.turn, turn.at, self._hypotheses(turn, results))

    def _borrow(self) -> None:
        for grammar in self._grammars:
            recogniser = self._recognisers.take(_kind(grammar), self._state(grammar))
            self._active.append((grammar, recogniser))
            recogniser.start(grammar.phrases)

    def _finish(self, turn: _Turn) -> Final:
        results: dict[str, Result] = {}
        for grammar, recogniser in self._active:
            results[grammar.language] = recogniser.finish()
            self._learned[_kind(grammar)] = recogniser.state()
        final = Final(self.call, turn.start.turn, turn.at, self._hypotheses(turn, results), turn.lagging)
        self.close()
        return final

    def _hypotheses(self, turn: _Turn, results: dict[str, Result]) -> tuple[Hypothesis, ...]:
        """Return one for each grammar of the turn, also for those that could not be heard."""
        hypotheses = []
        for grammar in turn.start.grammars:
            result = results.get(grammar.language, NOTHING)
            words = tuple((word.text, word.start, word.end, word.confidence) for word in result.words)
            state = self._learned.get(_kind(grammar), "")
            hypotheses.append(Hypothesis(grammar.language, result.text, result.confidence, words, state))
        return tuple(hypotheses)

    def _state(self, grammar: TurnGrammar) -> str:
        """Return what is known of the caller: from this worker, or from the one before."""
        return self._learned.get(_kind(grammar), grammar.state)


def _kind(grammar: TurnGrammar) -> Kind:
    return Kind(grammar.engine, grammar.language, grammar.model)
