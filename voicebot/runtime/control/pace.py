"""How Python itself runs in the process that answers telephones: its threads and its garbage collector, kept prompt."""

import gc
import sys

SWITCH_INTERVAL = 0.0005  # seconds that a thread may hold Python while the loop wants it (default: 0.005)

# Transactions outlive their calls by 32 s, so that what the collector walks through is mostly alive: with Python's own
# (700, 10, 10) it costs a sixth of the CPU of a short call.
GC_THRESHOLD = (20_000, 20, 20)


def keep_pace() -> None:
    """Let no other thread hold up the loop for long, and no collection walk through what is there now: that stays."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
