"""The doctor's ports: an even one and the next, whoever has taken what lies between."""

import socket

import pytest

from voicebot.doctor import audio
from voicebot.phone import signalling
from voicebot.phone.errors import PhoneError


def test_a_taken_neighbour_makes_it_choose_another_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def bound(host: str, port: int) -> socket.socket:
        if len(taken) < 3:
            taken.append(port)
            raise PhoneError("taken")
        return signalling.bound(host, port)

    monkeypatch.setattr("voicebot.doctor.audio.bound", bound)
    first, second = audio._pair("127.0.0.1")
    with first, second:
        ports = first.getsockname()[1], second.getsockname()[1]
    assert ports[0] % 2 == 0
    assert ports[1] == ports[0] + 1
    assert ports[1] not in taken
