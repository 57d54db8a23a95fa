"""A capture file of one RTP stream with telephone events (RFC 4733), which SIPp plays as it stands."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

_CODES = {key: code for code, key in enumerate("0123456789*#ABCD")}
_SSRC = 0x0D7AF001
_SILENCE = b"\xff" * 160


@dataclass
class Faults:
    """What happened to the packets on their way."""

    no_end: bool = False  # every packet with the end bit is lost
    no_start: bool = False  # the first three packets of every event are lost, the marker with them
    doubled: bool = False
    swapped: bool = False  # neighbouring packets of an event have changed places


@dataclass
class _Track:
    packets: list[tuple[float, bytes]] = field(default_factory=list)
    sequence: int = 1000
    stamp: int = 160000
    at: float = 0.0

    def packet(self, payload_type: int, marker: bool, payload: bytes) -> bytes:
        head = struct.pack(
            "!BBHII", 0x80, payload_type | marker << 7, self.sequence & 0xFFFF, self.stamp, _SSRC
        )
        self.sequence += 1
        return head + payload

    def audio(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.packets.append((self.at, self.packet(0, not self.packets, _SILENCE)))
            self.stamp += 160
            self.at += 0.02

    def event(self, key: str, payload_type: int, faults: Faults) -> None:
        """Eight packets of 20 ms, the end three times; all have the time stamp of the first."""
        code, found, count = _CODES[key], [], 8
        for number in range(1, count + 1):
            payload = struct.pack("!BBH", code, 10, 160 * number)
            found.append((self.at, self.packet(payload_type, number == 1, payload)))
            self.at += 0.02
        ends = [
            self.packet(payload_type, False, struct.pack("!BBH", code, 0x8A, 160 * count)) for _ in range(3)
        ]
        if not faults.no_end:
            found += [(self.at + 0.0005 * number, packet) for number, packet in enumerate(ends)]
        if faults.no_start:
            found = found[3:]
        if faults.swapped:
            times = [at for at, _ in found]
            order = [index ^ 1 if index ^ 1 < len(found) else index for index in range(len(found))]
            found = [(at, found[index][1]) for at, index in zip(times, order, strict=True)]
        for at, packet in found:
            self.packets.append((at, packet))
            if faults.doubled:
                self.packets.append((at + 0.0002, packet))
        self.stamp += 160 * count


def write(path: Path, keys: str, *, payload_type: int = 101, faults: Faults | None = None) -> Path:
    """Write the capture: 1.5 s of silence, then a key of 160 ms every 360 ms."""
    track = _Track()
    track.audio(1.5)
    for key in keys:
        track.event(key, payload_type, faults or Faults())
        track.audio(0.2)
    lines = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for at, packet in track.packets:
        datagram = struct.pack("!HHHH", 6000, 6002, 8 + len(packet), 0) + packet
        loopback = 0x7F000001
        head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, loopback, loopback)
        frame = bytes(12) + b"\x08\x00" + head + datagram
        lines.append(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(lines))
    return path
