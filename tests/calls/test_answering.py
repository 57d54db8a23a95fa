"""Calls that ring, or hear early media, before they are answered: real SIP in memory, virtual time."""

import asyncio
from pathlib import Path

import pytest

from tests.calls.server import Server, play
from tests.calls.sip_pipe import PLAIN, PlainPeer, nothing_left
from voicebot.calls.leg import Gone
from voicebot.sdp import Local, answer_offer
from voicebot.sip import Response
from voicebot.sip import events as sip
from voicebot.wire import LegClosed, MediaTimeout

HEAD = """
dialplan: 1
hotline: {name: test, languages: [en], start: welcome, answer: by_step}
handlers: {hangup: [{set: {call.left: true}}]}
flows:
  welcome:
"""
RINGS = HEAD + '    - answer: {after: 6s}\n    - say: "Welcome."\n    - hangup: normal\n'
AT_ONCE = RINGS.replace(", answer: by_step", "").replace("    - answer: {after: 6s}\n", "")
CLOSED = HEAD + '    - say: "We are closed."\n    - hangup: busy\n'
GREETS = (
    HEAD
    + """
    - say: "This call costs one pound a minute."
    - answer: {after: 2s}
    - say: "Welcome."
    - hangup: normal
"""
)
ASKS = (
    HEAD
    + """
    - menu: {prompt: "Yes or no?", choices: [{phrases: [yes]}, {phrases: ["no"]}], noinput: [{goto: bye}], nomatch: [{goto: bye}]}
    - goto: bye
  bye:
    - hangup: normal
"""
)
ASKED_LATE = ASKS.replace("    - menu", '    - say: "This call costs one pound a minute."\n    - menu', 1)
HOST = PLAIN.host
OFFER = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def statuses(server: Server) -> list[int]:
    """What the caller's phone was told about its call, in order."""
    told = {sip.Answered: 200}
    return [
        event.status if isinstance(event, (sip.Progress, sip.Rejected)) else told[type(event)]
        for event in server.phone.events
        if isinstance(event, (sip.Progress, sip.Rejected, sip.Answered))
    ]


def test_it_rings_for_as_long_as_the_step_says_and_only_then_is_answered(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(5.9)
        assert statuses(server) == [180]
        assert server.caller.said == []
        await asyncio.sleep(0.2)
        assert statuses(server) == [180, 200]
        await asyncio.sleep(3.0)
        assert server.phone.has(sip.Ended)

    server = play(tmp_path, story, dialplan=RINGS)
    assert [said.text for said in server.caller.said] == ["Welcome."]
    assert server.store.kinds("call-1").count("answered") == 1


def test_an_announcement_is_early_media_and_the_call_is_refused_without_an_answer(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(10.0)
        assert statuses(server) == [183, 486]
        early = next(event for event in server.phone.events if isinstance(event, sip.Progress))
        assert early.sdp is not None
        await nothing_left(server.phone)

    server = play(tmp_path, story, dialplan=CLOSED)
    (said,) = server.caller.said
    assert said.text == "We are closed."
    assert said.heard == pytest.approx(1.0, abs=0.5)
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("busy", "bot")
    assert "answered" not in server.store.kinds("call-1")


@pytest.mark.parametrize(
    ("reason", "status"),
    [("declined", 603), ("forbidden", 403), ("not_found", 404), ("closed", 480), ("normal", 480)],
)
def test_the_reason_of_the_hang_up_chooses_the_refusal(tmp_path: Path, reason: str, status: int) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(1.0)
        assert statuses(server) == [status]

    play(tmp_path, story, dialplan=HEAD + f"    - hangup: {reason}\n")


def test_a_greeting_before_the_answer_then_a_tone_of_ours_since_the_caller_hears_us(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(12.0)
        assert statuses(server) == [183, 200]

    server = play(tmp_path, story, dialplan=GREETS)
    said = [each.text for each in server.caller.said]
    assert said == ["This call costs one pound a minute.", "ringback", "Welcome."]
    kinds = server.store.kinds("call-1")
    first, second = (n for n, kind in enumerate(kinds) if kind == "said")
    assert first < kinds.index("answered") < second


def test_a_question_answers_the_call_by_itself(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(1.0)
        assert statuses(server) == [200]

    play(tmp_path, story, dialplan=ASKS)


def test_a_caller_who_gives_up_while_it_rings_is_written_down_as_unanswered(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        call = server.phone.call()
        await asyncio.sleep(3.0)
        server.phone.cancel(call)
        await nothing_left(server.phone)
        assert statuses(server) == [180, 487]

    server = play(tmp_path, story, dialplan=RINGS)
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("cancelled", "caller")
    kinds = server.store.kinds("call-1")
    assert "answered" not in kinds
    assert "handler" in kinds, "the hangup handler ran"


def test_a_call_that_the_dialplan_never_answers_is_refused_after_three_minutes(tmp_path: Path) -> None:
    forever = HEAD + "".join('    - say: "%s"\n' % ("please hold the line " * 60) for _ in range(4))

    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(179.0)
        assert 480 not in statuses(server)
        await asyncio.sleep(2.0)
        assert statuses(server)[-1] == 480

    server = play(tmp_path, story, dialplan=forever + "    - hangup: normal\n")
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("not_answered", "server")


def test_whichever_datagram_of_early_media_and_answer_is_lost_the_caller_hears_the_welcome(
    tmp_path: Path,
) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(60.0)
        await nothing_left(server.phone)

    sent = play(tmp_path, story, dialplan=GREETS).pipe.sent
    assert sent > 6
    for lost in range(sent):
        server = play_without(tmp_path, lost)
        assert [each.text for each in server.caller.said][-1] == "Welcome.", lost
        assert server.store.kinds("call-1").count("answered") == 1


def play_without(folder: Path, lost: int) -> Server:
    async def story(server: Server) -> None:
        server.pipe.lost = lost
        server.phone.call()
        await asyncio.sleep(60.0)
        await nothing_left(server.phone)

    return play(folder, story, dialplan=GREETS)


def test_a_side_without_100rel_gets_early_media_all_the_same(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE", body=OFFER.encode())
        await asyncio.sleep(1.0)
        assert peer.responses() == [(183, True)]
        assert not peer.got[0].has("require")
        await asyncio.sleep(9.0)
        assert peer.responses()[:2] == [(183, True), (486, False)]

    play(tmp_path, story, dialplan=CLOSED)


def test_without_an_offer_and_without_100rel_it_rings_and_nothing_is_said(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE")
        await asyncio.sleep(1.0)
        assert peer.responses()[:2] == [(180, False), (486, False)]

    server = play(tmp_path, story, dialplan=CLOSED)
    assert server.caller.said == []


def test_without_an_offer_the_early_media_is_ours_and_the_prack_has_the_answer(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE", "Supported: 100rel")
        await asyncio.sleep(0.1)
        early = peer.got[0]
        assert isinstance(early, Response)
        assert (early.status, early.first("require")) == (183, "100rel")
        assert early.sdp is not None
        answer = answer_offer(Local(HOST, 4000, 1), early.sdp).body
        rack = f"RAck: {early.first('rseq')} 1 INVITE"
        peer.send("PRACK", rack, cseq=2, to_tag=early.to.tag, body=answer)
        await asyncio.sleep(9.0)
        assert peer.responses()[:3] == [(183, True), (200, False), (200, False)]
        peer.send("ACK", cseq=1, to_tag=early.to.tag)
        await asyncio.sleep(0.5)
        assert server.caller.said[-1].text == "Welcome."
        peer.send("BYE", cseq=3, to_tag=early.to.tag)

    server = play(tmp_path, story, dialplan=GREETS)
    assert server.store.ended["call-1"]["ended_by"] == "caller"


def test_a_call_that_loses_its_media_during_early_media_is_refused_and_never_answered(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(0.5)
        (talking,) = server.exchange.legs.values()
        leg = talking.leg
        assert leg.media is not None
        del server.media.legs[leg.media.id]
        leg.on_message(LegClosed(leg.call, leg.media.id, {"media_worker_lost": 1.0}))
        leg.on_message(MediaTimeout(leg.call, leg.media.id, 0.0))
        await asyncio.sleep(10.0)
        assert statuses(server) == [183, 500]

    server = play(tmp_path, story, dialplan=ASKED_LATE)
    assert server.store.ended["call-1"]["release_cause"] == "media_lost"
    assert "answered" not in server.store.kinds("call-1")


@pytest.mark.parametrize("dialplan", [AT_ONCE, RINGS])
def test_a_caller_who_hangs_up_before_the_ack_was_answered_and_has_left(
    tmp_path: Path, dialplan: str
) -> None:
    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE", body=OFFER.encode())
        await asyncio.sleep(0.1)
        ok = peer.got[-1]
        assert isinstance(ok, Response)
        peer.send("BYE", cseq=2, to_tag=ok.to.tag)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story, dialplan=AT_ONCE)
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("normal", "caller")
    assert server.store.kinds("call-1").count("answered") == 1


def test_a_call_that_loses_its_media_before_the_ack_says_so(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        PlainPeer(server.pipe).send("INVITE", body=OFFER.encode())
        await asyncio.sleep(1.0)
        (talking,) = server.exchange.legs.values()
        talking.leg.end(Gone("media_lost", by_peer=False))
        await asyncio.sleep(40.0)  # neither ACK nor the answer to our BYE comes

    server = play(tmp_path, story, dialplan=AT_ONCE)
    record = server.store.ended["call-1"]
    assert (record["release_cause"], record["ended_by"]) == ("media_lost", "server")


def test_shutting_down_refuses_a_call_that_still_rings(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.phone.call()
        await asyncio.sleep(1.0)
        await server.reception.drain(0.5)
        await asyncio.sleep(0.1)
        assert statuses(server) == [180, 503]

    server = play(tmp_path, story, dialplan=RINGS)
    assert server.store.ended["call-1"]["release_cause"] == "server_shutdown"


def test_a_side_that_moves_before_the_answer_is_heard_of_and_the_200_has_what_holds(tmp_path: Path) -> None:
    """RFC 3311: UPDATE in the early dialog, here to another port."""

    async def story(server: Server) -> None:
        peer = PlainPeer(server.pipe)
        peer.send("INVITE", "Supported: 100rel", body=OFFER.encode())
        await asyncio.sleep(0.1)
        early = peer.got[0]
        assert isinstance(early, Response)
        peer.send("PRACK", f"RAck: {early.first('rseq')} 1 INVITE", cseq=2, to_tag=early.to.tag)
        moved = OFFER.replace("o=- 1 1", "o=- 1 2").replace("4000", "4444")
        peer.send("UPDATE", cseq=3, to_tag=early.to.tag, body=moved.encode())
        await asyncio.sleep(0.1)
        assert peer.responses() == [(183, True), (200, False), (200, True)]
        (talking,) = server.exchange.legs.values()
        assert talking.settled is not None
        assert talking.settled.media.remote_port == 4444
        useless = moved.replace("o=- 1 2", "o=- 1 3").replace("RTP/AVP 0", "RTP/AVP 9")
        peer.send("UPDATE", cseq=4, to_tag=early.to.tag, body=useless.encode())
        await asyncio.sleep(9.0)
        assert peer.responses()[3:5] == [(488, False), (200, True)]
        assert talking.settled.media.remote_port == 4444
        peer.send("ACK", cseq=1, to_tag=early.to.tag)
        await asyncio.sleep(0.5)
        peer.send("BYE", cseq=5, to_tag=early.to.tag)

    play(tmp_path, story, dialplan=GREETS)
