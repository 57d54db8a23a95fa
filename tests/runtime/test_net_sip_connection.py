"""What bounds one connection, in virtual time: slow, silent, unread and idle peers, keep-alives, garbage."""

import socket
from dataclasses import dataclass, field

import pytest

from voicebot.runtime.net.sip_connection import (
    FIRST_MESSAGE_WITHIN,
    IDLE,
    KEEP_ALIVE_EVERY,
    MAX_UNSENT,
    MESSAGE_WITHIN,
    PONG_WITHIN,
    READ_WITHIN,
    SipConnection,
)
from voicebot.sip import Address

PEER, OURS = Address("tcp", "192.0.2.7", 40000), Address("tcp", "192.0.2.1", 5060)
OPTIONS = b"OPTIONS sip:bot@192.0.2.1 SIP/2.0\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Owner:
    at: float = 0.0
    messages: list[bytes] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def message_received(self, connection: SipConnection, data: bytes) -> None:
        self.messages.append(data)

    def connection_ready(self, connection: SipConnection) -> str:
        return ""

    def stream_broken(self, connection: SipConnection, why: str) -> None:
        self.broken.append(why)

    def connection_closed(self, connection: SipConnection, why: str) -> None:
        self.closed.append(why)


@dataclass
class Socket:
    options: dict[int, int] = field(default_factory=dict)

    def setsockopt(self, _level: int, name: int, value: int) -> None:
        self.options[name] = value


@dataclass
class Transport:
    written: bytes = b""
    closing: str = ""
    socket: Socket = field(default_factory=Socket)

    def setTcpNoDelay(self, _on: bool) -> None: ...

    def setTcpKeepAlive(self, _on: bool) -> None: ...

    def registerProducer(self, _producer: object, _streaming: bool) -> None: ...

    def unregisterProducer(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data

    def loseConnection(self) -> None:
        self.closing = "in order"

    def abortConnection(self) -> None:
        self.closing = "at once"


def accepted() -> tuple[Owner, Transport, SipConnection]:
    owner, transport = Owner(), Transport()
    connection = SipConnection(owner, PEER, OURS)
    connection.transport = transport  # type: ignore[assignment]  # as much of it as is used
    connection.connectionMade()
    return owner, transport, connection


def test_a_message_that_is_not_complete_in_time_breaks_a_rule() -> None:
    owner, _, connection = accepted()
    connection.dataReceived(OPTIONS + OPTIONS[:10])
    owner.at = MESSAGE_WITHIN - 1
    connection.dataReceived(OPTIONS[10:20])  # a drop now and then does not help
    assert connection.overdue(owner.at) == ""
    assert connection.overdue(MESSAGE_WITHIN + 0.1) == "slow"


def test_who_connects_must_say_something() -> None:
    owner, transport, connection = accepted()
    connection.dataReceived(b"\r\n\r\n")
    assert transport.written == b"\r\n"  # RFC 5626: the ping has its pong
    assert connection.overdue(FIRST_MESSAGE_WITHIN + 0.1) == "silent"
    connection.dataReceived(OPTIONS)
    assert owner.messages == [OPTIONS]
    assert connection.overdue(FIRST_MESSAGE_WITHIN + 0.1) == ""


def test_what_a_peer_does_not_read_is_bounded_in_memory_and_time() -> None:
    owner, transport, connection = accepted()
    connection.dataReceived(OPTIONS)
    connection.pauseProducing()
    assert connection.overdue(READ_WITHIN + 0.1) == "unread"
    piece = b"x" * 1000
    sent = 0
    while connection.send(piece):
        connection.pauseProducing()
        sent += len(piece)
        assert sent <= MAX_UNSENT
    assert transport.closing == "at once"
    assert len(transport.written) <= MAX_UNSENT
    assert not connection.send(piece)
    assert owner.at == 0.0


def test_a_peer_that_reads_again_is_not_held_against_what_was() -> None:
    _, _, connection = accepted()
    for _ in range(3):
        connection.pauseProducing()
        assert connection.send(b"x" * (MAX_UNSENT - 1))
        connection.resumeProducing()
    assert connection.overdue(FIRST_MESSAGE_WITHIN - 1) == ""


def test_keep_alives_of_who_opened_the_connection_keep_it() -> None:
    owner, _, connection = accepted()
    connection.dataReceived(OPTIONS)
    owner.at = IDLE
    connection.dataReceived(b"\r\n\r\n")
    assert not connection.idle(IDLE + 1)
    assert connection.idle(2 * IDLE + 1)


def test_a_connection_that_we_opened_is_kept_alive_but_that_is_no_use_of_it() -> None:
    owner, transport = Owner(), Transport()
    connection = SipConnection(owner, PEER, None)
    assert connection.send(OPTIONS)
    assert transport.written == b""
    connection.transport = transport  # type: ignore[assignment]  # as much of it as is used
    connection.connectionMade()
    assert transport.written == OPTIONS  # what waited leaves as soon as it stands
    connection.keep_alive(KEEP_ALIVE_EVERY - 1)
    assert transport.written == OPTIONS
    connection.keep_alive(KEEP_ALIVE_EVERY + 1)
    assert transport.written == OPTIONS + b"\r\n\r\n"
    owner.at = IDLE - 1
    connection.dataReceived(b"\r\n")
    assert connection.idle(IDLE + 1)


@pytest.mark.parametrize(("answers", "rule"), [(1, "no_pong"), (0, ""), (2, "")])
def test_a_peer_that_has_answered_a_ping_is_gone_when_it_answers_none_any_more(
    answers: int, rule: str
) -> None:
    """RFC 5626 section 4.4.1; but a firewall between us has forgotten the connection of a peer that never answers, too."""
    owner, transport = Owner(), Transport()
    connection = SipConnection(owner, PEER, None)
    connection.transport = transport  # type: ignore[assignment]  # as much of it as is used
    connection.connectionMade()
    for ping in range(2):
        owner.at += KEEP_ALIVE_EVERY + 1
        connection.keep_alive(owner.at)
        assert connection.overdue(owner.at + PONG_WITHIN) == ""
        if ping < answers:
            connection.dataReceived(b"\r\n")
    assert transport.written == b"\r\n\r\n" * 2
    assert connection.overdue(owner.at + PONG_WITHIN + 1) == rule


def test_a_ping_of_the_peer_is_no_answer_to_ours() -> None:
    """Who pings at its own intervals, but answers none of ours, is not gone when its next ping comes later."""
    owner, transport = Owner(), Transport()
    connection = SipConnection(owner, PEER, None)
    connection.transport = transport  # type: ignore[assignment]  # as much of it as is used
    connection.connectionMade()
    for _ in range(2):
        owner.at += KEEP_ALIVE_EVERY + 1
        connection.keep_alive(owner.at)
        assert connection.overdue(owner.at + PONG_WITHIN + 1) == ""
        owner.at += PONG_WITHIN - 1
        connection.dataReceived(b"\r\n\r\n")
    assert transport.written == b"\r\n\r\n\r\n" * 2


def test_garbage_is_told_once_and_nothing_after_it_is_read() -> None:
    owner, transport, connection = accepted()
    connection.dataReceived(OPTIONS + b"GET / HTTP/1.1\r\n\r\n")
    assert (owner.messages, owner.broken) == ([OPTIONS], ["garbage"])
    connection.close("garbage")
    connection.dataReceived(OPTIONS)
    assert owner.messages == [OPTIONS]
    assert transport.closing == "in order"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can be told so")
def test_the_kernel_waits_no_longer_for_a_peer_than_we_do() -> None:
    """What it has sent and nobody has acknowledged: else a PBX that is off is noticed after a quarter of an hour."""
    _, transport, _ = accepted()
    assert transport.socket.options == {socket.TCP_USER_TIMEOUT: 20_000}
