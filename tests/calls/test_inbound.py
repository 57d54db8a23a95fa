"""The story of incoming calls, in memory and virtual time."""

import asyncio
import gc
import weakref
from pathlib import Path

import pytest

from tests.calls.server import AGENT, DIALPLAN, Server, play
from tests.calls.sip_pipe import HOTLINE, PHONE, PLAIN, PlainPeer
from voicebot.calls.leg import Leg
from voicebot.sdp import Local, SrtpPolicy, answer_offer, create_offer
from voicebot.sip import events as sip


def test_a_caller_is_answered_spoken_to_and_the_record_says_who_hung_up(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(3.0)
        assert server.phone.has(sip.Answered)
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story)
    assert server.caller.said[0].text == "Welcome."
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("normal", "caller")
    assert "handler" in server.store.kinds("call-1"), "the hangup handler ran"
    assert server.store.started["call-1"]["from_number"] == "100"


def test_a_late_offer_is_answered_in_the_ack_and_then_the_dialplan_begins(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call(sdp=False)
        await asyncio.sleep(0.5)
        offer = next(event for event in server.phone.events if isinstance(event, sip.Answered)).sdp
        assert offer is not None
        assert server.caller.said == []

        server.phone.answer(session, answer_offer(Local(PHONE.host, 4000, 1), offer).body)
        await asyncio.sleep(1.0)
        assert server.caller.said[0].text == "Welcome."
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


def test_nothing_is_said_before_the_ack(tmp_path: Path) -> None:
    """Until then the caller may not hear yet, and would miss the first words."""
    offer = create_offer(Local(PLAIN.host, 4000, 1))[1]

    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE", body=offer)
        await asyncio.sleep(3.0)
        assert peer.responses()[0] == (200, True)
        assert server.caller.said == []
        tag = peer.got[-1].to.tag
        peer.send("ACK", to_tag=tag)
        await asyncio.sleep(0.5)
        assert [said.text for said in server.caller.said] == ["Welcome."]
        peer.send("BYE", cseq=2, to_tag=tag)

    play(tmp_path, story)


def test_by_a_key_into_the_queue_to_an_agent_who_hangs_up_and_goodbye_by_us(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("1")
        await asyncio.sleep(5.0)
        assert server.caller.bridged_with is not None
        server.agent.bye(server.agent.incoming[0])
        await asyncio.sleep(3.0)
        assert server.phone.has(sip.Ended)

    server = play(tmp_path, story)
    record = server.store.ended["call-1"]
    assert (record["agent"], record["queue"]) == ("alice", "agents")
    assert (record["release_cause"], record["ended_by"]) == ("normal", "bot")
    talk = record["talk_seconds"]
    assert isinstance(talk, float)
    assert talk == pytest.approx(3.0, abs=0.2)


def test_the_caller_hanging_up_while_the_agents_phone_rings_cancels_it_within_200_ms(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.agent.behaviour = "rings"
        session = server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("1")
        await asyncio.sleep(2.0)
        hung_up_at = asyncio.get_running_loop().time()
        server.phone.bye(session)
        await asyncio.sleep(1.0)
        cancelled = [at for at, what in server.agent.notes if what == "Cancelled"]
        assert len(cancelled) == 1
        assert cancelled[0] - hung_up_at < 0.2

    play(tmp_path, story)


def test_a_blind_transfer_that_the_peer_refuses_comes_back_to_the_dialplan(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("2")
        await asyncio.sleep(8.0)

    server = play(tmp_path, story)
    assert [said.text for said in server.caller.said][-1] == "Goodbye."
    assert "transfer_exit" in server.store.kinds("call-1")


def test_an_offer_without_our_codecs_is_488_and_leaves_nothing(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.endpoint.invite(
            f"sip:700@{HOTLINE.host_port}",
            "sip:100@example.com",
            b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 9\r\n",
            asyncio.get_running_loop().time(),
            destination=HOTLINE,
        )
        server.phone.work()
        await asyncio.sleep(1.0)
        rejected = next(event for event in server.phone.events if isinstance(event, sip.Rejected))
        assert rejected.status == 488

    play(tmp_path, story)


def test_each_leg_of_a_call_is_encrypted_or_not_as_its_own_trunk_wants_it(
    tmp_path: Path,
) -> None:
    policies: dict[str, SrtpPolicy] = {"": "off", f"sip:6001@{AGENT.host_port}": "required"}
    offers: list[bytes] = []

    async def story(server: Server) -> None:
        server.exchange.srtp = lambda call, route: policies[route.uri if route else ""]
        server.agent.behaviour = "rings"
        take = server.agent.on_event

        def note(event: sip.Event) -> None:
            if isinstance(event, sip.IncomingCall):
                offers.append(event.sdp or b"")
            take(event)

        server.agent.on_event = note
        session = server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("1")
        await asyncio.sleep(1.0)
        server.phone.bye(session)
        await asyncio.sleep(5.0)
        policies[""] = "required"
        server.phone.call()
        await asyncio.sleep(1.0)
        rejected = next(event for event in server.phone.events if isinstance(event, sip.Rejected))
        assert rejected.status == 488

    play(tmp_path, story)
    assert b"RTP/SAVP" in offers[0]


def test_without_a_media_port_the_call_is_503_with_retry_after(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(1.0)
        rejected = next(event for event in server.phone.events if isinstance(event, sip.Rejected))
        assert rejected.status == 503

    play(tmp_path, story, capacity=0)


@pytest.mark.parametrize(
    ("steps", "after"), [('- say: "Goodbye."\n    - hangup: normal', 0.3), ("- hangup: normal", 0.0)]
)
def test_what_was_said_last_has_arrived_before_the_bye(tmp_path: Path, steps: str, after: float) -> None:
    """It takes its way through the network and the peer's jitter buffer, which a BYE empties unheard."""

    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(5.0)

    dialplan = (
        f"dialplan: 1\nhotline: {{name: test, languages: [en], start: main}}\nflows:\n  main:\n    {steps}\n"
    )
    server = play(tmp_path, story, dialplan=dialplan)
    (ended_at,) = [at for at, what in server.phone.notes if what == "Ended"]
    over_at = max([said.at + said.heard for said in server.caller.said], default=ended_at)
    assert ended_at - over_at == pytest.approx(after, abs=0.05)
    assert server.store.ended["call-1"]["ended_by"] == "bot"


def test_a_silent_caller_is_let_go_politely(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(40.0)
        assert server.phone.has(sip.Ended)

    server = play(tmp_path, story)
    assert [said.text for said in server.caller.said][-1] == "Goodbye."


@pytest.mark.parametrize("moment", [0.001, 0.006, 0.5, 1.7, 2.004, 2.5, 4.011, 4.5, 9.0])
def test_hanging_up_at_any_moment_leaves_nothing_behind(tmp_path: Path, moment: float) -> None:
    """The caller goes to the queue at 2.0 s and the agent answers two seconds later; `over` checks what is left."""

    async def story(server: Server) -> None:
        session = server.phone.call()
        loop = asyncio.get_running_loop()
        loop.call_later(2.0, lambda: server.caller.press("1"))
        await asyncio.sleep(moment)
        if server.phone.has(sip.Answered):
            server.phone.bye(session)
        else:
            server.phone.cancel(session)
        await asyncio.sleep(5.0)

    server = play(tmp_path, story)
    assert server.floor.tickets == {}
    assert all(agent.assignment is None for agent in server.floor.state.agents.values())


@pytest.mark.parametrize("number", ["front desk", "john@corp", "坐席", '"><sip:x'])
def test_a_caller_with_an_odd_name_is_connected_too(tmp_path: Path, number: str) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(2.0)
        call, _ = server.reception.calls["call-1"]
        call.from_number = number
        server.caller.press("1")
        await asyncio.sleep(5.0)
        assert server.caller.bridged_with is not None
        server.agent.bye(server.agent.incoming[0])
        await asyncio.sleep(3.0)

    play(tmp_path, story)


def test_an_agents_answer_that_crosses_the_cancellation_is_hung_up(tmp_path: Path) -> None:
    """The 200 is in the exchange, the task that waits for it is cancelled before it runs again."""

    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(2.0)
        call, _ = server.reception.calls["call-1"]
        dialling = asyncio.create_task(
            server.exchange.dial(call, f"sip:6001@{AGENT.host_port}", name="alice")
        )
        honest = server.exchange.on_event

        def meddle(event: sip.Event) -> None:
            honest(event)
            if isinstance(event, sip.Answered):
                dialling.cancel()

        server.end.on_event = meddle
        await asyncio.gather(dialling, return_exceptions=True)
        await asyncio.sleep(1.0)
        assert server.agent.has(sip.Ended), "the agent's phone is not left off the hook"
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


def test_a_call_that_is_over_waits_for_no_garbage_collector(tmp_path: Path) -> None:
    """A round of the collector is a pause of all calls: what a call and its leg know of each other ends with them."""
    legs: list[weakref.ref[Leg]] = []

    async def story(server: Server) -> None:
        for number in (1, 2):  # the last call of a number is remembered: it could be the first of a loop
            server.phone.call()
            await asyncio.sleep(0.5)
            legs.extend(weakref.ref(talking.leg) for talking in server.exchange.legs.values())
            assert len(legs) == number
            await asyncio.sleep(3.0)
        for simulated in server.media.opened:
            vars(simulated).clear()

    gc.disable()
    try:
        play(tmp_path, story, dialplan=DIALPLAN.replace("start: welcome", "start: goodbye"))
        assert legs[0]() is None
    finally:
        gc.enable()
