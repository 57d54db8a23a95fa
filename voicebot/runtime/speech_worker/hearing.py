"""One call's ears: a recogniser for each language, and the turn that they are hearing."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from voicebot.speech.asr import Recogniser, Result
from voicebot.speech.errors import SpeechError
from voicebot.speech.resample import StreamResampler
from voicebot.wire import Audio, AudioEnd, Final, Hypothesis, Partial, SpeechProblem, StartTurn, TurnGrammar

PIECE = 480  # samples: 60 ms, the most that is decoded at once, so that calls take turns
PARTIAL_EVERY = 0.060  # seconds of audio between two looks at the hypothesis
LAGGING_AFTER = 0.300  # seconds that audio may wait for its turn
MOST_WAITING = 30.0  # seconds of audio in a turn's queue; what is more is dropped and the turn marked
_HZ = 8000

OpenRecogniser = Callable[[str, str, str, str], Recogniser]  # engine, language, model, state


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
    """A call. Its recognisers stay from turn to turn, with what they learned; a new turn replaces the one before."""

    def __init__(self, call: str, open_recogniser: OpenRecogniser) -> None:
        self.call = call
        self._open = open_recogniser
        self._recognisers: dict[tuple[str, str, str], Recogniser] = {}
        self._active: list[tuple[TurnGrammar, Recogniser | None]] = []
        self._turn: _Turn | None = None

    @property
    def has_work(self) -> bool:
        return self._turn is not None and (bool(self._turn.waiting) or self._turn.ended)

    def start(self, message: StartTurn) -> list[str | SpeechProblem]:
        """Begin a turn. Returns the problems of single languages as text; if none can be heard, a SpeechProblem."""
        self._turn, self._active = None, []
        problems: list[str | SpeechProblem] = []
        for grammar in message.grammars:
            try:
                recogniser = self._recogniser(grammar)
                recogniser.start(grammar.phrases)
            except SpeechError as problem:
                problems.append(str(problem))
                self._active.append((grammar, None))
            else:
                self._active.append((grammar, recogniser))
        if any(recogniser for _, recogniser in self._active):
            self._turn = _Turn(message)
        else:
            text = "; ".join(str(problem) for problem in problems) or "the turn has no grammar"
            problems.append(SpeechProblem(self.call, message.turn, 0, text))
        return problems

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
            self._recognisers.clear()  # whatever state they are in, the next turn begins with new ones
            self._turn = None
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
        for _, recogniser in self._active:
            if recogniser is not None:
                recogniser.feed(piece)
        if turn.since_partial < PARTIAL_EVERY - 1e-9 or turn.waiting or turn.ended:
            return None
        turn.since_partial = 0.0
        results = [recogniser.partial() if recogniser else Result("", 0.0) for _, recogniser in self._active]
        told = tuple((result.text, f"{result.confidence:.1f}") for result in results)
        if told == turn.told or not (turn.told or any(result.text for result in results)):
            return None
        turn.told = told
        return Partial(self.call, turn.start.turn, turn.at, self._hypotheses(results, final=False))

    def _finish(self, turn: _Turn) -> Final:
        results = [recogniser.finish() if recogniser else Result("", 0.0) for _, recogniser in self._active]
        self._turn = None
        return Final(self.call, turn.start.turn, turn.at, self._hypotheses(results, final=True), turn.lagging)

    def _hypotheses(self, results: list[Result], *, final: bool) -> tuple[Hypothesis, ...]:
        return tuple(
            Hypothesis(
                grammar.language,
                result.text,
                result.confidence,
                tuple((word.text, word.start, word.end, word.confidence) for word in result.words),
                recogniser.state() if final and recogniser else "",
            )
            for (grammar, recogniser), result in zip(self._active, results, strict=True)
        )

    def _recogniser(self, grammar: TurnGrammar) -> Recogniser:
        key = (grammar.engine, grammar.language, grammar.model)
        if key not in self._recognisers:
            self._recognisers[key] = self._open(
                grammar.engine, grammar.language, grammar.model, grammar.state
            )
        return self._recognisers[key]
