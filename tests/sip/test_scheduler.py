"""Deadlines."""

from voicebot.sip.scheduler import Entry, Scheduler


class Item:
    def __init__(self, due: float | None) -> None:
        self.due = due
        self.fired: list[float] = []
        self.entry: Entry | None = None

    def next_timer(self) -> float | None:
        return self.due

    def handle_timer(self, now: float) -> None:
        self.fired.append(now)
        self.due = None


def test_items_fire_when_due_and_once() -> None:
    scheduler = Scheduler()
    early, late = Item(1.0), Item(2.0)
    scheduler.schedule(late)
    scheduler.schedule(early)
    assert scheduler.next_timer() == 1.0
    scheduler.handle_timer(1.5)
    scheduler.handle_timer(1.7)
    assert (early.fired, late.fired) == ([1.5], [])
    scheduler.handle_timer(2.0)
    assert late.fired == [2.0]
    assert scheduler.next_timer() is None


def test_a_deadline_that_moved_later_does_not_fire_early() -> None:
    scheduler = Scheduler()
    item = Item(1.0)
    scheduler.schedule(item)
    item.due = 5.0
    scheduler.handle_timer(1.0)
    assert item.fired == []
    assert scheduler.next_timer() == 5.0


def test_a_deadline_that_moved_earlier_fires_then() -> None:
    scheduler = Scheduler()
    item = Item(5.0)
    scheduler.schedule(item)
    item.due = 1.0
    scheduler.schedule(item)
    scheduler.handle_timer(1.0)
    assert item.fired == [1.0]
    assert scheduler.next_timer() is None


def test_cancelled_items_are_not_kept() -> None:
    scheduler = Scheduler()
    items = [Item(100.0 + index) for index in range(1000)]
    for item in items:
        scheduler.schedule(item)
    for item in items[1:]:
        scheduler.cancel(item)
    assert len(scheduler._heap) < 600
    scheduler.cancel(items[0])
    assert scheduler.next_timer() is None
