"""Order, loss and jitter of an incoming stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.media.reception import Order, Reception


def test_loss_is_expected_minus_received() -> None:
    reception = Reception()
    for number in (65530, 65531, 65534, 65535, 0, 1, 4):
        reception.accept(1, number)
    assert (reception.received, reception.lost) == (7, 4)


def test_reordered_packets_are_not_lost_and_duplicates_are_not_received() -> None:
    reception = Reception()
    orders = [reception.accept(1, number) for number in (10, 12, 11, 11, 13, 12)]
    assert orders == [
        Order.RESTART,
        Order.IN_ORDER,
        Order.REORDERED,
        Order.DUPLICATE,
        Order.IN_ORDER,
        Order.DUPLICATE,
    ]
    assert (reception.lost, reception.reordered, reception.duplicate) == (0, 1, 2)


def test_a_packet_before_the_first_one_counts() -> None:
    reception = Reception()
    for number in (10, 9, 11):
        reception.accept(1, number)
    assert (reception.received, reception.lost) == (3, 0)


def test_another_ssrc_is_believed_from_its_second_packet_on() -> None:
    reception = Reception()
    reception.accept(1, 10)
    orders = [reception.accept(2, number) for number in (500, 501, 502)]
    assert orders == [Order.INVALID, Order.RESTART, Order.IN_ORDER]
    assert (reception.ssrc, reception.restarts, reception.lost) == (2, 1, 0)


def test_single_packets_of_strangers_change_nothing() -> None:
    reception = Reception()
    for number in range(20):
        reception.accept(1, number)
        assert reception.accept(1000 + number, 7 * number) is Order.INVALID
    assert (reception.ssrc, reception.received, reception.lost) == (1, 20, 0)


def test_a_far_jump_of_the_sequence_restarts_it() -> None:
    reception = Reception()
    reception.accept(1, 10)
    assert [reception.accept(1, number) for number in (30000, 30001)] == [Order.INVALID, Order.RESTART]
    assert reception.lost == 0


def test_loss_of_the_former_stream_is_kept() -> None:
    reception = Reception()
    for ssrc, number in ((1, 1), (1, 4), (2, 100), (2, 101), (2, 103)):
        reception.accept(ssrc, number)
    assert reception.lost == 2 + 1


def test_jitter_follows_the_rfc() -> None:
    """RFC 3550 appendix A.8: J += (|D| - J) / 16, in timestamp units."""
    reception = Reception()
    for index, arrival in enumerate((0.000, 0.020, 0.050, 0.060)):
        reception.measure(index * 160, arrival)
    expected = 80 / 16  # 10 ms later than before: 80 ticks
    expected += (80 - expected) / 16
    assert reception.jitter == pytest.approx(expected)
    assert reception.jitter_ms == pytest.approx(expected / 8)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 0xFFFF)), max_size=200))
def test_counters_stay_sane_whatever_arrives(packets: list[tuple[int, int]]) -> None:
    reception = Reception()
    for ssrc, number in packets:
        reception.accept(ssrc, number)
        assert reception.lost >= 0
        assert 0 <= reception.fraction_lost() <= 255
    assert reception.received + reception.duplicate + reception.invalid == len(packets)
