"""Slot type `date`: a day, as "2026-03-05". Keyed as YYYYMMDD, or MMDD where `now` is known.

What leaves the year open means the coming such day, or the one within `range`. "Monday" is the next one after today,
"this Monday" that of the present week and "next Monday" (下周一) that of the next; weeks begin on Monday.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import require_language
from voicebot.nlu.slots.base import NOTHING, SlotError, SlotJudgement, SlotSpec, Value
from voicebot.nlu.slots.date_words import PartialDate, read_date
from voicebot.nlu.slots.quantities import number_jsgf
from voicebot.nlu.slots.spoken_type import UtteranceType


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Resolves what was said against today and the range."""

    today: datetime.date | None
    low: str
    high: str

    def allows(self, day: datetime.date) -> bool:
        return self.low <= day.isoformat() <= self.high

    def first(self, days: Iterable[datetime.date | None]) -> datetime.date | None:
        return next((day for day in days if day is not None and self.allows(day)), None)

    def resolve(self, said: PartialDate) -> datetime.date | None:
        """Return the day that is meant, or None if there is none."""
        today = self.today
        if said.year is not None and said.month is not None and said.day is not None:
            return self.first([_day(said.year, said.month, said.day)])
        if today is None:
            return None
        if said.month is not None and said.day is not None:
            years = [today.year, today.year + 1, *range(today.year + 2, today.year + 9)]
            days = [_day(year, said.month, said.day) for year in years]
            coming = [day for day in days if day is not None and day >= today]
            past = [_day(today.year - back, said.month, said.day) for back in range(9)]
            return self.first([*coming, *past])
        if said.day is not None:
            months = [
                (today.year + (today.month - 1 + n) // 12, (today.month - 1 + n) % 12 + 1) for n in range(13)
            ]
            if said.months_ahead is not None:
                return self.first([_day(*months[said.months_ahead], said.day)])
            days = [_day(year, month, said.day) for year, month in months]
            return self.first([day for day in days if day is not None and day >= today])
        if said.weekday is not None:
            monday = today - datetime.timedelta(days=today.weekday())
            if said.weeks_ahead is not None:
                return self.first([monday + datetime.timedelta(days=7 * said.weeks_ahead + said.weekday)])
            ahead = (said.weekday - today.weekday() - 1) % 7 + 1
            return self.first([today + datetime.timedelta(days=ahead)])
        if said.days_ahead is not None:
            return self.first([today + datetime.timedelta(days=said.days_ahead)])
        return None


def _day(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _calendar(spec: SlotSpec) -> _Calendar:
    low, high = (
        ("0001-01-01", "9999-12-31") if spec.range is None else (str(spec.range[0]), str(spec.range[1]))
    )
    return _Calendar(spec.now.date() if spec.now else None, low, high)


class Date(UtteranceType):
    name = "date"
    relative = True
    range_of = "texts"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        if require_language(language) == "zh":
            number = "(一 | 二 | 三 | 四 | 五 | 六 | 七 | 八 | 九 | 十 | 十一 | 十二)"
            day = f"{number_jsgf(1, 31, 'zh')} (号 | 日)"
            digit = "(零 | 一 | 二 | 三 | 四 | 五 | 六 | 七 | 八 | 九)"
            return (
                "(今天 | 明天 | 后天 | 大后天 | 昨天 | 前天)",
                "[这 | 本 | 下 | 下下 | 上] (周 | 星期 | 礼拜) (一 | 二 | 三 | 四 | 五 | 六 | 日 | 天)",
                f"[今年 | 明年 | 去年 | {digit} {digit} {digit} {digit} 年] {number} 月 {day}",
                f"[这个月 | 下个月] {day}",
                f"{number_jsgf(1, 31, 'zh')} (天 | 周 | 个 星期) (后 | 以后 | 之后)",
            )
        ordinals = " | ".join(spoken.ordinal(day, "en").replace("-", " ") for day in range(1, 32))
        year = (
            f"((nineteen | twenty) {number_jsgf(10, 69, 'en')} | (nineteen | twenty) oh {number_jsgf(1, 9, 'en')} | "
            f"two thousand [[and] {number_jsgf(1, 29, 'en')}])"
        )
        months = f"({' | '.join(spoken.MONTHS)})"
        return (
            "([the] day after tomorrow | tomorrow | today | yesterday)",
            f"[on | this | next | coming | last] ({' | '.join(spoken.WEEKDAYS)})",
            f"{months} [the] ({ordinals}) [{year}]",
            f"[the] ({ordinals}) [of {months} [{year}]]",
            f"in {number_jsgf(1, 31, 'en')} (days | day | weeks | week)",
        )

    def hear(self, text: str, spec: SlotSpec, language: str) -> SlotJudgement:
        said = read_date(text, language, spec.now.date() if spec.now else None)
        if said is None:
            return NOTHING
        calendar = _calendar(spec)
        day = calendar.resolve(said)
        if day is None:
            return SlotJudgement(Completeness.PREFIX) if said.open(calendar.today is not None) else NOTHING
        open_end = said.year is None and said.day is not None and language == "en"
        return SlotJudgement(Completeness.MATCH if open_end else Completeness.FINAL, day.isoformat())

    def press(self, keys: str, spec: SlotSpec, closed: bool) -> SlotJudgement:
        if not (keys.isascii() and keys.isdigit()):
            return NOTHING
        calendar = _calendar(spec)
        if (
            keys[0] in "0123"
            and keys[:2] not in ("19", "20")
            and calendar.today is not None
            and len(keys) > 1
        ):
            if len(keys) < 4:
                good = "01" <= keys[:2] <= "12" and keys[2:3] in ("", "0", "1", "2", "3")
                return SlotJudgement(Completeness.PREFIX) if good else NOTHING
            month_day = PartialDate(month=int(keys[:2]), day=int(keys[2:4]))
            day = calendar.resolve(month_day) if len(keys) == 4 else None
            return SlotJudgement(Completeness.FINAL, day.isoformat()) if day else NOTHING
        if len(keys) < 8:
            return SlotJudgement(Completeness.PREFIX) if keys[:2] in ("0", "1", "2", "19", "20") else NOTHING
        whole = PartialDate(year=int(keys[:4]), month=int(keys[4:6]), day=int(keys[6:8]))
        day = calendar.resolve(whole) if len(keys) == 8 else None
        return SlotJudgement(Completeness.FINAL, day.isoformat()) if day else NOTHING

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        """Return the day in words, without the year where it is that of `spec.now`."""
        if not isinstance(value, str):
            raise SlotError("a date is a string, YYYY-MM-DD")
        return spoken.date(value, language, spec.now.date() if spec and spec.now else None)

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        if not isinstance(value, str):
            return "type"
        try:
            day = datetime.date.fromisoformat(value)
        except ValueError:
            return "type"
        return None if _calendar(spec).allows(day) else "range"
