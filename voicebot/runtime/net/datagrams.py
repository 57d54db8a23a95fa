"""A bound UDP socket on the loop: all that has arrived is read at once, what is to be sent leaves at once.

Twisted's own port makes three times as many steps of Python for each datagram, and every call consists of datagrams.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

MAX_DATAGRAM = 65_535
AT_A_TIME = 100  # datagrams that are read before others have their turn

# The datagram, and whom it came from: (host, port), for IPv6 with two numbers more.
OnDatagram = Callable[[bytes, tuple[Any, ...]], None]


class Datagrams:
    """Reads until `close`. `opened` is non-blocking, and is this one's from now on."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, opened: socket.socket, on_datagram: OnDatagram
    ) -> None:
        self._loop = loop
        self._socket = opened
        self._on_datagram = on_datagram
        loop.add_reader(opened.fileno(), self._read)

    def send(self, data: bytes, destination: tuple[str, int]) -> None:
        """Send to an IP address. Raises OSError where it cannot leave: no route, too long, no room now."""
        self._socket.sendto(data, destination)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        receive, take = self._socket.recvfrom, self._on_datagram
        for _ in range(AT_A_TIME):
            try:
                data, source = receive(MAX_DATAGRAM)
            except OSError:  # no more now; or an ICMP message to one that we sent, after which the next comes
                return
            take(data, source)
