"""A call that is passed on to this very server again, through a PBX or a proxy, ends after a bounded number of rounds."""

import asyncio
from pathlib import Path

import pytest

from tests.calls.office import BRANCH, to_branch
from tests.calls.server import Server, play
from tests.calls.sip_pipe import HOTLINE, Pipe, TestPhone
from voicebot.calls.call import Call
from voicebot.calls.loops import MOST_ROUNDS, Loops, hops_left
from voicebot.sdp import Local, create_offer
from voicebot.sim.store import SimStore
from voicebot.sip import Address, Event
from voicebot.sip import events as sip

PBX = Address("udp", "192.0.2.9", 5060)
MUTUAL = to_branch("bridge")


class BackToBack(TestPhone):
    """A PBX that forwards each call to the hotline as a call of its own, in the caller's name. `passes`: headers that survive."""

    def __init__(self, pipe: Pipe, *passes: str) -> None:
        super().__init__(pipe, BRANCH)
        self._passes = passes
        self._back: dict[
            int, tuple[int, Local]
        ] = {}  # its leg to the hotline -> the one from there, and its side

    def _take(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, sip.IncomingCall):
            self.incoming.append(event.session)
            self._forward(event)
        elif isinstance(event, sip.Answered) and event.session in self._back:
            there, local = self._back[event.session]
            self.endpoint.accept(there, create_offer(local)[1], self._now())
        elif isinstance(event, sip.Rejected) and event.session in self._back:
            self.endpoint.reject(self._back[event.session][0], event.status, self._now())
        elif isinstance(event, sip.Ended):
            for back, (there, _) in self._back.items():
                other = there if event.session == back else back if event.session == there else 0
                if other:
                    self.endpoint.bye(other, self._now())

    def _forward(self, event: sip.IncomingCall) -> None:
        local = Local(self.address.host, 4000 + 2 * event.session, event.session)
        local, offer = create_offer(local)
        headers = [(name, event.request.first(name) or "") for name in self._passes]
        back = self.endpoint.invite(
            f"sip:700@{HOTLINE.host_port}",
            f"sip:{event.request.from_.uri.user}@pbx.example",
            offer,
            self._now(),
            destination=HOTLINE,
            headers=headers,
        )
        self._back[back] = (event.session, Local(self.address.host, 5000 + 2 * event.session, back))

    def statuses(self) -> list[int]:
        return [event.status for event in self.events if isinstance(event, sip.Rejected)]


def looping(folder: Path, *passes: str) -> tuple[Server, BackToBack]:
    made: list[BackToBack] = []

    async def story(server: Server) -> None:
        made.append(BackToBack(server.pipe, *passes))
        session = server.phone.call()
        await asyncio.sleep(120.0)
        server.phone.bye(session)
        await asyncio.sleep(30.0)

    return play(folder, story, dialplan=MUTUAL), made[0]


def test_a_loop_that_names_our_call_gets_482_and_is_told_in_the_timeline(tmp_path: Path) -> None:
    server, pbx = looping(tmp_path, "x-voicebot-call")
    assert pbx.statuses() == [482]
    assert len(server.store.started) == MOST_ROUNDS + 1
    assert [uid for uid in server.store.started if "came_back" in server.store.kinds(uid)] == [
        f"call-{MOST_ROUNDS + 1}"
    ]


def test_a_loop_through_a_pbx_that_passes_nothing_on_ends_too(tmp_path: Path) -> None:
    server, _ = looping(tmp_path)
    looped = [uid for uid, record in server.store.ended.items() if record["release_cause"] == "came_back"]
    assert looped
    assert all("came_back" in server.store.kinds(uid) for uid in looped)
    assert len(server.store.started) == MOST_ROUNDS + 2


def test_hops_that_are_counted_down_end_a_loop_with_483(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        pbx = BackToBack(server.pipe, "max-forwards")
        server.phone.local, offer = create_offer(server.phone.local)
        session = server.phone.endpoint.invite(
            f"sip:700@{HOTLINE.host_port}",
            "sip:100@example.com",
            offer,
            asyncio.get_running_loop().time(),
            destination=HOTLINE,
            headers=[("Max-Forwards", "3")],
        )
        server.phone.work()
        await asyncio.sleep(60.0)
        server.phone.bye(session)
        await asyncio.sleep(30.0)
        assert len(pbx.incoming) == 3

    server = play(tmp_path, story, dialplan=MUTUAL)
    assert len(server.store.started) == 4
    ends = [fields["status"] for _, kind, fields in server.store.events if kind == "transfer_exit"]
    assert 483 in ends


@pytest.mark.parametrize(("given", "left"), [(None, 69), ("70", 69), ("1", 0), ("0", -1), ("x", 69)])
def test_a_leg_has_one_hop_less_than_its_call_came_with(given: str | None, left: int) -> None:
    call = Call("a", "100", "700", SimStore(), headers={} if given is None else {"max-forwards": given})
    assert hops_left(call) == left


# --- by chance ------------------------------------------------------------------------------------------------------


def chain(
    answered_after: float,
    *,
    came_after: float = 0.05,
    numbers: int = 1,
    name: str = "",
    source: Address = PBX,
) -> Call | None:
    """Calls that follow each other, each from a PBX to which the one before has just made a leg; return the first that ends."""
    loops, now = Loops(), 0.0
    before = Call("call-0", name or "100", "700", SimStore())
    loops.arrived(before, PBX, now)
    for number in range(1, 40):
        sent_at = now
        now += came_after
        following = Call(f"call-{number}", name or str(100 + number % numbers), "700", SimStore())
        loops.arrived(following, source, now)
        now += answered_after
        if (back := loops.answered(before, PBX, sent_at, now)) is not None:
            return back
        before = following
    return None


def test_what_comes_back_at_once_in_one_callers_name_has_gone_round() -> None:
    back = chain(0.05)
    assert back is not None
    assert back.rounds == MOST_ROUNDS + 1


def test_callers_who_come_while_somebodys_phone_rings_have_not() -> None:
    assert chain(3.0) is None


def test_callers_who_come_long_after_a_phone_began_to_ring_have_not() -> None:
    assert chain(0.05, came_after=3.0) is None


@pytest.mark.parametrize("name", ["anonymous", "unknown"])
def test_callers_without_a_number_have_not(name: str) -> None:
    assert chain(0.05, name=name) is None


def test_callers_with_numbers_of_their_own_have_not() -> None:
    assert chain(0.05, numbers=2) is None


def test_callers_from_elsewhere_have_not() -> None:
    assert chain(0.05, source=Address("udp", PBX.host, 5080)) is None
