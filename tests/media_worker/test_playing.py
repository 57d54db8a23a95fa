"""Plays and their reflexes."""

import pytest

from tests.media_worker.fakes import Bench, FakeChannel, voiced
from voicebot.wire import (
    CloseLeg,
    Credit,
    Key,
    Pause,
    Play,
    PlayEnded,
    PlayPaused,
    PlayStarted,
    PromptItem,
    Resume,
    SilenceItem,
    Stop,
    StreamChunk,
    StreamItem,
)

A, B, QUIET = b"a" * 160, b"b" * 160, b"\xff" * 160


def play(
    bench: Bench, *items: PromptItem | StreamItem | SilenceItem, number: int = 1, **more: object
) -> None:
    bench.do(Play("call", 1, number, items, **more))  # type: ignore[arg-type]


def ended(bench: Bench) -> list[tuple[int, str]]:
    return [(message.play, message.cause) for message in bench.told(PlayEnded)]


def test_a_play_starts_with_its_first_packet_and_ends_when_all_was_heard(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 2, "/b": B}
    bench.run(1)
    play(bench, PromptItem("/a"), SilenceItem(40), PromptItem("/b"))
    bench.run(8)
    assert peer.audio() == QUIET + A + A + QUIET + QUIET + B + QUIET * 3
    assert bench.told(PlayStarted)[0].at == pytest.approx(100.04)
    end = bench.told(PlayEnded)[0]
    assert (end.cause, end.position) == ("done", 0.1)
    assert end.at == pytest.approx(100.14)
    assert [packet.marker for packet in peer.heard()][:3] == [True, True, False]


def test_who_is_behind_a_nat_hears_the_first_word(bench: Bench) -> None:
    """The SDP has an inner address, which nothing reaches: the greeting waits for the first packet, which tells the outer one."""
    peer = bench.leg(source_host="192.0.2.1", remote_host="10.0.0.7")
    bench.prompts.audio = {"/a": A * 3}
    bench.run(1)
    play(bench, PromptItem("/a"))
    bench.run(8)
    assert bench.told(PlayStarted) == []
    peer.say()
    bench.run(4)
    heard = [data[12:] for data, address in peer.rtp.sent if address == peer.address]
    assert heard == [A, A, A, QUIET]
    assert ended(bench) == [(1, "done")]


def test_who_is_not_heard_within_400_ms_is_not_waited_for_any_more(bench: Bench) -> None:
    bench.leg(source_host="192.0.2.1", remote_host="10.0.0.7")
    bench.prompts.audio = {"/a": A, "/b": B}
    bench.run(1)
    play(bench, PromptItem("/a"))
    bench.run(25)
    assert bench.told(PlayStarted)[0].at == pytest.approx(100.02 + 21 * 0.02)
    play(bench, PromptItem("/b"), number=2)
    bench.run(3)
    assert ended(bench) == [(1, "done"), (2, "done")]


def test_a_play_waits_for_its_prompts(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A, "/b": B}
    bench.prompts.slow = {"/a", "/b"}
    play(bench, PromptItem("/a"), PromptItem("/b"))
    bench.run(3)
    bench.prompts.finish("/a")
    bench.run(3)
    assert bench.told(PlayStarted) == []
    bench.prompts.finish("/b")
    bench.run(3)
    assert peer.audio() == QUIET * 6 + A + B + QUIET


def test_a_missing_prompt_fails_the_play_with_its_reason(bench: Bench) -> None:
    bench.leg()
    play(bench, PromptItem("/none"))
    bench.run(1)
    end = bench.told(PlayEnded)[0]
    assert end.cause == "failed"
    assert "/none" in end.problem


def test_the_next_play_replaces_the_running_one(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 9, "/b": B}
    play(bench, PromptItem("/a"))
    bench.run(2)
    play(bench, PromptItem("/b"), number=2)
    bench.run(2)
    assert peer.audio() == A + A + B + QUIET
    assert ended(bench) == [(1, "replaced"), (2, "done")]


def test_stop_ends_its_own_play_only(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 9}
    play(bench, PromptItem("/a"), number=2)
    bench.run(1)
    bench.do(Stop("call", 1, 1))
    bench.run(1)
    bench.do(Stop("call", 1, 2))
    bench.run(1)
    assert peer.audio() == A + A + QUIET
    assert ended(bench) == [(2, "stopped")]


def test_stop_ends_a_play_that_is_still_being_loaded(bench: Bench) -> None:
    bench.leg()
    bench.prompts.audio = {"/a": A}
    bench.prompts.slow = {"/a"}
    play(bench, PromptItem("/a"))
    bench.do(Stop("call", 1, 1))
    bench.prompts.finish("/a")
    bench.run(3)
    assert ended(bench) == [(1, "stopped")]


def test_a_loop_plays_until_it_is_stopped(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A, "/b": B}
    play(bench, PromptItem("/a"), PromptItem("/b"), loop=True)
    bench.run(5)
    assert peer.audio() == A + B + A + B + A
    bench.do(Stop("call", 1, 1))
    assert ended(bench) == [(1, "stopped")]


def test_closing_the_leg_ends_the_play(bench: Bench) -> None:
    bench.leg()
    bench.prompts.audio = {"/a": A * 9}
    play(bench, PromptItem("/a"))
    bench.run(1)
    bench.do(CloseLeg("call", 1))
    assert ended(bench) == [(1, "closed")]


def test_pause_and_resume_go_on_where_it_was(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A + B}
    play(bench, PromptItem("/a"))
    bench.run(1)
    bench.do(Pause("call", 1, 1))
    bench.run(60)
    bench.do(Resume("call", 1, 1))
    bench.run(1)
    assert peer.audio() == A + QUIET * 60 + B
    assert [(message.paused, message.position) for message in bench.told(PlayPaused)] == [
        (True, 0.02),
        (False, 0.02),
    ]


@pytest.mark.parametrize(
    ("barge_in", "expected"), [("none", []), ("immediate", [(1, "key")]), ("reversible", [(1, "key")])]
)
def test_a_key_stops_the_play_in_the_next_packet(bench: Bench, barge_in: str, expected: list[object]) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 50}
    play(bench, PromptItem("/a"), barge_in=barge_in)
    bench.run(2, lambda tick: peer.say())
    peer.press("7")
    bench.run(1)
    assert [message.key for message in bench.told(Key)] == ["7"]
    assert ended(bench) == expected
    heard_on = [p.payload == A for p in peer.heard()]
    assert heard_on == [True, True, barge_in == "none"]


@pytest.mark.parametrize(("barge_in", "expected"), [("none", []), ("immediate", [(1, "speech")])])
def test_voice_stops_an_immediate_play_within_100_ms(
    bench: Bench, barge_in: str, expected: list[object]
) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 200}
    play(bench, PromptItem("/a"), barge_in=barge_in)
    bench.run(20, lambda tick: peer.say())
    frames = voiced(0.5)
    bench.run(6, lambda tick: peer.say(frames[tick]))
    assert ended(bench) == expected


def test_voice_pauses_a_reversible_play_which_resumes_700_ms_after_the_onset(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 400}
    play(bench, PromptItem("/a"), barge_in="reversible")
    bench.run(20, lambda tick: peer.say())
    frames = voiced(0.2)
    bench.run(60, lambda tick: peer.say(frames[tick] if tick < len(frames) else None))
    paused, resumed = bench.told(PlayPaused)
    assert (paused.paused, resumed.paused) == (True, False)
    assert paused.position == resumed.position
    onset = 100 + 20 * 0.02
    assert resumed.at == pytest.approx(onset + 0.7, abs=0.045)
    assert ended(bench) == []
    assert peer.audio().endswith(A)


def test_stop_after_a_reversible_pause_is_final(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": A * 400}
    play(bench, PromptItem("/a"), barge_in="reversible")
    bench.run(20, lambda tick: peer.say())
    frames = voiced(0.2)
    bench.run(10, lambda tick: peer.say(frames[tick]))
    bench.do(Stop("call", 1, 1))
    bench.run(60)
    assert ended(bench) == [(1, "stopped")]
    assert peer.audio().endswith(QUIET * 60)


def test_a_change_of_codec_goes_on_with_the_play(bench: Bench) -> None:
    peer = bench.leg()
    bench.prompts.audio = {"/a": bytes((0x80,)) * 1600}  # the loudest mu-law sample
    play(bench, PromptItem("/a"))
    bench.run(1)
    bench.configure(peer, codec="PCMA", payload_type=8)
    bench.run(1)
    first, second = peer.heard()
    assert (first.payload_type, first.payload[0]) == (0, 0x80)
    assert (second.payload_type, second.payload[0]) == (8, 0xAA)


def stream(payload: bytes, last: bool = False, number: int = 5) -> StreamChunk:
    return StreamChunk("call", number, payload, last)


def test_live_speech_is_played_as_it_comes(bench: Bench) -> None:
    peer = bench.leg()
    channel = FakeChannel()
    bench.plane.attach_speech(3, channel, bench.now)
    play(bench, StreamItem(5), SilenceItem(20))
    bench.run(1)
    bench.plane.handle_speech(3, stream(A + B), bench.now)
    bench.run(3)
    bench.plane.handle_speech(3, stream(A, last=True), bench.now)
    bench.run(3)
    assert peer.audio() == QUIET + A + B + QUIET + A + QUIET * 2
    assert ended(bench) == [(1, "done")]
    assert bench.told(PlayEnded)[0].position == pytest.approx(0.08)


def test_live_speech_may_come_before_its_play(bench: Bench) -> None:
    peer = bench.leg()
    bench.plane.handle_speech(3, stream(A, last=True), bench.now)
    bench.run(2)
    play(bench, StreamItem(5))
    bench.run(2)
    assert peer.audio() == QUIET * 2 + A + QUIET


def test_credit_never_exceeds_a_second_ahead_of_what_was_heard(bench: Bench) -> None:
    bench.leg()
    channel = FakeChannel()
    bench.plane.attach_speech(3, channel, bench.now)
    play(bench, StreamItem(5))
    sent = 0

    def speak(tick: int) -> None:
        nonlocal sent
        allowed = sum(credit.milliseconds for credit in channel.of(Credit)) * 8
        assert allowed - tick * 160 <= 8000
        while sent < allowed:
            bench.plane.handle_speech(3, stream(A), bench.now)
            sent += 160

    bench.run(1)
    assert [credit.milliseconds for credit in channel.of(Credit)] == [1000]
    bench.run(200, speak)
    assert sent >= 199 * 160


def test_barge_in_withdraws_the_credit(bench: Bench) -> None:
    peer = bench.leg()
    channel = FakeChannel()
    bench.plane.attach_speech(3, channel, bench.now)
    play(bench, StreamItem(5))
    bench.run(1)
    bench.plane.handle_speech(3, stream(A * 50), bench.now)
    bench.run(20)
    peer.say()
    peer.press("1")
    bench.run(1)
    before = len(channel.sent)
    bench.plane.handle_speech(3, stream(A * 50), bench.now)
    bench.run(50)
    assert len(channel.sent) == before
    assert peer.audio().endswith(QUIET * 50)
    assert bench.plane.counters()["stream_chunks_dropped"] == 1


def test_a_worker_that_ignores_the_credit_loses_audio_and_fills_no_memory(bench: Bench) -> None:
    bench.leg()
    play(bench, StreamItem(5))
    for _ in range(100):
        bench.plane.handle_speech(3, stream(A * 50), bench.now)
    assert bench.plane.counters()["stream_chunks_dropped"] == 97


def test_a_dead_speech_worker_fails_the_play(bench: Bench) -> None:
    bench.leg()
    bench.plane.attach_speech(3, FakeChannel(), bench.now)
    play(bench, StreamItem(5))
    bench.plane.handle_speech(3, stream(A), bench.now)
    bench.run(1)
    bench.plane.speech_gone(3, bench.now)
    assert ended(bench) == [(1, "failed")]


def test_live_speech_that_never_comes_fails_the_play(bench: Bench) -> None:
    bench.leg()
    play(bench, StreamItem(5))
    bench.run(300)
    assert ended(bench) == [(1, "failed")]


def test_on_hold_a_play_stands_still_and_goes_on_where_it_stopped(bench: Bench) -> None:
    """Neither a key nor the peer's hold music ends it."""
    peer = bench.leg()
    bench.prompts.audio = {"/a": A + B + A + B}
    play(bench, PromptItem("/a"))
    bench.run(2)
    before = len(peer.heard())
    bench.configure(peer, send=False)
    for frame in voiced(1.0):
        peer.say(frame)
        bench.run(1)
    peer.press("1")
    bench.run(10)
    assert ended(bench) == []
    assert len(peer.heard()) == before
    bench.configure(peer)
    bench.run(4)
    assert peer.audio().replace(QUIET, b"") == A + B + A + B
    assert ended(bench) == [(1, "done")]
