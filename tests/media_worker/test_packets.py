"""RTP in and out of a leg: the stream we send, latching, garbage, timeouts, reports."""

import itertools

import pytest

from tests.media_worker.fakes import Bench, Peer
from voicebot.media import rtcp, rtp
from voicebot.wire import CloseLeg, LegClosed, Log, MediaTimeout, Play, PromptItem, Unheard


def test_silence_leaves_at_once_and_every_20_ms(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(50)
    packets = peer.heard()
    assert len(packets) == 50
    assert {packet.payload for packet in packets} == {b"\xff" * 160}
    assert [packet.marker for packet in packets] == [True] + [False] * 49
    assert {(b.sequence_number - a.sequence_number) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}
    assert {(b.rtp_timestamp - a.rtp_timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)} == {160}
    assert {address for _, address in peer.rtp.sent} == {("192.0.2.1", 4000)}


def test_nothing_is_sent_before_the_offer_is_answered_and_one_packet_of_silence_on_hold(bench: Bench) -> None:
    """RFC 6263: also a stream that only comes in needs something that goes out to open the NAT."""
    peer = bench.leg(configure=False)
    bench.run(5)
    assert peer.heard() == []
    bench.configure(peer, send=False)
    assert [packet.payload for packet in peer.heard()] == [b"\xff" * 160]
    bench.run(700)
    assert len(peer.heard()) == 1
    bench.run(100)
    assert len(peer.heard()) == 2
    peer.rtp.sent.clear()
    bench.configure(peer, send=True)
    bench.run(2)
    assert [packet.marker for packet in peer.heard()] == [True, False]


def test_time_goes_on_for_the_peer_while_nothing_is_sent(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(1)
    bench.configure(peer, send=False)
    bench.run(10)
    bench.configure(peer)
    bench.run(1)
    before, after = peer.heard()
    assert (after.rtp_timestamp - before.rtp_timestamp) & 0xFFFFFFFF == 11 * 160
    assert (after.sequence_number - before.sequence_number) & 0xFFFF == 1


def test_skipped_ticks_move_the_timestamp_but_not_the_sequence(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(1)
    bench.plane.skip(15)
    bench.run(1)
    before, after = peer.heard()
    assert (after.rtp_timestamp - before.rtp_timestamp) & 0xFFFFFFFF == 16 * 160
    assert (after.sequence_number - before.sequence_number) & 0xFFFF == 1
    assert after.marker


def test_the_stream_goes_where_the_peer_sends_from(bench: Bench) -> None:
    """Symmetric RTP: the peer sits behind a NAT; its SDP shows a private address, its signalling the public one."""
    peer = bench.leg(remote_host="10.0.0.5", remote_port=8000)
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("10.0.0.5", 8000)
    peer.say()
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)


def test_who_is_never_heard_gets_little_silence_but_all_that_is_played(bench: Bench) -> None:
    """A forged INVITE must not stream at the third party that its SDP names; who hears us only misses nothing."""
    peer = bench.leg()
    bench.run(1010)
    assert len(peer.heard()) <= 100 + 19 * 3
    peer.rtp.sent.clear()
    peer.say()
    bench.run(100)
    assert len(peer.heard()) == 100
    assert peer.heard()[0].marker


def test_prompts_reach_who_is_never_heard(bench: Bench) -> None:
    bench.prompts.audio["long"] = b"\x11" * 8000
    peer = bench.leg()
    bench.run(500)
    peer.rtp.sent.clear()
    bench.do(Play("call", 1, 1, (PromptItem("long"),)))
    bench.run(50)
    assert [packet.payload for packet in peer.heard()] == [b"\x11" * 160] * 50


@pytest.mark.parametrize("host", ["224.0.0.5", "255.255.255.255", "127.0.0.1", "ff02::1", "0.0.0.0"])
def test_neither_groups_nor_ourselves_are_streamed_at(bench: Bench, host: str) -> None:
    peer = bench.leg(remote_host=host, source_host="192.0.2.1")
    bench.run(5)
    assert peer.heard() == []
    peer.say()
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)


def test_one_forged_packet_does_not_cost_the_audio(bench: Bench) -> None:
    """It bears the PBX's address, and another port, and comes first."""
    peer = bench.leg()
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("192.0.2.1", 6666))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 6666)
    peer.say()
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)
    peer.raw(rtp.build(0, 2, 161, 1, bytes(160)), ("192.0.2.1", 6666))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)


def test_third_addresses_are_ignored_and_counted(bench: Bench) -> None:
    peer = bench.leg()
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("203.0.113.9", 4000))  # before anything is latched
    bench.run(1)
    peer.say()
    bench.run(1)
    peer.raw(rtp.build(0, 101, 5160, 77, bytes(160)), ("203.0.113.9", 4000))
    peer.raw(rtp.build(0, 101, 5160, 77, bytes(160)), ("192.0.2.1", 4002))  # the same host, another port
    bench.run(1)
    assert {address for _, address in peer.rtp.sent} == {("192.0.2.1", 4000)}
    counters = bench.plane.counters()
    assert counters["dropped_source"] == 3
    assert counters["packets_received"] == 1


def test_a_peer_on_this_machine_is_heard_from_whichever_loopback_address_it_sends(bench: Bench) -> None:
    """The kernel puts 127.0.0.1 on what goes to 127.x from a socket bound to all; the SDP has an address of the network."""
    peer = bench.leg(remote_host="192.0.2.2", remote_port=5004, source_host="127.44.3.20")
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("127.0.0.1", 5006))  # not its port
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("203.0.113.9", 5004))  # not this machine
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.2", 5004)
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("127.0.0.1", 5004))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("127.0.0.1", 5004)
    peer.raw(rtp.build(0, 2, 161, 1, bytes(160)), ("127.0.0.7", 5004))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("127.0.0.1", 5004)
    assert bench.plane.counters()["dropped_source"] == 3


def test_a_peer_of_the_network_is_not_heard_from_this_machine(bench: Bench) -> None:
    peer = bench.leg(remote_host="192.0.2.2", remote_port=5004, source_host="192.0.2.2")
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("127.0.0.1", 5004))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.2", 5004)


def from_elsewhere(peer: Peer) -> None:
    peer.raw(rtp.build(0, 1, 1, 1, bytes(160)), ("203.0.113.9", 5004))


def test_audio_from_a_third_host_is_told_once_after_three_seconds_in_which_the_peer_was_not_heard(
    bench: Bench,
) -> None:
    peer = bench.leg(remote_host="10.0.0.5", remote_port=8000)
    bench.run(145, lambda tick: from_elsewhere(peer))
    assert bench.told(Unheard) == []
    bench.run(300, lambda tick: from_elsewhere(peer))
    [told] = bench.told(Unheard)
    assert (told.leg, told.source, told.told) == (1, "203.0.113.9:5004", "10.0.0.5:8000")
    assert {address for _, address in peer.rtp.sent} == {("10.0.0.5", 8000)}


def test_audio_from_a_third_host_is_nothing_to_tell_where_the_peer_is_heard(bench: Bench) -> None:
    """Nor is a stray packet, nor what comes while we do not want to hear."""
    peer = bench.leg()
    peer.say()
    bench.run(300, lambda tick: from_elsewhere(peer))
    silent = bench.leg(2, port=4002)
    bench.run(300, lambda tick: from_elsewhere(silent) if tick % 10 == 0 else None)
    held = bench.leg(3, port=4004, receive=False)
    bench.run(300, lambda tick: from_elsewhere(held))
    assert bench.told(Unheard) == []


def test_the_stream_moves_after_an_sdp_change_only(bench: Bench) -> None:
    peer = bench.leg()
    peer.say()
    bench.run(1)
    bench.configure(peer)  # a re-INVITE that changes nothing
    peer.raw(rtp.build(0, 101, 5160, 77, bytes(160)), ("192.0.2.1", 5000))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)
    bench.configure(peer, remote_port=5000)
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 5000)


def test_a_host_name_in_the_sdp_is_not_resolved_but_waited_for(bench: Bench) -> None:
    peer = bench.leg(remote_host="phone.example.com")
    bench.run(3)
    assert peer.heard() == []
    assert [message.level for message in bench.told(Log)] == ["warning"]
    peer.say()
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)


def test_garbage_is_dropped_and_counted(bench: Bench) -> None:
    peer = bench.leg()
    peer.say()
    bench.run(1)
    for data in (b"", b"x", b"\x80", bytes(65000), b"\x80\xc8" + bytes(40), b"OPTIONS sip:x SIP/2.0\r\n"):
        peer.raw(data)
    peer.say(kind=96)
    peer.say(kind=9)
    bench.run(2)
    counters = bench.plane.counters()
    assert counters["dropped_invalid"] == 6
    assert counters["dropped_payload_type"] == 2
    assert counters["packets_received"] == 1


def test_garbage_does_not_latch(bench: Bench) -> None:
    peer = bench.leg()
    peer.raw(b"garbage", ("192.0.2.1", 9999))
    peer.raw(rtp.build(96, 1, 1, 1, bytes(160)), ("192.0.2.1", 9999))
    bench.run(1)
    assert peer.rtp.sent[-1][1] == ("192.0.2.1", 4000)


def test_a_flood_costs_a_bounded_number_of_reads_and_nobody_else(bench: Bench) -> None:
    flooder, other = bench.leg(1), bench.leg(2, port=4002)
    for _ in range(1000):
        flooder.say()
    other.say(bytes(range(160)))
    bench.run(1)
    assert len(flooder.rtp.waiting) >= 990
    assert not other.rtp.waiting


def test_a_send_error_loses_a_packet_and_no_more(bench: Bench) -> None:
    peer, other = bench.leg(1), bench.leg(2, port=4002)
    peer.rtp.broken = True
    bench.run(2)
    peer.rtp.broken = False
    bench.run(1)
    assert len(peer.heard()) == 1
    assert len(other.heard()) == 3
    assert bench.plane.counters()["send_errors"] == 2


def test_missing_media_is_told_once_until_it_comes_back(bench: Bench) -> None:
    peer = bench.leg(timeout=2.0)
    bench.run(90, lambda tick: peer.say())
    bench.run(300)
    timeouts = bench.told(MediaTimeout)
    assert len(timeouts) == 1
    assert timeouts[0].at == pytest.approx(100 + 90 * 0.02 + 2.0, abs=0.3)
    bench.run(50, lambda tick: peer.say())
    bench.run(200)
    assert len(bench.told(MediaTimeout)) == 2


def test_no_timeout_while_held(bench: Bench) -> None:
    bench.leg(timeout=1.0, receive=False)
    bench.run(200)
    assert bench.told(MediaTimeout) == []


def test_who_sends_reports_is_there_though_no_audio_comes(bench: Bench) -> None:
    """A caller who mutes the phone, or whose PBX sends no silence, while a queue plays its music."""
    peer = bench.leg(timeout=2.0)
    bench.run(10, lambda tick: peer.say())

    def report(tick: int, *, bye: bool = False) -> None:
        if tick % 50 == 0:
            data = rtcp.build(rtcp.Report(77, None, (), bye=bye), "peer")
            peer.rtcp.waiting.append((data, ("192.0.2.1", 4001)))

    bench.run(500, report)
    assert bench.told(MediaTimeout) == []
    bench.run(150, lambda tick: report(tick, bye=True))
    assert len(bench.told(MediaTimeout)) == 1


def test_reports_leave_every_five_seconds(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(1000, lambda tick: peer.say())
    reports = [rtcp.parse(data) for data, _ in peer.rtcp.sent]
    assert 3 <= len(reports) <= 4
    last = reports[-1]
    assert last is not None
    assert last.sender is not None
    assert last.sender.packets >= 700
    assert last.blocks[0].ssrc == 77
    assert last.blocks[0].lost == 0
    assert {address for _, address in peer.rtcp.sent} == {("192.0.2.1", 4001)}


def test_what_the_peer_reports_is_counted(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(1, lambda tick: peer.say())
    ssrc = peer.heard()[0].ssrc
    sent_at = rtcp.ntp_time(bench.now) >> 16 & 0xFFFFFFFF
    block = rtcp.ReportBlock(ssrc, 0, 12, 1, 80, sent_at, 0)
    bench.run(5)
    for data in (b"garbage", rtcp.build(rtcp.Report(77, None, (block,)), "peer")):
        peer.rtcp.waiting.append((data, ("192.0.2.1", 4001)))
    peer.rtcp.waiting.append((b"stranger", ("203.0.113.9", 4001)))
    bench.run(1)
    bench.do(CloseLeg("call", 1))
    counters = bench.told(LegClosed)[0].counters
    assert (counters["remote_lost"], counters["remote_jitter_ms"]) == (12, 10)
    assert counters["round_trip_ms"] == pytest.approx(120, abs=1)
    assert (counters["dropped_invalid"], counters["dropped_source"]) == (1, 1)


def test_a_closed_leg_says_goodbye_and_frees_its_sockets(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(3, lambda tick: peer.say())
    bench.do(CloseLeg("call", 1))
    report = rtcp.parse(peer.rtcp.sent[-1][0])
    assert report is not None
    assert report.bye
    assert peer.rtp.closed
    assert peer.rtcp.closed
    assert bench.plane.idle
    closed = bench.told(LegClosed)
    assert len(closed) == 1
    assert (closed[0].counters["packets_sent"], closed[0].counters["packets_received"]) == (3, 3)
    bench.run(3)
    assert len(peer.heard()) == 3


def test_totals_outlive_the_legs(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(3, lambda tick: peer.say())
    bench.do(CloseLeg("call", 1))
    assert bench.plane.counters()["packets_sent"] == 3
    assert bench.plane.counters()["legs"] == 0


def test_many_legs_share_the_arrays(bench: Bench) -> None:
    peers = [bench.leg(number, port=4000 + 2 * number) for number in range(1, 151)]
    for peer in peers:
        peer.say()
    bench.run(2)
    for number in range(1, 101):
        bench.do(CloseLeg("call", number))
    bench.run(2)
    assert all(len(peer.heard()) == (2 if peer.leg <= 100 else 4) for peer in peers)
