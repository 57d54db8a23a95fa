"""The absolute clock of a worker: slots of 5 ms, every fourth a tick. Arithmetic only; the loop sleeps and reads time."""

import math

from voicebot.media import FRAME_SECONDS

SLOTS = 4  # per tick: packets are read, and commands heard, every 5 ms
SLOT_SECONDS = FRAME_SECONDS / SLOTS
CATCH_UP = 0.2  # seconds behind that are caught up tick by tick; what is more is skipped


class TickClock:
    """Slot n lies at `start` + n * 5 ms, whatever happens in between: lateness never adds up."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._slot = 0

    def advance(self) -> tuple[float, bool]:
        """Go to the next slot; return its instant, and whether it is a tick."""
        self._slot += 1
        return self._start + self._slot * SLOT_SECONDS, self._slot % SLOTS == 0

    def skip_missed(self, now: float) -> int:
        """Return how many ticks are given up because `now` is more than CATCH_UP after the slot, and leave them out."""
        behind = now - self._start - self._slot * SLOT_SECONDS
        if behind <= CATCH_UP:
            return 0
        missed = math.floor(behind / FRAME_SECONDS)
        self._slot += missed * SLOTS
        return missed
