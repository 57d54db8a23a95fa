"""Media by IPv6: a caller on ::1 is connected to an agent whose phone has IPv4 alone, and both hear each other."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest

from tests.interop.audio import seconds_of
from tests.live.hotline import Hotline, free_port, running
from tests.robustness.conftest import play
from voicebot.media.tones import tone
from voicebot.phone import Phone

CALLER_HZ, AGENT_HZ = 440.0, 1000.0
DIALPLAN = {
    "dialplan": 1,
    "hotline": {"name": "six", "languages": ["en"], "start": "start"},
    "queues": {"agents": {"agents": ["one"], "ring_timeout": "10s", "max_wait": "20s"}},
    "handlers": {kind: [{"count": 1, "goto": "end"}] for kind in ("noinput", "nomatch")}
    | {"error": [{"goto": "end"}]},
    "flows": {
        "start": [
            {"say": {"text": {"en": "Welcome to our hotline."}}},
            {
                "queue": {
                    "name": "agents",
                    "exits": dict.fromkeys(("agent_done", "timeout", "no_agents", "full"), "end"),
                }
            },
        ],
        "end": [{"hangup": "normal"}],
    },
}


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_caller_by_ipv6_and_an_agent_by_ipv4_hear_each_other(tmp_path: Path) -> None:
    port, agent_port = free_port(), free_port()
    dialplan = tmp_path / "six.yaml"
    dialplan.write_text(json.dumps(DIALPLAN), "utf-8")
    config = {
        "sip": {"listen": [f"udp:127.0.0.1:{port}", f"udp:[::1]:{port}"]},
        "trunks": {"local": {"networks": ["127.0.0.0/8", "::1"], "dialplan": "main"}},
        "agents": {"one": {"uri": f"sip:6001@127.0.0.1:{agent_port}", "skills": {}}},
    }

    async def story() -> None:
        agent, caller = Phone(port=agent_port, user="6001"), Phone("::1")
        call = await caller.call(f"sip:700@[::1]:{port}", timeout=5.0)
        assert await call.until(lambda: call.watch.speaking, 5.0), "the prompt is heard"
        talk = await agent.next_call(10.0)
        talk.accept()
        assert await talk.connected(3.0)
        await asyncio.sleep(0.5)
        call.say(tone((CALLER_HZ,), 1.0))
        talk.say(tone((AGENT_HZ,), 1.0))
        await asyncio.sleep(1.6)
        assert seconds_of(talk.heard.samples, CALLER_HZ) > 0.8
        assert seconds_of(call.heard.samples, AGENT_HZ) > 0.8
        await caller.close()
        assert await talk.ended(3.0)
        await agent.close()

    with running(Hotline(tmp_path / "hotline", dialplan, port=port, config=config)) as hotline:
        play(hotline, story())
