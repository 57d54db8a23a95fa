"""Addresses that are in no trunk's networks: told why a few times, then nothing; scanners nothing at all."""

import socket
from collections.abc import Callable

from tests.live.hotline import Hotline, options
from tests.robustness import wire

Make = Callable[..., Hotline]
STRANGER, SCANNER = "127.0.0.66", "127.0.0.67"


def answers(host: str, port: int, request: bytes, times: int) -> list[bytes]:
    """Send a request from `host` so often, each with a Call-ID and a branch of its own; return the final answers."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind((host, 0))
        ours.settimeout(0.3)
        for number in range(times):
            ours.sendto(request.replace(b"asked", b"asked%d" % number), ("127.0.0.1", port))
            try:
                while (answer := ours.recv(65535)).startswith(
                    b"SIP/2.0 1"
                ) or b"asked%d" % number not in answer:
                    pass  # those of others are repeated until an ACK that never comes
                found.append(answer.split(b"\r\n")[0])
            except TimeoutError:
                continue
    return found


def test_strangers_are_told_a_few_times_and_scanners_nothing(own_hotline: Make) -> None:
    hotline = own_hotline(
        trunks={"lab": {"networks": ["127.0.0.1/32"], "dialplan": "main"}}, guard={"strangers_per_minute": 3}
    )
    hotline.start()
    invite = wire.invite(hotline.port, "asked", ours=f"{STRANGER}:5060")
    assert answers(STRANGER, hotline.port, invite, 6) == [b"SIP/2.0 403 Forbidden"] * 3
    late = wire.invite(hotline.port, "late-asked", ours=f"{SCANNER}:5060")
    scan = wire.invite(hotline.port, "scan-asked", ours=f"{SCANNER}:5060").replace(
        b"Max-Forwards", b"User-Agent: friendly-scanner\r\nMax-Forwards"
    )
    assert answers(SCANNER, hotline.port, scan, 2) == []
    assert answers(SCANNER, hotline.port, late, 1) == [], "the address of a scanner is banned"
    assert options("127.0.0.1", hotline.port) == 200
    assert hotline.log_text().count("is not listened to for a while") == 1
    hotline.stop()
    assert hotline.calls() == []
