"""Where the media of all SIPp calls goes, in a process of its own: `python -m bench.rtp_sink HOST`.

Prints its port; then, for every line on stdin, one JSON object about what has come since the last: a stream is one
sender's address with one SSRC.
"""

import json
import select
import socket
import sys

from bench.figures import AUDIBLE

_BUFFER = 32 << 20
_HEADER = 12
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; needs CAP_NET_ADMIN
# G.711 mu-law code words that are louder than AUDIBLE: |sample| of a word is at least 33 * 2^segment - 33
_QUIET = bytes(word for word in range(256) if (33 << ((~word >> 4) & 7)) - 33 < AUDIBLE)

Key = tuple[str, int, bytes]


class Streams:
    """Counts packets, and among them those with a sound in them."""

    def __init__(self) -> None:
        self.packets: dict[Key, int] = {}
        self.audible: dict[Key, int] = {}

    def take(self, data: bytes, host: str, port: int) -> None:
        if len(data) <= _HEADER or data[0] >> 6 != 2 or data[1] & 0x7F != 0:
            return
        key = (host, port, data[8:12])
        self.packets[key] = self.packets.get(key, 0) + 1
        payload = data[_HEADER:]
        if len(payload.translate(None, _QUIET)) > len(payload) // 2:
            self.audible[key] = self.audible.get(key, 0) + 1

    def told(self) -> dict[str, object]:
        """Return the number of packets of every stream, and of audible ones."""
        return {"packets": list(self.packets.values()), "audible": list(self.audible.values())}


def main(host: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        try:
            sink.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sink.setblocking(False)
        sink.bind((host, 0))
        print(json.dumps({"port": sink.getsockname()[1]}), flush=True)
        streams = Streams()
        while True:
            ready, _, _ = select.select([sink, sys.stdin], [], [])
            if sink in ready:
                _drain(sink, streams)
            if sys.stdin in ready:
                if not sys.stdin.readline():
                    return
                print(json.dumps(streams.told()), flush=True)
                streams = Streams()


def _drain(sink: socket.socket, streams: Streams) -> None:
    while True:
        try:
            data, (host, port) = sink.recvfrom(2048)
        except BlockingIOError:
            return
        streams.take(data, host, port)


if __name__ == "__main__":
    main(sys.argv[1])
