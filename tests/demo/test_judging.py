"""What the demo expects of texts, records and recordings."""

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicebot.cli.demo import story
from voicebot.cli.demo.checks import Checks, Stopped
from voicebot.cli.demo.faults import swap_prompts
from voicebot.cli.demo.record import check_record, check_recording
from voicebot.cli.demo.story import Understood
from voicebot.cli.demo.texts import Texts
from voicebot.dialplan.loader import load
from voicebot.engines import Engines
from voicebot.media.tones import tone
from voicebot.media.wav import encode_wav
from voicebot.phone.errors import PhoneError
from voicebot.runtime.control.speech import VoiceChoice
from voicebot.speech.prompts import Prompt, PromptCache
from voicebot.storage import CallRecord, TimelineEvent

DEMO = Path(__file__).parents[2] / "dialplans" / "demo.yaml"
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
SAID = TimelineEvent("heard", 1.0, NOON, {"text": "english", "confidence": 0.9})
GOOD = CallRecord(
    "20261124-120000-000001",
    NOON,
    answered_at=NOON,
    ended_at=NOON,
    language="en",
    queue="agents",
    agent="alice",
    ended_by="bot",
    release_cause="normal",
    disposition="answered",
    talk_seconds=5.0,
    dialplan_version="1",
    events=(SAID,),
)
ENGLISH = Understood("English", "heard", {"text": "english"})


def failed(record: CallRecord | None, *understood: Understood) -> list[str]:
    checks = Checks()
    check_record(record, understood, "4711", "alice", checks)
    return [check.name for check in checks.failed]


def test_a_complete_record_meets_every_expectation() -> None:
    assert failed(GOOD, ENGLISH) == []


def test_what_the_record_lacks_is_told() -> None:
    assert failed(None) == ["record: complete"]
    assert failed(replace(GOOD, ended_at=None)) == ["record: complete"]
    assert failed(replace(GOOD, agent="")) == ["record: complete"]
    assert failed(replace(GOOD, talk_seconds=0.0)) == ["record: complete"]
    assert failed(GOOD, Understood("the rating", "keys", {"keys": "5"})) == ["understood: the rating"]


def test_a_keyed_code_in_the_record_is_found_wherever_it_stands() -> None:
    leaking = replace(GOOD, events=(TimelineEvent("keys", 1.0, NOON, {"keys": "4711"}),))
    assert failed(leaking) == ["record: the keyed code is not in it"]


@pytest.mark.parametrize(
    ("channels", "good"),
    [((0.1, 0.1), True), ((0.1, 0.0), False), ((0.0, 0.1), False), ((0.1,), False)],
    ids=["both speak", "hotline silent", "caller silent", "mono"],
)
def test_a_recording_needs_two_channels_with_sound(
    tmp_path: Path, channels: tuple[float, ...], good: bool
) -> None:
    sides = [tone((300.0,), 1.0, level) for level in channels]
    samples = np.stack(sides, axis=1) if len(sides) > 1 else sides[0]
    (tmp_path / "call.wav").write_bytes(encode_wav(samples))
    checks = Checks()
    path = check_recording(replace(GOOD, recording="call.wav"), tmp_path, checks)
    assert (not checks.failed, path is not None) == (good, len(channels) == 2)


def test_a_missing_recording_is_told() -> None:
    checks = Checks()
    assert check_recording(GOOD, Path("nowhere"), checks) is None
    assert check_recording(replace(GOOD, recording="none.wav"), Path("nowhere"), checks) is None
    assert len(checks.failed) == 2


def test_the_story_follows_the_dialplan_file() -> None:
    texts = Texts(load(DEMO))
    assert [language for language, _ in texts.at("welcome", 1, "en")] == ["en", "zh"]
    assert "one thousand two hundred" in texts.at("balance", 2, "en", place=1)[0][1]
    assert story.menu(texts)[0].startswith("How can I help?")
    assert story.whisper(texts) == "Call about general questions."
    assert "Sorry, I did not catch that." in texts.handler_texts("en")


def test_another_dialplan_is_refused_in_words() -> None:
    texts = Texts(load(DEMO))
    with pytest.raises(PhoneError, match=r"step 1 of flow `nothing`.*dialplans/demo.yaml"):
        texts.at("nothing", 0, "en")


def test_a_demand_that_is_not_met_stops_the_demo_and_stays_noted() -> None:
    checks = Checks()
    checks.demand("first", good=True)
    with pytest.raises(Stopped):
        checks.demand("second", good=False)
    assert [check.name for check in checks.failed] == ["second"]


def test_swapping_twice_gives_the_cache_back_as_it_was(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    paths = [cache.path_for(Prompt("espeak", "en-us", text)) for text in ("one", "two")]
    for path, content in zip(paths, (b"1", b"2"), strict=True):
        path.write_bytes(content)
    engines = Engines({}, {"en": VoiceChoice("espeak", "en-us")})
    swap_prompts(tmp_path, engines, "en", "one", "two")
    assert [path.read_bytes() for path in paths] == [b"2", b"1"]
    swap_prompts(tmp_path, engines, "en", "one", "two")
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]
