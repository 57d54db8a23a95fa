"""Our address behind a NAT, learned from a STUN server and asked for again and again."""

import asyncio
import random
from collections.abc import Callable
from typing import cast

import structlog

from voicebot.runtime.net.dns import Resolver
from voicebot.sip import SipError
from voicebot.sip.address import bracketed
from voicebot.sip.stun import TRANSACTION_BYTES, Binding, Mapped

ASKED_EVERY = 180.0  # seconds; a line that is dialled anew has another address
AGAIN_AFTER = 30.0  # seconds, when there was no answer

log = structlog.get_logger("sip")


class PublicAddress:
    """Asks `server` (host, port) as long as `run` runs. `on_change` is told each new address.

    While there is no answer the last one holds. `known` is set after the first try, whatever came of it.
    """

    def __init__(
        self,
        server: tuple[str, int],
        resolver: Resolver,
        on_change: Callable[[str], None],
        rng: random.Random,
        *,
        every: float = ASKED_EVERY,
        again_after: float = AGAIN_AFTER,
    ) -> None:
        self.host = ""
        self.known = asyncio.Event()
        self._server = server
        self._resolver = resolver
        self._on_change = on_change
        self._rng = rng
        self._every = every
        self._again_after = again_after
        self._failing = False

    async def run(self) -> None:
        """Ask, for ever."""
        while True:
            try:
                mapped, local_port = await self._ask()
            except (SipError, OSError) as error:
                self._failed(str(error))
            else:
                self._failing = False
                self._learned(mapped, local_port)
            self.known.set()
            await asyncio.sleep(self._again_after if self._failing else self._every)

    async def _ask(self) -> tuple[Mapped, int]:
        """Return what the server saw, and the port that we sent from. Raises SipError, OSError."""
        name, port = self._server
        host = next((each for each in await self._resolver.hosts(name) if ":" not in each), None)
        if host is None:
            raise SipError(404, f"{name} has no IPv4 address")
        loop = asyncio.get_running_loop()
        binding = Binding(self._rng.randbytes(TRANSACTION_BYTES), loop.time())
        transport, answers = await loop.create_datagram_endpoint(_Answers, remote_addr=(host, port))
        try:
            while not binding.done:
                if (datagram := binding.datagram_to_send(loop.time())) is not None:
                    transport.sendto(datagram)
                try:
                    async with asyncio.timeout_at(binding.next_timer()):
                        binding.receive(await answers.queue.get())
                except TimeoutError:
                    continue
            if binding.mapped is None:
                raise SipError(480, binding.problem)
            return binding.mapped, cast(int, transport.get_extra_info("sockname")[1])
        finally:
            transport.close()

    def _learned(self, mapped: Mapped, local_port: int) -> None:
        if mapped.host == self.host:
            return
        self.host = mapped.host
        log.info("our public address", host=mapped.host, stun=self._name, port_kept=mapped.port == local_port)
        self._on_change(mapped.host)

    def _failed(self, problem: str) -> None:
        if not self._failing:
            kept = self.host or "none: peers are told the local address"
            log.warning(
                "our public address could not be asked for", stun=self._name, problem=problem, known=kept
            )
        self._failing = True

    @property
    def _name(self) -> str:
        return f"{bracketed(self._server[0])}:{self._server[1]}"


class _Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.queue.put_nowait(data)
