"""What a leg is to hear, frame by frame."""

import numpy as np

from voicebot.media.g711 import PCMA, PCMU, TRANSCODE
from voicebot.media.inner import L16
from voicebot.media.playout import Clip, LiveClip, Playout

A, B = b"a" * 160, b"b" * 160


def frames(playout: Playout, count: int) -> list[bytes | None]:
    return [playout.take() for _ in range(count)]


def test_items_follow_each_other_without_a_gap() -> None:
    playout = Playout([Clip(A * 2, PCMU), Clip(B, PCMU)])
    assert frames(playout, 4) == [A, A, B, None]
    assert playout.position == 0.06


def test_the_last_frame_is_filled_with_silence() -> None:
    assert frames(Playout([Clip(b"a" * 100, PCMU)]), 2) == [b"a" * 100 + b"\xff" * 60, None]


def test_a_pause_does_not_move_the_position() -> None:
    playout = Playout([Clip(A * 3, PCMU)])
    playout.take()
    playout.paused = True
    assert frames(playout, 3) == [b""] * 3
    assert playout.position == 0.02
    playout.paused = False
    assert frames(playout, 3) == [A, A, None]


def test_a_loop_starts_again_until_it_is_dropped() -> None:
    playout = Playout([Clip(A, PCMU), Clip(B, PCMU)], loop=True)
    assert frames(playout, 5) == [A, B, A, B, A]


def test_a_loop_of_nothing_ends() -> None:
    assert frames(Playout([Clip(b"", PCMU)], loop=True), 1) == [None]
    assert frames(Playout([], loop=True), 1) == [None]


def test_live_speech_is_waited_for_without_moving_the_position() -> None:
    live = LiveClip(PCMU)
    playout = Playout([live, Clip(B, PCMU)])
    assert frames(playout, 2) == [b"", b""]
    live.feed(b"a" * 200)
    assert frames(playout, 2) == [A, b""]
    live.feed(b"a" * 20, last=True)
    assert frames(playout, 3) == [b"a" * 60 + b"\xff" * 100, B, None]
    assert playout.position == 0.06


def test_live_speech_counts_what_it_got_and_gave() -> None:
    live = LiveClip(PCMU)
    live.feed(A * 100)
    for _ in range(60):
        live.take()
    assert (live.received, live.taken, live.waiting) == (16_000, 9_600, 6_400)


def test_the_codec_may_change_in_the_middle() -> None:
    live = LiveClip(PCMU)
    playout = Playout([Clip(A * 2, PCMU), live])
    playout.take()
    live.feed(A)
    playout.change_codec(PCMA)
    live.feed(B, last=True)
    changed = [payload.translate(TRANSCODE["PCMU", "PCMA"]) for payload in (A, A, B)]
    assert frames(playout, 4) == [*changed, None]


def test_a_wide_codec_plays_on_from_the_same_instant() -> None:
    clip = Clip(A * 2 + B, PCMU)
    clip.take()
    clip.change_codec(L16)
    frame = clip.take()
    assert frame is not None
    assert len(frame) == 640
    middle = np.frombuffer(frame, "<i2")[40:200]
    assert np.abs(middle - int(PCMU.decode(A)[0])).max() < 0.1 * abs(int(PCMU.decode(A)[0])) + 50
