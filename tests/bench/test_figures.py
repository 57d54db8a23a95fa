"""The arithmetic of the benchmarks."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import (
    FRAME,
    Figure,
    percentile,
    silent_from,
    single,
    spread,
    stream_figures,
    unwrapped,
    voiced_part,
)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [0.05, 0.01, 0.03, 0.02, 0.04]
    assert percentile(values, 50) == 0.03
    assert percentile(values, 80) == 0.04
    assert percentile(values, 81) == 0.05
    assert percentile(values, 0) == 0.01
    assert percentile(values, 100) == 0.05


def test_the_99th_percentile_of_a_hundred_leaves_out_one_value() -> None:
    assert percentile(range(1, 101), 99) == 99


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(percentile([], 50))
    assert spread("nothing", []).values["n"] == 0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 100))
def test_so_many_values_are_not_over_the_percentile(values: list[float], percent: float) -> None:
    limit = percentile(values, percent)
    assert sum(value <= limit for value in values) >= len(values) * percent / 100 - 1e-9
    assert limit in values


def test_a_spread_is_in_milliseconds() -> None:
    assert spread("x", [0.010, 0.020, 0.030]).values == {"p50": 20.0, "p95": 30.0, "max": 30.0, "n": 3}


def test_a_figure_reads_as_it_is_written_to_json() -> None:
    figure = Figure("gap", "ms", {"p50": 20.0, "max": 1234.5})
    assert figure.as_json() == {"name": "gap", "unit": "ms", "p50": 20.0, "max": 1234.5}
    assert figure.text() == "p50 20  max 1,234"
    assert single("memory", 0.123456, "MB").text() == "0.1235"


def test_an_even_stream_has_gaps_of_20_ms_and_no_loss() -> None:
    figures = stream_figures([0.0, 0.02, 0.04], [7, 8, 9], [0, FRAME, 2 * FRAME])
    assert (figures.received, figures.lost, figures.skipped) == (3, 0, 0)
    assert figures.gaps == (0.02, 0.02)


def test_numbers_that_never_came_are_lost_over_the_wrap_too() -> None:
    """RFC 3550 A.3: sequence numbers wrap at 2**16, timestamps at 2**32."""
    last = 2**32 - FRAME
    figures = stream_figures([0.0, 0.02, 0.08], [65534, 65535, 2], [last, 0, 3 * FRAME])
    assert figures.lost == 2
    assert figures.skipped == 0


def test_a_packet_that_overtakes_another_is_no_loss_and_neither_is_a_copy() -> None:
    figures = stream_figures([0.0, 0.02, 0.03, 0.04], [1, 3, 2, 3], [0, 2 * FRAME, FRAME, 2 * FRAME])
    assert (figures.received, figures.lost) == (4, 0)


def test_a_frame_that_was_never_sent_is_left_out_not_lost() -> None:
    figures = stream_figures([0.0, 0.06], [1, 2], [0, 3 * FRAME])
    assert (figures.lost, figures.skipped) == (0, 2)


def test_no_packet_at_all_is_no_stream() -> None:
    assert stream_figures([], [], []).received == 0


@given(st.integers(0, 2**16 - 1), st.lists(st.integers(-100, 30_000), max_size=50))
def test_a_counter_goes_on_over_the_wrap(first: int, steps: list[int]) -> None:
    values = [first]
    for step in steps:
        values.append(values[-1] + step)
    assert unwrapped([value % 2**16 for value in values], 16) == values


def test_the_voiced_part_begins_and_ends_with_a_loud_frame() -> None:
    quiet, loud = np.full(FRAME, 20, np.int16), np.full(FRAME, 2000, np.int16)
    samples = np.concatenate([quiet, quiet, loud, quiet, loud, quiet])
    assert voiced_part(samples).tolist() == np.concatenate([loud, quiet, loud]).tolist()
    assert len(voiced_part(np.concatenate([quiet, quiet]))) == 0
    assert len(voiced_part(np.zeros(0, np.int16))) == 0


def _voice(pattern: str) -> tuple[list[float], list[float]]:
    """One packet of 20 ms per letter: `#` is loud."""
    return [0.02 * index for index in range(len(pattern))], [1000.0 if c == "#" else 0.0 for c in pattern]


def test_a_voice_is_silent_from_the_first_silent_packet() -> None:
    arrivals, levels = _voice("#" * 20 + "." * 20)
    assert silent_from(arrivals, levels, since=0.3) == arrivals[20]


def test_a_pause_between_words_is_no_silence() -> None:
    arrivals, levels = _voice("#" * 20 + "." * 5 + "#" * 5 + "." * 20)
    assert silent_from(arrivals, levels, since=0.3) == arrivals[30]


def test_who_did_not_speak_cannot_fall_silent() -> None:
    arrivals, levels = _voice("#" * 5 + "." * 40)
    assert silent_from(arrivals, levels, since=0.5) is None


def test_who_goes_on_speaking_does_not_fall_silent() -> None:
    arrivals, levels = _voice("#" * 40 + "." * 3)
    assert silent_from(arrivals, levels, since=0.3) is None
