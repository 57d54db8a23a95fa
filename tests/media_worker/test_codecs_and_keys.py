"""Legs with computed codecs, other packet times, encryption, and RTCP on the port of RTP."""

import itertools
import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.media_worker.fakes import Bench, Peer, coder
from tests.sounds import loudest, sine
from voicebot.media import rtcp, rtp, telephone_event
from voicebot.media.coders import Coder
from voicebot.media.g711 import PCMA, PCMU
from voicebot.media.inner import L16
from voicebot.runtime.media_worker.secure import Secure
from voicebot.wire import Bridge, Key, Play, PromptItem, SendKeys, SrtpKeys
from voicebot.wire.messages import Codec

CODECS: list[Codec] = ["G722", "OPUS"]
PT = 96


def wide_leg(bench: Bench, number: int, codec: Codec, **changes: object) -> Peer:
    peer = bench.leg(number, port=4000 + 2 * number, configure=False)
    bench.configure(
        peer, codec=codec, payload_type=PT, event_clock_rate=48000 if codec == "OPUS" else 8000, **changes
    )
    return peer


def talk(bench: Bench, peer: Peer, made: Coder, hertz: float, ticks: int = 50) -> None:
    """Let the peer say a tone in 20 ms packets."""
    frames = sine(hertz, 16000, ticks / 50).reshape(ticks, 320)

    def say(tick: int) -> None:
        data = made.encode(frames[tick].tobytes())
        peer.raw(rtp.build(PT, 100 + tick, (5000 + 160 * tick) * made.ticks & 0xFFFFFFFF, 77, data))

    bench.run(ticks, say)


def decoded(peer: Peer, made: Coder) -> NDArray[np.int16]:
    return np.frombuffer(
        b"".join(made.decode(p.payload) for p in peer.heard() if p.payload_type == PT), "<i2"
    )


@pytest.mark.parametrize("codec", CODECS)
def test_a_wide_leg_and_one_of_g711_hear_each_other(codec: Codec, bench: Bench) -> None:
    made = coder(codec)
    wide, narrow = wide_leg(bench, 1, codec), bench.leg(2, port=5000)
    bench.do(Bridge("call", 1, 2))
    said = [PCMU.encode(each) for each in sine(700, 8000, 1.0).reshape(50, 160)]
    frames = sine(1500, 16000, 1.0).reshape(50, 320)

    def both(tick: int) -> None:
        narrow.say(said[tick])
        data = made.encode(frames[tick].tobytes())
        wide.raw(rtp.build(PT, 100 + tick, (5000 + 160 * tick) * made.ticks, 77, data))

    bench.run(50, both)
    assert loudest(PCMU.decode(narrow.audio()), 8000) == pytest.approx(1500, abs=4)
    assert loudest(decoded(wide, coder(codec)), 16000) == pytest.approx(700, abs=4)
    stamps = [packet.rtp_timestamp for packet in wide.heard()]
    assert {(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)} == {160 * made.ticks}


@pytest.mark.parametrize("codec", CODECS)
def test_between_equal_codecs_payloads_go_on_as_they_came(codec: Codec, bench: Bench) -> None:
    made = coder(codec)
    one, two = wide_leg(bench, 1, codec), wide_leg(bench, 2, codec)
    bench.do(Bridge("call", 1, 2))
    talk(bench, one, made, 5000, 20)
    again = coder(codec)
    sent = {again.encode(each.tobytes()) for each in sine(5000, 16000, 0.4).reshape(20, 320)}
    assert len([packet for packet in two.heard() if packet.payload in sent]) >= 18


@pytest.mark.parametrize("codec", CODECS)
def test_a_prompt_is_heard_on_a_wide_leg(codec: Codec, bench: Bench) -> None:
    made = coder(codec)
    peer = wide_leg(bench, 1, codec)
    bench.prompts.audio = {"/p": L16.encode(sine(900, 8000, 1.0))}
    bench.do(Play("call", 1, 1, (PromptItem("/p"),)))
    bench.run(50)
    assert loudest(decoded(peer, made), 16000) == pytest.approx(900, abs=4)


def test_keys_of_opus_are_timed_by_its_clock(bench: Bench) -> None:
    """RFC 4733 section 2.1."""
    coder("OPUS")
    peer = wide_leg(bench, 1, "OPUS")
    bench.do(SendKeys("call", 1, "7"))
    bench.run(10)
    events = [telephone_event.parse(packet.payload) for packet in peer.heard() if packet.payload_type == 101]
    assert [event.duration for event in events if event][:2] == [960, 1920]
    peer.press("3")
    bench.run(1)
    assert [key.key for key in bench.told(Key)] == ["3"]


def test_keys_under_a_number_that_the_peer_may_use_besides_are_keys(bench: Bench) -> None:
    peer = bench.leg(configure=False)
    bench.configure(peer, alternatives=((96, "TELEPHONE-EVENT"),))
    peer.press("3", payload_type=96)
    peer.press("4")
    bench.run(1)
    assert [key.key for key in bench.told(Key)] == ["3", "4"]


@pytest.mark.parametrize(("ptime", "packets"), [(10, 60), (20, 30), (30, 20), (40, 15), (60, 10)])
def test_packets_have_the_length_that_the_peer_asked_for(ptime: int, packets: int, bench: Bench) -> None:
    peer = bench.leg(ptime_ms=ptime)
    bench.run(30)
    heard = peer.heard()
    assert len(heard) == packets
    assert {len(packet.payload) for packet in heard} == {ptime * 8}
    assert {(b.rtp_timestamp - a.rtp_timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(heard)} == {
        ptime * 8
    }


def test_a_peer_may_change_to_another_codec_that_was_agreed(bench: Bench) -> None:
    one, two = bench.leg(1, alternatives=((8, "PCMA"),)), bench.leg(2, port=5000)
    bench.do(Bridge("call", 1, 2))
    one.say(PCMU.encode(np.full(160, 4000, np.int16)))
    bench.run(1)
    one.say(b"\x2a" * 160, kind=8)
    bench.run(1)
    assert abs(int(PCMU.decode(two.audio()[160:])[0]) - int(PCMA.decode(b"\x2a")[0])) < 800


# --- RTCP and SRTP ---------------------------------------------------------------------------------------------------


def report(ssrc: int = 77) -> bytes:
    return rtcp.build(rtcp.Report(ssrc, None, ()), "peer")


def test_rtcp_shares_the_port_of_rtp_where_that_was_agreed(bench: Bench) -> None:
    peer = bench.leg(rtcp_mux=True)
    peer.raw(report())
    bench.run(320)
    reports = [data for data, _ in peer.rtp.sent if rtcp.is_rtcp(data)]
    assert len(reports) == 2
    assert peer.rtcp.sent == []
    assert bench.plane.counters()["reports_received"] == 1


def test_reports_go_to_the_port_that_the_peer_named(bench: Bench) -> None:
    peer = bench.leg(rtcp_port=4711)
    bench.run(320)
    assert {address for _, address in peer.rtcp.sent} == {("192.0.2.1", 4711)}


def sealed(secure: Secure, packet: bytes) -> bytes:
    found = secure.seal(packet)
    assert found is not None
    return found


OURS, THEIRS = b"o" * 30, b"t" * 30
SUITE = "AES_CM_128_HMAC_SHA1_80"


def test_an_encrypted_leg_takes_only_what_is_authentic(bench: Bench) -> None:
    peer = bench.leg(srtp=SrtpKeys(SUITE, OURS, THEIRS))
    other = Secure(SrtpKeys(SUITE, THEIRS, OURS))
    plain = rtp.build(0, 9, 1600, 77, b"\x10" * 160)
    peer.raw(plain)
    peer.raw(sealed(other, plain))
    peer.raw(sealed(other, rtp.build(0, 10, 1760, 77, bytes(160)))[:-4] + bytes(4))
    bench.run(2)
    counters = bench.plane.counters()
    assert (counters["packets_received"], counters["dropped_unauthentic"]) == (1, 2)
    opened = [other.open(data) for data, _ in peer.rtp.sent]
    assert len(opened) == 2
    assert all(data is not None and len(data) == 172 for data in opened)


def test_who_has_the_key_may_move(bench: Bench) -> None:
    """Symmetric RTP moves only for authentic packets, from wherever they come."""
    peer = bench.leg(srtp=SrtpKeys(SUITE, OURS, THEIRS))
    other = Secure(SrtpKeys(SUITE, THEIRS, OURS))
    for number, address in ((1, peer.address), (2, ("198.51.100.9", 7000))):
        peer.raw(sealed(other, rtp.build(0, number, 160 * number, 77, bytes(160))), address)
        bench.run(1)
    peer.raw(rtp.build(0, 3, 480, 77, bytes(160)), ("203.0.113.5", 1))
    bench.run(1)
    assert [address for _, address in peer.rtp.sent][-2:] == [("198.51.100.9", 7000)] * 2


def test_a_new_key_replaces_the_old_one(bench: Bench) -> None:
    peer = bench.leg(srtp=SrtpKeys(SUITE, OURS, THEIRS))
    bench.configure(peer, srtp=SrtpKeys(SUITE, OURS, b"n" * 30))
    for key, number in ((THEIRS, 1), (b"n" * 30, 2)):
        peer.raw(sealed(Secure(SrtpKeys(SUITE, key, OURS)), rtp.build(0, number, 160, 77, bytes(160))))
    bench.run(1)
    assert bench.plane.counters()["packets_received"] == 1


def test_reports_are_encrypted_too(bench: Bench) -> None:
    peer = bench.leg(srtp=SrtpKeys(SUITE, OURS, THEIRS), rtcp_mux=True)
    other = Secure(SrtpKeys(SUITE, THEIRS, OURS))
    peer.raw(report())
    peer.raw(other.seal_report(report()) or b"")
    bench.run(60)
    assert bench.plane.counters()["reports_received"] == 1
    sent = [data for data, _ in peer.rtp.sent if rtcp.is_rtcp(data)]
    opened = other.open_report(sent[0])
    assert opened is not None
    assert struct.unpack_from("!I", opened, 4)[0] == struct.unpack_from("!I", peer.rtp.sent[0][0], 8)[0]


def test_keys_are_in_no_text_of_a_message() -> None:
    assert "oooo" not in repr(SrtpKeys(SUITE, OURS, THEIRS))
