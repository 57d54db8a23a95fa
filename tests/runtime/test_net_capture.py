"""Messages are kept by call, bounded, without those of strangers, and told to Homer as they pass."""

import socket
import struct
from collections.abc import Sequence

from voicebot.runtime.net import capture as module
from voicebot.runtime.net.capture import Capture, Homer
from voicebot.sip import Address
from voicebot.sip.captured import SipMessage

PEER, OURS = Address("udp", "127.0.0.1", 5070), Address("udp", "127.0.0.1", 5060)


class Kept:
    def __init__(self) -> None:
        self.calls: dict[str, list[bytes]] = {}

    def __call__(self, call: str, messages: Sequence[SipMessage]) -> None:
        self.calls[call] = [item.data.split(b"\r\n")[0] for item in messages]


def message(start: str, call_id: str, name: str = "Call-ID") -> bytes:
    return f"{start}\r\n{name}: {call_id}\r\n\r\n".encode()


def test_messages_of_all_legs_of_a_call_are_kept_in_their_order() -> None:
    kept, clock = Kept(), iter(range(10))
    capture = Capture(kept, wall=lambda: float(next(clock)))
    capture.message(message("INVITE", "a"), PEER, OURS, sent=False)
    capture.belongs("a", "call-1")
    capture.message(message("INVITE 2", "b", "i"), PEER, OURS, sent=True)
    capture.belongs("b", "call-1")
    capture.message(message("OPTIONS", "stranger"), PEER, OURS, sent=False)
    capture.message(b"\r\n\r\n", PEER, OURS, sent=False)
    capture.message(message("BYE", "a"), PEER, OURS, sent=False)
    assert kept.calls == {}
    capture.over("call-1")
    assert kept.calls == {"call-1": [b"INVITE", b"INVITE 2", b"BYE"]}
    capture.over("call-1")  # a second time is nothing new
    capture.close()
    assert list(kept.calls) == ["call-1"]


def test_a_call_id_is_found_however_it_is_written() -> None:
    kept = Kept()
    capture = Capture(kept)
    capture.belongs("a", "call")
    usual = b"A x\r\nCall-ID: a\r\n\r\n"
    others = [
        usual.replace(b"Call-ID: ", name) for name in (b"call-id:", b"i: ", b"CALL-ID :\t", b"Call-ID:  ")
    ]
    elsewhere = [b"B x\r\ni: b\r\n\r\n\r\nCall-ID: a\r\n\r\n", b"B x\r\nCall-ID: \r\n\r\n"]
    for data in [usual, usual.replace(b"\r", b""), *others, *elsewhere, b"", b"\r\n\r\n"]:
        capture.message(data, PEER, OURS, sent=False)
    capture.over("call")
    assert len(kept.calls["call"]) == 6


def test_calls_that_are_not_over_are_kept_at_the_end() -> None:
    kept = Kept()
    capture = Capture(kept)
    capture.message(message("INVITE", "a"), PEER, OURS, sent=False)
    capture.belongs("a", "call-1")
    capture.close()
    assert kept.calls == {"call-1": [b"INVITE"]}


def test_neither_scanners_nor_an_endless_dialog_fill_the_memory_and_calls_keep_their_messages() -> None:
    kept = Kept()
    capture = Capture(kept)
    capture.message(message("INVITE", "old"), PEER, OURS, sent=False)
    capture.belongs("old", "call-1")
    for number in range(module.DIALOGS + 100):
        capture.message(message("OPTIONS", f"scan-{number}"), PEER, OURS, sent=False)
    assert len(capture._others) == module.DIALOGS
    for _ in range(module.MESSAGES + 50):
        capture.message(message("INFO", "old"), PEER, OURS, sent=False)
    capture.over("call-1")
    assert kept.calls["call-1"] == [b"INVITE", *[b"INFO"] * (module.MESSAGES - 1)]


def test_large_messages_of_strangers_are_held_up_to_a_limit_in_all() -> None:
    capture = Capture(Kept())
    for number in range(3000):
        text = f"OPTIONS\r\nCall-ID: scan-{number % 1000}\r\n\r\n".encode() + bytes(60_000)
        capture.message(text, PEER, OURS, sent=False)
        held = sum(len(item.data) for dialog in capture._others.values() for item in dialog)
        assert held <= module.OTHERS_BYTES
    assert held == capture._others_size > module.OTHERS_BYTES * 0.9


def test_homer_is_told_which_way_a_message_went_and_none_of_its_secrets() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer:
        homer.bind(("127.0.0.1", 0))
        homer.settimeout(2.0)
        capture = Capture(Kept(), homer=Homer(homer.getsockname(), 7))
        secret = b"REGISTER x\r\nCall-ID: a\r\nAuthorization: Basic Ym9iOnNlY3JldA==\r\n\r\n"
        capture.message(secret, PEER, OURS, sent=True)
        datagram = homer.recv(4096)
        capture.close()
    assert b"Authorization: Basic ***" in datagram
    assert b"Ym9i" not in datagram
    assert struct.pack("!HHHH", 0, 7, 8, OURS.port) in datagram  # source port
    assert struct.pack("!HHHH", 0, 8, 8, PEER.port) in datagram
