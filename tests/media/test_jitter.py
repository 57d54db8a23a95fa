"""The jitter buffer, fed with synthetic streams in virtual time."""

import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.media.concealment import conceal, pitch_period
from voicebot.media.g711 import PCMU
from voicebot.media.jitter import JitterBuffer

Arrival = tuple[float, int, int, bytes]  # instant, sequence number, timestamp, payload


def marked(index: int, samples: int = 160) -> bytes:
    """Return a payload that shows its number: no concealment looks like it."""
    return index.to_bytes(4, "big") * (samples // 4)


def stream(count: int, *, ptime: float = 0.02, first: int = 0, start: float = 0.001) -> list[Arrival]:
    samples = round(ptime * 8000)
    return [
        (start + index * ptime, first + index & 0xFFFF, (first + index) * samples, marked(index, samples))
        for index in range(count)
    ]


def play(buffer: JitterBuffer, arrivals: Iterable[Arrival], ticks: int, ssrc: int = 1) -> list[bytes | None]:
    """Feed what has arrived by each tick, and take its frame."""
    waiting = sorted(arrivals, key=lambda item: item[0])
    frames: list[bytes | None] = []
    for tick in range(1, ticks + 1):
        while waiting and waiting[0][0] <= tick * 0.02:
            at, number, timestamp, payload = waiting.pop(0)
            buffer.push(number, timestamp & 0xFFFFFFFF, ssrc, payload, at)
        frames.append(buffer.pop())
    return frames


def numbers(frames: Iterable[bytes | None]) -> list[int | None]:
    """Return which packet each frame is; None for silence or concealment."""
    found: list[int | None] = []
    for frame in frames:
        whole = frame is not None and frame == frame[:4] * 40
        index = int.from_bytes(frame[:4], "big") if frame is not None and whole else -1
        found.append(index if 0 <= index < 100_000 else None)
    return found


def test_a_regular_stream_is_played_without_delay() -> None:
    buffer = JitterBuffer(PCMU)
    assert numbers(play(buffer, stream(50), 50)) == list(range(50))
    assert (buffer.late, buffer.concealed, buffer.skipped) == (0, 0, 0)


def test_nothing_is_heard_before_the_first_packet() -> None:
    buffer = JitterBuffer(PCMU)
    assert play(buffer, [], 3) == [None] * 3


def test_reordered_packets_are_played_in_order_once_the_depth_is_there() -> None:
    arrivals = stream(60)
    for index in range(10, 60, 5):  # every fifth packet comes 25 ms late, after its successor
        at, *rest = arrivals[index]
        arrivals[index] = (at + 0.025, *rest)  # type: ignore[assignment]
    buffer = JitterBuffer(PCMU)
    heard = [number for number in numbers(play(buffer, arrivals, 63)) if number is not None]
    assert heard == sorted(heard)
    assert heard[-40:] == list(range(20, 60))
    assert buffer.reception.reordered > 0
    assert buffer.reception.lost == 0


def test_duplicates_are_heard_once() -> None:
    buffer = JitterBuffer(PCMU)
    arrivals = [item for item in stream(30) for _ in range(2)]
    assert numbers(play(buffer, arrivals, 30)) == list(range(30))
    assert buffer.reception.duplicate == 30


def test_a_lost_packet_is_concealed_and_the_rest_keeps_its_time() -> None:
    arrivals = stream(30)
    del arrivals[10]
    buffer = JitterBuffer(PCMU)
    frames = play(buffer, arrivals, 30)
    assert numbers(frames) == [*range(10), None, *range(11, 30)]
    assert frames[10] is not None
    assert (buffer.reception.lost, buffer.concealed, buffer.late) == (1, 1, 0)


def test_long_loss_fades_into_silence() -> None:
    tone = PCMU.encode((8000 * np.sin(np.arange(160 * 10) * 2 * np.pi / 40)).astype(np.int16))
    buffer = JitterBuffer(PCMU)
    arrivals = [(0.001 + i * 0.02, i, i * 160, tone[i * 160 : (i + 1) * 160]) for i in range(10)]
    frames = play(buffer, arrivals, 16)
    levels = [0.0 if frame is None else float(PCMU.decode(frame).std()) for frame in frames[9:]]
    assert levels[0] > levels[1] > levels[2] > levels[3] > 0
    assert levels[4:] == [0, 0, 0]


def test_concealment_goes_on_with_the_pitch() -> None:
    period = 47
    history = PCMU.encode((8000 * np.sin(np.arange(480) * 2 * np.pi / period)).astype(np.int16))
    assert pitch_period(history, PCMU) % period in (0, 1, period - 1)
    frame = conceal(history, 1, 160, PCMU)
    assert frame is not None
    expected = 8000 * np.sin(np.arange(480, 640) * 2 * np.pi / period)
    made_up = PCMU.decode(frame).astype(float)
    assert np.corrcoef(made_up, expected)[0, 1] > 0.95


def test_jitter_makes_the_buffer_as_deep_as_needed_and_no_deeper() -> None:
    rng = random.Random(3)
    arrivals = [(at + rng.uniform(0, 0.045), *rest) for at, *rest in stream(1000)]
    buffer = JitterBuffer(PCMU)
    frames = numbers(play(buffer, arrivals, 1000))  # type: ignore[arg-type]
    assert sum(number is None for number in frames[100:]) <= 5
    assert buffer.depth_ms <= 80
    assert 5 < buffer.reception.jitter_ms < 30


def test_depth_falls_again_after_the_jitter_has_gone() -> None:
    rng = random.Random(3)
    arrivals = [
        (at + (rng.uniform(0, 0.08) if i < 300 else 0.0), *rest) for i, (at, *rest) in enumerate(stream(2500))
    ]
    buffer = JitterBuffer(PCMU)
    play(buffer, arrivals, 2500)  # type: ignore[arg-type]
    assert buffer.depth_ms <= 20
    assert buffer.skipped > 0


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
def test_drift_of_the_peers_clock_costs_a_frame_now_and_then(drift: float) -> None:
    count = 15_000  # 5 minutes, 300 ppm: 4.5 frames
    arrivals = [(0.005 + i * 0.02 * (1 + drift), i & 0xFFFF, i * 160, marked(i)) for i in range(count)]
    buffer = JitterBuffer(PCMU)
    frames = numbers(play(buffer, arrivals, count))
    assert sum(number is None for number in frames) <= 10
    assert buffer.skipped <= 12
    assert buffer.depth_ms <= 60


def test_a_burst_after_a_stall_of_the_network_is_cut_to_the_longest_depth() -> None:
    arrivals = stream(200)
    arrivals = [(max(at, 1.5) if 0.5 < at < 1.5 else at, *rest) for at, *rest in arrivals]  # type: ignore[misc]
    buffer = JitterBuffer(PCMU)
    frames = numbers(play(buffer, arrivals, 200))
    heard = [number for number in frames if number is not None]
    assert heard == sorted(heard)
    assert 199 - (frames[-1] or 0) <= 6  # at most 120 ms behind


def test_timestamp_jump_starts_a_new_playout() -> None:
    first, second = stream(20), stream(20, start=0.401)
    jumped = [
        (at, 20 + i, timestamp + 1_000_000, payload) for i, (at, _, timestamp, payload) in enumerate(second)
    ]
    buffer = JitterBuffer(PCMU)
    frames = numbers(play(buffer, [*first, *jumped], 40))
    assert frames == [*range(20), *range(20)]


def test_timestamp_going_back_starts_a_new_playout_after_a_few_packets() -> None:
    first = [(at, number, timestamp + 8000, payload) for at, number, timestamp, payload in stream(20)]
    second = [
        (at, 20 + i, timestamp + 100, payload)
        for i, (at, _, timestamp, payload) in enumerate(stream(30, start=0.401))
    ]
    buffer = JitterBuffer(PCMU)
    frames = numbers(play(buffer, [*first, *second], 50))
    assert frames[30:] == list(range(10, 30))


def test_new_ssrc_is_played_from_its_second_packet_on() -> None:
    buffer = JitterBuffer(PCMU)
    play(buffer, stream(10), 10)
    frames = numbers(play(buffer, stream(10, first=500), 10, ssrc=2))
    assert frames[1:] == list(range(1, 10))


def test_a_pause_of_the_peer_is_silence_and_the_next_talkspurt_is_whole() -> None:
    second = [
        (at + 1.0, 50 + i, timestamp + 8000 * 1 + 8000, payload)
        for i, (at, _, timestamp, payload) in enumerate(stream(50))
    ]
    second = [(at + 1.0, number, timestamp, payload) for at, number, timestamp, payload in second]
    buffer = JitterBuffer(PCMU)
    frames = numbers(play(buffer, [*stream(50), *second], 151))
    assert [number for number in frames[60:] if number is not None] == list(range(50))
    assert buffer.reception.lost == 0


@pytest.mark.parametrize("ptime", [0.01, 0.03, 0.04, 0.06])
def test_any_ptime_gives_20_ms_frames_with_every_sample_in_order(ptime: float) -> None:
    samples = round(ptime * 8000)
    audio = bytes(np.random.default_rng(1).integers(0, 256, 48_000, np.uint8))
    arrivals = [
        (0.001 + (i + 1) * ptime, i, i * samples, audio[i * samples : (i + 1) * samples])
        for i in range(48_000 // samples)
    ]
    buffer = JitterBuffer(PCMU)
    frames = [frame for frame in play(buffer, arrivals, 330) if frame is not None]
    assert {len(frame) for frame in frames} == {160}
    assert audio[8000:40_000] in b"".join(frames)


def test_sequence_and_timestamp_wrap_unheard() -> None:
    start = 2**32 - 160 * 10
    arrivals = [
        (at, (65530 + number) & 0xFFFF, start + timestamp, payload)
        for at, number, timestamp, payload in stream(40)
    ]
    buffer = JitterBuffer(PCMU)
    assert numbers(play(buffer, arrivals, 40)) == list(range(40))


def test_events_in_the_sequence_are_no_loss() -> None:
    buffer = JitterBuffer(PCMU)
    play(buffer, stream(10), 10)
    for number in range(10, 15):
        buffer.reception.accept(1, number)
    resumed = [(at, 15 + i, (15 + i) * 160, payload) for i, (at, *_, payload) in enumerate(stream(10))]
    play(buffer, resumed, 10)
    assert buffer.reception.lost == 0


def test_a_flood_stays_bounded() -> None:
    buffer = JitterBuffer(PCMU)
    for number in range(5000):
        buffer.push(number & 0xFFFF, number * 160, 1, marked(number), 0.0)
        assert buffer.depth_ms <= 2000
    assert buffer.pop() is not None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.tuples(
                st.integers(0, 40),
                st.integers(0, 8000),
                st.integers(0, 1),
                st.sampled_from([0, 7, 80, 160, 240, 480]),
            ),
        ),
        max_size=120,
    )
)
def test_whatever_arrives_every_frame_is_20_ms(steps: list[tuple[int, int, int, int] | None]) -> None:
    buffer = JitterBuffer(PCMU)
    for step in steps:
        if step is None:
            frame = buffer.pop()
            assert frame is None or len(frame) == 160
        else:
            number, timestamp, ssrc, size = step
            buffer.push(number, timestamp, ssrc, bytes(size), 0.0)
    for _ in range(400):
        frame = buffer.pop()
        assert frame is None or len(frame) == 160
    assert frame is None  # it never plays on without packets
