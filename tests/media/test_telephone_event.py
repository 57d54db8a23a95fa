"""Telephone events: a corpus of what real peers and real networks do to them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.media import telephone_event
from voicebot.media.telephone_event import KEYS, Event, EventReceiver, EventRelay, EventSender

Packet = tuple[int, bool, bytes]  # timestamp, marker, payload


def key(code: int, start: int, *, marker: bool = True, packets: int = 5, ends: int = 3) -> list[Packet]:
    """Return a key as RFC 4733 section 2.5.1.2 sends it: growing durations, the end three times."""
    made = [
        (start, marker and n == 0, telephone_event.build(Event(code, False, 10, 160 * (n + 1))))
        for n in range(packets)
    ]
    end = telephone_event.build(Event(code, True, 10, 160 * (packets + 1)))
    return made + [(start, False, end)] * ends


def keys_of(packets: list[Packet]) -> str:
    receiver = EventReceiver()
    found = (receiver.receive(start, marker, payload) for start, marker, payload in packets)
    return "".join(one for one in found if one)


ONE = key(1, 1000)
TWO = key(2, 3000)

CORPUS = {
    "as it should be": (ONE + TWO, "12"),
    "without markers": (key(1, 1000, marker=False) + key(1, 3000, marker=False), "11"),
    "marker on every packet": ([(s, True, p) for s, _, p in ONE + TWO], "12"),
    "start lost": (ONE[3:] + TWO[4:], "12"),
    "only one end packet left": (ONE[-1:] + TWO[-1:], "12"),
    "end lost": (ONE[:3] + TWO[:3], "12"),
    "end lost, same key again": (ONE[:3] + key(1, 3000), "11"),
    "end lost, same key again, its start lost": (ONE[:3] + key(1, 3000)[2:], "11"),
    "every packet twice": ([packet for packet in ONE + TWO for _ in range(2)], "12"),
    "end repeated after the next key began": (ONE[:-1] + TWO[:2] + ONE[-1:] + TWO[2:], "12"),
    "reordered within a key": ([ONE[1], ONE[0], ONE[3], ONE[2], *ONE[4:]], "1"),
    "overlapping keys": ([packet for both in zip(ONE, TWO, strict=True) for packet in both], "12"),
    "same key fast": (key(5, 1000, packets=2) + key(5, 1480, packets=2), "55"),
    "timestamp grows with the duration": (
        [
            (1000 + 160 * n, n == 0, telephone_event.build(Event(7, n == 9, 10, 160 * (n + 1))))
            for n in range(10)
        ],
        "7",
    ),
    "held for 20 s, in segments": (key(9, 1000, ends=0) + key(9, 1000 + 0xFFFF, marker=False), "9"),
    "duration 0 at first": ([(50, True, struct.pack("!BBH", 3, 10, 0)), *key(3, 50)[1:]], "3"),
    "timestamp wraps": (key(1, 2**32 - 80) + key(2, 4000), "12"),
    "all keys": ([packet for code in range(16) for packet in key(code, 1000 + 2000 * code)], KEYS),
    "flash and unknown codes are no keys": (key(16, 1000) + key(200, 3000), ""),
    "short payload": ([(1000, True, b"\x01\x0a")], ""),
    "late whole key": (TWO + ONE, "21"),
}


@pytest.mark.parametrize("name", CORPUS)
def test_each_key_is_heard_once(name: str) -> None:
    packets, expected = CORPUS[name]
    assert keys_of(packets) == expected


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.booleans(), st.binary(max_size=8)), max_size=60))
def test_garbage_gives_keys_or_nothing(packets: list[Packet]) -> None:
    assert set(keys_of(packets)) <= set(KEYS)


@given(st.data())
def test_any_loss_and_repetition_that_leaves_one_packet_of_each_key_loses_none(data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(0, 15), min_size=1, max_size=6))
    sent: list[Packet] = []
    for index, code in enumerate(codes):
        packets = key(code, 500 + 2500 * index)
        kept = data.draw(st.lists(st.sampled_from(range(len(packets))), min_size=1, max_size=10))
        sent += [packets[n] for n in sorted(kept)]
    assert keys_of(sent) == "".join(KEYS[code] for code in codes)


def sent_by(sender: EventSender, ticks: int, start: int = 8000) -> list[telephone_event.EventPacket | None]:
    return [sender.next(start + 160 * tick) for tick in range(ticks)]


def test_a_key_is_sent_with_growing_duration_and_three_end_packets() -> None:
    sender = EventSender()
    sender.add("5", 100, 80)
    packets = [packet for packet in sent_by(sender, 20) if packet]
    events = [telephone_event.parse(packet.payload) for packet in packets]
    assert [event.duration for event in events if event] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.end for event in events if event] == [False] * 4 + [True] * 3
    assert [packet.marker for packet in packets] == [True] + [False] * 6
    assert {packet.rtp_timestamp for packet in packets} == {8000}
    assert not sender


def test_keys_are_separated_by_the_gap() -> None:
    sender = EventSender()
    sender.add("12", 100, 80)
    packets = sent_by(sender, 40)
    starts = [tick for tick, packet in enumerate(packets) if packet and packet.marker]
    assert starts == [0, 9]  # 100 ms and 80 ms
    assert {packet.rtp_timestamp for packet in packets if packet} == {8000, 8000 + 9 * 160}


def test_what_we_send_is_what_we_hear() -> None:
    sender = EventSender()
    sender.add("0123456789*#ABCDx", 60, 40)
    packets = [packet for packet in sent_by(sender, 200) if packet]
    assert keys_of([(p.rtp_timestamp, p.marker, p.payload) for p in packets]) == KEYS


def test_very_short_and_very_long_durations_are_bounded() -> None:
    sender = EventSender()
    sender.add("1", 0, 0)
    sender.add("2", 100_000, 0)
    packets = [packet for packet in sent_by(sender, 1000) if packet]
    assert keys_of([(p.rtp_timestamp, p.marker, p.payload) for p in packets]) == "12"


def test_a_relayed_key_is_the_same_key_on_our_timeline() -> None:
    relay = EventRelay()
    ours = 500_000
    relayed = []
    for tick, (start, _, payload) in enumerate(ONE + TWO):
        relayed.append(relay.relay(start, payload, ours + 160 * tick))
    assert keys_of([(p.rtp_timestamp, p.marker, p.payload) for p in relayed]) == "12"
    assert [p.marker for p in relayed] == ([True] + [False] * 7) * 2
    assert {p.rtp_timestamp for p in relayed} == {500_000, 500_000 + 8 * 160}
