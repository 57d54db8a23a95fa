"""docs/pbx/kamailio.md, word for word: two hotlines behind Kamailio, calls both ways, failover, drain."""

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from tests.interop.conftest import install
from tests.interop.kamailio import Kamailio
from tests.interop.pages import NETWORK, Page, PageHotline
from tests.interop.report import Report, features_of
from tests.live.hotline import Hotline, options, wait_until
from voicebot.phone import CallFailed, Phone

feature = features_of("Kamailio", "kamailio.md")
PBX, BALANCER, NODES = f"{NETWORK}10", f"{NETWORK}15", (f"{NETWORK}21", f"{NETWORK}22")


@pytest.fixture(scope="module")
def program(report: Report) -> None:
    install("kamailio", "kamailio")
    report.version("Kamailio", kamailio_version())


def kamailio_version() -> str:
    words = subprocess.run(["kamailio", "-v"], capture_output=True, text=True).stdout.split()
    return words[2] if len(words) > 2 else ""


@pytest.fixture(scope="module")
def system(
    program: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Kamailio, list[Hotline]]]:
    if options(BALANCER, 5060, 0.3):
        pytest.skip("port 5060 of all addresses is taken by another SIP server")
    folder = tmp_path_factory.mktemp("kamailio")
    nodes: list[Hotline] = []
    for index, host in enumerate(NODES):
        home = tmp_path_factory.mktemp(f"node{index}")
        text = Page("kamailio.md", {"voicebot": home}).file("config.yaml").replace(NODES[0], host)
        nodes.append(PageHotline(home, text, host))
    page = Page("kamailio.md", {"kamailio": folder})
    for name in ("kamailio.cfg", "dispatcher.list"):
        (folder / name).write_text(page.file(name), "utf-8")
    try:
        for node in nodes:
            node.start()
        with Kamailio(folder, folder / "kamailio.cfg", BALANCER) as balancer:
            yield balancer, nodes
    finally:
        for node in nodes:
            node.discard()


def taken(nodes: list[Hotline]) -> list[int]:
    return [len(node.calls()) if node.running else -1 for node in nodes]


async def calls(count: int, *, number: str = "700", seconds: float = 0.5) -> list[int]:
    """Call `count` times from the PBX's address, one after the other; return the final statuses."""
    statuses = []
    phone = Phone(PBX, 5060, user="6002")
    try:
        for _ in range(count):
            try:
                call = await phone.call(f"sip:{number}@{BALANCER}", timeout=10.0)
            except CallFailed as error:
                statuses.append(error.status)
                continue
            await call.until(lambda: False, seconds)
            assert call.heard.packets
            await call.hang_up()
            statuses.append(200)
    finally:
        await phone.close()
    return statuses


@feature("calls are spread over two hotlines, with audio")
def test_calls_are_spread_over_both_nodes(system: tuple[Kamailio, list[Hotline]]) -> None:
    _, nodes = system
    assert asyncio.run(calls(4)) == [200] * 4
    wait_until(lambda: taken(nodes) == [2, 2], 5.0, "two calls each")


@feature("a hotline calls its agent through Kamailio at the PBX")
def test_a_node_calls_its_agent_at_the_pbx(system: tuple[Kamailio, list[Hotline]]) -> None:
    async def story() -> None:
        phone = Phone(PBX, 5060, user="6001")
        try:
            caller = await phone.call(f"sip:702@{BALANCER}", timeout=10.0)
            ringing = await phone.next_call(15.0)
            ringing.accept()
            assert await ringing.connected(5.0)
            await caller.until(lambda: False, 1.5)
            assert ringing.heard.packets
            await caller.hang_up()
            assert await ringing.ended(5.0)
        finally:
            await phone.close()

    asyncio.run(story())


@feature("a hotline that dies: the next one is called; it is back after its next OPTIONS")
def test_the_other_node_takes_the_calls_of_one_that_died(system: tuple[Kamailio, list[Hotline]]) -> None:
    _, nodes = system
    nodes[0].kill()
    before = taken(nodes)
    assert asyncio.run(calls(4)) == [200] * 4
    wait_until(lambda: taken(nodes)[1] == before[1] + 4, 5.0, "all calls at the second")
    nodes[0].start()
    wait_until(lambda: _both_taken(nodes), 25.0, "the first node takes calls again")


def _both_taken(nodes: list[Hotline]) -> bool:
    before = taken(nodes)
    assert asyncio.run(calls(2)) == [200, 200]
    return all(now > then for now, then in zip(taken(nodes), before, strict=True))


@feature("a hotline that drains (503 to OPTIONS) gets no new calls, and no caller notices")
def test_a_draining_node_gets_no_calls(system: tuple[Kamailio, list[Hotline]]) -> None:
    _, nodes = system

    async def story() -> list[int]:
        talker = Phone(PBX, 0, user="6003")
        try:
            held = []
            while not any(taken_open(nodes[0])):  # a call that keeps the first node from ending
                held.append(await talker.call(f"sip:700@{BALANCER}", timeout=10.0))
            nodes[0].terminate()
            statuses = await calls(6)
            assert nodes[0].running
            assert all(call.up for call in held)
            for call in held:
                await call.hang_up()
            return statuses
        finally:
            await talker.close()

    before = taken(nodes)[0]
    assert asyncio.run(story()) == [200] * 6
    assert nodes[0].wait() == 0
    assert len(nodes[0].calls()) <= before + 1


def taken_open(node: Hotline) -> list[bool]:
    return [True for each in node.calls() if not each["ended_at"]]
