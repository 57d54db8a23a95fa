"""What a transfer's target plays before it answers: real SIP in memory, simulated media, virtual time."""

import asyncio
from pathlib import Path

import pytest

from tests.calls.office import BRANCH, Branch, Office, heard, to_branch, told
from tests.calls.server import Server, play
from voicebot.calls.leg import Leg
from voicebot.sdp import answer_offer
from voicebot.sim.media import SimLeg
from voicebot.sip import Event
from voicebot.sip import events as sip

PASS = "timeout: 20s, early_media: pass"


class Announcer(Branch):
    """Sends 180 at once and early media after 2 s; after 8 s it ends the call with `final`, or answers it."""

    final = 404
    contact = ""  # where a redirection leads

    def _take(self, event: Event) -> None:
        if not isinstance(event, sip.IncomingCall):
            super()._take(event)
            return
        self.events.append(event)
        self.incoming.append(event.session)
        loop = asyncio.get_running_loop()
        self.ring(event.session, 180, None)
        loop.call_later(2.0, self._early, event)
        loop.call_later(8.0, self._end, event)

    def _early(self, event: sip.IncomingCall) -> None:
        assert event.sdp is not None
        settled = answer_offer(self.local, event.sdp)
        self.local = settled.local
        self.ring(event.session, 183, settled.body)

    def _end(self, event: sip.IncomingCall) -> None:
        if self.final == 200:
            self._answer(event)
        else:
            headers = [("Contact", f"<{self.contact}>")] if self.contact else []
            self.reject(event.session, self.final, headers=headers)


def office_of(server: Server, final: int = 404) -> Office:
    office = Office(server)
    office.branch = branch = Announcer(server.pipe, BRANCH)
    branch.final = final
    return office


def test_the_caller_hears_the_announcement_and_is_not_heard(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = office_of(server)
        call = office.pbx.call()
        await asyncio.sleep(2.0)
        assert server.caller.bridged_with is None
        assert server.caller.playing, "it rings until the announcement begins"
        await asyncio.sleep(4.0)
        target = server.media.opened[1]
        assert server.caller.bridged_with == target.id
        assert target.held_at is not None, "nothing is sent to who has not answered"
        await asyncio.sleep(6.0)
        assert server.caller.bridged_with is None
        assert "After it, unreachable" in heard(server)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=to_branch("bridge", PASS))
    assert len(told(server, "early_media")) == 1
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"]) == ("unreachable", 404)


def test_who_answers_after_early_media_hears_the_whisper_first_and_then_the_caller(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = office_of(server, final=200)
        call = office.pbx.call()
        await asyncio.sleep(9.6)  # 1 s of welcome, 8 s of ringing
        target = server.media.opened[1]
        assert target.said[0].text == "A caller from the hotline, who waits."
        assert server.caller.bridged_with is None
        assert server.caller.playing, "our tone again"
        await asyncio.sleep(4.0)
        assert server.caller.bridged_with == target.id
        assert target.held_at is None, "they talk"
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    whisper = PASS + ', whisper: "A caller from the hotline, who waits."'
    play(tmp_path, story, dialplan=to_branch("bridge", whisper))


@pytest.mark.parametrize("mode", ["bridge", "attended"])
def test_without_being_asked_for_it_is_our_tone_until_the_answer(tmp_path: Path, mode: str) -> None:
    async def story(server: Server) -> None:
        office = office_of(server)
        call = office.pbx.call()
        await asyncio.sleep(6.0)
        assert server.caller.bridged_with is None
        assert server.caller.playing
        await asyncio.sleep(6.0)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=to_branch(mode))
    assert told(server, "early_media") == []


def test_after_an_announcement_and_a_redirection_the_caller_hears_it_ring_again(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = office_of(server, final=302)
        assert isinstance(office.branch, Announcer)
        office.branch.contact = f"sip:6006@{office.other.address.host_port}"
        office.other.behaviour = "rings"
        call = office.pbx.call()
        await asyncio.sleep(11.0)
        assert len(office.other.incoming) == 1
        assert server.caller.bridged_with is None
        assert server.caller.playing
        office.pbx.bye(call)
        await asyncio.sleep(2.0)

    play(tmp_path, story, dialplan=to_branch("bridge", PASS))


def test_a_caller_who_leaves_during_the_announcement_cancels_the_call(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = office_of(server)
        call = office.pbx.call()
        await asyncio.sleep(6.0)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)
        assert office.branch.has(sip.Cancelled)

    server = play(tmp_path, story, dialplan=to_branch("bridge", PASS))
    (end,) = told(server, "transfer_exit")
    assert end["exit"] == "caller_left"


def test_of_two_forks_the_later_description_is_heard(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = office_of(server)
        call = office.pbx.call()
        await asyncio.sleep(4.0)
        target = server.media.opened[1]
        (leg,) = [each for each in server.exchange.legs.values() if each.leg.name != "caller"]
        heard_from: list[int] = []
        target.configure = lambda media, **_: heard_from.append(media.remote_port)  # type: ignore[method-assign]
        for branch, port in (("a", 4100), ("b", 4200)):
            sdp = f"v=0\r\no=- 1 1 IN IP4 {BRANCH.host}\r\ns=-\r\nc=IN IP4 {BRANCH.host}\r\nt=0 0\r\n"
            sdp += f"m=audio {port} RTP/AVP 0\r\n"
            server.exchange.on_event(sip.Progress(leg.leg.session, 183, sdp.encode(), branch))
        assert heard_from == [4100, 4200]
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=to_branch("bridge", PASS))


def announcing(server: Server) -> tuple[SimLeg, Leg, list[tuple[int, str]]]:
    """Return the media and the leg of who is called, and where its audio comes from and which way it flows from now on."""
    target = server.media.opened[1]
    (leg,) = [each.leg for each in server.exchange.legs.values() if each.leg.name != "caller"]
    flows: list[tuple[int, str]] = []
    target.configure = lambda media, **_: flows.append((media.remote_port, media.direction))  # type: ignore[method-assign]
    return target, leg, flows


def test_who_rings_may_change_the_announcement_by_update_and_what_holds_then_is_the_answer(
    tmp_path: Path,
) -> None:
    """As a carrier does that goes from its announcement to the phone: UPDATE, then a 200 without SDP."""

    async def story(server: Server) -> None:
        office = office_of(server, 200)
        call = office.pbx.call()
        await asyncio.sleep(5.0)
        target, leg, flows = announcing(server)
        sdp = f"v=0\r\no=- 1 2 IN IP4 {BRANCH.host}\r\ns=-\r\nc=IN IP4 {BRANCH.host}\r\nt=0 0\r\n"
        sdp += "m=audio 4200 RTP/AVP 0\r\n"
        server.exchange.on_event(sip.Offer(leg.session, sdp.encode(), "update"))
        server.exchange.on_event(sip.Answered(leg.session, None))
        await asyncio.sleep(1.0)
        assert flows == [(4200, "recvonly"), (4200, "sendrecv")]
        assert target.bridged_with is not None
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=to_branch("bridge", PASS))


def test_of_forks_that_change_the_announcement_the_one_that_answers_is_heard(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = office_of(server, 200)
        call = office.pbx.call()
        await asyncio.sleep(5.0)
        _, leg, flows = announcing(server)
        for branch, port in (("a", 4100), ("b", 4200)):
            sdp = f"v=0\r\no=- 1 2 IN IP4 {BRANCH.host}\r\ns=-\r\nc=IN IP4 {BRANCH.host}\r\nt=0 0\r\n"
            sdp += f"m=audio {port} RTP/AVP 0\r\n"
            server.exchange.on_event(sip.Offer(leg.session, sdp.encode(), "update", branch))
        server.exchange.on_event(sip.Answered(leg.session, None, branch="a"))
        await asyncio.sleep(1.0)
        assert flows[-1] == (4100, "sendrecv")
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=to_branch("bridge", PASS))
