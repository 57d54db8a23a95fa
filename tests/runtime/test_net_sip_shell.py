"""The shell over real sockets on loopback: a call between two endpoints in one reactor."""

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from tests.sip.peer import OURS, PEER, Peer
from voicebot.runtime.net.addresses import LocalAddresses
from voicebot.runtime.net.door import PATIENCE
from voicebot.runtime.net.sip_shell import BindError, SipShell
from voicebot.sip import Address, Answered, Ended, Endpoint, Established, Event, IncomingCall

LOOPBACK = Address("udp", "127.0.0.1", 0)
SDP = b"v=0\r\n"
DEADLINE = 5.0
NO_REACTOR: Any = None  # nothing is bound


def shell(reactor: Any, on_event: Callable[[Event], None], seed: int) -> SipShell:
    addresses = LocalAddresses()
    endpoint = Endpoint(rng=random.Random(seed), user_agent="test", contact=addresses.contact)
    made = SipShell(asyncio.get_running_loop(), reactor, endpoint, addresses, on_event)
    made.start([LOOPBACK])
    return made


def test_a_call_over_real_sockets_is_set_up_and_ended() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        reactor = AsyncioSelectorReactor(loop)
        seen: asyncio.Queue[Event] = asyncio.Queue()

        def answer(event: Event) -> None:
            seen.put_nowait(event)
            if isinstance(event, IncomingCall):
                callee.endpoint.accept(event.session, SDP, callee.now())

        callee = shell(reactor, answer, 1)
        caller = shell(reactor, seen.put_nowait, 2)
        target = f"sip:bot@{callee.bound[0].host_port}"
        call = caller.endpoint.invite(target, "sip:me@127.0.0.1", SDP, caller.now())
        caller.flush()
        kinds = {type(await seen.get()) for _ in range(3)}
        assert kinds == {IncomingCall, Answered, Established}
        caller.endpoint.bye(call, caller.now())
        caller.flush()
        ended = [await seen.get(), await seen.get()]
        assert all(isinstance(event, Ended) for event in ended)
        for one in (caller, callee):
            one.stop()

    asyncio.run(asyncio.wait_for(story(), DEADLINE))


class HandLoop:
    """Keeps what it is to call soon, for the test to call."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.timers: list[float] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def call_at(self, when: float, callback: Callable[[], None]) -> object:
        """In these tests no time passes; what is returned cannot be cancelled."""
        self.timers.append(when)
        return object()


def test_an_event_that_its_user_fails_on_does_not_stop_the_others() -> None:
    seen: list[Event] = []

    def fail_once(event: Event) -> None:
        seen.append(event)
        if len(seen) == 1:
            raise ValueError("a bug")

    addresses = LocalAddresses()
    loop: Any = HandLoop()
    endpoint = Endpoint(rng=random.Random(1), user_agent="test", contact=addresses.contact)
    made = SipShell(loop, NO_REACTOR, endpoint, addresses, fail_once)
    for _ in range(2):
        endpoint.invite("sip:a@127.0.0.1:9", "sip:b@x", SDP, made.now() - 3600)
    endpoint.handle_timer(made.now())
    endpoint.datagrams_to_send()
    made.flush()
    with pytest.raises(ValueError, match="a bug"):
        loop.soon.pop(0)()
    loop.soon.pop(0)()
    assert len(seen) == 2


def test_new_calls_that_would_wait_for_too_long_are_refused_while_running_calls_are_served_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock: list[float] = [100.0]
    seen: list[str] = []

    def work(event: Event) -> None:
        clock[0] += PATIENCE * 0.6  # a machine that is very slow
        seen.append(type(event).__name__)

    monkeypatch.setattr(SipShell, "now", staticmethod(lambda: clock[0]))
    addresses = LocalAddresses()
    loop: Any = HandLoop()
    endpoint = Endpoint(rng=random.Random(1), user_agent="test", contact=addresses.contact)
    made = SipShell(loop, NO_REACTOR, endpoint, addresses, work)
    peer = Peer()
    for name in ("one", "two", "three"):
        made.datagram_received(peer.text("INVITE", call_id=name, body="v=0\r\n"), PEER, OURS)
    made.datagram_received(peer.text("OPTIONS", call_id="running"), PEER, OURS)
    assert endpoint.counters["received"] == 1  # the OPTIONS, although it came last
    while loop.soon:
        loop.soon.pop(0)()
    assert seen == ["IncomingCall", "IncomingCall"]
    assert endpoint.counters["refused_late"] == 1


def test_a_taken_port_is_one_clear_error() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        reactor = AsyncioSelectorReactor(loop)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            taken = Address("udp", "127.0.0.1", other.getsockname()[1])
            addresses = LocalAddresses()
            endpoint = Endpoint(rng=random.Random(1), user_agent="test", contact=addresses.contact)
            made = SipShell(loop, reactor, endpoint, addresses, lambda event: None)
            with pytest.raises(BindError, match="taken by another program"):
                made.start([taken])
            assert made.bound == []

    asyncio.run(asyncio.wait_for(story(), DEADLINE))


def test_what_cannot_leave_over_udp_is_counted_and_resolves_no_name() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        made = shell(AsyncioSelectorReactor(loop), lambda event: None, 1)
        for destination in (
            "localhost",
            "192.0.2.1.5",
            "::1",
        ):  # a name, nonsense, and none of this socket's family
            goal = Address("udp", destination, 5060)
            made.endpoint.options("sip:a@x", "sip:b@x", made.now(), goal, made.bound[0])
        made.flush()
        assert made.counters["unsendable"] == 3
        made.stop()

    asyncio.run(asyncio.wait_for(story(), DEADLINE))


def test_a_timer_is_not_put_off_by_messages_that_follow_each_other() -> None:
    loop: Any = HandLoop()
    addresses = LocalAddresses()
    endpoint = Endpoint(rng=random.Random(1), user_agent="test", contact=addresses.contact)
    made = SipShell(loop, NO_REACTOR, endpoint, addresses, lambda event: None)
    for _ in range(3):
        endpoint.options("sip:a@x", "sip:b@x", made.now() - 0.499, Address("udp", "127.0.0.1", 9))
        made.flush()
    assert len(loop.timers) == 1
