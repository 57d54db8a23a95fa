"""The ear tells the demo hotline's prompts from received audio, and rejects everything else."""

import functools
import random
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.dialplan.loader import load
from voicebot.dialplan.prompts import constant_prompts
from voicebot.media import FRAME_SAMPLES
from voicebot.media.g711 import PCMA, PCMU, Codec
from voicebot.media.jitter import JitterBuffer
from voicebot.media.music import music_on_hold
from voicebot.phone.ear import Clip, Ear, Heard, hears_voice
from voicebot.phone.voice import CALLER_VOICES, speak

DEMO = Path(__file__).parents[2] / "dialplans" / "demo.yaml"
VOICES = {"en": "en-us", "zh": "cmn"}
Samples = NDArray[np.int16]


@functools.cache
def prompts() -> tuple[tuple[str, str], ...]:
    """Return (language, text) of what the demo can say."""
    found = constant_prompts(load(DEMO))
    return tuple(dict.fromkeys((each.language, each.text) for each in found if each.text))


@functools.cache
def ear() -> Ear:
    return Ear(Clip(text, language, speak(text, VOICES[language])) for language, text in prompts())


def pause(seconds: float) -> Samples:
    return np.random.default_rng(7).normal(0, 4, int(8000 * seconds)).astype(np.int16)


def over_the_wire(audio: Samples, *, codec: Codec = PCMU) -> Samples:
    return with_loss(audio, 0.0, codec=codec)[0]


def with_loss(
    audio: Samples, loss: float, *, codec: Codec = PCMU, seed: int = 1
) -> tuple[Samples, NDArray[np.bool_]]:
    """Return what a phone's jitter buffer gives of `audio` sent in 20 ms packets, and which of them are missing."""
    rng = random.Random(seed)
    buffer = JitterBuffer(codec)
    heard, missing = [], []
    for number, start in enumerate(range(0, len(audio) - FRAME_SAMPLES + 1, FRAME_SAMPLES)):
        if rng.random() >= loss:
            payload = codec.encode(audio[start : start + FRAME_SAMPLES])
            buffer.push(number, start, 1, payload, number * 0.02)
        concealed = buffer.concealed
        frame = buffer.pop()
        missing.append(frame is None or buffer.concealed > concealed)
        heard.append(np.zeros(FRAME_SAMPLES, np.int16) if frame is None else codec.decode(frame))
    return np.concatenate(heard), np.array(missing)


def call_of(pairs: list[tuple[str, str]]) -> Samples:
    """Return a call in which all of these are said anew by the bot's voice, pauses between."""
    parts = [pause(0.5)]
    for language, text in pairs:
        parts += [speak(text, VOICES[language]), pause(0.5)]
    return np.concatenate(parts)


def texts(heard: tuple[Heard, ...]) -> list[str | None]:
    return [each.text for each in heard]


@pytest.mark.parametrize(
    ("codec", "loss", "step"), [(PCMA, 0.03, 1), (PCMU, 0.0, 4)], ids=["PCMA, 3 % lost", "PCMU"]
)
def test_every_prompt_of_the_demo_is_recognised_in_its_order(codec: Codec, loss: float, step: int) -> None:
    wanted = list(prompts())[::step]
    heard = ear().listen(*with_loss(call_of(wanted), loss, codec=codec))
    assert texts(heard) == [text for _, text in wanted]
    assert all(each.complete for each in heard)


def test_two_swapped_prompts_are_heard_as_they_are() -> None:
    first, second = prompts()[2], prompts()[6]
    assert texts(ear().listen(over_the_wire(call_of([second, first])))) == [second[1], first[1]]


def test_prompts_without_a_pause_between_them_are_told_apart() -> None:
    wanted = [pair for pair in prompts() if pair[0] == "en"][:4]
    audio = np.concatenate([speak(text, VOICES[language]) for language, text in wanted])
    assert texts(ear().listen(over_the_wire(audio))) == [text for _, text in wanted]


@pytest.mark.parametrize("gain", [0.4, 2.0])
def test_a_quieter_or_louder_line_changes_nothing(gain: float) -> None:
    wanted = list(prompts()[:6])
    audio = np.clip(call_of(wanted) * gain, -32768, 32767).astype(np.int16)
    assert texts(ear().listen(over_the_wire(audio))) == [text for _, text in wanted]


def test_other_texts_of_the_same_voice_are_rejected() -> None:
    strange = [
        "Your parcel will be delivered tomorrow morning.",
        "For French, say French or press 5.",
        "How can I help? Say closing hours, account balance, lost card, branch office, or agent.",
        "Press 5 for opening hours, 2 for your balance, 3 for a lost card, 4 for the branch, 0 for an agent.",
        "Thank you for calling Harbour Hospital. Good evening.",
        "I am connecting you to a lawyer.",
        "How can I help? Say weather, traffic, lottery numbers, or football.",
        "From one to nine, how satisfied were you with this meal?",
    ]
    for text in strange:
        heard = ear().listen(over_the_wire(call_of([("en", text)])))
        assert not any(each.text and each.complete for each in heard), text


def test_the_right_text_in_another_voice_is_rejected() -> None:
    """It would not be what the hotline is configured to say; the caller's own echo is no prompt either."""
    for _, text in [pair for pair in prompts() if pair[0] == "en"][:6]:
        heard = ear().listen(over_the_wire(np.concatenate([pause(0.3), speak(text, CALLER_VOICES["en"])])))
        assert set(texts(heard)) == {None}, text


def test_silence_is_nothing_and_noise_and_music_are_unknown() -> None:
    assert ear().listen(np.zeros(40000, np.int16)) == ()
    assert ear().listen(pause(5.0)) == ()
    assert ear().listen(np.zeros(10, np.int16)) == ()
    noise = np.random.default_rng(3).normal(0, 2000, 40000).astype(np.int16)
    assert set(texts(ear().listen(noise))) == {None}
    assert set(texts(ear().listen(over_the_wire(music_on_hold()[: 8000 * 8])))) <= {None}


def test_a_prompt_that_breaks_off_is_recognised_as_incomplete() -> None:
    language, text = next(pair for pair in prompts() if pair[1].startswith("How can I help"))
    audio = speak(text, VOICES[language])[: 8000 * 3]
    heard = ear().listen(over_the_wire(np.concatenate([pause(0.4), audio, pause(0.6)])))
    assert [(each.text, each.complete) for each in heard] == [(text, False)]


def test_a_wrong_word_is_heard_as_another_text() -> None:
    """Two texts that differ in one word: each is recognised as itself, never as the other."""
    one, two = "You are number 2 in the queue.", "You are number 3 in the queue."
    knows_one = Ear([Clip(one, "en", speak(one, "en-us"))])
    assert texts(knows_one.listen(over_the_wire(call_of([("en", one)])))) == [one]
    assert set(texts(knows_one.listen(over_the_wire(call_of([("en", two)]))))) == {None}


def test_a_voice_across_a_bridge_is_found_where_it_was_spoken() -> None:
    said = speak("Hello, this is Alice. How can I help you?", "en-us+m3")
    audio, _ = with_loss(np.concatenate([pause(1.0), said, pause(1.0)]), 0.03)
    heard = hears_voice(audio, said)
    assert heard is not None
    assert heard.start == pytest.approx(1.0, abs=0.15)


def test_a_voice_that_was_not_carried_is_not_heard() -> None:
    said = speak("Hello, this is Alice. How can I help you?", "en-us+m3")
    other = speak("Hello, this is Robert. What can we do today?", "en-us+m3")
    assert hears_voice(over_the_wire(np.concatenate([pause(1.0), other, pause(1.0)])), said) is None
    assert hears_voice(np.zeros(40000, np.int16), said) is None
    assert (
        hears_voice(over_the_wire(np.concatenate([pause(1.0), said[: len(said) // 2], pause(2.0)])), said)
        is None
    )
