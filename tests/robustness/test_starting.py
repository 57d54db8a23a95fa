"""What keeps a server from starting is told in a line for the person who can mend it, before any call could be lost."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.hotline import Hotline
from tests.robustness.conftest import DIALPLAN

Make = Callable[..., Hotline]
POSITION = re.compile(r"^\S+:\d+:\d+: ", re.MULTILINE)


def refused(hotline: Hotline) -> str:
    """Start a server that cannot start; return what it printed."""
    hotline.launch()
    assert hotline.wait(15.0) == 2, hotline.log_text()
    text = hotline.log_text()
    assert "Traceback" not in text, text
    return text


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_a_port_that_is_taken_is_named(own_hotline: Make) -> None:
    hotline = own_hotline()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", hotline.port))
        assert str(hotline.port) in last_line(refused(hotline))


def test_an_unknown_key_of_the_configuration_is_told_with_its_place_and_what_was_meant(
    own_hotline: Make,
) -> None:
    hotline = own_hotline(limits={"cals": 5})
    text = refused(hotline)
    assert POSITION.search(text)
    assert "cals" in text
    assert "calls" in text.replace("cals", "")


def test_a_wrong_type_in_the_configuration_is_told_with_its_place(own_hotline: Make) -> None:
    text = refused(own_hotline(limits={"calls": "many"}))
    assert POSITION.search(text)


def dialplan(folder: Path, old: str, new: str) -> Path:
    text = DIALPLAN.read_text("utf-8")
    assert old in text
    path = folder / "broken.yaml"
    path.write_text(text.replace(old, new), "utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("goto: lost}", "goto: lots}", "lost"),
        ("prompt:", "promt:", "prompt"),
        ("timeout: 30s", "timeout: 30", "30s"),
        ("- hangup: normal", "- play: jingle.wav", "jingle.wav"),
    ],
    ids=["unknown flow", "unknown key", "bare number", "missing audio file"],
)
def test_a_mistake_in_the_dialplan_is_told_with_its_place(
    old: str, new: str, told: str, own_hotline: Make, tmp_path: Path
) -> None:
    hotline = own_hotline(dialplans={"main": str(dialplan(tmp_path, old, new))})
    text = refused(hotline)
    assert re.search(r"broken\.yaml:\d+:\d+: ", text)
    assert told in text


@pytest.mark.parametrize(
    ("speech", "told"),
    [
        ({"tts": {"en": {"engine": "espeak", "voice": "klingon-x"}}}, "klingon-x"),
        ({"asr": {"en": {"engine": "vosk", "model": "models/nowhere"}}}, "nowhere"),
    ],
    ids=["unknown voice", "model that is not there"],
)
def test_a_voice_or_model_that_is_not_there_is_told_in_one_line(
    speech: dict[str, Any], told: str, own_hotline: Make
) -> None:
    assert told in last_line(refused(own_hotline(speech=speech)))


def test_a_model_folder_that_is_broken_is_told_in_one_line(own_hotline: Make, tmp_path: Path) -> None:
    model = tmp_path / "vosk-model-broken-en"
    (model / "am").mkdir(parents=True)
    (model / "am" / "final.mdl").write_bytes(b"not a model")
    speech = {"asr": {"en": {"engine": "vosk", "model": str(model)}}}
    assert "vosk-model-broken-en" in last_line(refused(own_hotline(speech=speech)))


def test_a_database_that_cannot_be_opened_is_told_in_one_line(own_hotline: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    storage = {"database": f"sqlite:///{tmp_path}/file/voicebot.db"}
    assert "database" in last_line(refused(own_hotline(storage=storage)))
