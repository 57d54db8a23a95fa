"""Connections that the peer closes when we send over them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from structlog.testing import capture_logs

from tests.runtime.certificates import Authority
from tests.runtime.sip_sides import SDP, Side, sides
from tests.stories import run
from voicebot.config.model import Tls
from voicebot.sip import Address, Rejected, Request
from voicebot.sip.message import parse


@contextlib.asynccontextmanager
async def refusing(
    answers: list[int], tls: ssl.SSLContext | None = None, until: asyncio.Event | None = None
) -> AsyncIterator[tuple[int, list[str]]]:
    """A peer whose connections one after the other answer so many requests with 486, and close at the next one, then or when `until` is set.

    Yields its port and the methods that it has read.
    """
    read: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = answers.pop(0)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                request = parse(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(len(SDP)))
                assert isinstance(request, Request)
                read.append(request.method)
                if not left:
                    if until is not None:
                        await until.wait()
                    break
                left -= 1
                writer.write(request.response(486, to_tag="t").to_bytes())
                await reader.readuntil(b"\r\n\r\n")  # the ACK
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], read
    finally:
        server.close()


async def refusal_of(side: Side, target: str) -> tuple[int, str]:
    side.call(target)
    event = await side.events.get()
    assert isinstance(event, Rejected)
    return event.status, event.why


def test_a_call_that_meets_a_connection_which_the_peer_has_let_go_of_is_placed_over_another() -> None:
    async def story() -> None:
        async with sides() as make, refusing([1, 1]) as (port, read):
            side, target = make("tcp:127.0.0.1:0"), f"sip:bot@127.0.0.1:{port};transport=tcp"
            assert await refusal_of(side, target) == (486, "refused")
            assert await refusal_of(side, target) == (486, "refused")
            assert read == ["INVITE", "INVITE", "INVITE"]
            assert side.shell.streams.counters["opened"] == 2

    run(story())


def test_a_peer_that_closes_the_connection_instead_of_answering_is_called_once_and_unreachable() -> None:
    """RFC 3261 section 18.4: the caller is not left waiting until the transaction times out."""

    async def story() -> None:
        async with sides() as make, refusing([0, 0, 0]) as (port, read):
            side, target = make("tcp:127.0.0.1:0"), f"sip:bot@127.0.0.1:{port};transport=tcp"
            assert await refusal_of(side, target) == (503, "unreachable")
            assert read == ["INVITE"]

    run(story())


def test_a_call_that_was_given_up_does_not_ring_over_the_next_connection() -> None:
    """The caller is gone before the peer, which restarts, has said a word."""

    async def story() -> None:
        lost = asyncio.Event()
        async with sides() as make, refusing([1, 0, 0], until=lost) as (port, read):
            side, target = make("tcp:127.0.0.1:0"), f"sip:bot@127.0.0.1:{port};transport=tcp"
            assert await refusal_of(side, target) == (486, "refused")
            session = side.call(target)
            while len(read) < 2:
                await asyncio.sleep(0)
            side.shell.endpoint.cancel(session, side.shell.now())
            side.shell.flush()
            lost.set()
            [event] = await side.expect(Rejected)
            assert isinstance(event, Rejected)
            assert event.why == "cancelled"
            assert read == ["INVITE", "INVITE"]
            assert side.shell.streams.counters["opened"] == 1

    run(story())


def test_a_tls_peer_that_does_not_take_our_certificate_is_unreachable_at_once_and_the_log_says_why(
    authority: Authority,
) -> None:
    """With TLS 1.3 its alert comes when we have the connection already."""
    port = 0

    async def story() -> None:
        server = authority.sign("picky", "127.0.0.1")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.certificate)
        context.load_cert_chain(server.certificate, server.key)
        context.verify_mode = ssl.CERT_REQUIRED
        async with sides() as make, refusing([0], context) as (free, _):
            nonlocal port
            port = free
            side = make("udp:127.0.0.1:0", Tls(ca=authority.certificate))
            target = f"sip:bot@127.0.0.1:{port};transport=tls"
            assert await refusal_of(side, target) == (503, "unreachable")

    with capture_logs() as lines:
        run(story())
    [line] = [line for line in lines if line["log_level"] == "warning"]
    assert line["peer"] == f"tls:127.0.0.1:{port}"


def test_a_phone_that_goes_with_its_connection_is_not_waited_for() -> None:
    async def story() -> None:
        async with sides() as make:
            side = make("tcp:127.0.0.1:0")
            reader, writer = await asyncio.open_connection("127.0.0.1", side.address.port)
            phone = Address("tcp", "127.0.0.1", writer.get_extra_info("sockname")[1])
            writer.write(
                b"OPTIONS sip:bot@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\n"
                b"From: <sip:a@x>;tag=1\r\nTo: <sip:bot@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
            await reader.readuntil(b"\r\n\r\n")
            side.call("sip:phone@127.0.0.1", phone)
            assert (await reader.readline()).startswith(b"INVITE")
            writer.transport.abort()
            event = await side.events.get()
            assert isinstance(event, Rejected)
            assert (event.status, event.why) == (503, "unreachable")
            assert side.shell.streams.counters["opened"] == 0

    run(story())
