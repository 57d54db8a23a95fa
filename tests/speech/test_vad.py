"""Voice activity: edges by the audio's own clock."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.media import tones
from voicebot.speech.vad import (
    Edge,
    EnergyGate,
    Segmenter,
    VoiceDetector,
    is_dual_tone,
    levels_dbfs,
)

FRAME = 0.02


def edge_at(started: bool, at: float, within: float = 1e-9) -> Any:
    return (started, pytest.approx(at, abs=within))


def edges(voiced: str) -> list[Edge]:
    """Feed frames of 20 ms ("x" voiced) that begin at 0."""
    segmenter = Segmenter(FRAME)
    found = [segmenter.feed(mark == "x", index * FRAME) for index, mark in enumerate(voiced)]
    return [edge for edge in found if edge is not None]


def test_speech_begins_at_its_first_voiced_frame() -> None:
    assert edges("....xxx") == [edge_at(True, 0.08)]


def test_speech_ends_at_the_end_of_its_last_voiced_frame() -> None:
    assert edges("xxxxx......") == [Edge(True, 0.0), edge_at(False, 0.10)]


def test_short_gaps_do_not_end_speech() -> None:
    assert edges("xxxxx.....xx.....xx") == [Edge(True, 0.0)]


def test_two_voiced_frames_are_no_speech_however_often() -> None:
    assert edges("xx....xx....xx....xx....") == []


def test_an_onset_may_have_a_hole() -> None:
    assert edges("x.x.x") == [Edge(True, 0.0)]


def test_a_second_utterance_makes_its_own_edges() -> None:
    found = edges("xxxx.......xxxx.......")
    assert [edge.started for edge in found] == [True, False, True, False]
    assert found[2].at == pytest.approx(0.22)


def test_after_a_reset_running_speech_begins_anew() -> None:
    segmenter = Segmenter(FRAME)
    for index in range(5):
        segmenter.feed(True, index * FRAME)
    segmenter.reset()
    found = [segmenter.feed(True, index * FRAME) for index in range(5, 10)]
    assert [edge for edge in found if edge] == [edge_at(True, 0.10)]


@pytest.mark.parametrize("frame", [0.01, 0.02, 0.03])
def test_the_thresholds_are_times_not_frames(frame: float) -> None:
    segmenter = Segmenter(frame)
    onset = next(n for n in range(1, 50) if segmenter.feed(True, n * frame))
    assert onset * frame == pytest.approx(0.06)
    offset = next(n for n in range(1, 50) if segmenter.feed(False, n * frame))
    assert offset * frame == pytest.approx(0.12)


def voice(seconds: float, level: float = 3000) -> NDArray[np.float64]:
    """Return something that webrtcvad takes for voice: a glottal buzz through vowel-like resonances, pitch moving."""
    time = np.arange(round(seconds * 8000)) / 8000
    phase = np.cumsum(2 * np.pi * (120 + 15 * np.sin(2 * np.pi * 3 * time)) / 8000)
    wave: NDArray[np.float64] = np.zeros(len(time))
    for harmonic in range(1, 28):
        hertz = 120 * harmonic
        strength = sum(np.exp(-(((hertz - formant) / 150) ** 2)) for formant in (500, 1500, 2500)) + 0.02
        wave += strength * np.cos(harmonic * phase)
    wave *= level / wave.std()
    return wave


def detect(audio: NDArray[np.float64]) -> list[Edge]:
    """Run gate and detector over a leg's audio that begins at 0."""
    gate, detector = EnergyGate(1), VoiceDetector(FRAME)
    found = []
    for index in range(len(audio) // 160):
        frame = np.clip(audio[index * 160 : (index + 1) * 160], -32768, 32767).astype(np.int16)
        margin = gate.update(np.array([0]), levels_dbfs(frame[None, :]))
        edge = detector.feed(frame, float(margin[0]), index * FRAME)
        if edge is not None:
            found.append(edge)
    return found


def noise(seconds: float, level: float, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, level, round(seconds * 8000))


def test_voice_between_silence_is_found_where_it_is() -> None:
    audio = np.concatenate([noise(1, 8), voice(0.8), noise(1, 8)])
    start, stop = detect(audio)
    assert start == edge_at(True, 1.0, within=0.041)
    assert stop == edge_at(False, 1.8, within=0.041)


def test_voice_is_found_in_noise_15_db_below_it() -> None:
    audio = noise(8, 500)
    audio[5 * 8000 : 6 * 8000] += voice(1.0)
    found = detect(audio)
    assert found[-2] == edge_at(True, 5.0, within=0.1)
    assert found[-1] == edge_at(False, 6.0, within=0.1)


@pytest.mark.parametrize("level", [1, 30, 100, 1000, 5000])
def test_steady_noise_is_no_speech_after_half_a_second(level: float) -> None:
    assert [edge for edge in detect(noise(20, level)) if edge.at > 0.6] == []


def test_hum_is_no_speech_after_half_a_second() -> None:
    time = np.arange(20 * 8000) / 8000
    hum = sum(2000 / n * np.sin(2 * np.pi * 50 * n * time) for n in range(1, 8))
    assert [edge for edge in detect(np.asarray(hum)) if edge.at > 0.6] == []


def test_clicks_are_no_speech() -> None:
    audio = noise(10, 8)
    for start in range(4000, 76_000, 4000):
        audio[start : start + 40] += 12_000  # 5 ms
        audio[start + 200 : start + 280] += noise(0.01, 9000)
    assert detect(audio) == []


@pytest.mark.parametrize("key", "1590#D")
def test_keys_in_band_are_no_speech(key: str) -> None:
    burst = np.concatenate([noise(0.3, 8), tones.dtmf(key, 300, 200) + noise(0.5, 8)])
    assert detect(np.concatenate([noise(1, 8), *[burst] * 5])) == []


def test_dual_tones_are_told_from_voice() -> None:
    assert is_dual_tone(tones.dtmf("5", 20, 0))
    assert not is_dual_tone(voice(0.02).astype(np.int16))
    assert not is_dual_tone(np.zeros(160, np.int16))
    assert not is_dual_tone(tones.tone((697.0,), 0.02))


def test_levels_are_dbfs() -> None:
    frames = np.stack([np.full(160, 32767, np.int16), np.full(160, 327, np.int16), np.zeros(160, np.int16)])
    assert levels_dbfs(frames).tolist() == [
        pytest.approx(0.0, abs=0.01),
        pytest.approx(-40.0, abs=0.05),
        pytest.approx(-100.0),
    ]


def test_rows_of_the_gate_do_not_mix() -> None:
    gate = EnergyGate(2)
    gate.grow(4)
    rows = np.array([1, 3])
    for _ in range(300):
        margins = gate.update(rows, np.array([-30.0, -60.0], np.float32))
    assert margins.tolist() == [pytest.approx(0.0), pytest.approx(-4.0)]
    gate.reset(1)
    fresh = gate.update(rows, np.array([-30.0, -30.0], np.float32))
    assert fresh[0] == pytest.approx(22.0)  # not known yet: the floor that every call begins with
    assert fresh[1] == pytest.approx(26.0)


def test_gaps_in_the_stream_do_not_lower_the_floor() -> None:
    gate = EnergyGate(1)
    for index in range(400):
        margin = gate.update(np.array([0]), np.array([-100.0 if index % 3 == 0 else -30.0], np.float32))
    assert margin[0] < -50 or margin[0] == pytest.approx(0.0)
