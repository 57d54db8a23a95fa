"""Our public address, learned from a STUN server on loopback that we wrote."""

import asyncio
import random
import socket
import struct
from typing import Any

import structlog

from tests.stories import run
from voicebot.runtime.net.addresses import LocalAddresses
from voicebot.runtime.net.dns import Resolver
from voicebot.runtime.net.public_address import PublicAddress
from voicebot.sip import Address

COOKIE = struct.pack("!I", 0x2112A442)


class Server(asyncio.DatagramProtocol):
    """Says that we are at `host`; does not hear the first `deaf` requests."""

    def __init__(self, host: str, deaf: int = 0) -> None:
        self.host = host
        self.deaf = deaf
        self.asked = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.asked > self.deaf:
            masked = bytes(a ^ b for a, b in zip(socket.inet_aton(self.host), COOKIE, strict=True))
            port = struct.pack("!H", addr[1] ^ 0x2112)
            attribute = b"\x00\x20\x00\x08\x00\x01" + port + masked
            self._transport.sendto(b"\x01\x01\x00\x0c" + data[4:20] + attribute, addr)


async def serve(server: Server) -> Server:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.47", 0))
    return server


def learning(port: int, addresses: LocalAddresses, changes: "asyncio.Queue[str]") -> PublicAddress:
    def change(host: str) -> None:
        addresses.learned = host
        changes.put_nowait(host)

    server = ("127.0.0.47", port)
    return PublicAddress(server, Resolver(), change, random.Random(5), every=0.05, again_after=0.05)


def test_the_learned_address_is_told_to_the_internet_alone_and_follows_a_change() -> None:
    async def story() -> None:
        server = await serve(Server("203.0.113.9", deaf=1))  # so that it is asked twice
        addresses, changes = LocalAddresses(), asyncio.Queue[str]()
        addresses.bound(Address("udp", "0.0.0.0", 5062))
        task = asyncio.create_task(learning(server.port, addresses, changes).run())
        assert await changes.get() == "203.0.113.9"
        assert addresses.host_for("198.51.100.7") == "203.0.113.9"
        contact = addresses.contact(Address("udp", "198.51.100.7", 5060), None)
        assert contact == Address("udp", "203.0.113.9", 5062)
        for inside in ("127.0.0.1", "10.1.2.3", "192.168.1.9", "::1", "2001:db8::1"):
            assert addresses.host_for(inside) != "203.0.113.9"
        server.host = "203.0.113.10"
        assert await changes.get() == "203.0.113.10"
        task.cancel()
        server.close()
        await asyncio.gather(task, return_exceptions=True)

    run(story())


def test_without_an_answer_the_local_address_stays_and_the_log_says_so_once() -> None:
    async def story() -> None:
        addresses, changes = LocalAddresses(), asyncio.Queue[str]()
        public = PublicAddress(
            ("no-such-host.invalid", 3478), Nowhere(), changes.put_nowait, random.Random(5), again_after=0.0
        )
        with structlog.testing.capture_logs() as log:
            task = asyncio.create_task(public.run())
            await public.known.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert [line["event"] for line in log] == ["our public address could not be asked for"]
        assert changes.empty()
        assert addresses.host_for("127.0.0.1") == "127.0.0.1"

    run(story())


class Nowhere(Resolver):
    async def hosts(self, name: str) -> list[str]:
        return []
