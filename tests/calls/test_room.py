"""A full server and calls whose ACK does not come: sent in somebody else's name, or by somebody whose ACKs are lost."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.calls.server import Server, play
from tests.calls.sip_pipe import Pipe, TestPhone
from voicebot.calls.inbound import Entrance
from voicebot.calls.room import GIVES_WAY_AFTER
from voicebot.sip import Address, Datagram
from voicebot.sip import events as sip

ELSEWHERE = Address("udp", "192.0.2.66", 5060)
UNTIL_GIVEN_UP = 35.0  # seconds: then the endpoint sends a BYE, to nobody


def with_one_line(
    story: Callable[[Server], Coroutine[Any, Any, None]],
) -> Callable[[Server], Coroutine[Any, Any, None]]:
    async def whole(server: Server) -> None:
        def entrance(event: sip.IncomingCall) -> Entrance:
            reception = server.reception
            if reception.calls and not reception.make_room():
                return Entrance(None, refusal=503)
            return Entrance(server.dialplan, "main", "lan")

        server.reception.entrance = entrance
        await story(server)

    return whole


def forger(pipe: Pipe) -> TestPhone:
    """Calls in the name of an address at which it hears nothing."""
    phone = TestPhone(pipe, ELSEWHERE)
    del pipe.ends[ELSEWHERE]
    return phone


def status_of(phone: TestPhone) -> int:
    return next((event.status for event in phone.events if isinstance(event, sip.Rejected)), 0)


def test_a_call_that_is_not_acknowledged_gives_way_to_a_new_one_and_has_its_record(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        forger(server.pipe).call()
        await asyncio.sleep(GIVES_WAY_AFTER + 0.1)
        session = server.phone.call()
        await asyncio.sleep(3.0)
        assert server.phone.has(sip.Answered)
        assert server.store.ended["call-1"]["release_cause"] == "no_ack"
        server.phone.bye(session)
        await asyncio.sleep(UNTIL_GIVEN_UP)

    server = play(tmp_path, with_one_line(story))
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("no_ack", "caller")
    assert "gave_way" in server.store.kinds("call-1")
    assert server.store.ended["call-2"]["release_cause"] == "normal"


def test_within_four_seconds_it_holds_its_line(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        forger(server.pipe).call()
        await asyncio.sleep(GIVES_WAY_AFTER - 0.1)
        server.phone.call()
        await asyncio.sleep(1.0)
        assert status_of(server.phone) == 503

    server = play(tmp_path, with_one_line(story))
    assert "gave_way" not in server.store.kinds("call-1")


def test_a_call_that_is_acknowledged_never_gives_way(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        other = TestPhone(server.pipe, ELSEWHERE)
        session = other.call()
        await asyncio.sleep(6.0)
        server.phone.call()
        await asyncio.sleep(1.0)
        assert status_of(server.phone) == 503
        assert not other.has(sip.Ended)
        other.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, with_one_line(story))


def test_each_of_several_new_calls_needs_a_line_of_its_own(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        forger(server.pipe).call()
        await asyncio.sleep(GIVES_WAY_AFTER + 0.1)
        late = TestPhone(server.pipe, Address("udp", "192.0.2.67", 5060))
        session = server.phone.call()
        late.call()
        await asyncio.sleep(2.0)
        assert server.phone.has(sip.Answered)
        assert status_of(late) == 503
        server.phone.bye(session)
        await asyncio.sleep(UNTIL_GIVEN_UP)

    play(tmp_path, with_one_line(story))


@pytest.mark.parametrize("acks_lost", [3, 4])
def test_an_honest_call_whose_acks_were_lost_is_hung_up_by_a_bye_when_one_comes(
    tmp_path: Path, acks_lost: int
) -> None:
    """Three lost ACKs cost nothing; with four, if the server is full then, the caller is told at once, not after 32 s."""

    async def story(server: Server) -> None:
        honest, lost = server.pipe.send, 0

        def lose(datagram: Datagram, source: Address) -> None:
            nonlocal lost
            if datagram.data.startswith(b"ACK ") and source == ELSEWHERE and lost < acks_lost:
                lost += 1
                return
            honest(datagram, source)

        server.pipe.send = lose  # type: ignore[method-assign]
        unlucky = TestPhone(server.pipe, ELSEWHERE)
        session = unlucky.call()
        await asyncio.sleep(GIVES_WAY_AFTER + 0.1)
        call = server.phone.call()
        await asyncio.sleep(8.0)
        assert server.phone.has(sip.Answered) == unlucky.has(sip.Ended) == (acks_lost == 4)
        unlucky.bye(session)
        server.phone.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, with_one_line(story))
