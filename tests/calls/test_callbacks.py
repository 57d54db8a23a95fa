"""Callbacks: the place is kept, the agent is rung first, the caller is dialled once at a time; virtual time."""

import asyncio
import datetime
import itertools
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future

import pytest

from tests.calls.hotline import NOON, Caller, Hotline, text
from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.dialplan.line import (
    CallbackOffer,
    CallbackRequest,
    Judgement,
    QueueView,
    QueueWait,
)
from voicebot.sim.loop import run
from voicebot.sim.store import SimStore
from voicebot.sim.telephones import Behaviour, Extension, SimTelephones

ALICE = "sip:alice@sim"
NUMBER = "13800138000"
CUSTOMER = f"sip:{NUMBER}@sim"


def request(number: str = NUMBER, at: datetime.datetime | None = None) -> CallbackRequest:
    return CallbackRequest(number, "agents", "en", at, whisper=(text("Callback to Ann."),))


def waits(*, after: float = 5.0) -> QueueWait:
    """A caller who is offered a callback at once, and has agreed to it after a while."""

    async def talk(chosen: bool) -> CallbackRequest | Judgement | None:
        await asyncio.sleep(after)
        return request()

    offer = CallbackOffer(lambda view: True, talk, lambda judgement: False)
    return QueueWait("human/1", "agents", offer=offer)


def hotline(customer: Extension, *, alice: Extension | None = None, **queue: object) -> Hotline:
    found = Hotline(extensions={ALICE: alice or Extension(talks=60.0)}, **queue)
    found.telephones.extensions[CUSTOMER] = customer
    return found


def rings(where: Hotline, uri: str) -> list[float]:
    return [round(at, 1) for at, to, what in where.telephones.rings if (to, what) == (uri, "rings")]


def state(where: Hotline) -> object:
    """Return how far the first booking has come, as storage has it."""
    return where.store.callbacks["out-1"]["state"]


def busy_alice(where: Hotline) -> "asyncio.Task[object]":
    """A caller who keeps alice on the telephone for a minute."""
    return asyncio.create_task(where.caller().line.wait_in_queue(QueueWait("human/1", "agents")))


def book(where: Hotline, caller: Caller) -> Awaitable[bool]:
    return where.callbacks.book(caller.call, request())


def told(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    run(main())


def test_a_booked_caller_keeps_the_place_and_is_dialled_after_the_agent_has_answered() -> None:
    async def story() -> None:
        where = hotline(Extension(after=4.0, talks=30.0))
        first = busy_alice(where)
        await asyncio.sleep(1.0)
        caller, other = where.caller(), where.caller()
        begun = asyncio.get_running_loop().time()
        booking = asyncio.create_task(caller.line.wait_in_queue(waits()))
        await asyncio.sleep(1.0)
        behind = asyncio.create_task(other.line.wait_in_queue(QueueWait("human/1", "agents")))
        result = await booking
        assert (result.exit, where.telephones.extensions[CUSTOMER].behaviour) == (
            "callback_booked",
            "answers",
        )
        assert rings(where, CUSTOMER) == []
        assert state(where) == "waiting"
        await asyncio.gather(first, behind)
        [dialled] = rings(where, CUSTOMER)
        second, third = rings(where, ALICE)[1:]
        assert begun < second < dialled < third  # the agent first, and the caller behind only after this talk
        callback = where.store.started["out-2"]
        assert (callback["direction"], callback["to_number"], callback["booked_by"]) == (
            "out",
            NUMBER,
            caller.call.uid,
        )
        kinds = where.store.kinds("out-2")
        order = [
            "queue_joined",
            "agent_ringing",
            "agent_answered",
            "callback_dialled",
            "answered",
            "bridged",
            "ended",
        ]
        assert [kind for kind in kinds if kind in order] == order
        assert where.store.ended["out-2"]["agent"] == "alice"
        assert state(where) == "called"
        assert where.callbacks.open == {}
        await where.close()

    told(story)


@pytest.mark.parametrize("behaviour", ["busy", "no_answer", "declines"])
def test_a_caller_who_is_not_reached_is_dialled_three_times_five_minutes_apart(behaviour: Behaviour) -> None:
    async def story() -> None:
        where = hotline(Extension(behaviour))
        assert await book(where, where.caller())
        await asyncio.sleep(3600.0)
        dialled = rings(where, CUSTOMER)
        assert len(dialled) == 3
        assert all(300.0 <= later - at <= 400.0 for at, later in itertools.pairwise(dialled))
        assert state(where) == "given_up"
        assert [where.store.ended[f"out-{n}"]["release_cause"] for n in (2, 3, 4)].count("normal") == 0
        assert where.callbacks.open == {}
        assert all(agent.assignment is None for agent in where.floor.state.agents.values())
        await where.close()

    told(story)


def test_an_agent_who_answers_while_the_caller_books_is_talked_to_and_nothing_is_booked() -> None:
    async def story() -> None:
        where = hotline(Extension(), alice=Extension(after=5.0))
        result = await where.caller().line.wait_in_queue(waits(after=30.0))
        assert result.exit == "agent_done"
        assert where.callbacks.open == {}
        assert rings(where, CUSTOMER) == []
        await where.close()

    told(story)


def test_the_same_number_is_booked_once_whoever_asks_again() -> None:
    async def story() -> None:
        where = hotline(Extension(talks=10.0), alice=Extension("no_answer"))
        assert await book(where, where.caller())
        assert await book(where, where.caller())
        assert len(where.callbacks.open) == 1
        await where.close()

    told(story)


def test_a_callback_for_later_joins_the_queue_at_its_time() -> None:
    async def story() -> None:
        where = hotline(Extension(talks=10.0))
        caller = where.caller()
        at = where.clock() + datetime.timedelta(hours=2)
        assert await where.callbacks.book(caller.call, request(at=at))
        await asyncio.sleep(7100.0)
        assert rings(where, ALICE) == []
        await asyncio.sleep(300.0)
        assert len(rings(where, CUSTOMER)) == 1
        await where.close()

    told(story)


def test_an_agent_who_hangs_up_before_the_caller_is_dialled_costs_no_attempt() -> None:
    async def story() -> None:
        where = hotline(Extension(talks=10.0), alice=Extension(talks=0.1))
        assert await book(where, where.caller())
        await asyncio.sleep(8.0)
        where.telephones.extensions[ALICE].talks = 60.0
        await asyncio.sleep(60.0)
        assert len(rings(where, CUSTOMER)) == 1
        assert where.store.callbacks["out-1"]["data"]["attempts"] == 1  # type: ignore[index]
        await where.close()
        records = [
            (where.store.started[uid].get("attempt"), ended.get("attempt"), ended["release_cause"])
            for uid, ended in where.store.ended.items()
            if uid in where.store.started
        ]
        assert records == [(None, None, "agent_left"), (None, 1, "normal")]

    told(story)


def test_a_booking_outlives_the_server() -> None:
    """What storage has is all that the next process gets."""

    async def book_only() -> Mapping[str, object]:
        where = hotline(Extension(talks=10.0), alice=Extension("no_answer"))
        assert await book(where, where.caller())
        await asyncio.sleep(30.0)
        await where.close()
        assert rings(where, CUSTOMER) == []
        assert where.store.ended["out-2"]["release_cause"] == "server_shutdown"
        assert state(where) == "waiting"
        return where.store.callbacks["out-1"]["data"]  # type: ignore[return-value]

    stored = run(book_only())

    async def go_on() -> None:
        where = hotline(Extension(talks=10.0))
        where.callbacks.restore([stored])
        await asyncio.sleep(60.0)
        assert len(rings(where, CUSTOMER)) == 1
        assert state(where) == "called"
        await where.close()

    run(go_on())


def test_what_storage_does_not_keep_is_not_promised() -> None:
    class Failing(SimStore):
        def callback(self, uid: str, fields: Mapping[str, object]) -> "Future[None]":
            super().callback(uid, fields)
            failed: Future[None] = Future()
            failed.set_exception(OSError("the disk is full"))
            return failed

    async def story() -> None:
        where = hotline(Extension())
        where.callbacks.store = where.store = Failing()
        assert not await book(where, where.caller())
        await asyncio.sleep(60.0)
        assert rings(where, CUSTOMER) == rings(where, ALICE) == []
        await where.close()

    told(story)


def test_a_number_that_may_not_be_dialled_is_told_so_before_it_is_booked() -> None:
    async def story() -> None:
        where = hotline(Extension())
        caller = where.caller()
        assert caller.line.may_call(NUMBER)

        class Strict(SimTelephones):
            def target(self, call: Call, to: str) -> str:
                raise DialFailed("declined", 403)

        where.callbacks.telephones = Strict(where.media)
        assert not caller.line.may_call(NUMBER)
        await where.close()

    told(story)


def test_a_callback_counts_as_dialled_for_who_booked_it_and_not_for_the_hotline() -> None:
    charged: list[str] = []

    class Counting(SimTelephones):
        def target(self, call: Call, to: str) -> str:
            charged.append(call.from_number)
            return super().target(call, to)

    async def story() -> None:
        where = hotline(Extension(talks=10.0))
        caller = where.caller()
        where.callbacks.telephones = Counting(where.media, where.telephones.extensions)
        assert await book(where, caller)
        await asyncio.sleep(60.0)
        assert state(where) == "called"
        assert set(charged) == {NUMBER}
        await where.close()

    told(story)


def test_a_caller_who_hangs_up_while_it_is_being_booked_is_not_called() -> None:
    class Slow(SimStore):
        def callback(self, uid: str, fields: Mapping[str, object]) -> "Future[None]":
            super().callback(uid, fields)
            return Future()

    async def story() -> None:
        where = hotline(Extension(), alice=Extension("no_answer"))
        where.callbacks.store = where.store = Slow()
        waiting = asyncio.create_task(where.caller().line.wait_in_queue(waits()))
        await asyncio.sleep(5.5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert state(where) == "withdrawn"
        assert where.callbacks.open == {}
        await where.close()

    told(story)


def test_the_queue_tells_how_long_and_where_a_caller_waits() -> None:
    async def story() -> None:
        where = hotline(Extension(), alice=Extension("no_answer"))
        views: list[QueueView] = []

        def due(view: QueueView) -> bool:
            views.append(view)
            return False

        async def talk(chosen: bool) -> CallbackRequest | Judgement | None:
            return None

        offer = CallbackOffer(due, talk, lambda judgement: False)
        task = asyncio.create_task(
            where.caller().line.wait_in_queue(QueueWait("human/1", "agents", quantile=0.5, offer=offer))
        )
        await asyncio.sleep(15.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert [(round(view.waited), view.position) for view in views] == [(0, 1), (10, 1)]
        assert views[0].ewt == pytest.approx(180.0 * 0.69, rel=0.03)
        assert where.clock() > NOON
        await where.close()

    told(story)
