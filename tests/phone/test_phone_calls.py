"""Two phones of ours call each other over loopback: signalling, audio, keys, and what each measured."""

import asyncio
import re
import socket

import numpy as np
import pytest

from tests.stories import run
from voicebot.media.tones import tone
from voicebot.phone import CallFailed, Phone, PhoneCall, PhoneError, Ticker, Wire
from voicebot.phone.hearing import decibels, rms

TONE = tone((440.0,), 0.5)


async def connected(caller: Phone, callee: Phone) -> tuple[PhoneCall, PhoneCall]:
    out = await caller.dial(callee.uri)
    incoming = await callee.next_call(2.0)
    incoming.accept()
    await out.answered(2.0)
    assert await incoming.connected(2.0)
    return out, incoming


async def keyed(call: PhoneCall, count: int) -> bool:
    return await call.until(lambda: len(call.keys_received) >= count, 5.0)


def test_each_side_hears_what_the_other_says() -> None:
    async def story() -> None:
        ticker = Ticker()
        caller, callee = Phone(ticker=ticker), Phone(ticker=ticker)
        out, incoming = await connected(caller, callee)
        out.say(TONE)
        incoming.say((TONE // 2).astype(np.int16))
        assert await out.other_has_spoken(0.5, 3.0)
        assert await incoming.other_has_spoken(0.5, 3.0)
        await caller.close()
        assert await incoming.ended(2.0)
        await callee.close()
        assert incoming.ended_by_peer
        spoken = [event.level_db for event in incoming.events if event.kind == "speech_ends"]
        assert spoken == pytest.approx([decibels(rms(TONE))], abs=1.0)
        loud = np.count_nonzero(np.abs(out.heard.samples) > 50) / 8000
        assert loud == pytest.approx(0.5, abs=0.05)

    run(story())


def test_every_packet_is_noted_with_its_arrival_one_every_20_ms() -> None:
    async def story() -> None:
        ticker = Ticker()
        caller, callee = Phone(ticker=ticker), Phone(ticker=ticker)
        out, incoming = await connected(caller, callee)
        answered = asyncio.get_running_loop().time()
        assert await out.until(lambda: len(out.heard.packets) >= 30, 3.0)
        out.say(TONE)
        assert await incoming.other_speaks(2.0)
        sequence = np.array([packet.sequence_number for packet in out.heard.packets])
        assert set(np.diff(sequence) & 0xFFFF) == {1}
        assert float(np.median(out.heard.gaps())) == pytest.approx(0.02, abs=0.003)
        first = incoming.heard.first_sound_after(answered)
        assert first is not None
        assert 0.0 < first - answered < 2.0
        await caller.close()
        await callee.close()

    run(story())


def test_keys_arrive_once_each_in_their_order() -> None:
    async def story() -> None:
        ticker = Ticker()
        caller, callee = Phone(ticker=ticker), Phone(ticker=ticker)
        out, incoming = await connected(caller, callee)
        out.send_keys("1147#")
        assert await keyed(incoming, 5)
        assert incoming.keys_received == "1147#"
        assert [event.text for event in incoming.events if event.kind == "key"] == list("1147#")
        await callee.close()
        assert await out.ended(2.0)
        await caller.close()

    run(story())


def test_a_busy_phone_makes_the_call_fail_with_its_status() -> None:
    async def story() -> None:
        caller, callee = Phone(), Phone()
        out = await caller.dial(callee.uri)
        incoming = await callee.next_call(2.0)
        incoming.reject(486)
        with pytest.raises(CallFailed, match="486"):
            await out.answered(2.0)
        assert (out.status, out.up) == (486, False)
        await caller.close()
        await callee.close()

    run(story())


def test_an_unanswered_call_is_given_up_and_the_ringing_phone_told() -> None:
    async def story() -> None:
        caller, callee = Phone(), Phone()
        with pytest.raises(CallFailed):
            await caller.call(callee.uri, timeout=0.3)
        incoming = await callee.next_call(1.0)
        assert await incoming.ended(1.0)
        assert incoming.ended_by_peer
        await caller.close()
        await callee.close()

    run(story())


def test_a_cut_wire_lets_nothing_through() -> None:
    class Mute(Wire):
        def passes_in(self, packet: bytes) -> bool:
            return False

    async def story() -> None:
        ticker = Ticker()
        caller, callee = Phone(ticker=ticker, wire=Mute()), Phone(ticker=ticker)
        out, incoming = await connected(caller, callee)
        incoming.say(TONE)
        await incoming.said_all()
        assert not await out.other_speaks(0.2)
        assert out.heard.packets == []
        await caller.close()
        await callee.close()

    run(story())


def test_a_ping_is_answered_with_200_and_silence_counts_as_408() -> None:
    async def story() -> None:
        asking, answering = Phone(), Phone()
        assert await asking.ping(answering.uri) == 200
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(("127.0.0.1", 0))
        assert await asking.ping(f"sip:127.0.0.1:{silent.getsockname()[1]}", timeout=0.2) == 408
        silent.close()
        await asking.close()
        await answering.close()

    run(story())


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("7000", "`7000` is no SIP URI: write for example sip:700@127.0.0.1:5060"),
        ("tel:7000", "`tel:7000` is no SIP URI: write for example sip:700@127.0.0.1:5060"),
        ("sip:", "`sip:` is no SIP URI: write for example sip:700@127.0.0.1:5060"),
        ("sip:1@127.0.0.1;transport=sctp", "asks for sctp: this phone speaks udp, tcp and tls"),
        ("sip:1@127.0.0.1:1;transport=tcp", "tcp:127.0.0.1:1 cannot be connected to"),
    ],
)
def test_a_wrong_uri_is_an_error_that_says_what_to_write(uri: str, message: str) -> None:
    async def story() -> None:
        phone = Phone()
        with pytest.raises(PhoneError, match=re.escape(message)):
            await phone.dial(uri)
        await phone.close()

    run(story())


def test_a_taken_port_is_an_error_that_says_what_to_do() -> None:
    async def story() -> None:
        first = Phone()
        with pytest.raises(PhoneError, match="choose another port"):
            Phone(port=first.address.port)
        await first.close()

    run(story())


def test_five_calls_at_once_in_one_process_keep_apart() -> None:
    async def story() -> None:
        ticker = Ticker()
        callee = Phone(ticker=ticker)
        callers = [Phone(ticker=ticker) for _ in range(5)]
        pairs = [await connected(caller, callee) for caller in callers]
        for number, (out, _) in enumerate(pairs):
            out.send_keys(str(number))
        for number, (_, incoming) in enumerate(pairs):
            assert await keyed(incoming, 1)
            assert incoming.keys_received == str(number)
        for caller in callers:
            await caller.close()
        await callee.close()

    run(story())
