import shutil
from pathlib import Path

import pytest

from voicebot.speech.asr import available, check_model, find_models
from voicebot.speech.asr.models import sample_rate
from voicebot.speech.errors import ModelProblem


@pytest.fixture
def model(models: Path, tmp_path: Path) -> Path:
    """Return a copy of the English model, to be damaged."""
    return Path(shutil.copytree(models / "vosk-model-tiny-en", tmp_path / "vosk-model-tiny-en"))


def test_a_models_folder_serves_the_languages_of_its_names(models: Path) -> None:
    found, problems = find_models(models)
    assert {language: model.path.name for language, model in found.items()} == {
        "en": "vosk-model-tiny-en",
        "zh": "vosk-model-tiny-cn",
    }
    assert problems == []
    assert found["zh"].sample_rate == 8000
    assert found["zh"].takes_grammars


def test_a_name_without_a_language_is_told_by_the_words(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "vosk-model-tiny-cn", tmp_path / "mine")
    assert check_model(tmp_path / "mine").language == "zh"


def test_a_vosk_model_comes_before_pocketsphinx_and_chinese_needs_one(models: Path, tmp_path: Path) -> None:
    assert {language: choice.engine for language, choice in available(models).items()} == {
        "en": "vosk",
        "zh": "vosk",
    }
    assert {language: choice.engine for language, choice in available(tmp_path).items()} == {
        "en": "pocketsphinx"
    }
    assert {language: choice.engine for language, choice in available(tmp_path / "none").items()} == {
        "en": "pocketsphinx"
    }


@pytest.mark.parametrize(
    "name",
    ["am/final.mdl", "conf/model.conf", "conf/mfcc.conf", "graph/words.txt", "graph/HCLr.fst", "graph/Gr.fst",
     "graph/disambig_tid.int"],
)  # fmt: skip
def test_a_missing_file_is_named_before_vosk_sees_the_folder(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelProblem, match=name) as caught:
        check_model(model)
    assert "alphacephei.com" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"\xd6\xfd\xb2\x7e\x06"])
def test_a_damaged_file_is_named_before_vosk_sees_the_folder(model: Path, name: str, content: bytes) -> None:
    (model / name).write_bytes(content)
    with pytest.raises(ModelProblem, match=name):
        check_model(model)


def test_a_broken_folder_does_not_hide_a_good_one(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "vosk-model-tiny-en", tmp_path / "vosk-model-good-en")
    (tmp_path / "vosk-model-broken-en").mkdir()
    (tmp_path / "notes.txt").write_text("not a model")
    found, problems = find_models(tmp_path)
    assert found["en"].path.name == "vosk-model-good-en"
    assert len(problems) == 1
    assert "vosk-model-broken-en" in problems[0]


def test_the_rate_is_read_from_the_model(model: Path) -> None:
    (model / "conf/mfcc.conf").write_text("--use-energy=false\n--sample-frequency=16000\n")
    assert sample_rate(model) == 16000
    (model / "conf/mfcc.conf").write_text("--use-energy=false\n")
    assert sample_rate(model) == 16000
