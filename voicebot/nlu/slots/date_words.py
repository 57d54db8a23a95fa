"""The words of dates in English and Mandarin -> what they settle. The calendar is consulted elsewhere."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voicebot.nlu import spoken
from voicebot.nlu.languages import require_language, words
from voicebot.nlu.numerals import read_cardinal
from voicebot.nlu.text import expand, strip_fillers, tokens


@dataclass(frozen=True, slots=True)
class PartialDate:
    """What was said of a date; None where nothing was. `weeks_ahead` and `months_ahead` count from the present one."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    weeks_ahead: int | None = None
    months_ahead: int | None = None
    days_ahead: int | None = None
    unfinished: bool = False

    def open(self, today_known: bool) -> bool:
        """Return whether more words could still make it a day."""
        if self.unfinished or (self.month is not None and self.day is None):
            return True
        if self.year is not None and (self.month is None or self.day is None):
            return True
        return not today_known and self.day is not None and self.year is None


_EN_SKIPPED = frozenset(words("on the of it is a at for my birthday date day"))
_EN_ORDINALS = {tuple(spoken.ordinal(day, "en").split("-")): day for day in range(1, 32)}
_EN_MONTHS = {name: index for index, name in enumerate(spoken.MONTHS, start=1)} | {
    name[:3]: index for index, name in enumerate(spoken.MONTHS, start=1) if name != "may"
}
_EN_WEEKDAYS = {name: index for index, name in enumerate(spoken.WEEKDAYS)}
_EN_DAYS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("day", "after", "tomorrow"), 2),
    (("day", "before", "yesterday"), -2),
    (("tomorrow",), 1),
    (("today",), 0),
    (("tonight",), 0),
    (("yesterday",), -1),
)
_EN_WEEKS = {"this": 0, "next": 1, "last": -1}
_ZH_DAYS = (
    ("大后天", 3),
    ("大前天", -3),
    ("今天", 0),
    ("今日", 0),
    ("明天", 1),
    ("明日", 1),
    ("后天", 2),
    ("昨天", -1),
    ("前天", -2),
)
_ZH_WEEKS = (
    ("下下个", 2),
    ("下下", 2),
    ("下个", 1),
    ("下", 1),
    ("这个", 0),
    ("这", 0),
    ("本", 0),
    ("上个", -1),
    ("上", -1),
)
_ZH_YEARS = (("今年", 0), ("明年", 1), ("后年", 2), ("去年", -1), ("前年", -2))
_ZH_WEEKDAY = {character: index for index, character in enumerate("一二三四五六日")} | {"天": 6, "末": 5}


def read_date(text: str, language: str, today: datetime.date | None) -> PartialDate | None:
    """Return what an utterance says of a date, or None if it is about something else."""
    items = strip_fillers(tokens(text, language), language)
    if not items:
        return None
    if require_language(language) == "en":
        return _read_en(expand(items, "en"))
    return _read_zh("".join(items), items, today)


# --- English ------------------------------------------------------------------------------------------------------


def _read_en(items: Sequence[str]) -> PartialDate | None:
    said = PartialDate()
    at = 0
    while at < len(items):
        step = _en_step(items, at, said)
        if step is not None:
            said, at = step
        elif items[at] in _EN_SKIPPED:
            at += 1
        else:
            return None
    return None if said == PartialDate() else said


def _en_step(items: Sequence[str], at: int, said: PartialDate) -> tuple[PartialDate, int] | None:
    item = items[at]
    for phrase, days in _EN_DAYS:
        if tuple(items[at : at + len(phrase)]) == phrase:
            return replace(said, days_ahead=days), at + len(phrase)
    if item in ("this", "next", "last", "coming"):
        following = items[at + 1] if at + 1 < len(items) else ""
        if following in _EN_WEEKDAYS:
            return replace(said, weekday=_EN_WEEKDAYS[following], weeks_ahead=_EN_WEEKS.get(item)), at + 2
        if following == "month":
            return replace(
                said, months_ahead=max(0, _EN_WEEKS.get(item, 0)), unfinished=said.day is None
            ), at + 2
        return (replace(said, unfinished=True), at + 1) if not following else None
    if item in _EN_WEEKDAYS:
        if items[at + 1 : at + 3] == ("next", "week"):
            return replace(said, weekday=_EN_WEEKDAYS[item], weeks_ahead=1), at + 3
        return replace(said, weekday=_EN_WEEKDAYS[item]), at + 1
    if item in _EN_MONTHS:
        return replace(said, month=_EN_MONTHS[item], unfinished=False), at + 1
    for length in (2, 1):
        day = _EN_ORDINALS.get(tuple(items[at : at + length]))
        if day is not None:
            return replace(said, day=day, unfinished=False), at + length
    if item == "in" or (said == PartialDate() and items[-3:] == ("days", "from", "now")):
        return _en_span(items, at + (item == "in"), said)
    return _en_number(items, at, said)


def _en_span(items: Sequence[str], at: int, said: PartialDate) -> tuple[PartialDate, int] | None:
    count = read_cardinal(items, at, "en")
    if at < len(items) and items[at] == "a":
        count = (1, at + 1)
    if count is None or count[1] >= len(items):
        return (replace(said, unfinished=True), len(items)) if at >= len(items) or count else None
    size = {"day": 1, "days": 1, "week": 7, "weeks": 7}.get(items[count[1]])
    if size is None or count[0] > 10000:
        return None
    end = count[1] + 1
    return replace(said, days_ahead=count[0] * size), end + 2 * (
        tuple(items[end : end + 2]) == ("from", "now")
    )


def _en_number(items: Sequence[str], at: int, said: PartialDate) -> tuple[PartialDate, int] | None:
    """A number is the day, or after the day the year: "twenty twenty six", "nineteen oh five", "two thousand six"."""
    number = read_cardinal(items, at, "en")
    if number is None:
        return None
    value, end = number
    if said.month is not None and said.day is None and 1 <= value <= 31:
        return replace(said, day=value), end
    if said.month is None and said.day is None and 1 <= value <= 31 and end < len(items):
        return replace(said, day=value), end
    if said.day is None:
        return None
    if 1000 <= value <= 9999:
        return replace(said, year=value, unfinished=False), end
    if value in (19, 20):
        rest_at = end + (end < len(items) and items[end] == "oh")
        rest = read_cardinal(items, rest_at, "en")
        if rest is None:
            return replace(said, unfinished=True), end
        if rest[0] < 100 and (rest_at == end or rest[0] < 10):
            return replace(said, year=value * 100 + rest[0], unfinished=False), rest[1]
    return None


# --- Mandarin -----------------------------------------------------------------------------------------------------


def _read_zh(text: str, items: Sequence[str], today: datetime.date | None) -> PartialDate | None:
    if len(text) != sum(map(len, items)):
        return None
    said = PartialDate()
    at = 0
    while at < len(items):
        step = _zh_step(items, at, said, today)
        if step is None:
            if items[at] not in "的在是我生日":
                return None
            at += 1
            continue
        said, at = step
    return None if said == PartialDate() else said


def _starts(items: Sequence[str], at: int, phrase: str) -> bool:
    return "".join(items[at : at + len(phrase)]) == phrase


def _zh_step(
    items: Sequence[str], at: int, said: PartialDate, today: datetime.date | None
) -> tuple[PartialDate, int] | None:
    for phrase, days in _ZH_DAYS:
        if _starts(items, at, phrase):
            return replace(said, days_ahead=days), at + len(phrase)
    for phrase, years in _ZH_YEARS:
        if _starts(items, at, phrase):
            return (replace(said, year=today.year + years, unfinished=True), at + 2) if today else None
    for phrase, ahead in (*_ZH_WEEKS, ("", None)):
        if not _starts(items, at, phrase):
            continue
        start = at + len(phrase)
        if ahead is not None and start < len(items) and items[start] == "月":
            return replace(said, months_ahead=max(0, ahead), unfinished=True), start + 1
        for week in ("星期", "礼拜", "周"):
            if _starts(items, start, week):
                end = start + len(week)
                weekday = _ZH_WEEKDAY.get(items[end]) if end < len(items) else None
                if weekday is not None:
                    return replace(said, weekday=weekday, weeks_ahead=ahead), end + 1
                return (replace(said, unfinished=True), end) if end == len(items) else None
        if ahead is not None and start == len(items):
            return replace(said, unfinished=True), start
    return _zh_number(items, at, said, today)


def _zh_number(
    items: Sequence[str], at: int, said: PartialDate, today: datetime.date | None
) -> tuple[PartialDate, int] | None:
    number = read_cardinal(items, at, "zh")
    if number is None:
        return None
    value, end = number
    if end == len(items):
        # 三月五 is often said without 号; a bare number may still become anything.
        if said.month is not None and 1 <= value <= 31:
            return replace(said, day=value, unfinished=False), end
        return (replace(said, unfinished=True), end) if value < 10000 else None
    unit = items[end]
    if unit == "年" and value < 10000:
        if value < 100:
            if end - at != 2 and not items[at].isascii():
                return None
            pivot = (today.year if today else 2000) % 100 + 10
            value += 2000 if value <= pivot else 1900
        return replace(said, year=value, unfinished=True), end + 1
    if unit == "月" and 1 <= value <= 12:
        return replace(said, month=value, unfinished=False), end + 1
    if unit in "号日" and 1 <= value <= 31:
        return replace(said, day=value, unfinished=False), end + 1
    for span, size in (("天", 1), ("个星期", 7), ("个礼拜", 7), ("周", 7), ("星期", 7)):
        if _starts(items, end, span):
            after = end + len(span)
            for later in ("以后", "之后", "后"):
                if _starts(items, after, later):
                    return replace(said, days_ahead=value * size), after + len(later)
            return (replace(said, unfinished=True), after) if after == len(items) else None
    return None
