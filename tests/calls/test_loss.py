"""Whatever single datagram of a whole story is lost: it ends as it would have, with a record, and nobody holds anything."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.calls.office import BRANCH, QUEUE, Office, heard, to_branch, told
from tests.calls.server import DIALPLAN, Server, play
from tests.calls.sip_pipe import answered_direction, nothing_left, offer
from voicebot.sdp import answer_offer
from voicebot.sip import events as sip

Story = Callable[[Server], Coroutine[Any, Any, None]]


async def queued(server: Server) -> None:
    """Menu, queue, the agent answers, the caller hangs up."""
    call = server.phone.call()
    await asyncio.sleep(6.0)
    server.caller.press("1")
    await asyncio.sleep(12.0)
    assert server.caller.bridged_with is not None
    server.phone.bye(call)
    await nothing_left(server.phone, server.agent)
    (end,) = told(server, "ended")
    assert (end["cause"], end["by"]) == ("normal", "caller")


async def served(server: Server) -> None:
    """Menu, queue, the agent answers and hangs up, the hotline says goodbye."""
    server.phone.call()
    await asyncio.sleep(6.0)
    server.caller.press("1")
    await asyncio.sleep(12.0)
    server.agent.bye(server.agent.incoming[0])
    await nothing_left(server.phone, server.agent)
    assert "Goodbye." in heard(server)
    assert server.phone.has(sip.Ended)


async def passed_on(server: Server) -> None:
    """The agent's phone passes the caller on by REFER; the target hangs up, the dialplan goes on."""
    office = Office(server)
    office.pbx.call()
    await asyncio.sleep(12.0)
    office.agent.transfer(office.agent.incoming[0], f"sip:6005@{BRANCH.host}:5060")
    await asyncio.sleep(10.0)
    assert office.agent.progress()[-1] == 200
    assert server.caller.bridged_with is not None
    office.branch.bye(office.branch.incoming[0])
    await nothing_left(office.pbx, office.agent, office.branch)
    assert "Goodbye." in heard(server)
    assert [each["exit"] for each in told(server, "agent_transfer")] == ["transferred"]


async def transferred(server: Server) -> None:
    """Attended: the target answers the hotline, and the caller's PBX takes its place by Replaces."""
    office = Office(server)
    office.pbx.call()
    await asyncio.sleep(20.0)
    assert office.pbx.has(sip.Ended)
    office.pbx.bye(2)
    await nothing_left(office.pbx, office.branch)
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"]) == ("transferred", 200)


async def blindly(server: Server) -> None:
    """A blind transfer: NOTIFY says that the target has answered, and the PBX ends the call."""
    office = Office(server)
    office.pbx.hangs_up = True
    office.pbx.call()
    await nothing_left(office.pbx)
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"]) == ("transferred", 200)


async def in_vain(server: Server) -> None:
    """A blind transfer to somebody who is busy: the caller is still there, and goes on to an agent."""
    office = Office(server)
    office.pbx.tells = 486
    call = office.pbx.call()
    await asyncio.sleep(25.0)
    assert server.caller.bridged_with is not None
    office.pbx.bye(call)
    await nothing_left(office.pbx, office.agent)
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"]) == ("busy", 486)


async def held(server: Server) -> None:
    """The caller puts the hotline on hold, by re-INVITE, comes back by UPDATE, and hears the rest."""
    call = server.phone.call()
    await asyncio.sleep(6.0)
    offer(server.phone, call, "sendonly")
    await asyncio.sleep(20.0)
    assert answered_direction(server.phone) == "recvonly"
    offer(server.phone, call, "sendrecv", update=True)
    await asyncio.sleep(20.0)
    assert answered_direction(server.phone) == "sendrecv"
    assert "Say agent or branch." in heard(server)
    if not server.phone.has(sip.Ended):
        server.phone.bye(call)
    await nothing_left(server.phone)


async def late(server: Server) -> None:
    """The caller's INVITE has no offer: ours is in the 200, the answer in the ACK, and then the hotline speaks."""
    call = server.phone.call(sdp=False)
    while not server.phone.has(sip.Answered):
        await asyncio.sleep(0.1)
    (answered,) = [event for event in server.phone.events if isinstance(event, sip.Answered)]
    assert answered.sdp is not None
    server.phone.answer(call, answer_offer(server.phone.local, answered.sdp).body)
    await asyncio.sleep(6.0)
    assert "Welcome." in heard(server)
    server.phone.bye(call)
    await nothing_left(server.phone)


STORIES: dict[str, tuple[Story, str]] = {
    "queued": (queued, DIALPLAN),
    "served": (served, DIALPLAN),
    "passed_on": (passed_on, QUEUE),
    "transferred": (transferred, to_branch("attended")),
    "blindly": (blindly, to_branch("blind")),
    "in_vain": (in_vain, to_branch("blind")),
    "held": (held, DIALPLAN),
    "late": (late, DIALPLAN),
}


def tell(folder: Path, name: str, lost: int) -> Server:
    story, dialplan = STORIES[name]

    async def whole(server: Server) -> None:
        server.pipe.lost = lost
        await story(server)

    server = play(folder, whole, dialplan=dialplan)
    assert list(server.store.ended) == ["call-1"]
    return server


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_as_it_would_have_whichever_datagram_is_lost(name: str, tmp_path: Path) -> None:
    datagrams = tell(tmp_path, name, -1).pipe.sent
    assert datagrams >= 5, "INVITE, 200, ACK, BYE, 200 at least"
    for lost in range(datagrams):
        tell(tmp_path, name, lost)
