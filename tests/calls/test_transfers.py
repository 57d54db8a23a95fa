"""Transfers in a call: real SIP in memory between the hotline, the caller's PBX and other phones; virtual time."""

import asyncio
from pathlib import Path

import pytest

from tests.calls.office import BRANCH, QUEUE, Office, heard, to_branch, told
from tests.calls.server import Server, play
from tests.calls.sip_pipe import HOTLINE, TestPhone
from voicebot.calls.referral import Referral
from voicebot.sdp import Local, answer_offer
from voicebot.sip import Request
from voicebot.sip import events as sip
from voicebot.sip.message import parse
from voicebot.sip.replaces import Replaces
from voicebot.sip.uri import Uri

WHISPER = 'whisper: "A caller from the hotline.", accept_key: "1"'


# --- the dialplan's step --------------------------------------------------------------------------------------------


def test_the_headers_of_a_blind_transfer_are_for_the_call_that_the_callers_pbx_makes(tmp_path: Path) -> None:
    """RFC 3261 section 19.1.5, RFC 7433 section 4.2."""
    asked: list[str] = []

    async def story(server: Server) -> None:
        office = Office(server)
        take = office.pbx.on_event

        def note(event: sip.Event) -> None:
            if isinstance(event, sip.ReferReceived):
                asked.append(event.refer_to)
            take(event)

        office.pbx.on_event = note
        office.pbx.call()
        await asyncio.sleep(10.0)

    headers = 'timeout: 20s, headers: {X-Order: "47 & 王", User-to-User: "56a3;encoding=hex"}'
    server = play(tmp_path, story, dialplan=to_branch("blind", headers))
    assert asked == [
        f"sip:6005@{BRANCH.host}:5060?X-Order=47%20%26%20%E7%8E%8B&User-to-User=56a3%3Bencoding%3Dhex"
    ]
    (end,) = told(server, "transfer_exit")
    assert end["exit"] == "transferred"


@pytest.mark.parametrize("hangs_up", [False, True])
@pytest.mark.parametrize("mode", ["blind", "attended", "auto"])
def test_a_transferred_caller_leaves_the_hotline_and_talks_to_the_target(
    tmp_path: Path, mode: str, hangs_up: bool
) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.pbx.hangs_up = hangs_up
        office.pbx.call()
        await asyncio.sleep(10.0)
        assert [event.by_peer for event in office.pbx.events if isinstance(event, sip.Ended)] == [
            not hangs_up
        ]
        if mode != "blind":
            assert office.branch.has(sip.Established)
            assert len(office.branch.incoming) == 1, "its phone rings once"
            office.pbx.bye(2)
            await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=to_branch(mode))
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"]) == ("transferred", 200)
    record = server.store.ended["call-1"]
    assert record["release_cause"] == "transferred"


@pytest.mark.parametrize("hangs_up", [False, True])
@pytest.mark.parametrize(("moves_within", "ends_it"), [(0.0, True), (3.0, True), (None, False)])
def test_the_target_itself_ends_the_call_that_was_replaced(
    tmp_path: Path, moves_within: float | None, ends_it: bool, hangs_up: bool
) -> None:
    """RFC 3891 section 3. Asterisk reports success first and moves the call then: a BYE meanwhile ends what it moves."""

    async def story(server: Server) -> None:
        office = Office(server)
        office.pbx.hangs_up, office.branch.moves_within = hangs_up, moves_within
        office.pbx.call()
        await asyncio.sleep(12.0)
        assert told(server, "ended"), "the record is not waited for"
        assert server.caller.bridged_with is None
        await asyncio.sleep(4.0)
        ends = [event for event in office.branch.events if isinstance(event, sip.Ended)]
        assert [(event.session, not event.by_peer) for event in ends] == [
            (office.branch.incoming[0], ends_it)
        ]
        office.pbx.bye(2)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=to_branch("attended"))


@pytest.mark.parametrize(
    ("behaviour", "mode", "expected"),
    [
        ("busy", "attended", ("busy", 486)),
        ("busy", "auto", ("busy", 486)),
        ("rings", "attended", ("timeout", 0)),
        ("rings", "bridge", ("timeout", 0)),
    ],
)
def test_a_target_that_is_not_reached_gives_the_caller_back_at_the_step(
    tmp_path: Path, behaviour: str, mode: str, expected: tuple[str, int]
) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.branch.behaviour = behaviour
        call = office.pbx.call()
        await asyncio.sleep(32.0)
        assert "After it" in heard(server)
        assert not any(isinstance(event, sip.Ended) for event in office.pbx.events)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=to_branch(mode))
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"]) == expected


@pytest.mark.parametrize("mode", ["attended", "auto"])
@pytest.mark.parametrize(("refuses", "tells"), [(603, 200), (405, 200), (0, 481), (0, None)])
def test_a_pbx_that_does_not_join_the_two_leaves_them_talking_through_the_hotline(
    tmp_path: Path, mode: str, refuses: int, tells: int | None
) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.pbx.refuses, office.pbx.tells = refuses, tells
        call = office.pbx.call()
        await asyncio.sleep(16.0)
        assert server.caller.bridged_with is not None
        assert len(office.branch.incoming) == 1
        office.branch.bye(office.branch.incoming[0])
        await asyncio.sleep(3.0)
        assert "After it, agent_done" in heard(server)
        office.pbx.bye(call)
        await asyncio.sleep(5.0)

    server = play(tmp_path, story, dialplan=to_branch(mode))
    assert len(told(server, "transfer_refused")) == 1


def test_the_targets_phone_stops_ringing_within_200_ms_when_the_caller_leaves(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.branch.behaviour = "rings"
        call = office.pbx.call()
        await asyncio.sleep(4.0)
        left_at = asyncio.get_running_loop().time()
        office.pbx.bye(call)
        await asyncio.sleep(1.0)
        (cancelled,) = [at for at, what in office.branch.notes if what == "Cancelled"]
        assert cancelled - left_at < 0.2

    server = play(tmp_path, story, dialplan=to_branch("attended"))
    (end,) = told(server, "transfer_exit")
    assert end["exit"] == "caller_left"


@pytest.mark.parametrize(
    ("presses", "exit", "reason"),
    [("1", "transferred", ""), ("2", "declined", "not_accepted"), ("", "declined", "not_accepted")],
)
def test_a_call_is_taken_by_its_key_only(tmp_path: Path, presses: str, exit: str, reason: str) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call = office.pbx.call()
        await asyncio.sleep(5.0)
        target = server.media.opened[1]
        assert target.said[0].text == "A caller from the hotline."
        if presses:
            target.press(presses)
        await asyncio.sleep(12.0)
        if exit == "declined":
            assert office.branch.has(sip.Ended)
            assert "After it, declined" in heard(server)
            office.pbx.bye(call)
        else:
            office.pbx.bye(2)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=to_branch("attended", f"timeout: 20s, {WHISPER}"))
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["reason"]) == (exit, reason)


def test_a_blind_transfer_without_news_is_told_apart_from_one_that_is_refused(tmp_path: Path) -> None:
    def ends_with(refuses: int, tells: int | None, folder: Path) -> tuple[object, object]:
        async def story(server: Server) -> None:
            office = Office(server)
            office.pbx.refuses, office.pbx.tells = refuses, tells
            call = office.pbx.call()
            await asyncio.sleep(30.0)
            office.pbx.bye(call)
            await asyncio.sleep(5.0)

        folder.mkdir()
        (end,) = told(play(folder, story, dialplan=to_branch("blind")), "transfer_exit")
        return end["exit"], end["reason"]

    assert ends_with(0, None, tmp_path / "a") == ("timeout", "no_news")
    assert ends_with(603, 200, tmp_path / "b") == ("declined", "refused")
    assert ends_with(401, 200, tmp_path / "c") == ("auth_failed", "no_credentials")
    assert ends_with(0, 486, tmp_path / "d") == ("busy", "refused")


@pytest.mark.parametrize(("tells", "exit"), [(486, "busy"), (None, "timeout")])
@pytest.mark.parametrize("lets_go", [False, True])
@pytest.mark.parametrize("says", [False, True])
def test_a_blind_transfer_that_fails_goes_on_with_a_caller_who_is_still_there_only(
    tmp_path: Path, tells: int | None, exit: str, lets_go: bool, says: bool
) -> None:
    """Asterisk keeps the dialog of a caller who is not in it any more: nobody would talk with the next agent."""
    dialplan = to_branch("blind", "timeout: 5s")
    after = '    - say: "After it, {{ transfer.exit }} {{ transfer.reason }}."\n'
    assert after in dialplan

    async def story(server: Server) -> None:
        office = Office(server)
        office.pbx.tells, office.pbx.lets_go = tells, lets_go
        call = office.pbx.call()
        await asyncio.sleep(20.0)
        assert len(office.agent.incoming) == (0 if lets_go else 1)
        if not lets_go:
            assert server.caller.bridged_with is not None
            office.pbx.bye(call)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=dialplan if says else dialplan.replace(after, ""))
    (end,) = told(server, "transfer_exit")
    assert end["exit"] == exit
    assert server.store.ended["call-1"]["ended_by"] == "caller"


# --- an agent's phone asks --------------------------------------------------------------------------------------------


def test_an_agent_passes_the_caller_on_and_hears_how_it_goes(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        _, agent = await office.talk_with_agent()
        first = server.caller.bridged_with
        office.agent.transfer(agent, f"sip:6005@{BRANCH.host}:5060")
        await asyncio.sleep(1.0)
        assert server.caller.bridged_with == first, "they stay connected while it rings"
        await asyncio.sleep(4.0)
        assert office.agent.progress()[-1] == 200
        assert office.agent.has(sip.Ended)
        assert server.caller.bridged_with not in (None, first)
        (incoming,) = [event for event in office.branch.events if isinstance(event, sip.IncomingCall)]
        assert incoming.request.first("referred-by"), "RFC 3892"
        office.branch.bye(office.branch.incoming[0])
        await asyncio.sleep(4.0)
        assert "Goodbye." in heard(server), "then the dialplan goes on"
        assert office.pbx.has(sip.Ended)

    server = play(tmp_path, story, dialplan=QUEUE)
    assert [each["exit"] for each in told(server, "queue_exit")] == ["agent_done"]
    assert [each["exit"] for each in told(server, "agent_transfer")] == ["transferred"]
    assert all(agent.assignment is None for agent in server.floor.state.agents.values())


def test_a_number_that_an_agents_phone_writes_with_escapes_is_the_number() -> None:
    """RFC 3261 section 19.1.2: `#` has to be escaped in a URI, `+` may be."""
    refer = parse(b"REFER sip:7@x SIP/2.0\r\nFrom: <sip:6001@x>;tag=a\r\n\r\n")
    assert isinstance(refer, Request)
    referral = Referral.of(sip.ReferReceived(1, "sip:%2B4930%231@pbx.example.com;user=phone", refer))
    assert referral.user == "+4930#1"


@pytest.mark.parametrize(
    ("to", "status"), [(f"sip:6005@{BRANCH.host}:5060", 486), ("sip:900123@evil.example", 603)]
)
def test_a_transfer_by_the_agent_that_fails_leaves_both_connected(
    tmp_path: Path, to: str, status: int
) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.branch.behaviour = "busy"
        call, agent = await office.talk_with_agent()
        first = server.caller.bridged_with
        office.agent.transfer(agent, to)
        await asyncio.sleep(3.0)
        assert office.agent.progress()[-1] == status
        assert server.caller.bridged_with == first
        office.branch.behaviour = "answers"
        office.agent.transfer(agent, f"sip:6005@{BRANCH.host}:5060")
        await asyncio.sleep(3.0)
        assert office.agent.progress()[-1] == 200, "the next one may work"
        office.pbx.bye(call)
        await asyncio.sleep(1.0)
        assert office.branch.has(sip.Ended)

    play(tmp_path, story, dialplan=QUEUE)


def test_an_agent_who_wants_no_news_and_transfers_again_meanwhile_is_told_to_wait(tmp_path: Path) -> None:
    """RFC 4488: without a subscription the first REFER is over with its 202, while its target rings."""

    async def story(server: Server) -> None:
        office = Office(server)
        call, agent = await office.talk_with_agent()
        for _ in range(2):
            office.agent.transfer(agent, f"sip:6005@{BRANCH.host}:5060", headers=[("Refer-Sub", "false")])
            await asyncio.sleep(0.5)
        assert office.agent.progress()[-1] == 491
        await asyncio.sleep(3.0)
        assert [type(event) for event in office.branch.events].count(sip.IncomingCall) == 1
        assert server.caller.bridged_with is not None
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=QUEUE)


def test_an_agent_who_hangs_up_at_once_leaves_the_caller_ringing_at_the_target(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call, agent = await office.talk_with_agent()
        office.agent.transfer(agent, f"sip:6005@{BRANCH.host}:5060")
        await asyncio.sleep(0.5)
        office.agent.bye(agent)
        await asyncio.sleep(0.5)
        assert server.caller.bridged_with is None
        await asyncio.sleep(3.0)
        assert server.caller.bridged_with is not None
        office.pbx.bye(call)
        await asyncio.sleep(5.0)
        assert office.branch.has(sip.Ended)

    play(tmp_path, story, dialplan=QUEUE)


@pytest.mark.parametrize("after", [0.001, 0.3, 1.9, 2.0, 2.005, 2.011, 2.016, 2.5])
def test_the_caller_may_leave_at_any_moment_of_an_agents_transfer(tmp_path: Path, after: float) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call, agent = await office.talk_with_agent()
        office.agent.transfer(agent, f"sip:6005@{BRANCH.host}:5060")
        await asyncio.sleep(after)
        office.pbx.bye(call)
        await asyncio.sleep(6.0)
        assert office.agent.has(sip.Ended)

    play(tmp_path, story, dialplan=QUEUE)


def test_a_caller_may_not_transfer_the_hotline(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call, _ = await office.talk_with_agent()
        office.pbx.transfer(call, f"sip:6005@{BRANCH.host}:5060")
        await asyncio.sleep(2.0)
        assert office.pbx.progress() == [603]
        assert office.branch.incoming == []
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=QUEUE)


# --- Replaces -----------------------------------------------------------------------------------------------------


def replaces(phone: TestPhone, session: int) -> str:
    """Return the value by which somebody else takes the place of this phone's call with the hotline."""
    dialog = phone.endpoint._core.sessions[session].dialog
    assert dialog is not None
    return str(Replaces(dialog.call_id, dialog.remote.tag, dialog.local.tag))


def test_a_caller_who_is_transferred_to_another_phone_goes_on_in_the_same_call(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call, agent = await office.talk_with_agent()
        new = office.other.join(
            Uri.parse(f"sip:700@{HOTLINE.host_port}"), [("Replaces", replaces(office.pbx, call))]
        )
        await asyncio.sleep(1.0)
        assert office.pbx.has(sip.Ended), "the old dialog got its BYE"
        assert office.other.has(sip.Answered)
        assert office.other.endpoint.call_id(new) in server.end.dialogs["call-1"], "it stands in the ladder"
        assert server.caller.bridged_with is not None, "the talk goes on"
        office.agent.bye(agent)
        await asyncio.sleep(4.0)
        assert "Goodbye." in heard(server)
        assert [event.session for event in office.other.events if isinstance(event, sip.Ended)] == [new]

    server = play(tmp_path, story, dialplan=QUEUE)
    assert list(server.store.ended) == ["call-1"]
    assert len(told(server, "replaced")) == 1


def test_an_agent_who_moves_the_talk_to_another_phone(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call, agent = await office.talk_with_agent()
        office.other.join(
            Uri.parse(f"sip:700@{HOTLINE.host_port}"), [("Replaces", replaces(office.agent, agent))]
        )
        await asyncio.sleep(1.0)
        assert office.agent.has(sip.Ended)
        assert server.caller.bridged_with is not None
        office.pbx.bye(call)
        await asyncio.sleep(1.0)
        assert office.other.has(sip.Ended)

    play(tmp_path, story, dialplan=QUEUE)


def test_an_agents_call_that_rings_is_taken_at_another_phone(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.agent.behaviour = "rings"
        call = office.pbx.call()
        await asyncio.sleep(4.0)
        office.other.join(
            Uri.parse(f"sip:700@{HOTLINE.host_port}"),
            [("Replaces", replaces(office.agent, office.agent.incoming[0]))],
        )
        await asyncio.sleep(1.0)
        assert office.agent.has(sip.Cancelled)
        assert server.caller.bridged_with is not None
        office.pbx.bye(call)
        await asyncio.sleep(1.0)
        assert office.other.has(sip.Ended)

    play(tmp_path, story, dialplan=QUEUE)


def test_an_agent_asks_somebody_in_a_second_call_through_the_hotline_and_hands_the_caller_over(
    tmp_path: Path,
) -> None:
    """RFC 5589 section 7: the REFER names the second call, which is ours; its story goes on with the caller."""

    async def story(server: Server) -> None:
        office = Office(server)
        call, agent = await office.talk_with_agent()
        second = office.agent.call()
        await asyncio.sleep(2.0)
        value = replaces(office.agent, second).replace(";", "%3B").replace("=", "%3D")
        office.agent.transfer(agent, f"sip:700@{HOTLINE.host_port}?Replaces={value}")
        await asyncio.sleep(3.0)
        assert office.agent.progress()[-1] == 200
        ended = [event.session for event in office.agent.events if isinstance(event, sip.Ended)]
        assert sorted(ended) == sorted([agent, second]), "the agent is out of both"
        assert server.caller.bridged_with is not None
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=QUEUE)
    assert sorted(server.store.ended) == ["call-1", "call-2"]


def test_sdp_of_a_replacing_call_is_a_session_of_its_own(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        call, _ = await office.talk_with_agent()
        office.other.join(
            Uri.parse(f"sip:700@{HOTLINE.host_port}"), [("Replaces", replaces(office.pbx, call))]
        )
        await asyncio.sleep(1.0)
        (old, new) = (
            next(event for event in phone.events if isinstance(event, sip.Answered))
            for phone in (office.pbx, office.other)
        )
        assert old.sdp is not None
        assert new.sdp is not None
        origins = [sdp.split(b"o=")[1].split(b"\r\n")[0] for sdp in (old.sdp, new.sdp)]
        assert origins[0] != origins[1]
        assert answer_offer(Local("192.0.2.9", 4000, 1), new.sdp).media.remote_port == server.caller.port
        office.other.bye(1)
        await asyncio.sleep(1.0)

    play(tmp_path, story, dialplan=QUEUE)
