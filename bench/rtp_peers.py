"""The media of many callers in one process, as cheap as Python can: one send a packet, one receive, kernel timestamps."""

import asyncio
import contextlib
import errno
import select
import socket
import struct
from collections.abc import Sequence
from itertools import islice

from bench.figures import FRAME, StreamFigures, stream_figures
from voicebot.media import rtcp, rtp

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module has no name for it
_TIMESPEC = struct.Struct("@qq")
_SLOTS = 4  # per 20 ms: the callers are spread over them
_SLOT_SECONDS = 0.02 / _SLOTS
_BUFFER = 1 << 20

_RTCP = range(192, 224)  # second byte of what shares the port with RTP (RFC 5761 section 4)


class Peer:
    """One caller's RTP and RTCP sockets. `audio` is G.711, sent in a circle from `offset`."""

    def __init__(self, host: str, audio: bytes, offset: int) -> None:
        self.rtp, self.rtcp = _pair(host)
        self.port: int = self.rtp.getsockname()[1]
        self.reported_lost = 0  # of what we sent, as the other side's last RTCP report says
        self._audio = audio
        self._position = offset // FRAME * FRAME
        self._sent = 0
        self._target: tuple[str, int] | None = None
        self._seen: list[tuple[float, int, int]] = []

    def start(self, host: str, port: int) -> None:
        self._target = (host, port)

    def send(self) -> None:
        if self._target is None:
            return
        if self._position + FRAME > len(self._audio):
            self._position = 0
        payload = self._audio[self._position : self._position + FRAME]
        packet = rtp.build(0, self._sent & 0xFFFF, self._sent * FRAME & 0xFFFFFFFF, self.port, payload, False)
        self._position += FRAME
        self._sent += 1
        with contextlib.suppress(OSError):  # the other side has closed its port
            self.rtp.sendto(packet, self._target)

    def receive(self) -> None:
        """Take one packet."""
        data, ancillary, _, _ = self.rtp.recvmsg(2048, 64)
        if len(data) < rtp.HEADER_BYTES or not ancillary:
            return
        if data[1] in _RTCP:
            self._reported(data)
            return
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        self._seen.append((seconds + nanoseconds / 1e9, *struct.unpack_from("!HI", data, 2)))

    def receive_report(self) -> None:
        self._reported(self.rtcp.recv(2048))

    def _reported(self, data: bytes) -> None:
        report = rtcp.parse(data)
        if report is not None and report.blocks:
            self.reported_lost = report.blocks[0].lost

    def forget(self) -> None:
        """Begin the measurement anew."""
        self._seen.clear()

    def figures(self) -> StreamFigures:
        seen = self._seen
        return stream_figures([row[0] for row in seen], [row[1] for row in seen], [row[2] for row in seen])

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class Peers:
    """All of them, on the running loop's clock: every 5 ms a quarter of them sends, and all that came is read."""

    def __init__(self) -> None:
        self.all: list[Peer] = []
        self._epoll = select.epoll()
        self._rtp: dict[int, Peer] = {}
        self._rtcp: dict[int, Peer] = {}
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._slot = 0
        self._timer = self._loop.call_soon(self._tick)
        self.latest = (
            0.0  # how late a slot was at most, in seconds: more than a few ms, and the load was no steady one
        )

    def add(self, peer: Peer) -> None:
        self.all.append(peer)
        for item, known in ((peer.rtp, self._rtp), (peer.rtcp, self._rtcp)):
            known[item.fileno()] = peer
            self._epoll.register(item.fileno(), select.EPOLLIN)

    def close(self) -> None:
        self._timer.cancel()
        self._epoll.close()
        for peer in self.all:
            peer.close()

    def _tick(self) -> None:
        at = self._start + self._slot * _SLOT_SECONDS
        self.latest = max(self.latest, self._loop.time() - at)
        for peer in islice(self.all, self._slot % _SLOTS, None, _SLOTS):
            peer.send()
        while ready := self._epoll.poll(0, 4096):
            for descriptor, _ in ready:
                try:
                    if descriptor in self._rtp:
                        self._rtp[descriptor].receive()
                    else:
                        self._rtcp[descriptor].receive_report()
                except OSError as error:
                    if error.errno != errno.ECONNREFUSED:  # an ICMP answer to what we sent
                        raise
        self._slot += 1
        self._timer = self._loop.call_at(self._start + self._slot * _SLOT_SECONDS, self._tick)


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Bind an even port and the next (RFC 3550 section 11)."""
    while True:
        first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        first.bind((host, 0))
        port = first.getsockname()[1]
        try:
            if port % 2:
                raise OSError
            second.bind((host, port + 1))
        except OSError:
            first.close()
            second.close()
            continue
        for item in (first, second):
            item.setblocking(False)
        first.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        return first, second


def total(figures: Sequence[StreamFigures]) -> StreamFigures:
    """Add up the streams of all callers."""
    return StreamFigures(
        sum(item.received for item in figures),
        sum(item.lost for item in figures),
        sum(item.skipped for item in figures),
        tuple(gap for item in figures for gap in item.gaps),
    )
