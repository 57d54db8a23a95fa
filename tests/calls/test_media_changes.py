"""What a peer may change in a call, and what is refused with 488 while the call goes on; encryption that is required."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.calls.server import AGENT, Server, play
from tests.calls.sip_pipe import PHONE, TestPhone
from voicebot.calls.floor import DialFailed
from voicebot.sdp import Local, SrtpPolicy
from voicebot.sdp.description import Description
from voicebot.sip import events as sip

HEAD = "v=0\r\no=- 1 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
FAX = "m=image 4010 udptl t38\r\na=T38FaxVersion:0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 0\r\n"
KEYS = (b"k" * 30, b"m" * 30)


def reinvite(phone: TestPhone, session: int, body: str) -> None:
    assert phone.endpoint.reinvite(session, body.encode(), asyncio.get_running_loop().time())
    phone.work()


async def is_served(server: Server) -> None:
    """The caller presses 1 and is connected to the agent."""
    await asyncio.sleep(1.0)
    server.caller.press("1")
    await asyncio.sleep(5.0)
    assert server.caller.bridged_with is not None
    server.agent.bye(server.agent.incoming[0])
    await asyncio.sleep(3.0)


@pytest.mark.parametrize(
    "offer",
    [
        HEAD + FAX,
        HEAD.replace("IP4 192.0.2.2", "IP6 2001:db8::2") + AUDIO,
        HEAD + "m=audio 4000 RTP/AVP 18\r\n",
    ],
    ids=["T.38", "audio by the other IP version", "G.729"],
)
def test_what_we_cannot_do_is_refused_and_the_call_goes_on(tmp_path: Path, offer: str) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        reinvite(server.phone, session, offer)
        await asyncio.sleep(0.5)
        refused = [event for event in server.phone.events if isinstance(event, sip.OfferRejected)]
        assert [event.status for event in refused] == [488]
        await is_served(server)

    play(tmp_path, story)


def test_fax_offered_beside_audio_is_declined_and_the_audio_stays(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(1.0)
        reinvite(server.phone, session, HEAD + AUDIO + FAX)
        await asyncio.sleep(0.5)
        answers = [event.sdp for event in server.phone.events if isinstance(event, sip.OfferAnswered)]
        assert answers[-1] is not None
        audio, image = Description.parse(answers[-1]).media
        assert (audio.port, image.kind, image.port) == (server.caller.port, "image", 0)
        await is_served(server)

    play(tmp_path, story)


def test_where_encryption_is_required_a_plain_call_gets_488(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.exchange.srtp = lambda call, route: "required"
        server.phone.call()
        await asyncio.sleep(1.0)
        rejected = next(event for event in server.phone.events if isinstance(event, sip.Rejected))
        assert rejected.status == 488

    play(tmp_path, story)


def test_where_encryption_is_required_agents_are_offered_nothing_else(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        server.exchange.srtp = lambda call, route: "required"
        server.phone.local = replace(Local(PHONE.host, 4000, 1), srtp="optional", keys=KEYS)
        server.agent.local = replace(server.agent.local, srtp="optional", keys=KEYS)
        session = server.phone.call()
        await asyncio.sleep(1.0)
        reinvite(server.phone, session, HEAD + AUDIO)  # back to plain audio: no
        await asyncio.sleep(0.5)
        assert any(isinstance(event, sip.OfferRejected) for event in server.phone.events)
        await is_served(server)
        offered = next(event for event in server.agent.events if isinstance(event, sip.IncomingCall)).sdp
        assert offered is not None
        assert Description.parse(offered).media[0].protocol == "RTP/SAVP"

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("policy", "offered"),
    [("optional", ["RTP/AVP", "RTP/SAVP"]), ("off", ["RTP/AVP"]), ("required", ["RTP/SAVP"])],
)
def test_whom_keys_on_plain_rtp_are_not_enough_is_offered_rtp_savp(
    tmp_path: Path, policy: SrtpPolicy, offered: list[str]
) -> None:
    """A phone that insists on SRTP, and knows nothing of RFC 8643; it has none in common with a server without keys."""
    profiles: list[str] = []

    async def story(server: Server) -> None:
        take = server.agent.on_event

        def insist(event: sip.Event) -> None:
            if isinstance(event, sip.IncomingCall):
                assert event.sdp is not None
                profiles.append(Description.parse(event.sdp).media[0].protocol)
                if profiles[-1] == "RTP/AVP":
                    now = asyncio.get_running_loop().time()
                    server.agent.endpoint.reject(event.session, 488, now)
                    return
            take(event)

        server.agent.on_event = insist
        server.agent.local = replace(server.agent.local, srtp="optional", keys=KEYS)
        server.phone.local = replace(Local(PHONE.host, 4000, 1), srtp="optional", keys=KEYS)
        server.exchange.srtp = lambda call, route: policy
        server.phone.call()
        await asyncio.sleep(1.0)
        call, _ = server.reception.calls["call-1"]
        ring = server.exchange.dial(call, f"sip:6001@{AGENT.host_port}", name="alice")
        if policy == "off":
            with pytest.raises(DialFailed):
                await ring
        else:
            server.exchange.hang_up(await ring)

    play(tmp_path, story)
    assert profiles == offered
