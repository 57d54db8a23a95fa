"""Slot type `time`: a time of day, as "15:30". Keyed as HHMM.

Without a part of the day an hour from one to six is taken for the afternoon and seven to eleven for the morning, with
less confidence; `range` ("09:00" to "17:30") decides where it can.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import require_language, words
from voicebot.nlu.numerals import read_cardinal
from voicebot.nlu.slots.base import NOTHING, SlotError, SlotJudgement, SlotSpec, Value
from voicebot.nlu.slots.quantities import number_jsgf
from voicebot.nlu.slots.spoken_type import UtteranceType
from voicebot.nlu.text import expand, strip_fillers, tokens

GUESSED_CONFIDENCE = 0.65  # morning or afternoon was not said

_EN_SKIPPED = frozenset(words("at it is about around the by o'clock in"))
_EN_MORNING = frozenset(words("am morning"))
_EN_LATER = frozenset(words("pm afternoon evening night tonight"))
_ZH_PARTS = (
    ("凌晨", "am"),
    ("清晨", "am"),
    ("早上", "am"),
    ("早晨", "am"),
    ("上午", "am"),
    ("中午", "noon"),
    ("下午", "pm"),
    ("傍晚", "pm"),
    ("晚上", "pm"),
    ("夜里", "pm"),
    ("半夜", "am"),
    ("今晚", "pm"),
)
_ZH_NIGHT = frozenset(words("晚上 夜里 半夜 今晚"))


@dataclass(slots=True)
class _Clock:
    """What was said of a time. `part` is "am", "pm", "noon" or ""."""

    hour: int | None = None
    minute: int | None = None
    part: str = ""

    def candidates(self) -> list[tuple[str, float]]:
        """Return the times that may be meant with their certainty, the likeliest first."""
        if self.hour is None or self.hour > 24:
            return []
        hour, minute = self.hour % 24, self.minute or 0
        if self.part == "noon":
            hours = [(hour + 12 if 1 <= hour <= 3 else hour, 1.0)]
        elif self.part and hour <= 12:
            hours = [(hour % 12 + 12 * (self.part == "pm"), 1.0)]
        elif self.part or hour > 12 or hour == 0:
            hours = [(hour, 1.0)]
        else:
            other = (hour + 12) % 24
            hours = [(hour, GUESSED_CONFIDENCE), (other, GUESSED_CONFIDENCE)]
            if hour < 7:
                hours.reverse()
        return [(f"{hour:02}:{minute:02}", certainty) for hour, certainty in hours]


class Time(UtteranceType):
    name = "time"
    range_of = "texts"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        minutes = number_jsgf(1, 59, language)
        if require_language(language) == "zh":
            hours = number_jsgf(0, 24, "zh")
            parts = " | ".join(name for name, _ in _ZH_PARTS)
            return (f"[{parts}] {hours} (点 | 点钟) [半 | 整 | 一刻 | 三刻 | [零] {minutes} [分]]",)
        hours = number_jsgf(1, 12, "en")
        part = "[a m | p m | in the morning | in the afternoon | in the evening | at night]"
        return (
            f"[at] {hours} [o'clock | [oh] {minutes}] {part}",
            f"(half past | quarter past | quarter to | {minutes} [minutes] (past | to)) {hours} {part}",
            "(noon | midday | midnight)",
        )

    def hear(self, text: str, spec: SlotSpec, language: str) -> SlotJudgement:
        items = strip_fillers(tokens(text, language), language)
        clock = _read_en(expand(items, "en")) if require_language(language) == "en" else _read_zh(items)
        if clock is None:
            return NOTHING
        if clock.hour is None:
            return SlotJudgement(Completeness.PREFIX)
        fitting = [(value, certainty) for value, certainty in clock.candidates() if _within(value, spec)]
        if not fitting:
            return NOTHING
        value, certainty = fitting[0]
        if len(fitting) == 1 and spec.range is not None:
            certainty = 1.0
        done = clock.part != "" and (clock.minute is not None or language == "en")
        return SlotJudgement(Completeness.FINAL if done else Completeness.MATCH, value, certainty)

    def press(self, keys: str, spec: SlotSpec, closed: bool) -> SlotJudgement:
        if not (keys.isascii() and keys.isdigit()) or len(keys) > 4:
            return NOTHING
        if len(keys) == 3 and closed:
            keys = "0" + keys
        if len(keys) < 4:
            return SlotJudgement(Completeness.PREFIX)
        hour, minute = int(keys[:2]), int(keys[2:])
        value = f"{hour:02}:{minute:02}"
        good = hour < 24 and minute < 60 and _within(value, spec)
        return SlotJudgement(Completeness.FINAL, value) if good else NOTHING

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if not isinstance(value, str):
            raise SlotError("a time is a string, HH:MM")
        return spoken.time(value, language)

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        if not isinstance(value, str):
            return "type"
        try:
            datetime.time.fromisoformat(value)
        except ValueError:
            return "type"
        return None if _within(value, spec) else "range"


def _within(value: str, spec: SlotSpec) -> bool:
    return spec.range is None or str(spec.range[0]) <= value <= str(spec.range[1])


def _read_en(items: Sequence[str]) -> _Clock | None:
    clock = _Clock()
    at = 0
    while at < len(items):
        item = items[at]
        if item in ("a", "p") and items[at + 1 : at + 2] == ("m",):
            clock.part, at = item + "m", at + 2
        elif item in _EN_MORNING or item in _EN_LATER:
            clock.part, at = "am" if item in _EN_MORNING else "pm", at + 1
        elif item in ("noon", "midday", "midnight"):
            clock.hour, clock.minute, clock.part = (0, 0, "am") if item == "midnight" else (12, 0, "pm")
            at += 1
        elif item in ("half", "quarter") or (item == "a" and items[at + 1 : at + 2] == ("quarter",)):
            at += item == "a"
            step = _en_relative(items, at + 1, 30 if items[at] == "half" else 15, clock)
            if step is None:
                return None
            at = step
        elif item in _EN_SKIPPED:
            at += 1
        elif (step := _en_number(items, at, clock)) is not None:
            at = step
        else:
            return None
    return None if clock == _Clock() and not items else clock


def _en_relative(items: Sequence[str], at: int, minutes: int, clock: _Clock) -> int | None:
    """Read "past three" or "to three" after the minutes."""
    if at >= len(items):
        return at
    if items[at] not in ("past", "after", "to", "till", "before"):
        return None
    if at + 1 >= len(items):
        return at + 1
    word = items[at + 1]
    hour = (12, at + 2) if word in ("noon", "midnight") else read_cardinal(items, at + 1, "en")
    if hour is None or not 1 <= hour[0] <= 12:
        return None
    back = items[at] in ("to", "till", "before")
    clock.hour, clock.minute = ((hour[0] - 2) % 12 + 1, 60 - minutes) if back else (hour[0], minutes)
    if word == "noon":
        clock.part = "am" if back else "pm"
    elif word == "midnight":
        clock.part = "pm" if back else "am"
    return hour[1]


def _en_number(items: Sequence[str], at: int, clock: _Clock) -> int | None:
    leading_oh = items[at] == "oh"
    number = read_cardinal(items, at + leading_oh, "en")
    if number is None:
        return None
    value, end = number
    if clock.hour is None:
        after = end + (items[end : end + 1] in (("minutes",), ("minute",)))
        if items[after : after + 1] in (("past",), ("after",), ("to",), ("till",)):
            return _en_relative(items, after, value, clock) if 0 < value < 60 else None
        if 100 <= value < 2400 and value % 100 < 60 and items[at].isdigit():
            clock.hour, clock.minute = divmod(value, 100)
            return end
        if value > 24:
            return None
        clock.hour = value
        return end
    if clock.minute is None and value < 60:
        clock.minute = value
        return end
    return None


def _read_zh(items: Sequence[str]) -> _Clock | None:
    text = "".join(items)
    if len(text) != len(items) and not any(item.isdigit() for item in items):
        return None
    clock = _Clock()
    night = False
    at = 0
    while at < len(items):
        part = next((part for part in _ZH_PARTS if "".join(items[at : at + 2]) == part[0]), None)
        if part is not None:
            clock.part, night, at = part[1], part[0] in _ZH_NIGHT, at + 2
            continue
        number = read_cardinal(items, at, "zh")
        if number is not None and clock.hour is None and number[0] <= 24:
            clock.hour, at = number
            if items[at : at + 1] not in (("点",), ("时",)):
                return _Clock(part=clock.part) if at == len(items) else None
            at += 1 + (items[at + 1 : at + 2] == ("钟",))
        elif clock.hour is not None and items[at] == "半":
            clock.minute, at = 30, at + 1
        elif clock.hour is not None and items[at] == "整":
            clock.minute, at = 0, at + 1
        elif clock.hour is not None and number is not None and items[number[1] : number[1] + 1] == ("刻",):
            clock.minute, at = number[0] * 15, number[1] + 1
        elif clock.hour is not None and number is not None:
            clock.minute, at = number[0], number[1] + (items[number[1] : number[1] + 1] == ("分",))
        elif items[at] in "在的是就约大":
            at += 1
        else:
            return None
        if clock.minute is not None and clock.minute > 59:
            return None
    if night and clock.hour == 12:
        clock.part = "am"  # 晚上十二点 is midnight
    return clock if items else None
