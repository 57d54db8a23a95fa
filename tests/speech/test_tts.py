from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from voicebot.speech import levels
from voicebot.speech.errors import EngineProblem, VoiceUnknown
from voicebot.speech.tts import Synthesiser, engine_version, engines, open_synthesiser, speak_8k


@pytest.fixture(scope="module")
def espeak() -> Synthesiser:
    return open_synthesiser("espeak")


@pytest.mark.parametrize(
    ("voice", "text", "shortest", "longest"),
    [
        ("en-us", "Hello, welcome to the bank.", 1.2, 2.6),
        ("en-gb", "Hello, welcome to the bank.", 1.2, 2.6),
        ("en-us+f3", "Hello, welcome to the bank.", 1.2, 2.6),
        ("cmn", "您好，欢迎致电银行。", 1.8, 3.6),
        ("zh", "您好，欢迎致电银行。", 1.8, 3.6),
        ("cmn+f2", "您好，欢迎致电银行。", 1.8, 3.6),
    ],
)
def test_a_voice_speaks_at_telephone_level_and_begins_at_once(
    espeak: Synthesiser, voice: str, text: str, shortest: float, longest: float
) -> None:
    samples = speak_8k(espeak, text, voice)
    assert shortest < len(samples) / 8000 < longest
    assert 2500 <= levels.active_level(samples, 8000) <= 3000
    assert np.abs(samples[400:1200].astype(int)).max() > 300, "speech within 150 ms"
    assert samples[0] == samples[-1] == 0, "and without a click"


def test_money_in_chinese_is_spoken_whole(espeak: Synthesiser) -> None:
    """Bare espeak drops the sign and pauses at the comma."""
    written = speak_8k(espeak, "¥1,234.50", "cmn")
    words = speak_8k(espeak, "一千二百三十四点五元", "cmn")
    assert len(written) == pytest.approx(len(words), rel=0.25)


def test_a_text_with_nothing_to_say_is_silent(espeak: Synthesiser) -> None:
    assert len(speak_8k(espeak, " 。 ", "cmn")) == 0


@pytest.mark.parametrize(
    ("voice", "nearest"), [("en-uz", "en-us"), ("cnm", "cmn"), ("en-us+f33", "en-us+f3")]
)
def test_an_unknown_voice_is_named_with_the_nearest_ones(
    espeak: Synthesiser, voice: str, nearest: str
) -> None:
    with pytest.raises(VoiceUnknown) as caught:
        speak_8k(espeak, "Hello", voice)
    assert nearest in caught.value.nearest
    assert voice in str(caught.value)
    assert "speech.tts" in str(caught.value)


def test_the_voice_before_is_not_heard_after_an_unknown_one(espeak: Synthesiser) -> None:
    first = speak_8k(espeak, "一二三四五", "cmn")
    with pytest.raises(VoiceUnknown):
        speak_8k(espeak, "Hello", "klingon")
    assert len(speak_8k(espeak, "一二三四五", "cmn")) == pytest.approx(len(first), rel=0.1)


def test_speech_can_be_cancelled(espeak: Synthesiser) -> None:
    asked = []

    def after_three() -> bool:
        asked.append(True)
        return len(asked) > 3

    text = "This is a long sentence that nobody wants to hear to its end. " * 10
    clip = espeak.synthesise(text, "en-us", cancelled=after_three)
    assert len(clip.samples) / clip.sample_rate < 2
    assert len(espeak.synthesise("Good.", "en-us").samples) > 0, "and the next one speaks"


def test_threads_get_each_their_own_words(espeak: Synthesiser) -> None:
    texts = ["one", "one two three four five six seven", "您好", "no"] * 10
    voices = ["en-us", "en-gb", "cmn", "en-us+f3"] * 10
    alone = [len(speak_8k(espeak, text, voice)) for text, voice in zip(texts[:4], voices[:4], strict=True)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: len(speak_8k(espeak, *job)), zip(texts, voices, strict=True)))
    for index, length in enumerate(together):
        assert length == pytest.approx(alone[index % 4], rel=0.1)


def test_faster_speech_is_shorter(espeak: Synthesiser) -> None:
    text = "Thank you for calling. All our agents are busy."
    slow = speak_8k(espeak, text, "en-us", words_per_minute=120)
    fast = speak_8k(espeak, text, "en-us", words_per_minute=240)
    assert len(fast) < 0.75 * len(slow)


def test_the_language_of_a_voice_is_known(espeak: Synthesiser) -> None:
    assert [espeak.language(voice) for voice in ("en-us+f3", "gmw/en", "zh", "cmn+f2", "yue", "de")] == [
        "en", "en", "zh", "zh", "zh", "de",
    ]  # fmt: skip
    assert {"en-us", "en-gb", "cmn", "yue"} <= {voice.name for voice in espeak.voices()}


def test_pyttsx3_speaks_from_a_process_of_its_own(espeak: Synthesiser) -> None:
    """In one process with our own driver it would share espeak's state."""
    other = open_synthesiser("pyttsx3")
    try:
        for voice, text in (("en-us", "Hello, welcome to the bank."), ("cmn", "您好，欢迎致电银行。")):
            samples = speak_8k(other, text, voice)
            assert len(samples) == pytest.approx(len(speak_8k(espeak, text, voice)), rel=0.3)
            assert 2500 <= levels.active_level(samples, 8000) <= 3000
        assert other.language("cmn") == "zh"
        with pytest.raises(VoiceUnknown):
            other.check("klingon")
    finally:
        other.close()


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(EngineProblem, match="espeak, pyttsx3"):
        open_synthesiser("festival")
    assert "espeak" in engines()
    assert engine_version("espeak")
