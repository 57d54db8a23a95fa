"""Load a media worker with calls on loopback: each plays a prompt, listens, and receives audio that is decoded.

    python bench/media_load.py --legs 50 --legs 200 --seconds 20

Prints the worker's CPU seconds per call-minute, and the gaps between the RTP packets that a peer receives, by the
kernel's receive timestamps. The peers share the machine with the worker, and are not counted.
"""

import argparse
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voicebot.media import FRAME_SAMPLES, music, rtp, wav
from voicebot.media.g711 import PCMU
from voicebot.wire import ConfigureLeg, Heartbeat, Listen, Log, OpenLeg, Play, PromptItem, Record
from voicebot.wire.channel import Channel, pair

_SO_TIMESTAMPNS = 35
_PACKETS = 50  # a second
_TIMESPEC = struct.Struct("@ll")


@dataclass
class Peer:
    """One caller's phone."""

    socket: socket.socket
    target: tuple[str, int]
    offset: int
    sequence_number: int = 0
    last_at: float = 0.0
    gaps: list[float] = field(default_factory=list)
    received: int = 0

    def send(self, audio: bytes) -> None:
        start = self.offset + self.sequence_number * FRAME_SAMPLES
        begin = start % (len(audio) - FRAME_SAMPLES)
        payload = audio[begin : begin + FRAME_SAMPLES]
        self.socket.sendto(
            rtp.build(0, self.sequence_number & 0xFFFF, start & 0xFFFFFFFF, 7, payload), self.target
        )
        self.sequence_number += 1

    def receive(self) -> None:
        _, ancillary, _, _ = self.socket.recvmsg(2048, 64)
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        at = seconds + nanoseconds / 1e9
        if self.last_at:
            self.gaps.append(at - self.last_at)
        self.last_at = at
        self.received += 1


def callers_voice() -> bytes:
    """Return 10 s that come and go like speech: noise bursts with pauses, so that detectors and gates work."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 80_000)
    envelope = (np.sin(np.arange(80_000) / 8000 * 2 * np.pi / 2.5) > 0) * 2500 + 20
    return PCMU.encode((noise * envelope).astype(np.int16))


def run(legs: int, seconds: float, record: bool) -> dict[str, float]:
    """Run one load and return its figures."""
    ours, theirs = pair()
    worker = subprocess.Popen(
        [sys.executable, "-m", "voicebot.runtime.media_worker", str(theirs.fileno()), "0"],
        pass_fds=(theirs.fileno(),),
    )
    theirs.close()
    control = Channel(ours)
    with tempfile.TemporaryDirectory() as folder:
        prompt = Path(folder) / "prompt.wav"
        prompt.write_bytes(wav.encode_wav(music.music_on_hold()))
        peers = [_open(control, number, legs, prompt, record, folder) for number in range(1, legs + 1)]
        figures = _drive(control, peers, seconds)
        control.close()
        worker.wait(10)
    return {"legs": legs, **figures}


def _open(control: Channel, number: int, legs: int, prompt: Path, record: bool, folder: str) -> Peer:
    bound = []
    for _ in range(2):
        item = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        item.bind(("127.0.0.1", 0))
        bound.append(item)
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.bind(("127.0.0.1", 0))
    phone.setblocking(False)
    phone.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    call = f"call-{number}"
    control.send(OpenLeg(call, number), (bound[0], bound[1]))
    port = phone.getsockname()[1]
    control.send(ConfigureLeg(call, number, "PCMU", 0, 101, 101, "127.0.0.1", port, "127.0.0.1"))
    control.send(Play(call, number, 1, (PromptItem(str(prompt)),), "none", True))
    control.send(Listen(call, number, 1, -1))
    if record:
        control.send(Record(call, number, os.path.join(folder, f"{number}.wav")))
    target = bound[0].getsockname()
    for item in bound:
        item.close()
    return Peer(phone, target, offset=number * 8000 * 10 // legs)


def _drive(control: Channel, peers: list[Peer], seconds: float) -> dict[str, float]:
    audio = callers_voice()
    poll = select.epoll()
    by_descriptor = {peer.socket.fileno(): peer for peer in peers}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    start = time.monotonic()
    first: Heartbeat | None = None
    last: Heartbeat | None = None
    groups = 4  # the peers send spread over the 20 ms
    for step in range(int((seconds + 2) * _PACKETS * groups)):
        left = start + step / (_PACKETS * groups) - time.monotonic()
        if left > 0:
            time.sleep(left)
        for peer in peers[step % groups :: groups]:
            peer.send(audio)
        for descriptor, _ in poll.poll(0):
            by_descriptor[descriptor].receive()
        while (received := control.receive()) is not None:
            message = received[0]
            if isinstance(message, Log):
                print(message, file=sys.stderr)
            if isinstance(message, Heartbeat):
                if first is None and message.at > start + 2 and message.counters["legs"]:
                    first = message
                    for peer in peers:
                        peer.gaps.clear()
                last = message
    assert first is not None
    assert last is not None
    wall = last.at - first.at
    cpu = last.counters["cpu_seconds"] - first.counters["cpu_seconds"]
    gaps = np.sort(np.concatenate([np.array(peer.gaps) for peer in peers])) * 1000
    lost = sum(last.counters[name] for name in ("lost", "late", "dropped_invalid", "dropped_source"))
    sent = last.counters["packets_sent"] - first.counters["packets_sent"]
    return {
        "cpu_seconds_per_call_minute": round(cpu / wall / len(peers) * 60, 4),
        "cpu_percent": round(cpu / wall * 100, 1),
        "gap_p50_ms": round(float(np.percentile(gaps, 50)), 2),
        "gap_p99_ms": round(float(np.percentile(gaps, 99)), 2),
        "gap_max_ms": round(float(gaps[-1]), 2),
        "packets_per_second_and_leg": round(sent / wall / len(peers), 2),
        "lost_or_late": lost,
        "concealed": last.counters["concealed"],
        "tick_late_p99_ms": last.counters["tick_late_p99_ms"],
        "ticks_skipped": last.counters["ticks_skipped"],
        "busy_ms_per_tick": round(
            (last.counters["tick_busy_seconds"] - first.counters["tick_busy_seconds"])
            / (last.counters["ticks"] - first.counters["ticks"])
            * 1000,
            3,
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--legs", type=int, action="append")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--record", action="store_true", help="record every call")
    options = parser.parse_args()
    for legs in options.legs or [50, 200]:
        print(json.dumps(run(legs, options.seconds, options.record)), flush=True)


if __name__ == "__main__":
    main()
