"""Calls over TCP and TLS between two shells on loopback, and what strangers do to a listening one."""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from twisted.python import log

from tests.runtime.certificates import Authority
from tests.runtime.sip_sides import Side, sides
from tests.stories import run
from voicebot.config.model import Tls
from voicebot.runtime.net.tls import TlsContexts, TlsError
from voicebot.sip import (
    Address,
    Answered,
    Ended,
    Established,
    IncomingCall,
    Rejected,
)

LARGE = b"v=0\r\n" + b"a=x:" + b"x" * 1500 + b"\r\n"
OPTIONS = (
    b"OPTIONS sip:bot@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK%d\r\n"
    b"From: <sip:a@x>;tag=1\r\nTo: <sip:bot@x>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\n%sContent-Length: 0\r\n\r\n"
)


async def a_call_stands_and_ends(caller: Side, callee: Side, target: str, **options: Any) -> None:
    session = caller.call(target, **options)
    (incoming,) = await callee.expect(IncomingCall)
    await caller.expect(Answered)
    await callee.expect(Established)
    assert isinstance(incoming, IncomingCall)
    callee.shell.endpoint.bye(incoming.session, callee.shell.now())  # the other way, within the dialog
    callee.shell.flush()
    await callee.expect(Ended)
    (ended,) = await caller.expect(Ended)
    assert isinstance(ended, Ended)
    assert ended.session == session


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_call_over_tcp_both_ways(host: str) -> None:
    async def story() -> None:
        async with sides() as make:
            callee, caller = make(f"tcp:{host}:0"), make(f"tcp:{host}:0")
            target = f"sip:bot@{callee.address.host_port};transport=tcp"
            await a_call_stands_and_ends(caller, callee, target)
            assert caller.shell.streams.counters["opened"] == 1

    run(story())


def test_a_peer_that_cannot_be_connected_to_is_answered_over_its_own_connection() -> None:
    async def story() -> None:
        async with sides() as make:
            callee, caller = make("tcp:127.0.0.1:0"), make("udp:127.0.0.1:0")  # nobody listens at its Contact
            target = f"sip:bot@{callee.address.host_port};transport=tcp"
            await a_call_stands_and_ends(caller, callee, target)
            assert callee.shell.streams.counters["not_connected"] == 1

    run(story())


def test_a_large_invite_moves_to_tcp_and_back_to_udp_where_nobody_listens() -> None:
    async def story() -> None:
        async with sides() as make:
            both = make("udp:127.0.0.1:0 tcp:127.0.0.1:0")
            port = both.shell.bound[0].port
            udp_only = make("udp:127.0.0.1:0")
            destination = udp_only.address
            await a_call_stands_and_ends(
                both, udp_only, f"sip:bot@{destination.host_port}", destination=destination, sdp=LARGE
            )
            assert both.shell.streams.counters["not_connected"] == 1
            assert not both.shell.may_speak_tcp(destination)
            second = make(f"udp:127.0.0.2:{port} tcp:127.0.0.2:{port}")
            destination = Address("udp", "127.0.0.2", port)
            both.call(f"sip:bot@{destination.host_port}", destination, LARGE)
            (incoming,) = await second.expect(IncomingCall)
            assert isinstance(incoming, IncomingCall)
            assert incoming.source.transport == "tcp"

    run(story())


def files(authority: Authority, file: str, *names: str, **options: Any) -> Tls:
    signed = authority.sign(file, *names)
    return Tls(signed.certificate, signed.key, authority.certificate, **options)


def test_a_call_over_tls_between_peers_that_show_each_other_certificates(authority: Authority) -> None:
    async def story() -> None:
        async with sides() as make:
            tls = files(authority, "both", "127.0.0.1", "pbx.example.com", client_certificate="required")
            callee, caller = make("tls:127.0.0.1:0", tls), make("tls:127.0.0.1:0", tls)
            await a_call_stands_and_ends(caller, callee, f"sips:bot@{callee.address.host_port}")
            caller.shell.streams.know_name("127.0.0.1", "pbx.example.com")
            await a_call_stands_and_ends(caller, callee, f"sip:bot@{callee.address.host_port};transport=tls")

    run(story())


def test_a_tls_connection_too_many_is_closed_without_a_failure(
    authority: Authority,
) -> None:
    async def story() -> None:
        async with sides() as make:
            side = make("tls:127.0.0.1:0", files(authority, "one", "127.0.0.1"), per_address=1)
            first = await asyncio.open_connection("127.0.0.1", side.address.port)
            failures: list[object] = []
            log.addObserver(failures.append)
            more = [await asyncio.open_connection("127.0.0.1", side.address.port) for _ in range(3)]
            for reader, writer in more:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()
            log.removeObserver(failures.append)
            assert [each for each in failures if isinstance(each, dict) and each.get("isError")] == []
            assert side.shell.streams.counters["refused_connections"] == 3
            first[1].close()

    run(story())


@pytest.mark.parametrize("problem", ["another name", "another authority", "no certificate of ours"])
def test_a_tls_peer_that_is_not_trusted_is_not_called(
    authority: Authority, tmp_path: Path, problem: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()

    async def story() -> None:
        async with sides() as make:
            name = "192.0.2.1" if problem == "another name" else "127.0.0.1"
            asked = "required" if problem == "no certificate of ours" else "off"
            callee = make("tls:127.0.0.1:0", files(authority, "callee", name, client_certificate=asked))
            trusted = Authority(other) if problem == "another authority" else authority
            caller = make("udp:127.0.0.1:0", Tls(ca=trusted.certificate))
            caller.call(f"sips:bot@{callee.address.host_port}")
            if problem == "no certificate of ours":  # in TLS 1.3 the client learns of it later
                while not callee.shell.streams.counters["closed_by_peer"]:
                    await asyncio.sleep(0.01)
            else:
                (rejected,) = await caller.expect(Rejected)
                assert isinstance(rejected, Rejected)
                assert rejected.why == "unreachable"
            assert callee.events.empty()

    run(story())


def test_a_renewed_certificate_is_served_to_new_connections_and_a_bad_one_is_refused(
    authority: Authority,
) -> None:
    async def served(port: int) -> bytes:
        context = ssl.create_default_context(cafile=str(authority.certificate))
        context.check_hostname = False
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.write(OPTIONS % (1, 1, b""))
        assert (await reader.readline()).startswith(b"SIP/2.0 200")
        writer.close()
        await writer.wait_closed()
        return found

    async def story() -> None:
        async with sides() as make:
            tls = files(authority, "ours", "127.0.0.1")
            side = make("tls:127.0.0.1:0", tls)
            first = await served(side.address.port)
            assert side.contexts is not None
            assert not side.contexts.reload()
            authority.sign("ours", "127.0.0.1")
            assert side.contexts.reload()
            second = await served(side.address.port)
            assert first != second
            assert tls.certificate is not None
            tls.certificate.write_text("no certificate")
            with pytest.raises(TlsError, match=r"ours\.pem: no certificate in PEM is in it"):
                side.contexts.reload()
            assert not side.contexts.reload()  # told once
            with pytest.raises(TlsError):
                side.contexts.reload(again=True)  # unless somebody asks
            assert await served(side.address.port) == second

    run(story())


def test_a_key_of_another_certificate_is_one_clear_error(authority: Authority) -> None:
    one, other = authority.sign("one", "a.example"), authority.sign("other", "b.example")
    with pytest.raises(TlsError, match=r"other\.key: not the key of .*one\.pem"):
        TlsContexts(Tls(one.certificate, other.key))
    with pytest.raises(TlsError, match=r"gone\.pem: No such file"):
        TlsContexts(Tls(authority.certificate.parent / "gone.pem", one.key))


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" + bytes(range(200))]
)
def test_garbage_is_answered_by_closing_and_others_are_served(garbage: bytes) -> None:
    async def story() -> None:
        async with sides() as make:
            side = make("tcp:127.0.0.1:0")
            reader, writer = await asyncio.open_connection("127.0.0.1", side.address.port)
            writer.write(OPTIONS % (1, 1, b"") + garbage)
            answer = await reader.read()  # to the end of the connection
            assert answer.startswith(b"SIP/2.0 200")  # what came before the garbage is answered
            writer.close()
            assert side.shell.streams.counters["closed_garbage"] == 1
            reader, writer = await asyncio.open_connection("127.0.0.1", side.address.port)
            writer.write(OPTIONS % (2, 2, b""))
            assert (await reader.readline()).startswith(b"SIP/2.0 200")
            writer.close()

    run(story())


def test_a_flood_over_a_connection_ends_it() -> None:
    async def story() -> None:
        async with sides() as make:
            side = make("tcp:127.0.0.1:0")
            left = iter(range(5))
            side.shell.admits = lambda _host, _now: next(left, None) is not None
            reader, writer = await asyncio.open_connection("127.0.0.1", side.address.port)
            writer.write(b"".join(OPTIONS % (number, number, b"") for number in range(100)))
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
            assert side.shell.endpoint.counters["received"] == 5
            assert side.shell.streams.counters["closed_flood"] == 1

    run(story())


def test_one_address_has_no_more_connections_than_its_share() -> None:
    async def story() -> None:
        async with sides() as make:
            side = make("tcp:127.0.0.1:0", connections=3, per_address=2)
            opened = [await asyncio.open_connection("127.0.0.1", side.address.port) for _ in range(4)]
            ends = [asyncio.ensure_future(reader.read()) for reader, _ in opened]
            await asyncio.wait(ends[2:])
            assert not ends[0].done()
            other = await asyncio.open_connection("127.0.0.1", side.address.port, local_addr=("127.0.0.8", 0))
            other[1].write(OPTIONS % (1, 1, b""))
            assert (await other[0].readline()).startswith(b"SIP/2.0 200")
            assert side.shell.streams.counters["refused_connections"] == 2
            for _, writer in [*opened, other]:
                writer.close()
            await asyncio.wait(ends)

    run(story())


def test_who_is_known_finds_room_where_strangers_have_taken_all() -> None:
    """A PBX, and many phones behind one address: whatever strangers do, and beyond a stranger's share."""

    async def story() -> None:
        async with sides() as make:
            side = make("tcp:127.0.0.1:0", connections=3, per_address=2)
            side.shell.knows = lambda host: host == "127.0.0.9"
            port = side.address.port
            strangers = [
                await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
                for host in ("127.0.0.7", "127.0.0.7", "127.0.0.8")
            ]
            phones = [
                await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
                for _ in range(4)
            ]
            for number, (reader, writer) in enumerate(phones[:3]):
                writer.write(OPTIONS % (number, number, b""))
                assert (await reader.readline()).startswith(b"SIP/2.0 200")
            assert await phones[3][0].read() == b"", "there is an end"
            ends = await asyncio.gather(*(reader.read() for reader, _ in strangers), return_exceptions=True)
            assert all(not end or isinstance(end, ConnectionResetError) for end in ends)
            assert side.shell.streams.counters["closed_crowded"] == 3
            for _, writer in [*strangers, *phones]:
                writer.close()

    run(story())


def test_a_peer_that_does_not_read_loses_its_connection() -> None:
    """It asks, and never reads an answer: what waits for it is bounded."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with sides() as make:
            side = make("tcp:127.0.0.1:0")
            ours = socket.socket()
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(ours, ("127.0.0.1", side.address.port))
            # It comes back in every answer.
            padding = b"Via: SIP/2.0/TCP 192.0.2.1;branch=" + b"x" * 30_000 + b"\r\n"

            async def ask() -> None:
                for number in range(10_000):
                    await loop.sock_sendall(ours, OPTIONS % (number, number, padding))

            with pytest.raises(ConnectionError):
                await ask()
            ours.close()
            assert side.shell.streams.counters["closed_unread"] == 1

    run(story())


def test_a_response_whose_connection_is_gone_goes_to_the_via() -> None:
    """RFC 3261 section 18.2.2."""

    async def story() -> None:
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set_result(await reader.readline())
            writer.close()

        async with sides() as make:
            side = make("tcp:127.0.0.1:0")
            server = await asyncio.start_server(take, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection("127.0.0.1", side.address.port)
            invite = OPTIONS.replace(b"OPTIONS", b"INVITE").replace(b":9;", b":%d;")
            writer.write(invite % (port, 1, 1, b"Contact: <sip:a@127.0.0.1>\r\n"))
            while side.events.empty():
                await asyncio.sleep(0.01)
            writer.transport.abort()
            while len(side.shell.streams):
                await asyncio.sleep(0.01)
            event = await side.events.get()
            assert isinstance(event, IncomingCall)
            side.shell.endpoint.handle_timer(side.shell.now() + 0.6)  # the 200 is repeated
            side.shell.flush()
            assert (await arrived).startswith(b"SIP/2.0 200")
            server.close()

    run(story())
