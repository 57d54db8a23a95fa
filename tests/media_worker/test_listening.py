"""Turns: edges, pre-roll and audio to the speech worker, keys."""

import itertools

import numpy as np
import pytest

from tests.media_worker.fakes import Bench, FakeChannel, Peer, voiced
from voicebot.media.g711 import PCMU
from voicebot.wire import (
    Audio,
    AudioEnd,
    Bridge,
    CloseLeg,
    EndListen,
    Key,
    Listen,
    SpeechStarted,
    SpeechStopped,
)


@pytest.fixture
def channel(bench: Bench) -> FakeChannel:
    made = FakeChannel()
    bench.plane.attach_speech(2, made, bench.now)
    return made


def speak(bench: Bench, peer: Peer, seconds: float) -> list[bytes]:
    frames = voiced(seconds)
    bench.run(len(frames), lambda tick: peer.say(frames[tick]))
    return frames


def silence(bench: Bench, peer: Peer, ticks: int) -> None:
    bench.run(ticks, lambda tick: peer.say())


def test_edges_are_told_with_their_turn_and_instant(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, -1))
    silence(bench, peer, 50)
    speak(bench, peer, 0.6)
    silence(bench, peer, 20)
    (started,), (stopped,) = bench.told(SpeechStarted), bench.told(SpeechStopped)
    assert (started.turn, stopped.turn) == (4, 4)
    assert started.at == pytest.approx(101.0, abs=0.041)
    assert stopped.at == pytest.approx(101.6, abs=0.041)
    assert channel.sent == []


def test_nothing_is_told_without_a_turn(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    speak(bench, peer, 0.4)
    bench.do(Listen("call", 1, 4, 2))
    bench.do(EndListen("call", 1, 4))
    speak(bench, peer, 0.4)
    assert bench.told(SpeechStarted) == []
    assert channel.sent == []


def test_the_speech_worker_gets_300_ms_before_the_onset_and_all_that_follows(
    bench: Bench, channel: FakeChannel
) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 2))
    before = [bytes((0xFF - n % 4,)) * 160 for n in range(50)]  # quiet, but tells one frame from the other
    bench.run(50, lambda tick: peer.say(before[tick]))
    spoken = speak(bench, peer, 0.6)
    silence(bench, peer, 40)
    bench.do(EndListen("call", 1, 4))
    audio, ends = channel.of(Audio), channel.of(AudioEnd)
    assert {(part.call, part.leg, part.turn, part.sample_rate) for part in audio} == {("call", 1, 4, 8000)}
    onset = bench.told(SpeechStarted)[0].at
    assert audio[0].at == pytest.approx(onset - 0.3, abs=0.001)
    heard = b"".join(part.pcm for part in audio)
    said = [
        PCMU.decode(frame).astype("<i2").tobytes() for frame in (*before, *spoken, *[PCMU.quiet(160)] * 40)
    ]
    first = round((audio[0].at - 100) / 0.02)
    assert heard == b"".join(said[first:])
    for part, following in itertools.pairwise(audio):
        assert following.at == pytest.approx(part.at + len(part.pcm) / 16000)
    assert [(end.turn, end.lagging) for end in ends] == [(4, False)]
    assert channel.sent[-1] is ends[0]


def test_no_audio_no_end(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 2))
    silence(bench, peer, 50)
    bench.do(EndListen("call", 1, 4))
    assert channel.sent == []


def test_a_full_channel_never_blocks_and_marks_the_turn(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 2))
    speak(bench, peer, 0.4)
    channel.full = True
    speak(bench, peer, 0.2)
    channel.full = False
    bench.do(EndListen("call", 1, 4))
    assert channel.of(AudioEnd)[0].lagging


def test_without_its_speech_worker_a_turn_still_has_edges(bench: Bench) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 9))
    speak(bench, peer, 0.4)
    bench.do(EndListen("call", 1, 4))
    assert len(bench.told(SpeechStarted)) == 1


def test_the_end_of_another_turn_is_ignored(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 5, 2))
    bench.do(EndListen("call", 1, 4))
    speak(bench, peer, 0.4)
    assert [message.turn for message in bench.told(SpeechStarted)] == [5]


def test_a_new_turn_replaces_the_running_one(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 2))
    speak(bench, peer, 0.4)
    bench.do(Listen("call", 1, 5, 2))
    assert [end.turn for end in channel.of(AudioEnd)] == [4]
    speak(bench, peer, 0.4)
    assert [message.turn for message in bench.told(SpeechStarted)] == [4, 5]
    assert channel.of(Audio)[-1].turn == 5


def test_hang_up_ends_the_turn(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 2))
    speak(bench, peer, 0.4)
    bench.do(CloseLeg("call", 1))
    assert isinstance(channel.sent[-1], AudioEnd)


def test_a_second_utterance_of_the_turn_has_edges_but_no_second_preroll(
    bench: Bench, channel: FakeChannel
) -> None:
    peer = bench.leg()
    bench.do(Listen("call", 1, 4, 2))
    speak(bench, peer, 0.4)
    silence(bench, peer, 30)
    speak(bench, peer, 0.4)
    silence(bench, peer, 30)
    bench.do(EndListen("call", 1, 4))
    assert len(bench.told(SpeechStarted)) == len(bench.told(SpeechStopped)) == 2
    parts = channel.of(Audio)
    for part, following in itertools.pairwise(parts):
        assert following.at == pytest.approx(part.at + len(part.pcm) / 16000)


def test_what_one_caller_said_is_not_in_the_preroll_of_the_next(bench: Bench, channel: FakeChannel) -> None:
    peer = bench.leg()
    speak(bench, peer, 0.4)
    bench.do(CloseLeg("call", 1))
    peer = bench.leg(2)
    bench.do(Listen("call", 2, 1, 2))
    speak(bench, peer, 0.2)
    preroll = np.frombuffer(channel.of(Audio)[0].pcm, "<i2")[: 160 * 12]
    assert not preroll.any()


def test_keys_are_told_once_each_with_their_instant(bench: Bench) -> None:
    peer = bench.leg()
    silence(bench, peer, 2)
    for key in "12#":
        peer.press(key)
        bench.run(2)
    keys = bench.told(Key)
    assert [key.key for key in keys] == ["1", "2", "#"]
    assert keys[0].at == pytest.approx(100.06)


def test_keys_are_told_while_bridged_and_listening(bench: Bench, channel: FakeChannel) -> None:
    peer, _other = bench.leg(1), bench.leg(2, port=4002)
    bench.do(Bridge("call", 1, 2))
    bench.do(Listen("call", 1, 1, 2))
    peer.say()
    peer.press("5")
    bench.run(2)
    assert [key.key for key in bench.told(Key)] == ["5"]
