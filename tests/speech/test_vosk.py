import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.speech.conftest import Telephone, hear
from voicebot.speech.asr import Recogniser, Result, open_recogniser
from voicebot.speech.errors import EngineProblem, ModelProblem

ENGLISH = ("[my] account balance", "cancel appointment", "(yes | no)", "operator")
CHINESE = ("取消预约", "[转](人工|账单)", "余额", "(是|不是)", "english")


def english(models: Path) -> Recogniser:
    return open_recogniser("vosk", "en", str(models / "vosk-model-tiny-en"))


def chinese(models: Path) -> Recogniser:
    return open_recogniser("vosk", "zh", str(models / "vosk-model-tiny-cn"))


def test_english_phrases_are_heard_with_times_from_the_start_of_the_turn(
    models: Path, say: Telephone
) -> None:
    recogniser = english(models)
    for said in ("account balance", "cancel appointment", "yes", "operator"):
        result = hear(recogniser, ENGLISH, say(said, "en-us"))
        assert result.text == said
        assert result.confidence > 0.7
        assert 0.1 < result.words[0].start < 0.7


def test_chinese_phrases_are_cut_into_the_models_words_and_joined_again(models: Path, say: Telephone) -> None:
    """取消预约 is two words to this model; 转 is none, english neither."""
    recogniser = chinese(models)
    for said in ("取消预约", "人工", "余额", "不是"):
        result = hear(recogniser, CHINESE, say(said, "cmn"))
        assert result.text == said
        assert result.confidence > 0.7


def test_the_words_of_a_grammar_in_another_order_are_no_phrase(models: Path, say: Telephone) -> None:
    """vosk itself would return them: its grammar is a bigram model."""
    recogniser = english(models)
    assert hear(recogniser, ("cancel appointment", "account balance"), say("account", "en-us")).text == ""
    assert hear(recogniser, ENGLISH, say("banana pizza", "en-us")).text == ""


def test_digits_in_a_loop_are_heard(models: Path, say: Telephone) -> None:
    digits = "(zero|one|two|three|four|five|six|seven|eight|nine)"
    assert hear(english(models), (f"{digits}+",), say("three five seven", "en-us")).text == "three five seven"


def test_free_speech_needs_no_phrases(models: Path, say: Telephone) -> None:
    assert hear(chinese(models), (), say("取消预约", "cmn")).text == "取消预约"


def test_a_partial_result_grows_into_the_final_one(models: Path, say: Telephone) -> None:
    recogniser = english(models)
    recogniser.start(ENGLISH)
    partials = []
    audio = say("account balance", "en-us")
    for at in range(0, len(audio), 480):
        recogniser.feed(audio[at : at + 480])
        partials.append(recogniser.partial().text)
    assert partials[0] == ""
    assert partials[-1] == recogniser.finish().text == "account balance"


def test_phrases_that_the_model_cannot_know_are_refused_before_vosk_sees_them(models: Path) -> None:
    recogniser = english(models)
    with pytest.raises(EngineProblem, match="none of the phrases"):
        recogniser.start(("xylophone", "取消"))
    with pytest.raises(EngineProblem, match="turn"):
        recogniser.feed(np.zeros(160, np.int16))
    assert recogniser.finish() == Result("", 0.0)


def test_a_broken_model_is_one_line_that_says_what_to_do(models: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(models / "vosk-model-tiny-en", tmp_path / "vosk-model-en")
    (broken / "graph/HCLr.fst").unlink()
    with pytest.raises(ModelProblem, match=r"HCLr\.fst missing"):
        open_recogniser("vosk", "en", str(broken))
