"""How Python itself runs in the process that answers telephones: its threads and its garbage collector, kept prompt."""

import gc
import sys

SWITCH_INTERVAL = 0.0005  # seconds that a thread may hold Python while the loop wants it (default: 0.005)

# A call leaves the collector next to nothing (sip/spent.py, calls/leg.py): rounds among 5,000 new objects take a few
# milliseconds, every thousand short calls. Python's own (700, 10, 10) cost some 18 microseconds a call, these 7.
GC_THRESHOLD = (5_000, 20, 20)


def keep_pace() -> None:
    """Let no other thread hold up the loop for long, and no collection walk through what is there now: that stays."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
