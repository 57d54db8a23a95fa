"""A non-blocking `SOCK_SEQPACKET` end that carries messages, with sockets beside them (SCM_RIGHTS)."""

import array
import contextlib
import socket

from voicebot.wire.base import Message
from voicebot.wire.codec import pack, unpack

MAX_DATAGRAM = 256 * 1024
MAX_SOCKETS = 2
_BUFFER = 4 * 1024 * 1024


class ChannelClosed(Exception):
    """The other process has closed its end or is gone."""


class ChannelFull(Exception):
    """The other process does not read fast enough; the message was not sent."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected ends, to be handed to two processes."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    return ends


class Channel:
    """One end. `fileno()` is for the owner's poll; neither send nor receive ever blocks."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: Message, sockets: tuple[socket.socket, ...] = ()) -> None:
        """Send one message; `sockets` are duplicated into the other process. Raises ChannelFull or ChannelClosed."""
        ancillary = []
        if sockets:
            rights = array.array("i", [item.fileno() for item in sockets])
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
        try:
            self._end.sendmsg([pack(message)], ancillary)
        except BlockingIOError as error:
            raise ChannelFull(type(message).__name__) from error
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self) -> tuple[Message, tuple[socket.socket, ...]] | None:
        """Return the next message with its sockets, or None if there is none now.

        Raises ChannelClosed at the end, and WireError for a datagram that is no message (the next call goes on).
        """
        rights = array.array("i")
        try:
            data, ancillary, _flags, _address = self._end.recvmsg(
                MAX_DATAGRAM, socket.CMSG_LEN(MAX_SOCKETS * rights.itemsize), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                rights.frombytes(content[: len(content) - len(content) % rights.itemsize])
        sockets = tuple(socket.socket(fileno=descriptor) for descriptor in rights)
        if not data:
            for item in sockets:
                item.close()
            raise ChannelClosed("end of file")
        try:
            return unpack(data), sockets
        except Exception:
            for item in sockets:
                with contextlib.suppress(OSError):
                    item.close()
            raise

    def close(self) -> None:
        self._end.close()
