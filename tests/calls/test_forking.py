"""Several phones of one person: the first that answers has the call."""

import asyncio
import itertools
from pathlib import Path

import pytest

from tests.calls.office import BRANCH, OTHER, QUEUE, Office
from tests.calls.server import AGENT, Server, play
from voicebot.acd import Agent, QueueSpec
from voicebot.calls.floor import DialFailed
from voicebot.calls.forking import Phone, first_answer
from voicebot.calls.leg import Leg
from voicebot.sip import events as sip


class Ringing:
    """Phones that answer or fail when the test says so; what happened to each is kept."""

    def __init__(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        self.phones: list[asyncio.Future[Leg]] = [loop.create_future() for _ in range(count)]
        self.cancelled: list[int] = []
        self.hung_up: list[Leg] = []

    async def _ring(self, number: int) -> Leg:
        try:
            return await self.phones[number]
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise

    def start(self) -> "asyncio.Task[Leg]":
        rings = [self._ring(number) for number in range(len(self.phones))]
        return asyncio.get_running_loop().create_task(first_answer(rings, self.hung_up.append))


def leg(name: str) -> Leg:
    return Leg("call", name, 1, itertools.count(1))


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_first_answer_wins_and_the_others_stop_ringing() -> None:
    async def story() -> None:
        ringing = Ringing(3)
        result = ringing.start()
        await settled()
        ringing.phones[1].set_result(answered := leg("desk"))
        assert await result is answered
        assert sorted(ringing.cancelled) == [0, 2]
        assert ringing.hung_up == []

    asyncio.run(story())


def test_of_two_answers_in_the_same_instant_one_is_hung_up() -> None:
    async def story() -> None:
        ringing = Ringing(2)
        result = ringing.start()
        await settled()
        legs = [leg("desk"), leg("mobile")]
        for phone, each in zip(ringing.phones, legs, strict=True):
            phone.set_result(each)
        kept = await result
        assert ringing.hung_up == [each for each in legs if each is not kept]
        assert len(ringing.hung_up) == 1

    asyncio.run(story())


def test_a_phone_that_fails_leaves_the_others_ringing_and_the_most_telling_reason_is_told() -> None:
    async def story() -> None:
        ringing = Ringing(3)
        result = ringing.start()
        ringing.phones[0].set_exception(DialFailed("unreachable", 408))
        await settled()
        assert not result.done()
        ringing.phones[1].set_exception(DialFailed("busy", 486))
        ringing.phones[2].set_exception(DialFailed("no_answer", 480))
        with pytest.raises(DialFailed) as caught:
            await result
        assert (caught.value.exit, caught.value.status) == ("busy", 486)

    asyncio.run(story())


def test_who_declines_on_one_phone_has_declined_on_all() -> None:
    async def story() -> None:
        ringing = Ringing(2)
        result = ringing.start()
        await settled()
        ringing.phones[0].set_exception(DialFailed("declined", 603))
        with pytest.raises(DialFailed):
            await result
        assert ringing.cancelled == [1]

    asyncio.run(story())


def test_a_caller_who_leaves_stops_all_rings() -> None:
    async def story() -> None:
        ringing = Ringing(2)
        result = ringing.start()
        await settled()
        result.cancel()
        with pytest.raises(asyncio.CancelledError):
            await result
        assert sorted(ringing.cancelled) == [0, 1]

    asyncio.run(story())


@pytest.mark.parametrize("caller_leaves", [False, True])
def test_a_phone_that_stops_ringing_has_missed_no_call_if_another_was_answered(
    tmp_path: Path, caller_leaves: bool
) -> None:
    """RFC 3326 section 2: otherwise it lists a missed call for each that a colleague took."""

    async def story(server: Server) -> None:
        office = Office(server)
        office.agent.behaviour = "rings" if caller_leaves else "answers"
        office.other.behaviour = "rings"
        phones = [Phone(f"sip:6001@{each.host}", each, None) for each in (OTHER, AGENT)]
        server.exchange.phones = lambda uri: phones if "6001" in uri else None
        call = office.pbx.call()
        await asyncio.sleep(8.0)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)
        [cancelled] = [each for each in office.other.events if isinstance(each, sip.Cancelled)]
        assert ("elsewhere" in cancelled.cause) is not caller_leaves

    play(tmp_path, story, dialplan=QUEUE)


def test_of_agents_who_are_all_rung_those_who_were_slower_have_missed_no_call_at_any_of_their_phones(
    tmp_path: Path,
) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.other.behaviour = office.branch.behaviour = "rings"
        agents = [Agent("alice", f"sip:6001@{AGENT.host_port}"), Agent("bob", "sip:6002@phones")]
        server.floor.reconfigure(agents, [QueueSpec("agents", strategy="ring_all", ring_timeout=10.0)])
        phones = [Phone(f"sip:6002@{each.host}", each, None) for each in (OTHER, BRANCH)]
        server.exchange.phones = lambda uri: phones if "6002" in uri else None
        call = office.pbx.call()
        await asyncio.sleep(8.0)
        for phone in (office.other, office.branch):
            [cancelled] = [each for each in phone.events if isinstance(each, sip.Cancelled)]
            assert "elsewhere" in cancelled.cause
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=QUEUE)
