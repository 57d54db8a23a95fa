"""Garbage, truncated and oversized datagrams, and strangers, do no call any harm."""

import asyncio

from tests.live.hotline import Hotline, events, options
from tests.robustness import wire
from tests.robustness.conftest import calling, is_served, play
from voicebot.phone import Phone

STRANGER = "127.0.0.66"


def test_garbage_at_the_sip_port_does_not_disturb_a_call(hotline: Hotline) -> None:
    async def story() -> None:
        async with calling(hotline) as call:
            before = len(call.heard.packets)
            for seed in range(3):
                wire.throw(wire.garbage(hotline.port, seed), [hotline.port], STRANGER)
                await asyncio.sleep(0.1)
            assert await call.until(lambda: len(call.heard.packets) > before + 25, 5.0), "the bot fell silent"
            await is_served(call)

    play(hotline, story())
    assert options("127.0.0.1", hotline.port) == 200


def test_garbage_at_the_media_ports_is_counted_and_dropped(hotline: Hotline) -> None:
    async def story() -> None:
        async with calling(hotline, "disturbed") as call:
            assert await call.until(lambda: call.watch.speaking, 5.0)
            ports = wire.bound_ports(hotline)
            assert ports
            wire.throw(wire.rtp_garbage(1), [*ports, *(port + 1 for port in ports)])
            await is_served(call)

    play(hotline, story())
    counters = hotline.wait_for_record(1, caller="disturbed")["counters"]
    assert counters["dropped_invalid"] + counters["dropped_source"] > 50
    assert counters["lost"] == 0


def test_a_strangers_audio_and_keys_are_ignored_once_the_stream_has_latched(hotline: Hotline) -> None:
    async def story() -> None:
        bound = wire.bound_ports(hotline)  # of calls that have ended: ports rest before they are used again
        async with calling(hotline, "imitated") as call:
            assert await call.until(lambda: call.watch.speaking, 5.0)
            (port,) = set(wire.bound_ports(hotline)) - set(bound)
            for host in (STRANGER, "127.0.0.1"):  # another address; another port of the caller's own
                for payload_type in (96, 101):
                    wire.throw(wire.key_packets(1, payload_type), [port], host)
                wire.throw([wire.rtp(number) for number in range(50)], [port], host)
            assert not await call.ended(1.5), "a stranger's key was taken for the caller's"
            before = len(call.heard.packets)
            assert await call.until(lambda: len(call.heard.packets) > before + 25, 2.0), (
                "the audio went astray"
            )
            await is_served(call)

    play(hotline, story())
    record = hotline.wait_for_record(1, caller="imitated")
    assert record["counters"]["dropped_source"] >= 100
    assert len(events(record, "keys")) == 1


def test_a_flood_of_half_open_calls_leaves_the_hotline_alive(hotline: Hotline) -> None:
    """INVITEs whose sender never acknowledges the 200."""

    async def story() -> None:
        offer = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        )
        wire.throw(
            [wire.invite(hotline.port, f"flood{number}", body=offer) for number in range(30)], [hotline.port]
        )
        phone = Phone()
        assert await phone.ping(hotline.uri()) == 200
        await phone.close()
        async with calling(hotline) as call:
            await is_served(call)

    play(hotline, story())
