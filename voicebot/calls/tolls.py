"""How much may be dialled at our expense: limits per caller and in all, by the day. Pure; agents are not counted."""

import datetime
from collections import Counter
from collections.abc import Callable, Mapping

# Callers who withhold their number: RFC 3323 section 4.1.1.3, and what trunks write.
_NOBODY = frozenset({"", "anonymous", "unknown", "unavailable", "restricted", "private", "withheld"})


def is_nobody(caller: str) -> bool:
    """Say whether a caller withholds the number: one name then stands for many."""
    return caller.casefold() in _NOBODY


class Tolls:
    """Counts what was dialled today. `on_count(day, caller, count)` keeps each new count, for `restore` after a restart."""

    def __init__(
        self,
        per_caller: int,
        in_all: int,
        on_count: Callable[[datetime.date, str, int], None] = lambda day, caller, count: None,
    ) -> None:
        self._per_caller = per_caller
        self._in_all = in_all
        self._on_count = on_count
        self._day: datetime.date | None = None
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._counted: set[str] = set()

    def restore(self, day: datetime.date, counts: Mapping[str, int]) -> None:
        """Go on with what had been dialled on a day before the server was started again."""
        self._day, self._counts, self._total = day, Counter(counts), sum(counts.values())

    def problem(self, caller: str, today: datetime.date, dialled: str) -> str:
        """Count one number dialled for `caller` and return "", or return why it may not be dialled any more today.

        `dialled` names the call and the number: however often it is asked for, it counts once.
        Callers who withhold their number (anonymous, or none) count for the day only: they are many.
        """
        if today != self._day:
            self._day, self._total = today, 0
            self._counts.clear()
            self._counted.clear()
        if dialled in self._counted:
            return ""
        if self._total >= self._in_all:
            return "limits.dialled_per_day is reached"
        if not is_nobody(caller) and self._counts[caller] >= self._per_caller:
            return "limits.dialled_per_caller_and_day is reached"
        self._total += 1
        self._counted.add(dialled)
        self._counts[caller] += 1
        self._on_count(today, caller, self._counts[caller])
        return ""
