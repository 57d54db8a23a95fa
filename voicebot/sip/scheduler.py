"""One heap of deadlines for everything in an endpoint that waits."""

import heapq
from typing import Protocol


class Waiting(Protocol):
    """What can be scheduled. `scheduled` belongs to the scheduler."""

    scheduled: float | None

    def next_timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...


class Scheduler:
    """Deadlines may move later or vanish without notice: an early wake-up looks again."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Waiting]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def schedule(self, item: Waiting) -> None:
        """Take note of the item's next deadline; call it after everything that may bring one."""
        due = item.next_timer()
        if due is None or (item.scheduled is not None and item.scheduled <= due):
            return
        item.scheduled = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, item))

    def next_timer(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def handle_timer(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            at, _, item = heapq.heappop(self._heap)
            if item.scheduled != at:
                continue
            item.scheduled = None
            due = item.next_timer()
            if due is not None and due <= now:
                item.handle_timer(now)
            self.schedule(item)
