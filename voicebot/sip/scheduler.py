"""One heap of deadlines for everything in an endpoint that waits."""

import heapq
from dataclasses import dataclass
from typing import Protocol

_COMPACT_FROM = 256


@dataclass(slots=True, eq=False)
class Entry:
    due: float
    item: "Waiting | None"


class Waiting(Protocol):
    """What can be scheduled. `entry` belongs to the scheduler."""

    entry: Entry | None

    def next_timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...


class Scheduler:
    """An item's deadline may move later or vanish without notice: an early wake-up looks again."""

    def __init__(self) -> None:
        self._heap: list[
            tuple[float, int, Entry]
        ] = []  # due, in the order of scheduling: tuples compare fast
        self._count = 0
        self._cancelled = 0

    def schedule(self, item: Waiting) -> None:
        """Take note of the item's next deadline; call it after everything that may bring one."""
        due = item.next_timer()
        if due is None or (item.entry is not None and item.entry.due <= due):
            return
        self.cancel(item)
        self._count += 1
        item.entry = Entry(due, item)
        heapq.heappush(self._heap, (due, self._count, item.entry))

    def cancel(self, item: Waiting) -> None:
        """Forget an item, so that nothing of it is kept until a deadline that no longer counts."""
        if item.entry is None:
            return
        item.entry.item = None
        item.entry = None
        self._cancelled += 1
        if self._cancelled > _COMPACT_FROM and self._cancelled > len(self._heap) // 2:
            self._heap = [waiting for waiting in self._heap if waiting[2].item is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def next_timer(self) -> float | None:
        self._drop_cancelled()
        return self._heap[0][0] if self._heap else None

    def handle_timer(self, now: float) -> None:
        while (due := self.next_timer()) is not None and due <= now:
            item = heapq.heappop(self._heap)[2].item
            if item is None:
                continue
            item.entry = None
            wanted = item.next_timer()
            if wanted is not None and wanted <= now:
                item.handle_timer(now)
            self.schedule(item)

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0][2].item is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1
