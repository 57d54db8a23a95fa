"""What a caller notices who puts the hotline on hold and comes back (RFC 3264 section 8.4); keys by INFO."""

import asyncio
from pathlib import Path

import pytest

from tests.calls.server import Server, play
from tests.calls.sip_pipe import PlainPeer, TestPhone, answered_direction, offer
from voicebot.sdp import create_offer
from voicebot.sip import events as sip


@pytest.mark.parametrize(
    ("change", "answer"),
    [("sendonly", "recvonly"), ("inactive", "inactive"), ("0.0.0.0", "recvonly"), ("recvonly", "sendonly")],
)
@pytest.mark.parametrize("update", [False, True])
def test_hold_is_answered_as_rfc_3264_asks(tmp_path: Path, change: str, answer: str, update: bool) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        offer(server.phone, session, change, update=update)
        await asyncio.sleep(0.5)
        assert answered_direction(server.phone) == answer
        leg = server.exchange.legs[1].leg
        assert leg.held is (answer != "sendonly")
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


def test_a_held_caller_hears_the_rest_of_the_sentence_and_is_not_asked_again_meanwhile(
    tmp_path: Path,
) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        while len(server.caller.said) < 2:  # "Say agent or branch."
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        said = len(server.caller.said)
        offer(server.phone, session, "sendonly")
        await asyncio.sleep(120.0)
        assert len(server.caller.said) == said
        assert server.caller.playing
        assert server.caller.listening is None, "hold music is no answer"
        offer(server.phone, session, "sendrecv")
        await asyncio.sleep(0.2)
        assert server.caller.playing
        assert server.caller.listening is not None
        await server.caller.speak("agent")
        await asyncio.sleep(5.0)
        assert server.caller.bridged_with is not None
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story)
    kinds = server.store.kinds("call-1")
    assert "noinput" not in kinds
    assert kinds.index("held") < kinds.index("resumed") < kinds.index("heard")
    assert server.caller.said[1].heard > 0.5


def test_silence_after_the_question_counts_anew_when_the_caller_is_back(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(6.0)  # the prompt is over, the wait for an answer is not
        assert not server.caller.playing
        asked = len(server.caller.said)
        offer(server.phone, session, "inactive")
        await asyncio.sleep(60.0)
        offer(server.phone, session, "sendrecv")
        await asyncio.sleep(4.5)
        assert len(server.caller.said) == asked
        await asyncio.sleep(1.5)  # five seconds of silence: the question again
        assert len(server.caller.said) > asked
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    assert play(tmp_path, story).store.kinds("call-1").count("noinput") == 1


def test_a_caller_on_hold_keeps_the_place_in_the_queue(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.agent.behaviour = "declines"
        session = server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("1")
        await asyncio.sleep(3.0)
        offer(server.phone, session, "sendonly")
        await asyncio.sleep(20.0)
        assert "call-1" in server.floor.tickets
        offer(server.phone, session, "sendrecv")
        server.agent.behaviour = "answers"
        await asyncio.sleep(35.0)
        assert server.caller.bridged_with is not None
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


@pytest.mark.parametrize("change", ["sendonly", "inactive"])
def test_a_caller_whom_the_agent_puts_on_hold_hears_our_music_until_the_agent_is_back(
    tmp_path: Path, change: str
) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("1")
        await asyncio.sleep(5.0)
        assert server.caller.bridged_with is not None
        assert not server.caller.playing
        (talk,) = server.agent.incoming
        offer(server.agent, talk, change)
        await asyncio.sleep(30.0)
        assert server.caller.playing
        assert server.caller.said[-1].text == "music"
        offer(server.agent, talk, "sendrecv")
        await asyncio.sleep(0.5)
        assert not server.caller.playing
        assert server.caller.bridged_with is not None
        offer(server.agent, talk, change)
        await asyncio.sleep(5.0)
        server.agent.bye(talk)
        await asyncio.sleep(0.2)
        assert server.caller.said[-1].text == "Goodbye."
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story)
    kinds = server.store.kinds("call-1")
    held = ["agent_held", "agent_resumed"]
    assert [kind for kind in kinds if kind in held] == ["agent_held", "agent_resumed", "agent_held"]


def test_a_reinvite_without_offer_gets_ours_and_the_answer_in_its_ack_counts(tmp_path: Path) -> None:
    """The peer puts us on hold so, or takes us off, or moves: what its ACK says is where the audio goes."""
    body = b"v=0\r\no=- 1 %d IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=%s\r\n"

    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE", body=body % (1, 4000, b"sendrecv"))
        await asyncio.sleep(0.5)
        tag = peer.got[-1].to.tag
        peer.send("ACK", to_tag=tag)
        await asyncio.sleep(1.0)
        held: list[bool] = []
        leg = server.exchange.legs[1].leg
        leg.on_held = held.append
        for cseq, direction in ((2, b"sendonly"), (3, b"sendrecv")):
            peer.send("INVITE", cseq=cseq, to_tag=tag)
            await asyncio.sleep(0.1)
            (status, offered) = peer.responses()[-1]
            assert (status, offered) == (200, True)
            assert held == [True][: cseq - 2], "nothing has changed before the ACK"
            peer.send("ACK", cseq=cseq, to_tag=tag, body=body % (cseq, 5000, direction))
            await asyncio.sleep(0.5)
        assert held == [True, False]
        peer.send("BYE", cseq=4, to_tag=tag)

    server = play(tmp_path, story)
    assert server.store.ended["call-1"]["ended_by"] == "caller"


def test_what_the_peer_answers_to_a_reinvite_of_ours_counts(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        held: list[bool] = []
        leg = server.exchange.legs[1].leg
        leg.on_held = held.append
        local, body = create_offer(server.exchange.legs[1].local)
        assert server.end.endpoint.reinvite(1, body, asyncio.get_running_loop().time())
        server.exchange.legs[1].local = local
        server.end.work()
        await asyncio.sleep(0.1)
        request = next(event for event in server.phone.events if isinstance(event, sip.Offer))
        assert request.sdp is not None
        settled = body.replace(b"192.0.2.1", b"192.0.2.2").replace(b"a=sendrecv", b"a=sendonly")
        server.phone.answer(request.session, settled)
        await asyncio.sleep(0.5)
        assert held == [True]
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


def test_a_refresh_of_the_session_changes_nothing_for_the_caller(tmp_path: Path) -> None:
    """RFC 4028: the phone has no UPDATE, so that we refresh by re-INVITE; it may move at that."""

    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        talking = server.exchange.legs[1]
        found = server.end.endpoint._core.sessions[1]
        found.peer_allows = frozenset({"invite"})
        assert server.end.endpoint.update(1, None, asyncio.get_running_loop().time())
        server.end.work()
        await asyncio.sleep(0.1)
        request = next(event for event in server.phone.events if isinstance(event, sip.Offer))
        assert request.sdp is not None
        before = server.phone.local.previous
        assert before is not None
        server.phone.answer(request.session, before.to_bytes())
        await asyncio.sleep(0.5)
        assert talking.local.offered is None
        assert not talking.leg.held
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


# --- keys by INFO


def info(phone: TestPhone, session: int, body: bytes, kind: str = "application/dtmf-relay") -> None:
    assert phone.endpoint.info(session, kind, body, asyncio.get_running_loop().time())
    phone.work()


def test_a_key_by_info_answers_a_question_and_stops_its_prompt(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        while len(server.caller.said) < 2:
            await asyncio.sleep(0.1)
        info(server.phone, session, b"Signal=1\r\nDuration=160\r\n")
        await asyncio.sleep(5.0)
        assert server.caller.bridged_with is not None
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    assert play(tmp_path, story).caller.said[1].heard < 0.5


def test_a_key_by_info_skips_what_is_said(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(0.1)
        assert server.caller.said[0].text == "Welcome."
        info(server.phone, session, b"5", "application/dtmf")
        await asyncio.sleep(0.1)
        assert not server.caller.playing or server.caller.said[-1].text != "Welcome."
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    assert play(tmp_path, story).caller.said[0].heard < 0.2


def test_a_key_that_comes_by_info_and_in_rtp_counts_once(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        leg = server.exchange.legs[1].leg
        keys: list[str] = []
        with leg.listening(lambda message: keys.append(getattr(message, "key", ""))):
            for key in "1122":
                server.caller.press(key)
                info(server.phone, session, b"Signal=%b" % key.encode())
                await asyncio.sleep(0.25)
            for key in "33":  # a phone may send INFO alone
                info(server.phone, session, b"Signal=%b" % key.encode())
                await asyncio.sleep(0.25)
            await asyncio.sleep(3.0)
            server.caller.press("3")
        assert "".join(keys) == "1122333"
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


def test_what_is_keyed_on_hold_is_heard_afterwards(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(6.0)
        offer(server.phone, session, "sendonly")
        await asyncio.sleep(1.0)
        server.caller.press("1")
        await asyncio.sleep(20.0)
        assert server.floor.tickets == {}
        offer(server.phone, session, "sendrecv")
        await asyncio.sleep(5.0)
        assert server.caller.bridged_with is not None
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)


def test_a_key_by_info_in_a_talk_reaches_the_agent(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(2.0)
        server.caller.press("1")
        await asyncio.sleep(5.0)
        agent = server.media.opened[1]
        assert server.caller.bridged_with == agent.id
        info(server.phone, session, b"Signal=7")
        await asyncio.sleep(0.5)
        assert agent.keys_sent == "", "a phone that has sent keys in RTP is heard there"
        server.exchange.legs[1].leg._keys_in_rtp = False
        info(server.phone, session, b"Signal=8")
        await asyncio.sleep(0.5)
        assert agent.keys_sent == "8"
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    play(tmp_path, story)
