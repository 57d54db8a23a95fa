"""Datagrams that no telephone sends, and the ports that they go to."""

import contextlib
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.live.hotline import Hotline

LARGEST = 65507  # bytes of UDP payload over IPv4


def invite(port: int, call_id: str, *, body: str = "", ours: str = "127.0.0.1:9") -> bytes:
    """Return an INVITE without an offer, if no body is given."""
    lines = [
        f"INVITE sip:700@127.0.0.1:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {ours};branch=z9hG4bK{call_id};rport",
        f"From: <sip:stranger@{ours}>;tag={call_id}",
        f"To: <sip:700@127.0.0.1:{port}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:stranger@{ours}>",
        "Max-Forwards: 70",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join([*lines, "", ""]) + body).encode()


def garbage(port: int, seed: int) -> Iterator[bytes]:
    """Return datagrams for the SIP port: noise, cut and broken messages, the largest possible ones."""
    chance = random.Random(seed)
    whole = invite(port, "garbage")
    yield from (
        b"",
        b"\0",
        b"\r\n",
        b"\r\n\r\n",
        b"SIP/2.0",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"INVITE",
        b"\xff" * 100,
    )
    for size in (1, 10, 100, 1000, 10000, LARGEST):
        yield chance.randbytes(size)
    for cut in range(1, len(whole), 7):
        yield whole[:cut]
    for _ in range(200):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        yield bytes(broken)
    yield whole.replace(b"Max-Forwards: 70", b"X: " + b"y" * (LARGEST - len(whole) - 1))[:LARGEST]
    yield whole.replace(b"Content-Length: 0", b"Content-Length: 99999999999999999999")
    yield whole.replace(b"Content-Length: 0", b"Content-Length: -1")
    yield whole.replace(b"CSeq: 1 INVITE", b"CSeq: 99999999999999999999 INVITE")
    yield whole.replace(b"sip:700@", b"sip:%00%0d%0a@")


def rtp(
    number: int,
    payload: bytes = b"\xff" * 160,
    *,
    payload_type: int = 0,
    marker: bool = False,
    ssrc: int = 0x0BADF00D,
) -> bytes:
    return (
        struct.pack("!BBHII", 0x80, payload_type | marker << 7, number & 0xFFFF, 160 * number, ssrc) + payload
    )


def key_packets(code: int, payload_type: int) -> list[bytes]:
    """Return a key as telephone events (RFC 4733), end packets included."""
    events = [
        struct.pack("!BBH", code, 10 | (0x80 if number > 4 else 0), 160 * min(number, 5))
        for number in range(1, 8)
    ]
    return [
        struct.pack("!BBHII", 0x80, payload_type | (index == 0) << 7, 500 + index, 80000, 0x0BADF00D) + event
        for index, event in enumerate(events)
    ]


def rtp_garbage(seed: int) -> Iterator[bytes]:
    """Return datagrams for RTP and RTCP ports: noise, cut packets, wrong versions and lengths, the largest possible one."""
    chance = random.Random(seed)
    whole = rtp(1)
    yield from (whole[:cut] for cut in range(14))
    yield b"\x00" + whole[1:]
    yield b"\xc0" + whole[1:]
    yield b"\x8f" + whole[1:16]  # 15 contributing sources that are not there
    yield b"\x90" + whole[1:13]  # an extension that is not there
    yield b"\xa0" + whole[1:171] + b"\xff"  # more padding than packet
    yield rtp(2, b"\xff" * 1)
    yield rtp(3, b"\xff" * (LARGEST - 12))
    yield rtp(4, b"\x01", payload_type=101)
    yield bytes([0x81, 201]) + b"\xff\xff" + bytes(8)  # RTCP that is longer than its datagram
    for _ in range(100):
        yield chance.randbytes(chance.randint(0, 400))


def bound_ports(hotline: Hotline) -> list[int]:
    """Return the even RTP ports of the hotline that are in use now, as the kernel lists them."""
    found = set()
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        port = int(line.split()[1].partition(":")[2], 16)
        if hotline.rtp_ports[0] <= port <= hotline.rtp_ports[1] and port % 2 == 0:
            found.add(port)
    return sorted(found)


def throw(datagrams: Iterator[bytes] | list[bytes], ports: list[int], host: str = "127.0.0.1") -> None:
    """Send all to each port, from a socket at `host`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind((host, 0))
        ours.setblocking(False)
        for datagram in datagrams:
            for port in ports:
                with contextlib.suppress(OSError):  # an ICMP answer to an earlier one, or a full buffer
                    ours.sendto(datagram, ("127.0.0.1", port))
