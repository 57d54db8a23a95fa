"""RTCP reports."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.media import rtcp
from voicebot.media.reception import Reception
from voicebot.media.rtcp import Report, ReportBlock, SenderInfo

BLOCK = ReportBlock(7, 25, 1234, 70000, 55, 0xABCD1234, 65536)
SENDER = SenderInfo(0x1122334455667788, 4000, 50, 8000)


@pytest.mark.parametrize("sender", [None, SENDER])
@pytest.mark.parametrize("blocks", [(), (BLOCK,), (BLOCK, BLOCK)])
@pytest.mark.parametrize("bye", [False, True])
def test_what_is_built_is_parsed(
    sender: SenderInfo | None, blocks: tuple[ReportBlock, ...], bye: bool
) -> None:
    report = Report(99, sender, blocks, bye)
    data = rtcp.build(report, "0123456789abcdef")
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == report


def test_every_packet_carries_a_cname() -> None:
    """RFC 3550 section 6.1: an SDES with CNAME is part of every compound packet."""
    data = rtcp.build(Report(99, None, ()), "me@here")
    assert b"\x01\x07me@here" in data


@settings(max_examples=500)
@given(st.binary(max_size=120))
def test_garbage_is_a_report_or_none(data: bytes) -> None:
    rtcp.parse(data)
    rtcp.parse(b"\x80\xc8\x00\x06" + data)
    rtcp.parse(b"\x81\xc9" + data)


def test_a_cut_packet_is_refused() -> None:
    data = rtcp.build(Report(99, SENDER, (BLOCK,)), "me")
    assert all(rtcp.parse(data[:size]) is None for size in range(len(data)) if size not in (52,))


def test_negative_loss_is_read_as_negative() -> None:
    block = ReportBlock(7, 0, -3, 1, 0, 0, 0)
    report = rtcp.parse(rtcp.build(Report(1, None, (block,)), "x"))
    assert report is not None
    assert report.blocks[0].lost == -3


def test_round_trip_time_leaves_the_peers_delay_out() -> None:
    """RFC 3550 section 6.4.1, figure 2: sent at 100 s, held by the peer for 0.5 s, back at 100.6 s."""
    middle = rtcp.ntp_time(100.0) >> 16 & 0xFFFFFFFF
    block = ReportBlock(7, 0, 0, 0, 0, middle, 32768)
    assert rtcp.round_trip(block, 100.6) == pytest.approx(0.1, abs=0.001)
    assert rtcp.round_trip(ReportBlock(7, 0, 0, 0, 0, 0, 0), 100.6) is None


def test_a_block_says_what_was_lost_since_the_last_one() -> None:
    reception = Reception()
    for number in (*range(10), *range(20, 30)):
        reception.accept(5, number)
    first = rtcp.block_of(reception, 0, 0.0, 1.0)
    assert (first.ssrc, first.lost, first.fraction_lost) == (5, 10, 10 * 256 // 30)
    assert (first.last_sr, first.delay) == (0, 0)
    second = rtcp.block_of(reception, 1, 0.5, 1.0)
    assert (second.lost, second.fraction_lost, second.delay) == (10, 0, 32768)
