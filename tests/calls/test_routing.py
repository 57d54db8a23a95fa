"""A number leaves by the next trunk where the first does not get through; who was reached is not called twice."""

import asyncio
from pathlib import Path

import pytest

from tests.calls.office import BRANCH, OTHER, STAY, told
from tests.calls.office import DIALPLAN as OFFICE
from tests.calls.server import Server, play
from tests.calls.sip_pipe import TestPhone
from voicebot.calls.call import Call
from voicebot.calls.routing import Route
from voicebot.sip import Address, Event, SipError
from voicebot.sip import events as sip
from voicebot.sip.timers import NEXT_ADDRESS

FIRST, SECOND = f"sip:0123@{BRANCH.host_port}", f"sip:0123@{OTHER.host_port}"
STEP = OFFICE % f'transfer: {{to: "{FIRST}", mode: bridge, timeout: 20s, {STAY}}}'.replace(
    "[]", '[{set: {call.x: "1"}}]'
)


def routes(_call: Call, uri: str) -> tuple[Route, ...]:
    return (Route(uri, "one"), Route(SECOND, "two")) if uri == FIRST else (Route(uri),)


class Refusing(TestPhone):
    """A carrier that takes no call."""

    status = 503

    def _take(self, event: Event) -> None:
        if isinstance(event, sip.IncomingCall):
            self.endpoint.reject(event.session, self.status, self._now())
        else:
            super()._take(event)


@pytest.mark.parametrize(
    ("status", "goes_on"),
    [(503, True), (500, True), (407, True), (486, False), (603, False), (404, False), (604, False)],
)
def test_the_next_trunk_is_tried_where_the_first_does_not_get_through(
    tmp_path: Path, status: int, goes_on: bool
) -> None:
    by: list[str] = []

    async def story(server: Server) -> None:
        first, second = Refusing(server.pipe, BRANCH), TestPhone(server.pipe, OTHER)
        first.status = status
        server.exchange.routes = routes
        invite = server.end.invite

        def note(*args: object, trunk: str = "", **options: object) -> int:
            by.append(trunk)
            return invite(*args, trunk=trunk, **options)  # type: ignore[arg-type]

        server.end.invite = note  # type: ignore[method-assign]
        session = server.phone.call()
        await asyncio.sleep(8.0)
        assert bool(second.incoming) == goes_on
        server.phone.bye(session)
        await asyncio.sleep(2.0)

    server = play(tmp_path, story, dialplan=STEP)
    assert [trunk for trunk in by if trunk] == (["one", "two"] if goes_on else ["one"])
    failed = told(server, "route_failed")
    assert [(each["trunk"], each["status"]) for each in failed] == ([("one", status)] if goes_on else [])


def test_a_trunk_whose_name_leads_nowhere_is_passed_over(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        second = TestPhone(server.pipe, OTHER)
        server.exchange.routes = routes
        resolve = server.end.resolve

        async def lost(uri: str, trunk: str = "") -> Address:
            if trunk == "one":
                raise SipError(404, "no such name")
            return await resolve(uri, trunk)

        server.end.resolve = lost  # type: ignore[method-assign]
        session = server.phone.call()
        await asyncio.sleep(8.0)
        assert second.incoming
        assert server.caller.bridged_with is not None
        server.phone.bye(session)
        await asyncio.sleep(2.0)

    play(tmp_path, story, dialplan=STEP)


def test_a_trunk_that_is_silent_is_not_waited_for_when_there_is_another(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        second = TestPhone(server.pipe, OTHER)
        server.exchange.routes = routes
        session = server.phone.call()
        await asyncio.sleep(NEXT_ADDRESS + 5.0)
        assert second.incoming
        assert server.caller.bridged_with is not None
        server.phone.bye(session)
        await asyncio.sleep(35.0)

    server = play(tmp_path, story, dialplan=STEP)
    assert [(each["exit"], each["status"]) for each in told(server, "route_failed")] == [("unreachable", 408)]
