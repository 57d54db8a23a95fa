"""Opening hours: weekly hours, closed dates, extra dates (调休), in the hotline's zone.

`extra` beats `closed` beats `weekly`. An interval belongs to the date on which it begins: `22:00-02:00` of a Friday runs
into Saturday even if Saturday is closed. Times are wall times of the zone, compared as instants, so that a change to or
from daylight saving time moves nothing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from voicebot.dialplan.fields import Reader, Refused, key, list_of, string
from voicebot.dialplan.source import Mapping, Node, describe, nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON_DAYS = 400  # next_open looks no further

_INTERVAL = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_SHUT = ("closed", "close", "off", "none", "no", "休息", "关闭")
_DATE_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Minutes after midnight of the date on which it begins; `end` is beyond 1440 when it runs past midnight."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Dates:
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Extra:
    date: date
    intervals: tuple[Interval, ...] | None  # None: Monday's


@dataclass(frozen=True, slots=True)
class Hours:
    """One entry of `hours`."""

    weekly: dict[int, tuple[Interval, ...]]  # by weekday, Monday is 0
    closed: tuple[Dates, ...] = ()
    extra: tuple[Extra, ...] = ()

    def intervals(self, day: date) -> tuple[Interval, ...]:
        """Return the intervals that begin on `day`."""
        for extra in self.extra:
            if extra.date == day:
                return self.weekly.get(0, ()) if extra.intervals is None else extra.intervals
        if any(dates.first <= day <= dates.last for dates in self.closed):
            return ()
        return self.weekly.get(day.weekday(), ())

    def is_open(self, now: datetime, zone: tzinfo) -> bool:
        """Say whether it is open at `now` (aware)."""
        today = now.astimezone(zone).date()
        yesterday = today - timedelta(days=1)
        spans = [(today, interval) for interval in self.intervals(today)]
        spans += [(yesterday, interval) for interval in self.intervals(yesterday) if interval.end > 1440]
        return any(
            _instant(day, interval.start, zone) <= now < _instant(day, interval.end, zone)
            for day, interval in spans
        )

    def next_open(self, now: datetime, zone: tzinfo) -> datetime | None:
        """Return when it opens next, in `zone`: `now` itself while open, None if not within HORIZON_DAYS."""
        if self.is_open(now, zone):
            return now.astimezone(zone)
        today = now.astimezone(zone).date()
        for offset in range(HORIZON_DAYS):
            day = today + timedelta(days=offset)
            for interval in sorted(self.intervals(day)):
                start = _instant(day, interval.start, zone)
                if start >= now:
                    return start.astimezone(zone)
        return None

    @property
    def ever_open(self) -> bool:
        return any(self.weekly.values()) or any(extra.intervals for extra in self.extra)


def _closed_at_a_stretch(closed: tuple[Dates, ...]) -> int:
    """Return the most days that follow each other and are closed."""
    longest, first, last = 0, date.min, date.min
    for dates_ in sorted(closed, key=lambda item: item.first):
        if dates_.first.toordinal() > last.toordinal() + 1:
            first = dates_.first
        last = max(last, dates_.last)
        longest = max(longest, last.toordinal() - first.toordinal() + 1)
    return longest


def _instant(day: date, minutes: int, zone: tzinfo) -> datetime:
    wall = datetime.combine(day + timedelta(days=minutes // 1440), time(), zone)
    return wall.replace(hour=minutes % 1440 // 60, minute=minutes % 60).astimezone(UTC)


# --- reading -------------------------------------------------------------------------------------------------------


def interval(reader: Reader, node: Node) -> Interval:
    text = string(reader, node)
    found = _INTERVAL.fullmatch(text)
    if found is None:
        hint = (
            "leave out the days that are closed"
            if text.strip().lower() in _SHUT
            else 'write from when to when: "8:30-20:00"'
        )
        reader.refuse(node, "VB026", f"{text!r} is no span of hours", hint)
    first_hour, first_minute, last_hour, last_minute = map(int, found.groups())
    start, end = first_hour * 60 + first_minute, last_hour * 60 + last_minute
    if first_minute > 59 or last_minute > 59 or start >= 1440 or end > 1440 or start == end:
        reader.refuse(node, "VB026", f"{text!r} is no span of hours", 'a whole day is "00:00-24:00"')
    return Interval(start, end if end > start else end + 1440)


def _intervals(reader: Reader, node: Node) -> tuple[Interval, ...]:
    found: tuple[Interval, ...] = list_of(interval, single=True)(reader, node)
    ordered = sorted(found)
    for one, following in pairwise(ordered):
        if following.start < one.end:
            reader.refuse(node, "VB140", "these hours overlap", "let one span end before the next begins")
    return tuple(ordered)


def _weekly(reader: Reader, node: Node) -> dict[int, tuple[Interval, ...]]:
    if not isinstance(node, Mapping):
        reader.refuse(
            node, "VB021", f"a map of days is expected, not {describe(node)}", 'mon-fri: "09:00-17:00"'
        )
    weekly: dict[int, tuple[Interval, ...]] = {}
    good = True
    for name, value in node.entries:
        try:
            days = _days(reader, name)
            intervals = _intervals(reader, value)
        except Refused:
            good = False
            continue
        for day in days:
            if day in weekly:
                reader.note(name.position, "VB140", f"{DAYS[day]} has hours already")
                good = False
            weekly[day] = intervals
    for day, intervals in weekly.items():
        following = weekly.get((day + 1) % 7, ())
        if intervals and following and intervals[-1].end - 1440 > following[0].start:
            reader.note(
                node.position,
                "VB140",
                f"the hours of {DAYS[day]} run past midnight into those of the next day",
            )
            good = False
    if not good:
        raise Refused
    return weekly


def _days(reader: Reader, node: Node) -> list[int]:
    text = string(reader, node)
    names = text.split("-")
    unknown = [name for name in names if name not in DAYS]
    if len(names) > 2 or unknown:
        hint = nearest(unknown[0], DAYS) if unknown else ""
        reader.refuse(node, "VB026", f"{text!r} names no days", hint or "write mon, or mon-fri")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def dates(reader: Reader, node: Node) -> Dates:
    text = string(reader, node)
    found = _DATE_RANGE.fullmatch(text)
    if found is None:
        reader.refuse(
            node, "VB026", f"{text!r} is no date", 'write "2026-10-01", or "2026-10-01..2026-10-07"'
        )
    try:
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2] or found[1])
    except ValueError:
        reader.refuse(node, "VB026", f"there is no date {text!r}")
    if last < first:
        reader.refuse(node, "VB026", f"{text!r} ends before it begins")
    return Dates(first, last)


def _extra(reader: Reader, node: Node) -> Extra:
    intervals: tuple[Interval, ...] | None = None
    if isinstance(node, Mapping) and len(node.entries) == 1:
        name, hours = node.entries[0]
        intervals = _intervals(reader, hours)
        node = name
    found = dates(reader, node)
    if found.first != found.last:
        reader.refuse(node, "VB026", "an extra date is a single date")
    return Extra(found.first, intervals)


@dataclass(frozen=True, slots=True)
class _Declared:
    weekly: dict[int, tuple[Interval, ...]] = key(_weekly, required=True)
    closed: tuple[Dates, ...] = key(list_of(dates), ())
    extra: tuple[Extra, ...] = key(list_of(_extra), ())


def hours(reader: Reader, node: Node) -> Hours:
    """The kind of one entry of `hours`."""
    declared: Any = reader.build(_Declared, node)
    found = Hours(declared.weekly, declared.closed, declared.extra)
    seen: set[date] = set()
    for extra in found.extra:
        if extra.date in seen:
            reader.refuse(
                node, "VB140", f"the extra date {extra.date} is given twice", "put its hours into one"
            )
        seen.add(extra.date)
    if _closed_at_a_stretch(found.closed) >= HORIZON_DAYS:
        hint = "a hotline that is closed for good needs no hours"
        reader.note(node.position, "VB141", f"closed for {HORIZON_DAYS} days or more in a row", hint)
    if not found.ever_open:
        reader.refuse(node, "VB141", "these hours are never open")
    return found
