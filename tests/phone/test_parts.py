"""The parts that need no call: speech edges, timelines, features, alignment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.media.tones import tone
from voicebot.phone import matching
from voicebot.phone.features import features
from voicebot.phone.hearing import SpeechEdge, SpeechWatch, decibels, rms, speech_level_db
from voicebot.phone.timeline import HeardTimeline, ReceivedPacket, Timeline
from voicebot.phone.voice import speak

LOUD = tone((300.0,), 0.02, 0.2)
QUIET = np.zeros(160, np.int16)


def edges(frames: str) -> list[SpeechEdge]:
    """Feed one frame a character: # is loud."""
    watch = SpeechWatch()
    fed = (watch.feed(LOUD if kind == "#" else QUIET, 0.02 * n) for n, kind in enumerate(frames))
    return [edge for edge in fed if edge is not None]


def test_speech_begins_with_its_third_loud_frame_and_ends_after_0_4_s_of_silence() -> None:
    begin, end = edges("." * 5 + "#" * 10 + "." * 30)
    assert (begin.begins, end.begins) == (True, False)
    assert begin.at == pytest.approx(0.10)
    assert end.at == pytest.approx(0.30)
    assert end.level_db == pytest.approx(decibels(rms(LOUD)), abs=0.5)


def test_clicks_do_not_begin_speech_and_short_pauses_do_not_end_it() -> None:
    assert edges("#.##..#" * 5 + "." * 40) == []
    assert len(edges("#" * 5 + "." * 15 + "#" * 5 + "." * 30)) == 2


def test_a_timeline_gives_what_was_heard_between_two_instants() -> None:
    line = Timeline()
    for n in range(10):
        line.append(100.0 + 0.02 * n, np.full(160, n, np.int16))
    assert line.seconds == pytest.approx(0.2)
    assert set(line.since(100.04, 100.08)) == {2, 3}
    assert len(line.since(100.18)) == 160
    assert len(Timeline().since(0.0)) == 0


def test_missing_frames_are_known_by_the_tick() -> None:
    line = HeardTimeline()
    for n in range(6):
        line.hear(0.02 * n, QUIET, missing=n in (2, 3))
    samples, missing = line.part(0.04, 0.1)
    assert (len(samples), missing.tolist()) == (480, [True, True, False])


def test_first_sound_is_found_by_the_arrival_of_its_packet() -> None:
    line = HeardTimeline()
    levels = [0.0, 20.0, 900.0, 900.0]
    line.packets = [
        ReceivedPacket(n * 0.02, n, n * 160, 0, False, 160, level) for n, level in enumerate(levels)
    ]
    assert line.first_sound_after(0.0) == pytest.approx(0.04)
    assert line.first_sound_after(0.05) == pytest.approx(0.06)
    assert line.first_sound_after(0.07) is None
    assert line.gaps() == pytest.approx([0.02] * 3)


def test_the_level_of_speech_is_that_of_its_loud_parts() -> None:
    voice = tone((300.0,), 1.0, 0.2)
    assert speech_level_db(np.concatenate([voice, np.zeros(80000, np.int16)])) == pytest.approx(
        decibels(rms(voice)), abs=0.3
    )
    assert speech_level_db(np.zeros(0, np.int16)) == -90.0


def test_a_clip_aligns_with_itself_at_no_cost_where_it_lies() -> None:
    clip = speak("Thank you for calling.", "en-us")
    rows = features(clip)
    heard = features(np.concatenate([np.zeros(4000, np.int16), clip, np.zeros(4000, np.int16)]))
    found = matching.align(rows, heard)
    assert found.cost < 1e-3
    assert (found.start, found.end) == (50, 50 + len(rows))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=4000), st.binary(max_size=4000))
def test_any_audio_can_be_compared_with_any(first: bytes, second: bytes) -> None:
    one, other = (np.frombuffer(data[: len(data) // 2 * 2], np.int16) for data in (first, second))
    clip, heard = features(one), features(other)
    assert (clip >= 0).all()
    if len(clip) and len(heard):
        found = matching.align(clip, heard)
        assert 0 <= found.start < found.end <= len(heard)
        assert found.cost >= 0.0
