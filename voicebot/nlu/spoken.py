"""Values in words, as a voice should read them: no symbols, no figures. English and Mandarin."""

import datetime
import itertools
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from voicebot.nlu.languages import NluError, require_language, words
from voicebot.nlu.money import CURRENCIES
from voicebot.nlu.numerals import EN_UNITS, cardinal

_ZH_CALLED = dict(
    zip("0123456789", "零幺二三四五六七八九", strict=True)
)  # 幺: one, as numbers are called out
_ZH_PLAIN = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_EN_CALLED = dict(zip("0123456789", ("oh", *EN_UNITS[1:]), strict=True))
MONTHS = words("january february march april may june july august september october november december")
WEEKDAYS = words("monday tuesday wednesday thursday friday saturday sunday")
_EN_ORDINAL = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_EN_PARTS = ((12, "in the morning"), (18, "in the afternoon"), (24, "in the evening"))
_ZH_PARTS = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
_EN_TIMES = {2: "double", 3: "triple"}
_EN_SPANS = ("day", "hour", "minute", "second")
_ZH_SPANS = ("天", "小时", "分钟", "秒")
_EN_PLAIN = dict(zip("0123456789", EN_UNITS, strict=True))


class NotSpeakable(NluError):
    """A value that cannot be put into words. The text names the kind, never the value."""


def digits(value: str | int, language: str) -> str:
    """Return a string of digits as it is called out: "oh one double five", 零幺五五. Letters are kept, upper case."""
    text = [character for character in str(value).upper() if character.isascii() and character.isalnum()]
    if require_language(language) == "zh":
        return _zh_join([_ZH_CALLED.get(character, character) for character in text])
    out: list[str] = []
    for character, run in itertools.groupby(text):
        name, count = _EN_CALLED.get(character, character), len(list(run))
        repeated = _EN_TIMES.get(count) if character.isdigit() else None
        out += [f"{repeated} {name}"] if repeated else [name] * count
    return " ".join(out)


def _zh_join(parts: list[str]) -> str:
    """Join Han without spaces, letters with one on each side."""
    text = "".join(f" {part} " if part.isascii() else part for part in parts)
    return " ".join(text.split())


def letters(value: str, language: str) -> str:
    """Return letters and digits one by one: "A one two", "A 幺二"; other characters stay as they are."""
    table = _ZH_CALLED if require_language(language) == "zh" else _EN_PLAIN
    parts = [table.get(character, character) for character in value.upper() if not character.isspace()]
    return _zh_join(parts) if language == "zh" else " ".join(parts)


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise NotSpeakable("not a number") from None
    if not number.is_finite() or abs(number) >= 10**15 or number != round(number, 12):
        raise NotSpeakable("the number is too large or too long to be spoken")
    return number


def number(value: object, language: str) -> str:
    """Return a number (int, float, Decimal, or text of one): "three point one four", 三点一四."""
    exact = _decimal(value)
    whole, _, fraction = format(abs(exact), "f").partition(".")
    fraction = fraction.rstrip("0")
    minus = exact < 0 and (int(whole) > 0 or fraction != "")
    text = cardinal(int(whole), language)
    if require_language(language) == "zh":
        tail = "点" + "".join(_ZH_PLAIN[digit] for digit in fraction) if fraction else ""
        return ("负" if minus else "") + text + tail
    tail = " point " + " ".join(_EN_PLAIN[digit] for digit in fraction) if fraction else ""
    return ("minus " if minus else "") + text + tail


def currency(value: object, code: str, language: str) -> str:
    """Return an amount: "one thousand two hundred thirty-four yuan and fifty fen", 一千二百三十四元五角.

    Rounded to hundredths (or to units where there are none), half away from zero. Raises NotSpeakable for a code that
    is not in `money.CURRENCIES`.
    """
    require_language(language)
    names = CURRENCIES.get(code.upper())
    if names is None:
        raise NotSpeakable(f"unknown currency: known are {', '.join(sorted(CURRENCIES))}")
    places = Decimal("0.01") if names.zh_cent else Decimal(1)
    amount = _decimal(value).quantize(places, ROUND_HALF_UP)
    cents = int(abs(amount) * 100)
    whole, cents = divmod(cents, 100)
    if language == "en":
        parts = [f"{cardinal(whole, 'en')} {names.unit[whole != 1]}"] if whole or not cents else []
        if cents:
            parts.append(f"{cardinal(cents, 'en')} {names.cent[cents != 1]}")
        return ("minus " if amount < 0 else "") + " and ".join(parts)
    text = cardinal(whole, "zh") if whole != 2 else "两"
    text = text + names.zh_unit if whole or not cents else ""
    if code.upper() == "CNY":
        jiao, fen = divmod(cents, 10)
        if jiao:
            text += f"{_zh_count(jiao)}角"
        elif fen and whole:
            text += "零"
        if fen:
            text += f"{_ZH_PLAIN[str(fen)]}分"
    elif cents:
        text += ("零" if whole and cents < 10 else "") + f"{_zh_count(cents)}{names.zh_cent}"
    return ("负" if amount < 0 else "") + text


def ordinal(value: int, language: str) -> str:
    """Return "first", "twenty-first", 第一."""
    if require_language(language) == "zh":
        text = cardinal(value, "zh")
        return "第" + ("二" + text[1:] if text.startswith("两百") else text)
    text = cardinal(value, "en")
    head, separator, last = text.rpartition("-") if "-" in text.split(" ")[-1] else text.rpartition(" ")
    return (
        head
        + separator
        + _EN_ORDINAL.get(last, last.removesuffix("y") + ("ieth" if last.endswith("y") else "th"))
    )


def date(value: datetime.date | str, language: str, today: datetime.date | None = None) -> str:
    """Return "March the fifth, twenty twenty-six", 二〇二六年三月五号. The year of `today` is left out.

    `value` may be an ISO date, or an ISO datetime of which the date is taken.
    """
    day = _date(value)
    same_year = today is not None and today.year == day.year
    if require_language(language) == "zh":
        year = (
            ""
            if same_year
            else "".join("〇一二三四五六七八九"[int(digit)] for digit in f"{day.year:04}") + "年"
        )
        return f"{year}{cardinal(day.month, 'zh')}月{cardinal(day.day, 'zh')}号"
    year = "" if same_year else f", {_en_year(day.year)}"
    return f"{MONTHS[day.month - 1].title()} the {ordinal(day.day, 'en')}{year}"


def _en_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if year < 1000 or year % 1000 < 10:
        return cardinal(year, "en")
    if rest == 0:
        return f"{cardinal(century, 'en')} hundred"
    return f"{cardinal(century, 'en')} {'oh ' if rest < 10 else ''}{cardinal(rest, 'en')}"


def time(value: datetime.time | datetime.datetime | str, language: str) -> str:
    """Return the time of day: "three thirty in the afternoon", 下午三点半. `value` may be "15:30"."""
    clock = _time(value)
    if require_language(language) == "zh":
        part = next(name for until, name in _ZH_PARTS if clock.hour < until)
        hour = clock.hour if clock.hour <= 12 else clock.hour - 12
        if clock.minute == 0:
            minute = ""
        elif clock.minute == 30:
            minute = "半"
        else:
            minute = ("零" if clock.minute < 10 else "") + cardinal(clock.minute, "zh") + "分"
        return f"{part}{_zh_count(hour)}点{minute}"
    if clock.minute == 0 and clock.hour in (0, 12):
        return "noon" if clock.hour else "midnight"
    part = next(name for until, name in _EN_PARTS if clock.hour < until)
    text = cardinal(clock.hour % 12 or 12, "en")
    if clock.minute:
        text += (" oh " if clock.minute < 10 else " ") + cardinal(clock.minute, "en")
    return f"{text} {part}"


def when(value: datetime.datetime | str, now: datetime.datetime, language: str) -> str:
    """Return an instant as seen from `now` in its own zone: "tomorrow at nine in the morning", 明天上午九点.

    Within six days the weekday is named, later the date, with the year where it is another.
    """
    moment = datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is not None and now.tzinfo is not None:
        moment = moment.astimezone(now.tzinfo)
    days = (moment.date() - now.date()).days
    clock = time(moment, language)
    if require_language(language) == "zh":
        near = {-1: "昨天", 0: "今天", 1: "明天", 2: "后天"}.get(days)
        if near is None and 0 < days < 7:
            next_week = moment.date().isocalendar()[1] != now.date().isocalendar()[1]
            near = ("下周" if next_week else "本周") + "一二三四五六日"[moment.weekday()]
        return (near or date(moment, "zh", now.date())) + clock
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days)
    if near is None and 0 < days < 7:
        near = f"on {WEEKDAYS[moment.weekday()].title()}"
    return f"{near or 'on ' + date(moment, 'en', now.date())} at {clock}"


def duration(seconds: float, language: str) -> str:
    """Return "one minute and thirty seconds", 一分钟三十秒; rounded to seconds, two largest units from an hour on."""
    left = int(_decimal(seconds).quantize(Decimal(1), ROUND_HALF_UP))
    if left < 0:
        raise NotSpeakable("a duration is not negative")
    parts: list[tuple[int, int]] = []
    for index, size in enumerate((86400, 3600, 60, 1)):
        count, left = divmod(left, size)
        if count:
            parts.append((count, index))
    if parts and parts[0][1] < 2:
        parts = [part for part in parts if part[1] <= parts[0][1] + 1]
    parts = parts or [(0, 3)]
    if require_language(language) == "zh":
        return "".join(f"{_zh_count(count)}{_ZH_SPANS[index]}" for count, index in parts)
    texts = [f"{cardinal(count, 'en')} {_EN_SPANS[index]}{'s' * (count != 1)}" for count, index in parts]
    return " and ".join(texts)


def phone(value: str, language: str) -> str:
    """Return a telephone number in groups with a pause between: "one three eight, double oh one two, ..."."""
    require_language(language)
    text = "".join(character for character in value if character.isascii() and character.isdigit())
    abroad = value.strip().startswith("+")
    groups: list[str] = []
    if abroad and len(text) == 13 and text.startswith("86"):
        groups, text = ["86"], text[2:]
    head = 3 if len(text) == 11 else len(text) % 4 or 4
    groups += [text[:head]] + [text[at : at + 4] for at in range(head, len(text), 4)]
    pause, plus = ("，", "加") if language == "zh" else (", ", "plus ")
    return (plus if abroad else "") + pause.join(digits(group, language) for group in groups if group)


def _zh_count(count: int) -> str:
    """Return a count before a measure word: 两 for two."""
    return "两" if count == 2 else cardinal(count, "zh")


def _date(value: datetime.date | str) -> datetime.date:
    if isinstance(value, str):
        try:
            return datetime.datetime.fromisoformat(value).date()
        except ValueError:
            raise NotSpeakable("not a date") from None
    return value.date() if isinstance(value, datetime.datetime) else value


def _time(value: datetime.time | datetime.datetime | str) -> datetime.time:
    if isinstance(value, datetime.datetime):
        return value.time()
    if isinstance(value, datetime.time):
        return value
    try:
        return datetime.time.fromisoformat(value)
    except ValueError:
        pass
    try:
        return datetime.datetime.fromisoformat(value).time()
    except ValueError:
        raise NotSpeakable("not a time") from None
