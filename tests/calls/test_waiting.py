"""Waiting in a queue, talking to an agent, leaving at any moment; virtual time."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.calls.hotline import Caller, Choices, Hotline, text
from voicebot.calls.leg import Gone
from voicebot.dialplan.line import QueueResult, QueueWait, Spoken
from voicebot.sim.loop import run
from voicebot.sim.store import SimStore
from voicebot.sim.telephones import Behaviour, Extension

ALICE = "sip:alice@sim"
BOB = "sip:bob@sim"


def wait(**options: object) -> QueueWait:
    return QueueWait("human/1", "agents", **options)  # type: ignore[arg-type]


def positions(position: int) -> tuple[Spoken, ...]:
    return (text(f"You are number {position} in the queue."),)


def said(caller: Caller) -> list[str]:
    return [item.text for item in caller.media.said]


def test_an_agent_answers_both_are_bridged_and_the_caller_comes_back() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension(after=3.0, talks=20.0)})
        caller = hotline.caller()
        waiting = asyncio.create_task(caller.line.wait_in_queue(wait(announce_position=positions)))
        await asyncio.sleep(5.0)
        assert caller.media.bridged_with is not None
        result = await waiting
        assert result.exit == "agent_done"
        assert result.agent == "alice"
        assert result.waited == pytest.approx(3.0, abs=0.1)
        assert caller.media.bridged_with is None
        assert "You are number 1 in the queue." in said(caller)
        kinds = hotline.store.kinds(caller.call.uid)
        order = ["queue_joined", "agent_ringing", "agent_answered", "queue_left", "bridged", "agent_left"]
        assert [kind for kind in kinds if kind in order] == order
        await hotline.close()

    run(story())


def test_a_peer_that_does_not_say_whether_it_goes_on_with_the_call_is_waited_for_once() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension(after=0.0, talks=5.0)})
        caller = hotline.caller()
        caller.line.caller.settled.clear()
        began_at, lasted = asyncio.get_running_loop().time(), []
        for _ in range(2):
            await caller.line.wait_in_queue(wait())
            lasted.append(asyncio.get_running_loop().time() - began_at)
        assert lasted[0] == pytest.approx(2.2 + 5.0, abs=0.3)
        assert lasted[1] - lasted[0] == pytest.approx(5.0, abs=0.3)
        await hotline.close()

    run(story())


@pytest.mark.parametrize("behaviour", ["busy", "declines", "no_answer"])
def test_the_next_agent_is_rung_when_one_does_not_answer(behaviour: Behaviour) -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension(behaviour), BOB: Extension()}, ring_timeout=10.0)
        caller = hotline.caller()
        result = await caller.line.wait_in_queue(wait())
        assert result.agent == "bob"
        assert [uri for _, uri, what in hotline.telephones.rings if what == "rings"][:2] == [ALICE, BOB]
        await hotline.close()

    run(story())


def test_the_callers_hangup_cancels_the_ring_at_once() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension("no_answer")})
        caller = hotline.caller()
        waiting = asyncio.create_task(caller.line.wait_in_queue(wait()))
        await asyncio.sleep(4.0)
        gone_at = asyncio.get_running_loop().time()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert (gone_at, ALICE, "cancelled") in hotline.telephones.rings
        assert hotline.floor.tickets == {}
        await hotline.close()

    run(story())


def test_hanging_up_in_the_talk_hangs_up_the_agent() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension(talks=100.0)})
        legs = []
        hotline.telephones.on_answer = lambda uri, leg: legs.append(leg)
        caller = hotline.caller()
        waiting = asyncio.create_task(caller.line.wait_in_queue(wait()))
        await asyncio.sleep(10.0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert legs[0].gone.result() == Gone("normal", by_peer=False)
        await asyncio.sleep(0.1)
        assert all(agent.assignment is None for agent in hotline.floor.state.agents.values())
        await hotline.close()

    run(story())


def test_whoever_waits_too_long_leaves_by_timeout() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension("no_answer")}, max_wait=30.0)
        caller = hotline.caller()
        result = await caller.line.wait_in_queue(wait())
        assert result.exit == "timeout"
        assert result.waited == pytest.approx(30.0, abs=0.1)
        await hotline.close()

    run(story())


def test_a_full_queue_and_one_without_agents_say_so_at_once() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension("no_answer")}, max_length=1)
        first, second = hotline.caller(), hotline.caller()
        waiting = asyncio.create_task(first.line.wait_in_queue(wait()))
        await asyncio.sleep(1.0)
        assert await second.line.wait_in_queue(wait()) == QueueResult("full")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await hotline.close()
        empty = Hotline()
        caller = empty.caller()
        assert (await caller.line.wait_in_queue(wait())).exit == "no_agents"
        await empty.close()

    run(story())


def test_a_links_key_leads_out_of_the_queue() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension("no_answer")})
        caller = hotline.caller()
        waiting = asyncio.create_task(caller.line.wait_in_queue(wait(keys=Choices("9"))))
        await asyncio.sleep(2.0)
        caller.media.press("5")
        await asyncio.sleep(1.0)
        assert not waiting.done(), "a key that no link has does nothing"
        caller.media.press("9")
        result = await waiting
        assert result.exit == "link"
        assert result.judgement is not None
        assert result.judgement.meaning == "9"
        await hotline.close()

    run(story())


def test_a_better_place_is_announced_but_not_too_often() -> None:
    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension("no_answer")}, ring_timeout=1000.0)
        callers = [hotline.caller() for _ in range(4)]
        tasks = []
        for caller in callers:
            tasks.append(asyncio.create_task(caller.line.wait_in_queue(wait(announce_position=positions))))
            await asyncio.sleep(1.0)
        await asyncio.sleep(5.0)
        for task in tasks[:3]:
            task.cancel()
            await asyncio.sleep(0.5)
        await asyncio.sleep(20.0)
        told = [item for item in said(callers[3]) if item.startswith("You are")]
        assert told[0] == "You are number 4 in the queue." or told[0] == "You are number 3 in the queue."
        assert told[-1] == "You are number 1 in the queue."
        assert len(told) <= 3
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await hotline.close()

    run(story())


def test_a_database_that_hangs_delays_one_ring_by_a_second_and_nothing_else() -> None:
    class HangingStore(SimStore):
        def event_committed(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
            self.event(uid, kind, fields)
            return Future()

    async def story() -> None:
        hotline = Hotline(extensions={ALICE: Extension(after=2.0), BOB: Extension(after=2.0)})
        hotline.store = HangingStore()
        started_at = asyncio.get_running_loop().time()
        callers = [hotline.caller() for _ in range(12)]
        tasks = [asyncio.create_task(caller.line.wait_in_queue(wait())) for caller in callers]
        await asyncio.sleep(3.5)
        assert sum(caller.media.bridged_with is not None for caller in callers) == 2
        assert asyncio.get_running_loop().time() - started_at < 4.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await hotline.close()

    run(story())
