"""Ranges of media ports for what tests start: who runs at the same time, also in another test run, never shares one.

A block is claimed by the name of a socket that the kernel gives to one process only, and gives up with it.
"""

import gc
import itertools
import os
import socket
import time
import weakref
from pathlib import Path

# Each lies below the ports that the system gives out (32768); the step is the size of a block.
HOTLINES = range(16000, 31000, 1500)
PBXS = range(10000, 15800, 200)
PHONES = range(31000, 32700, 100)
_LOCK = "\0voicebot-tests-ports-{}"  # the name of no file
_FREE_WITHIN = 120.0  # seconds for somebody else to end
_turns = {zone: itertools.count(os.getpid()) for zone in (HOTLINES, PBXS, PHONES)}


def claim(owner: object, zone: range) -> tuple[int, int]:
    """Return the first and the last port of a block that is nobody else's while `owner` lives.

    Blocks are handed out one after the other, so that late packets find nobody. Raises AssertionError if there is none.
    """
    end = time.monotonic() + _FREE_WITHIN
    while True:
        for _ in zone:
            first = zone[next(_turns[zone]) % len(zone)]
            lock = _lock(first)
            if lock is None:
                continue
            if not _in_use(first, first + zone.step):
                weakref.finalize(owner, lock.close)
                return first, first + zone.step - 1
            lock.close()
        assert time.monotonic() < end, f"every block of {zone} is taken"
        gc.collect()  # owners that only a cycle keeps alive
        time.sleep(0.5)


def _lock(first: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        lock.bind(_LOCK.format(first))
    except OSError:
        lock.close()
        return None
    return lock


def _in_use(first: int, end: int) -> bool:
    """Return whether a program that does not ask here has a UDP port of them."""
    for table in (Path("/proc/net/udp"), Path("/proc/net/udp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            if first <= int(line.split()[1].rpartition(":")[2], 16) < end:
                return True
    return False
