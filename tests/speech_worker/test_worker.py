"""What a speech worker does with messages, with engines that do as they are told."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.media.g711 import PCMA
from voicebot.runtime.speech_worker.worker import SpeechWorker
from voicebot.speech.asr import Recogniser, Result, TimedWord
from voicebot.speech.errors import EngineProblem, VoiceUnknown
from voicebot.speech.tts import Clip, Synthesiser, VoiceInfo
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
    TurnGrammar,
)


class ScriptedRecogniser:
    """Hears one word for every 60 ms: the number of the piece."""

    def __init__(self, language: str, seed: str) -> None:
        self.language, self.learned = language, seed
        self.samples = 0

    def start(self, phrases: tuple[str, ...]) -> None:
        if phrases == ("broken",):
            raise EngineProblem("cannot start")
        self.samples = 0

    def feed(self, samples: NDArray[np.int16]) -> None:
        assert len(samples) <= 800, "at most 100 ms at once"
        if np.any(samples == 6666):
            raise EngineProblem("broke down")
        self.samples += len(samples)

    def partial(self) -> Result:
        return Result(f"{self.language}{self.samples // 480}", 0.5)

    def finish(self) -> Result:
        text = f"{self.language}{self.samples}"
        return Result(text, 0.9, (TimedWord(text, 0.1, 0.2, 0.9),))

    def seed(self, state: str) -> None:
        self.learned = state

    def state(self) -> str:
        return self.learned + "!"  # something new with every turn


class ToneSynthesiser:
    """A second of tone for every sentence."""

    name = "tone"

    def voices(self) -> tuple[VoiceInfo, ...]:
        return (VoiceInfo("a", ("en",)),)

    def check(self, voice: str) -> None:
        if voice != "a":
            raise VoiceUnknown("tone", voice, ["a"])

    def language(self, voice: str) -> str:
        return "en"

    def synthesise(
        self,
        text: str,
        voice: str,
        *,
        words_per_minute: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Clip:
        if "fail" in text:
            raise EngineProblem("no voice today")
        return Clip((8000 * np.sin(np.arange(8000))).astype(np.int16), 8000)

    def close(self) -> None:
        pass


class Bench:
    """A worker with its surroundings recorded."""

    def __init__(self) -> None:
        self.control: list[Message] = []
        self.media: list[tuple[int, StreamChunk]] = []
        self.media_takes = True
        self.opened = 0
        self.worker = SpeechWorker(
            to_control=self.control.append,
            to_media=self._take,
            open_recogniser=self._recogniser,
            open_synthesiser=self._synthesiser,
        )

    def _take(self, worker: int, chunk: StreamChunk) -> bool:
        if self.media_takes:
            self.media.append((worker, chunk))
        return self.media_takes

    def _recogniser(self, engine: str, language: str, model: str, state: str) -> Recogniser:
        if engine != "scripted":
            raise EngineProblem("no such engine")
        self.opened += 1
        return ScriptedRecogniser(language, state)

    def _synthesiser(self, engine: str) -> Synthesiser:
        if engine != "tone":
            raise EngineProblem("no such engine")
        return ToneSynthesiser()

    def send(self, *messages: Message, now: float = 0.0) -> None:
        for message in messages:
            self.worker.handle(message, now)

    def work(self, now: float = 0.0) -> None:
        for _ in range(1000):
            if not self.worker.step(now):
                return
        raise AssertionError("the worker never rests")

    def told(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.control if isinstance(message, kind)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def start(
    call: str = "c", turn: int = 1, languages: str = "en", engine: str = "scripted", seed: str = ""
) -> StartTurn:
    grammars = tuple(TurnGrammar(name, engine, "", ("yes",), seed) for name in languages.split())
    return StartTurn(call, turn, grammars)


def audio(call: str = "c", turn: int = 1, samples: int = 480, rate: int = 8000, value: int = 0) -> Audio:
    return Audio(call, 1, turn, 50.0, rate, np.full(samples, value, "<i2").tobytes())


def end(call: str = "c", turn: int = 1, lagging: bool = False) -> AudioEnd:
    return AudioEnd(call, 1, turn, 60.0, lagging)


def test_a_turn_ends_with_what_every_language_heard_and_learned(bench: Bench) -> None:
    bench.send(start(languages="en zh", seed="s"), audio(), audio(), end())
    bench.work()
    [final] = bench.told(Final)
    assert isinstance(final, Final)
    assert [(one.language, one.text, one.confidence) for one in final.hypotheses] == [
        ("en", "en960", 0.9),
        ("zh", "zh960", 0.9),
    ]
    assert final.hypotheses[0].state == "s!"
    assert final.hypotheses[0].words == (("en960", 0.1, 0.2, 0.9),)
    assert final.at == pytest.approx(50.12)
    assert not final.lagging


def test_partials_come_when_they_change_and_not_more_often_than_every_60_ms(bench: Bench) -> None:
    bench.send(start())
    for _ in range(12):
        bench.send(audio(samples=160))
        bench.work()
    partials = bench.told(Partial)
    assert [one.hypotheses[0].text for one in partials if isinstance(one, Partial)] == [
        "en1",
        "en2",
        "en3",
        "en4",
    ]
    assert [round(one.at, 2) for one in partials if isinstance(one, Partial)] == [50.06, 50.12, 50.18, 50.24]


def test_what_was_learned_stays_with_its_call(bench: Bench) -> None:
    for turn in (1, 2, 3):
        bench.send(start(turn=turn), audio(turn=turn), end(turn=turn))
        bench.work()
    final = bench.told(Final)[-1]
    assert isinstance(final, Final)
    assert final.hypotheses[0].state == "!!!"
    bench.send(EndCall("c"), start(), audio(), end())
    bench.work()
    final = bench.told(Final)[-1]
    assert isinstance(final, Final)
    assert final.hypotheses[0].state == "!"


def test_there_are_as_many_recognisers_as_callers_who_speak_at_once(bench: Bench) -> None:
    for call in "abcdefgh":
        bench.send(start(call))
        bench.work()
    assert bench.opened == 1, "to try the grammar with; nobody speaks"
    bench.send(audio("a"), audio("b"))
    bench.work()
    assert bench.opened == 2
    bench.send(end("a"), EndCall("b"))
    bench.work()
    bench.send(audio("c"), audio("d"))
    bench.work()
    assert bench.opened == 2, "one was given back at the end of a turn, one at the end of a call"


def test_calls_take_turns(bench: Bench) -> None:
    bench.send(
        start("long"),
        audio("long", samples=80_000),
        end("long"),
        start("short"),
        audio("short"),
        end("short"),
    )
    for _ in range(6):
        bench.worker.step(0.0)
    assert [one.call for one in bench.told(Final) if isinstance(one, Final)] == ["short"]


def test_audio_that_waited_too_long_marks_the_result(bench: Bench) -> None:
    bench.send(start(), audio(), now=0.0)
    bench.send(end(), now=0.4)
    bench.work(now=0.4)
    final = bench.told(Final)[0]
    assert isinstance(final, Final)
    assert final.lagging


def test_pre_roll_in_one_burst_is_no_lag(bench: Bench) -> None:
    bench.send(start(), audio(samples=4000), end())
    bench.work()
    final = bench.told(Final)[0]
    assert isinstance(final, Final)
    assert not final.lagging


def test_what_the_media_worker_lost_marks_the_result(bench: Bench) -> None:
    bench.send(start(), audio(), end(lagging=True))
    bench.work()
    final = bench.told(Final)[0]
    assert isinstance(final, Final)
    assert final.lagging


def test_wideband_audio_is_brought_down(bench: Bench) -> None:
    bench.send(start(), *[audio(samples=320, rate=16000) for _ in range(50)], end())
    bench.work()
    final = bench.told(Final)[0]
    assert isinstance(final, Final)
    assert 7900 <= int(final.hypotheses[0].text[2:]) <= 8000


def test_audio_of_a_turn_that_is_over_is_dropped(bench: Bench) -> None:
    bench.send(start(turn=1), start(turn=2), audio(turn=1), end(turn=1), audio(call="unknown"))
    bench.work()
    assert bench.told(Final) == []
    assert bench.worker.counters()["dropped"] == 2


def test_an_engine_that_fails_ends_the_turn_and_not_the_worker(bench: Bench) -> None:
    bench.send(start(), audio(value=6666), audio(), end())
    bench.work()
    [problem] = bench.told(SpeechProblem)
    assert problem == SpeechProblem("c", 1, 0, "broke down")
    assert bench.told(Final) == []
    bench.send(start(turn=2), audio(turn=2), end(turn=2))
    bench.work()
    assert len(bench.told(Final)) == 1


def test_one_language_that_cannot_be_heard_leaves_the_others(bench: Bench) -> None:
    broken = TurnGrammar("zh", "scripted", "", ("broken",))
    good = TurnGrammar("en", "scripted", "", ("yes",))
    bench.send(StartTurn("c", 1, (broken, good)), audio(), end())
    bench.work()
    final = bench.told(Final)[0]
    assert isinstance(final, Final)
    assert [(one.language, one.text) for one in final.hypotheses] == [("zh", ""), ("en", "en480")]
    assert [one.fields["problem"] for one in bench.told(Log) if isinstance(one, Log)] == ["cannot start"]


def test_a_turn_that_no_engine_can_hear_is_a_problem_at_once(bench: Bench) -> None:
    bench.send(start(engine="none"))
    assert bench.told(SpeechProblem) == [SpeechProblem("c", 1, 0, "no such engine")]
    bench.send(StartTurn("c", 2, ()))
    assert len(bench.told(SpeechProblem)) == 2


def speak(text: str, stream: int = 1, engine: str = "tone", voice: str = "a") -> Speak:
    return Speak("c", stream, 4, engine, voice, text, "PCMA")


def heard(bench: Bench) -> int:
    return sum(len(chunk.payload) for _, chunk in bench.media)


def test_speech_goes_out_encoded_and_the_last_chunk_says_so(bench: Bench) -> None:
    bench.send(speak("Hello."))
    bench.work()
    assert {worker for worker, _ in bench.media} == {4}
    assert [chunk.last for _, chunk in bench.media] == [False] * (len(bench.media) - 1) + [True]
    samples = PCMA.decode(b"".join(chunk.payload for _, chunk in bench.media))
    assert len(samples) == 8000
    assert np.abs(samples).max() > 2000


def test_without_credit_one_second_goes_out_and_credit_includes_it(bench: Bench) -> None:
    bench.send(speak("One. Two. Three."))
    bench.work()
    assert heard(bench) == 8000
    bench.send(Credit("c", 1, 1000))
    bench.work()
    assert heard(bench) == 8000, "the first second again"
    bench.send(Credit("c", 1, 200))
    bench.work()
    assert heard(bench) == 9600
    bench.send(Credit("c", 1, 60_000))
    bench.work()
    assert heard(bench) == 3 * 8000 + 2 * 2000, "with a pause between sentences"
    assert bench.media[-1][1].last


def test_cancelled_speech_stops(bench: Bench) -> None:
    bench.send(speak("One. Two."))
    bench.work()
    bench.send(CancelSpeech("c", 1), Credit("c", 1, 5000))
    bench.work()
    assert heard(bench) == 8000


def test_a_text_with_nothing_to_say_ends_at_once(bench: Bench) -> None:
    bench.send(speak("..."))
    bench.work()
    assert bench.media == [(4, StreamChunk("c", 1, b"", True, "PCMA"))]


@pytest.mark.parametrize(
    "message", [speak("fail", 3), speak("Hello", 3, engine="none"), speak("Hello", 3, voice="b")]
)
def test_speech_that_fails_is_a_problem_and_the_play_goes_on(bench: Bench, message: Speak) -> None:
    bench.send(message)
    bench.work()
    assert bench.media == [(4, StreamChunk("c", 3, b"", True))]
    [problem] = bench.told(SpeechProblem)
    assert isinstance(problem, SpeechProblem)
    assert (problem.turn, problem.stream) == (0, 3)


def test_a_media_worker_that_takes_nothing_ends_the_stream(bench: Bench) -> None:
    bench.media_takes = False
    bench.send(speak("One."))
    bench.work()
    assert len(bench.told(SpeechProblem)) == 1


def test_a_message_for_somebody_else_is_logged_without_its_content(bench: Bench) -> None:
    bench.send(SpeechProblem("c", 1, 0, "secret"))
    [log] = bench.told(Log)
    assert "secret" not in str(log)
