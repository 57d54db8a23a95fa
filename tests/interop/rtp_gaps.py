"""What really left the server: RTP as seen on the loopback interface, with the kernel's time stamps.

`python -m tests.interop.rtp_gaps FILE FIRST LAST` writes one line for every RTP packet sent from the UDP ports FIRST to
LAST, until SIGTERM. A process of its own, so that no other Python thread makes it late. Needs root; no dependency.
"""

import ctypes
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ETH_P_IP = 0x0800
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS, _PACKET_OUTGOING = 26, 33, 35, 4  # linux/socket.h
_RCVBUF = 64 << 20
SOURCE_PORT, DESTINATION_PORT = 34, 36  # bytes into an Ethernet frame with IPv4 without options and UDP
_LINE = struct.Struct(
    "<dHHHBBI"
)  # seconds, source and destination port, sequence number, payload type, marker, ssrc


@dataclass
class Stream:
    """One direction of one leg: packets in the order in which they were sent."""

    source: int
    destination: int
    ssrc: int
    times: list[float] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Seconds between packets of one talkspurt: a packet with the marker bit begins a new one."""
        gaps = np.diff(np.array(self.times))
        same: NDArray[np.float64] = gaps[~np.array(self.marked[1:], dtype=bool)]
        return same

    @property
    def lost(self) -> int:
        """Sequence numbers that were never sent."""
        steps = np.diff(np.array(self.sequence)) & 0xFFFF
        return int(np.sum(steps[steps < 0x8000] - 1))


@dataclass(frozen=True)
class Figures:
    """Of many streams: gaps in ms."""

    streams: int
    packets: int
    lost: int
    p50: float
    p99: float
    worst: float
    packets_per_second: float

    def __str__(self) -> str:
        return (
            f"{self.streams} streams, {self.packets} packets, {self.lost} missing, {self.packets_per_second:.2f} packets/s,"
            f" gap p50 {self.p50:.1f} p99 {self.p99:.1f} max {self.worst:.1f} ms"
        )


def figures(streams: list[Stream]) -> Figures:
    """Return the figures over all streams with two packets and more."""
    some = [each for each in streams if len(each.times) > 1]
    gaps = np.concatenate([each.gaps for each in some]) * 1000 if some else np.zeros(1)
    rates = [(len(each.times) - 1) / (each.times[-1] - each.times[0]) for each in some]
    p50, p99 = np.percentile(gaps, [50, 99])
    return Figures(
        len(some),
        sum(len(each.times) for each in some),
        sum(each.lost for each in some),
        float(p50),
        float(p99),
        float(gaps.max()),
        float(np.mean(rates)) if rates else 0.0,
    )


@dataclass
class Capture:
    """The packets of a capture that has ended."""

    path: Path

    def streams(self, payload_types: frozenset[int] = frozenset({0, 8})) -> list[Stream]:
        """Return the streams of the given payload types (audio, if not said otherwise)."""
        found: dict[tuple[int, int, int], Stream] = {}
        for at, source, destination, number, kind, marker, ssrc in _LINE.iter_unpack(self.path.read_bytes()):
            stream = found.setdefault((source, destination, ssrc), Stream(source, destination, ssrc))
            if kind in payload_types:
                stream.times.append(at)
                stream.sequence.append(number)
                stream.marked.append(bool(marker))
        return [each for each in found.values() if each.times]


@contextmanager
def capturing(path: Path, ports: tuple[int, int]) -> Iterator[Capture]:
    """Capture what is sent from the given ports while the block runs."""
    command = [sys.executable, "-m", "tests.interop.rtp_gaps", str(path), str(ports[0]), str(ports[1])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n", "the capture does not start"
        yield Capture(path)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


# --- the process ------------------------------------------------------------------------------------------------------


def packets_of(where: int, first: int, last: int, length: int = 128) -> socket.socket:
    """Return a socket that receives the first `length` bytes of frames of RTP on the loopback interface.

    Of those whose port at `where` (SOURCE_PORT, DESTINATION_PORT) lies in `first` to `last`. It waits 0.2 s at most.
    """
    ours = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # hears nothing before it is bound
    ours.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RCVBUF)
    ours.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    _attach(ours, _filter(where, first, last, length))
    ours.bind(("lo", _ETH_P_IP))
    ours.settimeout(0.2)
    return ours


def _filter(where: int, first: int, last: int, length: int) -> list[tuple[int, int, int, int]]:
    """Return classic BPF: UDP over IPv4 without options, an even port from `first` to `last`, not outgoing."""
    pkttype = (
        0xFFFFF000 + 4
    )  # SKF_AD_OFF + SKF_AD_PKTTYPE: every packet of lo is seen going out and coming in
    return [
        (0x28, 0, 0, pkttype),
        (0x15, 9, 0, _PACKET_OUTGOING),
        (0x30, 0, 0, 23),  # protocol
        (0x15, 0, 7, 17),
        (0x28, 0, 0, where),
        (0x35, 0, 5, first),
        (0x25, 4, 0, last),
        (0x54, 0, 0, 1),  # RTP has even ports
        (0x15, 0, 2, 0),
        (0x06, 0, 0, length),
        (0x06, 0, 0, 0),
        (0x06, 0, 0, 0),
    ]


def _attach(ours: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    ours.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(buffer))
    )


def _main(path: str, first: int, last: int) -> None:
    stopped: list[Any] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    ours = packets_of(SOURCE_PORT, first, last)
    print("ready", flush=True)
    with open(path, "wb", buffering=1 << 20) as out:
        while not stopped:
            try:
                data, ancillary, _, _ = ours.recvmsg(256, 64)
            except TimeoutError:
                continue
            if len(data) < 54 or data[42] >> 6 != 2:
                continue
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
            source, destination = struct.unpack_from("!HH", data, 34)
            kind, number, _stamp, ssrc = struct.unpack_from("!BHII", data, 43)
            out.write(
                _LINE.pack(
                    seconds + nanoseconds / 1e9, source, destination, number, kind & 0x7F, kind >> 7, ssrc
                )
            )


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
