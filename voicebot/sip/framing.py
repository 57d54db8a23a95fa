"""Messages in a byte stream: TCP and TLS (RFC 3261 section 18.3), with the keep-alives of RFC 5626 section 4.4.1."""

import re
from enum import Enum

from voicebot.sip.message import MAX_MESSAGE

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
# RFC 3261 section 7.3.1: white space around the colon, and a value that is folded.
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_VERSION = re.compile(rb"SIP/[0-9]", re.IGNORECASE)
_LONGEST_METHOD = 256  # bytes before the first blank of a start line


class KeepAlive(Enum):
    PING = b"\r\n\r\n"
    PONG = b"\r\n"


class StreamFramer:
    """Cuts one peer's stream into messages.

    `broken` says why no later byte of the stream can be understood: close the connection. What is kept is less than
    MAX_MESSAGE bytes. A message without Content-Length has no body.
    """

    def __init__(self) -> None:
        self.broken = ""
        self._buffer = bytearray()
        self._searched = 0
        self._half_ping = False

    @property
    def partial(self) -> bool:
        """Whether a message has begun that is not complete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes | KeepAlive]:
        """Take what has arrived; return the messages and keep-alives that are now complete, in order."""
        found: list[bytes | KeepAlive] = []
        if self.broken:
            return found
        self._buffer += data
        while self._buffer and not self.broken:
            item = self._keep_alive() if self._buffer[0] in b"\r\n" else self._message()
            if item is None:
                break
            found.append(item)
        if self.broken:
            self._buffer.clear()
        return found

    def _keep_alive(self) -> KeepAlive | None:
        buffer = self._buffer
        if buffer == b"\r":
            return None
        end = 2 if buffer.startswith(b"\r\n") else 1
        del buffer[:end]
        self._half_ping = not self._half_ping
        return KeepAlive.PONG if self._half_ping else KeepAlive.PING

    def _message(self) -> bytes | None:
        buffer = self._buffer
        self._half_ping = False
        if not self._begins_as_sip():
            return None
        blank = _BLANK_LINE.search(buffer, max(0, self._searched - 3))
        if blank is None:
            self._searched = len(buffer)
            if len(buffer) >= MAX_MESSAGE:
                self.broken = "message too large"
            return None
        self._searched = blank.start()
        length = self._content_length(blank.start())
        if length is None:
            # Where the next message begins cannot be known; this one is still answered (400).
            self.broken = "bad Content-Length"
            return bytes(buffer[: blank.end()])
        end = blank.end() + length
        if end > MAX_MESSAGE:
            self.broken = "message too large"
            return None
        if len(buffer) < end:
            return None
        message = bytes(buffer[:end])
        del buffer[:end]
        self._searched = 0
        return message

    def _begins_as_sip(self) -> bool:
        """Look at the start line as soon as there is enough of it; note in `broken` that it is none of SIP."""
        buffer = self._buffer
        end = buffer.find(b"\n", 0, MAX_MESSAGE)
        known = end >= 0 or len(buffer) > _LONGEST_METHOD
        if (
            not 0x21 <= buffer[0] <= 0x7E
            or (known and buffer.find(b" ", 0, _LONGEST_METHOD if end < 0 else min(end, _LONGEST_METHOD)) < 0)
            or (end >= 0 and _VERSION.search(buffer, 0, end) is None)
        ):
            self.broken = "not SIP"
        return not self.broken

    def _content_length(self, end: int) -> int | None:
        values = {found.strip() for found in _LENGTH.findall(self._buffer, 0, end)}
        if not values:
            return 0
        value = values.pop()
        return int(value) if not values and value.isdigit() and len(value) < 10 else None
