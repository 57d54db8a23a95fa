"""What a speech worker does with each message, and which call is served next. No socket, no clock: `now` is given."""

from collections import deque
from collections.abc import Callable

from voicebot.runtime.speech_worker.hearing import Hearing
from voicebot.runtime.speech_worker.recognisers import OpenRecogniser, Recognisers
from voicebot.runtime.speech_worker.speaking import Speaking
from voicebot.speech.errors import SpeechError
from voicebot.speech.tts import Synthesiser
from voicebot.wire import (
    Audio,
    AudioEnd,
    CancelSpeech,
    Credit,
    EndCall,
    Final,
    Log,
    Message,
    Partial,
    Speak,
    SpeechProblem,
    StartTurn,
    StreamChunk,
)

_Task = tuple[str, int]  # (call, stream), or (call, -1) for what the call hears
_HEARS = -1


class SpeechWorker:
    """All calls of one process. Work is done in `step`, a small piece at a time, each call in its turn."""

    def __init__(
        self,
        *,
        to_control: Callable[[Message], None],
        to_media: Callable[[int, StreamChunk], bool],
        open_recogniser: OpenRecogniser,
        open_synthesiser: Callable[[str], Synthesiser],
    ) -> None:
        """`to_media(worker, chunk)` returns False if that worker is not attached or takes nothing more."""
        self._to_control = to_control
        self._to_media = to_media
        self._recognisers = Recognisers(open_recogniser)
        self._open_synthesiser = open_synthesiser
        self._hearing: dict[str, Hearing] = {}
        self._speaking: dict[_Task, Speaking] = {}
        self._synthesisers: dict[str, Synthesiser] = {}
        self._order: deque[_Task] = deque()
        self._counters = {
            "turns": 0,
            "finals": 0,
            "lagging": 0,
            "streams": 0,
            "problems": 0,
            "dropped": 0,
            "audio_seconds": 0.0,
        }

    def counters(self) -> dict[str, float]:
        """Return the totals, with the calls known and the seconds of audio that wait at this moment."""
        waiting = sum((hearing.backlog() for hearing in self._hearing.values()), 0.0)
        return {**self._counters, "calls": len(self._hearing), "backlog_seconds": waiting}

    def handle(self, message: Message, now: float) -> None:
        """Take a message from control or a media worker. What belongs to a turn or stream that is over is dropped."""
        match message:
            case StartTurn():
                self._start_turn(message)
            case Audio():
                hearing = self._hearing.get(message.call)
                if hearing is None or not hearing.audio(message, now):
                    self._counters["dropped"] += 1
                    return
                self._counters["audio_seconds"] += len(message.pcm) / 2 / max(1, message.sample_rate)
                self._enqueue((message.call, _HEARS))
            case AudioEnd():
                hearing = self._hearing.get(message.call)
                if hearing is not None and hearing.end(message):
                    self._enqueue((message.call, _HEARS))
            case Speak():
                self._speak(message)
            case Credit():
                task = (message.call, message.stream)
                if task in self._speaking:
                    self._speaking[task].grant(message.milliseconds)
                    self._enqueue(task)
            case CancelSpeech():
                self._speaking.pop((message.call, message.stream), None)
            case EndCall():
                if (hearing := self._hearing.pop(message.call, None)) is not None:
                    hearing.close()
                for task in [task for task in self._speaking if task[0] == message.call]:
                    del self._speaking[task]
            case _:
                self._log(
                    "warning", "speech worker got a message that is not for it", type=type(message).__name__
                )

    def step(self, now: float) -> bool:
        """Do one piece of the next task's work; False if there is none."""
        while self._order:
            task = self._order.popleft()
            if task[1] == _HEARS:
                hearing = self._hearing.get(task[0])
                if hearing is None or not hearing.has_work:
                    continue
                self._tell(hearing.step(now))
                if hearing.has_work:
                    self._order.append(task)
            else:
                speaking = self._speaking.get(task)
                if speaking is None or not speaking.has_work:
                    continue
                self._say(task, speaking)
            return True
        return False

    def close(self) -> None:
        for synthesiser in self._synthesisers.values():
            synthesiser.close()

    def _start_turn(self, message: StartTurn) -> None:
        self._counters["turns"] += 1
        hearing = self._hearing.setdefault(message.call, Hearing(message.call, self._recognisers))
        for problem in hearing.start(message):
            if isinstance(problem, SpeechProblem):
                self._tell(problem)
            else:
                self._log("warning", "a language cannot be heard", call=message.call, problem=problem)

    def _speak(self, message: Speak) -> None:
        self._counters["streams"] += 1
        task = (message.call, message.stream)
        try:
            if message.engine not in self._synthesisers:
                self._synthesisers[message.engine] = self._open_synthesiser(message.engine)
            self._speaking[task] = Speaking(message, self._synthesisers[message.engine])
        except SpeechError as problem:
            self._fail_stream(message, problem)
            return
        self._enqueue(task)

    def _say(self, task: _Task, speaking: Speaking) -> None:
        try:
            chunk = speaking.step()
        except SpeechError as problem:
            self._speaking.pop(task)
            self._fail_stream(speaking.message, problem)
            return
        if chunk is not None and not self._to_media(speaking.message.media, chunk):
            self._speaking.pop(task)
            self._tell(SpeechProblem(*task[:1], 0, task[1], "the media worker takes no speech"))
            return
        if speaking.over:
            self._speaking.pop(task)
        elif speaking.has_work:
            self._order.append(task)

    def _fail_stream(self, message: Speak, problem: SpeechError) -> None:
        """Nobody waits for a stream that will not come: the play goes on after it."""
        self._to_media(message.media, StreamChunk(message.call, message.stream, b"", last=True))
        self._tell(SpeechProblem(message.call, 0, message.stream, str(problem)))

    def _tell(self, message: Partial | Final | SpeechProblem | None) -> None:
        if message is None:
            return
        if isinstance(message, SpeechProblem):
            self._counters["problems"] += 1
        if isinstance(message, Final):
            self._counters["finals"] += 1
            self._counters["lagging"] += message.lagging
        self._to_control(message)

    def _enqueue(self, task: _Task) -> None:
        if task not in self._order:
            self._order.append(task)

    def _log(self, level: str, event: str, **fields: str) -> None:
        self._to_control(Log(level, event, {**fields}))
