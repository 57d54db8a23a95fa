"""Strangers are told why a few times, then nothing; scanners nothing at all; who may be anywhere is known by a password."""

import socket
from collections.abc import Callable

from tests.live.hotline import Hotline, free_port, options, wait_until
from tests.robustness import wire
from voicebot.sip import Credentials
from voicebot.sip.digest import ClientAuthentication
from voicebot.sip.message import Response, parse

Make = Callable[..., Hotline]
STRANGER, SCANNER = "127.0.0.66", "127.0.0.67"


def answers(host: str, port: int, request: bytes, times: int, expected: int = 0) -> list[bytes]:
    """Send a request from `host` so often, each with a Call-ID and a branch of its own; return the final answers.

    The first `expected` are waited for however slow the machine is.
    """
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind((host, 0))
        for number in range(times):
            ours.settimeout(10.0 if number < expected else 0.3)
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
    port = free_port()
    hotline = own_hotline(
        port,
        sip={"listen": [f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"]},
        trunks={"lab": {"networks": ["127.0.0.1/32"], "dialplan": "main"}},
        guard={"strangers_per_minute": 3},
    )
    hotline.start()
    invite = wire.invite(hotline.port, "asked", ours=f"{STRANGER}:5060")
    assert answers(STRANGER, hotline.port, invite, 6, 3) == [b"SIP/2.0 403 Forbidden"] * 3
    late = wire.invite(hotline.port, "late-asked", ours=f"{SCANNER}:5060")
    scan = wire.invite(hotline.port, "scan-asked", ours=f"{SCANNER}:5060").replace(
        b"Max-Forwards", b"User-Agent: friendly-scanner\r\nMax-Forwards"
    )
    assert answers(SCANNER, hotline.port, scan, 2) == []
    assert answers(SCANNER, hotline.port, late, 1, 1) == [b"SIP/2.0 403 Forbidden"], (
        "anybody may have sent those"
    )
    assert hotline.log_text().count("is not listened to for a while") == 0
    with socket.create_connection(
        ("127.0.0.1", hotline.port), timeout=5.0, source_address=(SCANNER, 0)
    ) as ours:
        ours.sendall(scan.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
        wait_until(
            lambda: "is not listened to for a while" in hotline.log_text(),
            5.0,
            "a connected scanner is banned",
        )
    assert answers(SCANNER, hotline.port, late.replace(b"late", b"then"), 1) == []
    assert options("127.0.0.1", hotline.port) == 200
    assert hotline.log_text().count("is not listened to for a while") == 1
    hotline.stop()
    assert hotline.calls() == []


def test_where_callers_may_be_anywhere_an_address_is_known_once_its_password_was_right(
    own_hotline: Make,
) -> None:
    port = free_port()
    hotline = own_hotline(
        port,
        sip={"auth": {"realm": "here", "users": {"frontdoor": "sesame"}}},
        trunks={
            "lab": {"networks": ["127.0.0.1/32"], "dialplan": "main"},
            "roaming": {"networks": ["0.0.0.0/0"], "auth": True, "dialplan": "main"},
        },
        guard={"strangers_per_minute": 3},
    )
    hotline.start()
    asks = wire.invite(port, "asked", ours=f"{STRANGER}:5060").replace(b"INVITE", b"OPTIONS")
    assert answers(STRANGER, port, asks, 6, 3) == [b"SIP/2.0 200 OK"] * 3

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind((SCANNER, 0))
        ours.settimeout(10.0)

        def said(request: bytes) -> Response:
            ours.sendto(request, ("127.0.0.1", port))
            while not isinstance(answer := parse(ours.recv(65535)), Response) or answer.status < 200:
                pass
            return answer

        login = ClientAuthentication(Credentials("frontdoor", "sesame"))
        invite = wire.invite(port, "knocks", ours=f"{SCANNER}:5060")
        login.challenged(said(invite))
        [(_, answer)] = login.headers("INVITE", f"sip:700@127.0.0.1:{port}", "cnonce")
        again = invite.replace(b"z9hG4bK", b"z9hG4bKagain").replace(b"CSeq: 1", b"CSeq: 2")
        shown = said(again.replace(b"Max-Forwards", f"Authorization: {answer}\r\nMax-Forwards".encode()))
        assert shown.status == 200
    asks = asks.replace(STRANGER.encode(), SCANNER.encode()).replace(b"asked", b"then-asked")
    assert answers(SCANNER, port, asks, 20, 20) == [b"SIP/2.0 200 OK"] * 20
