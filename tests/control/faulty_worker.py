"""A worker process for tests: sends heartbeats; "die" ends it, "hang" keeps it silent, "say" writes to stderr."""

import selectors
import socket
import sys
import time

from voicebot.wire import EndCall, Heartbeat
from voicebot.wire.channel import Channel, ChannelClosed


def main() -> None:
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    selector = selectors.DefaultSelector()
    selector.register(channel, selectors.EVENT_READ)
    beats = True
    while True:
        if beats:
            channel.send(Heartbeat("faulty", time.monotonic(), {"pings": 1.0}))
        if not selector.select(0.2):
            continue
        try:
            received = channel.receive()
        except ChannelClosed:
            return
        order = received[0].call if received and isinstance(received[0], EndCall) else ""
        if order == "die":
            sys.exit(3)
        beats = beats and order != "hang"
        if order == "say":
            print("native trouble", file=sys.stderr, flush=True)


main()
