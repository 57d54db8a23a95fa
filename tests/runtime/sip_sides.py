"""Endpoints with shells of their own on one reactor: what tests of TCP and TLS call with."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from voicebot.config.model import Tls
from voicebot.runtime.net.addresses import LocalAddresses
from voicebot.runtime.net.sip_shell import SipShell
from voicebot.runtime.net.sip_streams import StreamLimits
from voicebot.runtime.net.tls import TlsContexts
from voicebot.sip import Address, Endpoint, Event, IncomingCall

SDP = b"v=0\r\n"


class Side:
    """One endpoint with its shell; it accepts every call."""

    def __init__(self, reactor: Any, listen: str, tls: Tls | None = None, **limits: int) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        addresses = LocalAddresses()
        endpoint = Endpoint(
            rng=random.SystemRandom(),
            user_agent="test",
            contact=addresses.contact,
            may_speak_tcp=lambda address: self.shell.may_speak_tcp(address),
        )
        self.contexts = TlsContexts(tls) if tls else None
        self.shell = SipShell(
            asyncio.get_running_loop(),
            reactor,
            endpoint,
            addresses,
            self._event,
            limits=StreamLimits(**limits),
            tls=self.contexts,
        )
        self.shell.start([Address.parse(each) for each in listen.split()])
        self.address = self.shell.bound[-1]

    def _event(self, event: Event) -> None:
        if isinstance(event, IncomingCall):
            self.shell.endpoint.accept(event.session, SDP, self.shell.now())
        self.events.put_nowait(event)

    def call(self, target: str, destination: Address | None = None, sdp: bytes = SDP) -> int:
        endpoint = self.shell.endpoint
        session = endpoint.invite(target, "sip:me@127.0.0.1", sdp, self.shell.now(), destination=destination)
        self.shell.flush()
        return session

    async def expect(self, *kinds: type[Event]) -> list[Event]:
        found = [await self.events.get() for _ in kinds]
        assert tuple(type(event) for event in found) == kinds
        return found


Make = Callable[..., Side]


@contextlib.asynccontextmanager
async def sides() -> AsyncIterator[Make]:
    reactor = AsyncioSelectorReactor(asyncio.get_running_loop())
    made: list[Side] = []

    def make(listen: str, tls: Tls | None = None, **limits: int) -> Side:
        made.append(Side(reactor, listen, tls, **limits))
        return made[-1]

    try:
        yield make
    finally:
        for side in made:
            await side.shell.close()
        await asyncio.sleep(0)
