"""Fakes of what surrounds the plane: sockets, poller, prompts, speech channels; and a peer that talks RTP to it."""

import itertools
import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from voicebot.media import rtp, telephone_event
from voicebot.media.coders import Coder, coder_for, problem_of
from voicebot.media.g711 import CODECS
from voicebot.runtime.media_worker.plane import MediaPlane
from voicebot.runtime.media_worker.prompts import Loaded
from voicebot.runtime.media_worker.recorder import Recorder
from voicebot.wire import ConfigureLeg, Message
from voicebot.wire.channel import ChannelFull
from voicebot.wire.messages import Codec

M = TypeVar("M", bound=Message)
TICK = 0.02


class FakeSocket:
    """A UDP socket in memory. `sent` holds (datagram, address)."""

    _numbers = itertools.count(1000)

    def __init__(self) -> None:
        self.number = next(self._numbers)
        self.waiting: deque[tuple[bytes, Any]] = deque()
        self.sent: list[tuple[bytes, Any]] = []
        self.closed = False
        self.broken = False

    def recvfrom(self, size: int, /) -> tuple[bytes, Any]:
        if not self.waiting:
            raise BlockingIOError
        data, address = self.waiting.popleft()
        return data[:size], address

    def sendto(self, data: bytes, address: Any, /) -> int:
        if self.broken:
            raise ConnectionRefusedError
        self.sent.append((bytes(data), address))
        return len(data)

    def fileno(self) -> int:
        return self.number

    def close(self) -> None:
        self.closed = True


class FakePoller:
    def __init__(self) -> None:
        self.sockets: dict[int, FakeSocket] = {}
        self.known: dict[int, FakeSocket] = {}

    def register(self, descriptor: int) -> None:
        self.sockets[descriptor] = self.known[descriptor]

    def unregister(self, descriptor: int) -> None:
        del self.sockets[descriptor]

    def ready(self) -> list[tuple[int, int]]:
        return [(number, 1) for number, item in self.sockets.items() if item.waiting]


class FakePrompts:
    """Prompts by name. `slow` ones come with `finish`."""

    def __init__(self) -> None:
        self.audio: dict[str, bytes] = {}
        self.slow: set[str] = set()
        self._loaded: list[Loaded] = []

    def get(self, path: str, codec: str, now: float) -> bytes | None:
        if path in self.slow:
            return None
        if path not in self.audio:
            self._loaded.append(Loaded(path, codec, f"{path}: cannot be read: no such file"))
            return None
        return self.audio[path]

    def finish(self, path: str, codec: str = "PCMU") -> None:
        self.slow.discard(path)
        self._loaded.append(Loaded(path, codec, ""))

    def loaded(self) -> list[Loaded]:
        done, self._loaded = self._loaded, []
        return done


class FakeChannel:
    """The end towards a speech worker."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.full = False

    def send(self, message: Message, /) -> None:
        if self.full:
            raise ChannelFull
        self.sent.append(message)

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.sent if isinstance(message, kind)]


class Peer:
    """The other end of a leg: sends RTP into its socket and reads what the leg sent."""

    def __init__(self, bench: "Bench", leg: int, host: str, port: int, codec: Codec) -> None:
        self.leg = leg
        self.codec = CODECS[codec]
        self.address = (host, port)
        self.rtp = FakeSocket()
        self.rtcp = FakeSocket()
        self.sequence_number = 100
        self.rtp_timestamp = 5000
        self._bench = bench
        bench.poller.known[self.rtp.fileno()] = self.rtp
        bench.poller.known[self.rtcp.fileno()] = self.rtcp

    def say(self, payload: bytes | None = None, *, kind: int | None = None, marker: bool = False) -> None:
        """Send one packet of 20 ms; silence unless told."""
        payload = self.codec.quiet(160) if payload is None else payload
        number = self.codec.payload_type if kind is None else kind
        self.raw(rtp.build(number, self.sequence_number & 0xFFFF, self.rtp_timestamp, 77, payload, marker))
        self.sequence_number += 1
        self.rtp_timestamp += 160

    def press(self, key: str, packets: int = 4, payload_type: int = 101) -> None:
        """Send a key as telephone events, without time in between."""
        code = telephone_event.KEYS.index(key)
        for n in range(packets):
            payload = telephone_event.build(telephone_event.Event(code, n == packets - 1, 10, 160 * (n + 1)))
            sequence_number = self.sequence_number & 0xFFFF
            self.raw(rtp.build(payload_type, sequence_number, self.rtp_timestamp, 77, payload, n == 0))
            self.sequence_number += 1
        self.rtp_timestamp += 160 * packets

    def raw(self, data: bytes, address: Any = None) -> None:
        self.rtp.waiting.append((data, address or self.address))

    def heard(self) -> list[rtp.Packet]:
        """Return the packets that the leg sent, oldest first."""
        packets = [rtp.parse(data) for data, _ in self.rtp.sent]
        return [packet for packet in packets if packet is not None]

    def audio(self) -> bytes:
        return b"".join(packet.payload for packet in self.heard() if packet.payload_type != 101)


class Bench:
    """A plane with its surroundings and a virtual clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 100.0
        self.poller = FakePoller()
        self.prompts = FakePrompts()
        self.recorder = Recorder()
        self.plane = MediaPlane(self.poller, self.prompts, self.recorder, random.Random(7))
        self.folder = folder

    def leg(
        self,
        number: int = 1,
        *,
        host: str = "192.0.2.1",
        port: int = 4000,
        codec: Codec = "PCMU",
        configure: bool = True,
        **changes: Any,
    ) -> Peer:
        """Open and configure a leg; return its peer."""
        peer = Peer(self, number, host, port, codec)
        self.plane.open_leg("call", number, peer.rtp, peer.rtcp)
        if configure:
            self.configure(peer, **changes)
        return peer

    def configure(self, peer: Peer, **changes: Any) -> None:
        values: dict[str, Any] = {
            "codec": peer.codec.name,
            "payload_type": peer.codec.payload_type,
            "event_payload_type": 101,
            "receive_event_payload_type": 101,
            "remote_host": peer.address[0],
            "remote_port": peer.address[1],
            "source_host": peer.address[0],
        }
        self.do(ConfigureLeg("call", peer.leg, **(values | changes)))

    def do(self, message: Message) -> None:
        self.plane.handle(message, (), self.now)

    def run(self, ticks: int, each: Callable[[int], None] | None = None) -> None:
        """Let time pass; `each` is called with the tick's number before it."""
        for tick in range(ticks):
            if each is not None:
                each(tick)
            self.now += TICK
            self.plane.drain(self.now)
            self.plane.tick(self.now)

    def told(self, kind: type[M]) -> list[M]:
        """Return what control was told, of this kind."""
        return [message for message in self.plane.outbox if isinstance(message, kind)]


def voiced(seconds: float) -> list[bytes]:
    """Return mu-law frames that the voice detector takes for speech: a buzz through vowel-like resonances."""
    time = np.arange(round(seconds * 8000)) / 8000
    phase = np.cumsum(2 * np.pi * (120 + 15 * np.sin(2 * np.pi * 3 * time)) / 8000)
    wave = np.zeros(len(time))
    for harmonic in range(1, 28):
        near = [np.exp(-(((120 * harmonic - formant) / 150) ** 2)) for formant in (500, 1500, 2500)]
        wave += (sum(near) + 0.02) * np.cos(harmonic * phase)
    payload = CODECS["PCMU"].encode((wave / wave.std() * 3000).astype(np.int16))
    return [payload[start : start + 160] for start in range(0, len(payload), 160)]


def coder(name: str) -> Coder:
    """Return a codec's coder; the test is skipped where its library is not."""
    if problem := problem_of(name):
        pytest.skip(problem)
    made = coder_for(name)
    assert made is not None
    return made
