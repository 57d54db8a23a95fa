"""What a leg costs a media worker, by codec and encryption, in processor time alone.

    python -m bench.leg_cost                       # G.711, G.722, Opus, and G.711 with SRTP
    python -m bench.leg_cost --codec G722 --srtp --legs 200 --seconds 10

The plane of a media worker, with real sockets on loopback, plays a looped prompt to every leg, listens, and gets speech-like
audio back; what the peers do is not counted, and neither is the worker's clock (3 % of a core). The ticks follow each other
without waiting, so that other programs on the machine disturb little.
"""

import argparse
import random
import socket
import time
from collections.abc import Sequence

from bench.media_load import callers_voice
from voicebot.media import FRAME_SAMPLES, FRAME_SECONDS, music, rtp
from voicebot.media.coders import coder_for, problem_of
from voicebot.media.g711 import PCMU
from voicebot.media.inner import INNER, inner_of
from voicebot.runtime.media_worker.loop import RtpPoller
from voicebot.runtime.media_worker.plane import MediaPlane
from voicebot.runtime.media_worker.prompts import Loaded
from voicebot.runtime.media_worker.recorder import Recorder
from voicebot.runtime.media_worker.secure import Secure
from voicebot.wire import ConfigureLeg, Listen, OpenLeg, Play, PromptItem, SrtpKeys
from voicebot.wire.messages import Codec

_DRAINS = 4  # a tick, as the worker's loop has
_WARM_UP = 100  # ticks
_PAYLOAD_TYPE = {"PCMU": 0, "PCMA": 8, "G722": 9, "OPUS": 107}
_SUITE = "AES_CM_128_HMAC_SHA1_80"
_KEYS = (b"a" * 30, b"b" * 30)


class OnePrompt:
    """The same prompt under every name, ready at once."""

    def __init__(self) -> None:
        samples = music.music_on_hold()
        self._audio = {name: inner.encode(samples) for name, inner in INNER.items()}

    def get(self, path: str, codec: str, now: float) -> bytes | None:
        return self._audio[codec]

    def loaded(self) -> list[Loaded]:
        return []


class Peer:
    """One telephone: sends what was encoded beforehand, and throws away what it gets."""

    def __init__(self, payloads: Sequence[bytes], offset: int, codec: str, ticks: int, srtp: bool) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.target = ("127.0.0.1", 0)
        self._payloads = payloads
        self._kind = _PAYLOAD_TYPE[codec]
        self._step = FRAME_SAMPLES * ticks
        self._secure = Secure(SrtpKeys(_SUITE, _KEYS[1], _KEYS[0])) if srtp else None
        self._offset = offset
        self._sent = 0

    def send(self) -> None:
        payload = self._payloads[(self._offset + self._sent) % len(self._payloads)]
        packet = rtp.build(self._kind, self._sent & 0xFFFF, self._sent * self._step & 0xFFFFFFFF, 7, payload)
        if self._secure is not None:
            packet = self._secure.seal(packet) or b""
        self._sent += 1
        self.socket.sendto(packet, self.target)

    def drop(self) -> int:
        try:
            return len(self.socket.recv(2048))
        except BlockingIOError:
            return 0


def encoded(codec: str) -> list[bytes]:
    """Return 10 s of what a caller says, in packets of 20 ms."""
    voice, coder, inner = callers_voice(), coder_for(codec), inner_of(codec)
    if coder is None:
        audio = inner.encode(PCMU.decode(voice))
        return [audio[at : at + FRAME_SAMPLES] for at in range(0, len(audio), FRAME_SAMPLES)]
    audio, size = inner.encode(PCMU.decode(voice)), FRAME_SAMPLES * inner.width
    return [coder.encode(audio[at : at + size]) for at in range(0, len(audio), size)]


def run(codec: Codec, srtp: bool, legs: int, seconds: float) -> tuple[float, float]:
    """Return CPU seconds per call-minute, and the packets of a leg and second that came back."""
    plane = MediaPlane(RtpPoller(), OnePrompt(), Recorder(), random.Random(1))
    coder = coder_for(codec)
    payloads = encoded(codec)
    peers = [Peer(payloads, 7 * n, codec, coder.ticks if coder is not None else 1, srtp) for n in range(legs)]
    now = 1000.0
    for number, peer in enumerate(peers, 1):
        _open(plane, number, peer, codec, srtp, now)
    spent, back = 0.0, 0
    ticks = round(seconds / FRAME_SECONDS)
    for tick in range(_WARM_UP + ticks):
        now += FRAME_SECONDS
        used = 0.0
        for group in range(_DRAINS):
            for peer in peers[group::_DRAINS]:
                peer.send()
            start = time.thread_time()
            plane.drain(now)
            used += time.thread_time() - start
        start = time.thread_time()
        plane.tick(now)
        used += time.thread_time() - start
        plane.outbox.clear()
        heard = sum(peer.drop() > 0 for peer in peers)
        if tick >= _WARM_UP:
            spent += used
            back += heard
    for peer in peers:
        peer.socket.close()
    return spent / (legs * seconds / 60), back / (legs * seconds)


def _open(plane: MediaPlane, number: int, peer: Peer, codec: Codec, srtp: bool, now: float) -> None:
    bound = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for item in bound:
        item.bind(("127.0.0.1", 0))
    peer.target = bound[0].getsockname()
    call, port, kind = f"call-{number}", peer.socket.getsockname()[1], _PAYLOAD_TYPE[codec]
    plane.handle(OpenLeg(call, number), (bound[0], bound[1]), now)
    host, keys = "127.0.0.1", SrtpKeys(_SUITE, *_KEYS) if srtp else None
    plane.handle(ConfigureLeg(call, number, codec, kind, 101, 101, host, port, host, srtp=keys), (), now)
    plane.handle(Play(call, number, 1, (PromptItem("prompt"),), "none", True), (), now)
    plane.handle(Listen(call, number, 1, -1), (), now)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", choices=tuple(_PAYLOAD_TYPE), action="append")
    parser.add_argument("--srtp", action="store_true", help="encrypted; without --codec: G.711 both ways")
    parser.add_argument("--legs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0, help="of audio")
    options = parser.parse_args()
    runs = [(codec, options.srtp) for codec in options.codec or ()]
    for codec, srtp in runs or [("PCMU", False), ("PCMU", True), ("G722", False), ("OPUS", False)]:
        if problem := problem_of(codec):
            print(f"{codec}: {problem}")
            continue
        cost, back = run(codec, srtp, options.legs, options.seconds)
        name = f"{codec}{' with SRTP' if srtp else ''}"
        print(f"{name:16} {cost:.4f} CPU-s per call-minute ({back:.1f} packets/s heard of each)", flush=True)


if __name__ == "__main__":
    main()
