"""A leg whose codec, keys or packets change or go missing while audio flows both ways."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.media_worker.fakes import Bench, coder
from tests.sounds import loudest, sine
from voicebot.media import rtp
from voicebot.media.coders import problem_of
from voicebot.media.g711 import CODECS, PCMU
from voicebot.runtime.media_worker.secure import Secure
from voicebot.wire import Bridge, SrtpKeys
from voicebot.wire.messages import Codec

NUMBERS: dict[Codec, int] = {"PCMU": 0, "PCMA": 8, "G722": 9, "OPUS": 107}
TICKS = 50
SUITE = "AES_CM_128_HMAC_SHA1_80"


class Caller:
    """The changing end of a bridge; the other end is a peer with PCMU, who says 1500 Hz while the caller says 700 Hz."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.peer = bench.leg(1)
        self.other = bench.leg(2, port=5000)
        bench.do(Bridge("call", 1, 2))
        self.sequence_number = 100
        self.secure: Secure | None = None

    def talk(
        self, codec: Codec, *, lost: Callable[[int], bool] = lambda tick: False
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Talk for a second, both; return what the caller and the other heard (at 8 or 16 kHz, and at 8 kHz)."""
        law = CODECS.get(codec)
        made = None if law else coder(codec)
        frames = sine(700, 8000 if law else 16000, 1.0).reshape(TICKS, -1)
        said = [PCMU.encode(each) for each in sine(1500, 8000, 1.0).reshape(TICKS, 160)]
        self.peer.rtp.sent.clear()
        self.other.rtp.sent.clear()

        def both(tick: int) -> None:
            self.other.say(said[tick])
            payload = (
                law.encode(frames[tick]) if law else made.encode(frames[tick].tobytes()) if made else b""
            )
            stamp = 160 * self.sequence_number * (made.ticks if made else 1)
            if not lost(tick):
                self.send(rtp.build(NUMBERS[codec], self.sequence_number, stamp, 77, payload))
            self.sequence_number += 1

        self.bench.run(TICKS, both)
        payloads = [packet.payload for packet in self.received() if packet.payload_type == NUMBERS[codec]]
        if law:
            heard = law.decode(b"".join(payloads))
        else:
            ear = coder(codec)
            heard = np.frombuffer(b"".join(ear.decode(payload) for payload in payloads), "<i2")
        return heard, PCMU.decode(self.other.audio())

    def send(self, packet: bytes) -> None:
        self.peer.raw(packet if self.secure is None else self.secure.seal(packet) or b"")

    def received(self) -> list[rtp.Packet]:
        datagrams = [data for data, _ in self.peer.rtp.sent]
        opened = datagrams if self.secure is None else [self.secure.open(data) for data in datagrams]
        packets = [rtp.parse(data) for data in opened if data is not None]
        return [packet for packet in packets if packet is not None]

    def check(self, codec: Codec) -> None:
        heard, other = self.talk(codec)
        rate = 8000 if codec in CODECS else 16000
        assert len(heard) >= 0.9 * rate
        assert loudest(heard, rate) == pytest.approx(1500, abs=5)
        assert loudest(other, 8000) == pytest.approx(700, abs=5)


def test_both_hear_each_other_after_every_change_of_codec(bench: Bench) -> None:
    caller = Caller(bench)
    caller.check("PCMU")
    order: list[Codec] = ["PCMA", "G722", "OPUS", "G722", "PCMU", "OPUS", "PCMA"]
    for codec in order:
        if not problem_of(codec):
            clock = 48000 if codec == "OPUS" else 8000
            changes = {"codec": codec, "payload_type": NUMBERS[codec], "event_clock_rate": clock}
            bench.configure(caller.peer, **changes)
            caller.check(codec)
    assert bench.plane.counters()["dropped_payload_type"] == 0


@pytest.mark.parametrize("codec", ["PCMA", "G722", "OPUS"])
def test_lost_packets_are_concealed_whatever_the_codec(codec: Codec, bench: Bench) -> None:
    caller = Caller(bench)
    clock = 48000 if codec == "OPUS" else 8000
    bench.configure(caller.peer, codec=codec, payload_type=NUMBERS[codec], event_clock_rate=clock)
    _, other = caller.talk(codec, lost=lambda tick: tick in (20, 30, 31))
    frames = other[10 * 160 :].reshape(-1, 160).astype(float)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    assert levels.min() > levels.max() / 4, "there is no hole"
    assert bench.plane.counters()["concealed"] == 3
    assert bench.plane.counters()["lost"] == 3


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_comfort_noise_in_a_pause_does_no_harm(codec: Codec, bench: Bench) -> None:
    """RFC 3389: payload type 13 in place of audio; the peer's timestamps go on meanwhile."""
    caller = Caller(bench)
    bench.configure(caller.peer, codec=codec, payload_type=NUMBERS[codec], timeout=0.5)
    caller.talk(codec)
    start = caller.sequence_number
    for n in range(2):
        caller.send(rtp.build(13, start + n, 160 * (start + 20 * n), 77, b"\x40"))
        bench.run(20)
    later = sine(700, 8000 if codec == "PCMU" else 16000, 1.0).reshape(TICKS, -1)
    made = None if codec == "PCMU" else coder(codec)
    caller.other.rtp.sent.clear()

    def resume(tick: int) -> None:
        payload = made.encode(later[tick].tobytes()) if made else PCMU.encode(later[tick])
        stamp = 160 * (start + 40 + tick)
        caller.send(rtp.build(NUMBERS[codec], start + 2 + tick, stamp, 77, payload, tick == 0))

    bench.run(TICKS, resume)
    assert loudest(PCMU.decode(caller.other.audio()), 8000) == pytest.approx(700, abs=5)
    counters = bench.plane.counters()
    assert (counters["dropped_payload_type"], counters["lost"], counters["late"]) == (0, 0, 0)


def test_audio_goes_on_both_ways_through_new_keys_and_without_any(bench: Bench) -> None:
    """RFC 4568 section 7.1.3: a new offer and answer bring new keys, for one direction or for both."""
    caller = Caller(bench)
    caller.check("PCMU")
    for ours, theirs in ((b"o", b"t"), (b"o", b"u"), (b"p", b"u"), (b"q", b"v")):
        bench.configure(caller.peer, srtp=SrtpKeys(SUITE, ours * 30, theirs * 30))
        keys = SrtpKeys(SUITE, theirs * 30, ours * 30)
        if caller.secure is None:
            caller.secure = Secure(keys)
        else:
            caller.secure.rekey(keys)
        caller.check("PCMU")
    bench.configure(caller.peer, srtp=None)
    caller.secure = None
    caller.check("PCMU")
    assert bench.plane.counters()["dropped_unauthentic"] == 0


def test_a_frame_of_silence_stands_where_nothing_can_be_concealed(bench: Bench) -> None:
    """After 60 ms a lost stream is silence, on a wide leg as well."""
    caller = Caller(bench)
    bench.configure(caller.peer, codec="G722", payload_type=9)
    caller.talk("G722", lost=lambda tick: tick >= 25)
    tail = PCMU.decode(caller.other.audio())[-10 * 160 :]
    assert np.abs(tail).max() < 200
