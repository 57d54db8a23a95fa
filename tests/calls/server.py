"""A hotline as a server of calls: real SIP in memory, a real dialplan, simulated media, virtual time."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.calls.hotline import SOUNDS
from tests.calls.sip_pipe import HOTLINE, End, Pipe, TestPhone
from voicebot.acd import Agent, QueueSpec
from voicebot.calls.call import Call
from voicebot.calls.callbacks import Callbacks
from voicebot.calls.exchange import Exchange
from voicebot.calls.floor import Floor
from voicebot.calls.inbound import Entrance, Reception
from voicebot.dialplan.loader import load
from voicebot.sim.loop import run
from voicebot.sim.media import SimLeg, SimMedia
from voicebot.sim.speech import SimSpeech
from voicebot.sim.store import SimServices, SimStore
from voicebot.sip import Address

AGENT = Address("udp", "192.0.2.3", 5060)
DIALPLAN = """
dialplan: 1
hotline: {name: test, languages: [en], start: welcome}
queues: {agents: {ring_timeout: 10s, max_wait: 60s}}
handlers:
  noinput: [{count: 1, reprompt: full}, {count: 2, goto: goodbye}]
  nomatch: [{count: 1, reprompt: full}, {count: 2, goto: goodbye}]
  error: [{goto: goodbye}]
  hangup: [{set: {call.left: true}}]
flows:
  welcome:
    - say: {en: "Welcome."}
    - menu:
        prompt: {en: "Say agent or branch."}
        choices:
          - {dtmf: "1", phrases: [agent], goto: human}
          - {dtmf: "2", phrases: [branch], goto: branch}
  human:
    - queue: {name: agents, exits: {agent_done: goodbye, timeout: goodbye, no_agents: goodbye, full: goodbye}}
  branch:
    - transfer:
        to: "sip:6001@192.0.2.3"
        mode: blind
        exits: {busy: goodbye, no_answer: goodbye, declined: goodbye, unreachable: goodbye, timeout: goodbye}
  goodbye:
    - say: {en: "Goodbye."}
    - hangup: normal
"""


class Server:
    """A hotline on the pipe."""

    def __init__(self, folder: Path, *, capacity: int = 100, dialplan: str = DIALPLAN) -> None:
        path = folder / "test.yaml"
        path.write_text(dialplan, "utf-8")
        self.dialplan = load(path)
        self.pipe = Pipe()
        self.end = End(self.pipe, HOTLINE, 1)
        self.speech = SimSpeech()
        self.media = SimMedia(self.speech, capacity)
        self.store = SimStore()
        self.exchange = Exchange(self.end, self.media, ("PCMU", "PCMA"), 60.0, self._target)
        agents = [Agent("alice", f"sip:6001@{AGENT.host_port}")]
        self.floor = Floor(self.exchange, random.Random(1), agents, [QueueSpec("agents", ring_timeout=10.0)])
        callbacks = Callbacks(self.floor, self.exchange, self.speech, self.store, SOUNDS, lambda: "callback")
        self.reception = Reception(
            self.exchange,
            self.floor,
            callbacks,
            self.speech,
            self.store,
            SOUNDS,
            entrance=lambda event: Entrance(self.dialplan, "main", "lan"),
            new_uid=lambda: f"call-{len(self.store.started) + 1}",
            recordings=folder,
            recorded=True,
            call_seconds=600.0,
            services=lambda dialplan: SimServices(),
        )
        self.exchange.on_incoming = self.reception.incoming
        self.end.on_event = self.exchange.on_event
        self.phone = TestPhone(self.pipe)
        self.agent = TestPhone(self.pipe, AGENT)

    @staticmethod
    def _target(_call: Call, to: str) -> str:
        return to

    @property
    def caller(self) -> SimLeg:
        return self.media.opened[0]

    async def over(self) -> None:
        """Wait until every call has its record and everything is given back."""
        await asyncio.gather(*(story for _, story in list(self.reception.calls.values())))
        await self.exchange.close()
        await asyncio.sleep(40.0)  # timers of the transactions
        assert self.media.legs == {}, "media legs are left"
        assert self.exchange.legs == {}
        held = self.end.endpoint.held
        assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0)
        assert self.store.started.keys() == self.store.ended.keys()
        await self.floor.close()


def play(
    folder: Path,
    story: Callable[[Server], Coroutine[Any, Any, None]],
    *,
    capacity: int = 100,
    dialplan: str = DIALPLAN,
) -> Server:
    async def whole() -> Server:
        server = Server(folder, capacity=capacity, dialplan=dialplan)
        await story(server)
        await server.over()
        return server

    return run(whole())
