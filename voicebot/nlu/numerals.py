"""Whole numbers in words: how they are said, and how said ones are read. English and Mandarin."""

from collections.abc import Sequence

from voicebot.nlu.languages import require_language, words

EN_UNITS = words("zero one two three four five six seven eight nine")
EN_TEENS = words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
EN_TENS = ("", "", *words("twenty thirty forty fifty sixty seventy eighty ninety"))
_EN_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_EN_SMALL = {word: value for value, word in enumerate(EN_UNITS + EN_TEENS)} | {
    "oh": 0,
    "nought": 0,
    "fourty": 40,
}
_EN_SMALL |= {word: 10 * index for index, word in enumerate(EN_TENS) if word}
_EN_SCALE = {word: value for value, word in _EN_SCALES}

ZH_DIGITS = "零一二三四五六七八九"
_ZH_DIGIT = {character: value for value, character in enumerate(ZH_DIGITS)} | {
    "〇": 0,
    "幺": 1,
    "两": 2,
    "俩": 2,
    "廿": 20,
}
_ZH_UNIT = {"十": 10, "百": 100, "千": 1000}
_ZH_SECTION = {"万": 10**4, "亿": 10**8}
ZH_NUMBER = frozenset(_ZH_DIGIT) | frozenset(_ZH_UNIT) | frozenset(_ZH_SECTION)
LARGEST = 10**15 - 1


def cardinal(value: int, language: str) -> str:
    """Return a whole number in words: "one hundred five", 一百零五. Raises ValueError beyond +-10**15."""
    if abs(value) > LARGEST:
        raise ValueError("the number is too large to be spoken")
    if require_language(language) == "zh":
        return ("负" if value < 0 else "") + _zh_cardinal(abs(value))
    return ("minus " if value < 0 else "") + _en_cardinal(abs(value))


def _en_cardinal(value: int) -> str:
    if value < 20:
        return (EN_UNITS + EN_TEENS)[value]
    if value < 100:
        tens, unit = divmod(value, 10)
        return EN_TENS[tens] + (f"-{EN_UNITS[unit]}" if unit else "")
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        return f"{EN_UNITS[hundreds]} hundred" + (f" {_en_cardinal(rest)}" if rest else "")
    scale, word = next(item for item in _EN_SCALES if value >= item[0])
    count, rest = divmod(value, scale)
    return f"{_en_cardinal(count)} {word}" + (f" {_en_cardinal(rest)}" if rest else "")


def _zh_cardinal(value: int) -> str:
    if value < 10:
        return ZH_DIGITS[value]
    text = _zh_sections(value)
    if text.startswith("一十"):
        text = text[1:]
    # 两 where 2 counts thousands and more, and at the head of the number before 百.
    for unit in "千万亿":
        for before in ("", "零", "万", "亿"):
            text = text.replace(f"{before}二{unit}", f"{before}两{unit}") if before else text
        if text.startswith(f"二{unit}"):
            text = "两" + text[1:]
    return "两" + text[1:] if text.startswith("二百") else text


def _zh_sections(value: int) -> str:
    for unit, size in (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100), ("十", 10)):
        if value < size:
            continue
        count, rest = divmod(value, size)
        head = (_zh_sections(count) if count >= 10 else ZH_DIGITS[count]) + unit
        if not rest:
            return head
        return head + ("零" if rest < size // 10 else "") + _zh_sections(rest)
    return ZH_DIGITS[value]


def read_cardinal(items: Sequence[str], at: int, language: str) -> tuple[int, int] | None:
    """Read the whole number that starts at token `at`: (value, index after it), or None.

    Numerals count ("25"). A run of bare Han digits is read as digits (二〇二六 is 2026), 三万五 as 35000.
    """
    if at >= len(items):
        return None
    if items[at].isascii() and items[at].isdigit() and len(items[at]) <= 15:
        return int(items[at]), at + 1
    if require_language(language) == "zh":
        return _read_zh(items, at)
    return _read_en(items, at)


def _read_en(items: Sequence[str], at: int) -> tuple[int, int] | None:
    """Grammar: [group scale]* [group], group = [small hundred] [and] small; "a hundred" is one hundred."""
    total, scale_before, end = 0, 10**18, at
    while True:
        group = _read_en_group(items, end if end == at else _after_and(items, end))
        if group is None:
            break
        value, after = group
        scale = _EN_SCALE.get(items[after]) if after < len(items) else None
        if scale is None:
            if value < scale_before:
                total, end = total + value, after
            break
        if scale >= scale_before:
            break
        total, scale_before, end = total + value * scale, scale, after + 1
    return (total, end) if end > at else None


def _after_and(items: Sequence[str], at: int) -> int:
    return at + 1 if at < len(items) and items[at] == "and" else at


def _read_en_group(items: Sequence[str], at: int) -> tuple[int, int] | None:
    if at >= len(items):
        return None
    if items[at] in ("a", "one") and at + 1 < len(items) and items[at + 1] in ("hundred", *_EN_SCALE):
        count, end = 1, at + 1
    else:
        small = _read_en_small(items, at)
        if small is None:
            return None
        count, end = small
    if end < len(items) and items[end] == "hundred" and count > 0:
        rest = _read_en_small(items, _after_and(items, end + 1))
        if rest is not None:
            return count * 100 + rest[0], rest[1]
        return count * 100, end + 1
    return count, end


def _read_en_small(items: Sequence[str], at: int) -> tuple[int, int] | None:
    value = _EN_SMALL.get(items[at]) if at < len(items) else None
    if value is None:
        return None
    if value >= 20 and at + 1 < len(items):
        unit = _EN_SMALL.get(items[at + 1], 0)
        if 1 <= unit <= 9:
            return value + unit, at + 2
    return value, at + 1


def _read_zh(items: Sequence[str], at: int) -> tuple[int, int] | None:
    end = at
    while end < len(items) and items[end] in ZH_NUMBER:
        end += 1
    if end == at:
        return None
    run = items[at:end]
    if all(item in _ZH_DIGIT and item != "廿" for item in run):
        return (int("".join(str(_ZH_DIGIT[item]) for item in run)), end) if len(run) <= 15 else None
    value = _zh_value(run)
    return None if value is None else (value, end)


def _zh_value(run: Sequence[str]) -> int | None:
    """Return the value of a number with units, or None if it is none (十百, 三五十)."""
    total = section = 0
    digit: int | None = None
    last_unit, zero = 0, False
    for item in run:
        if item in _ZH_DIGIT:
            if item in "零〇":
                zero = True
                continue
            if digit is not None:
                return None
            digit = _ZH_DIGIT[item]
        elif item in _ZH_UNIT:
            unit = _ZH_UNIT[item]
            if digit is None and unit != 10:
                return None
            if last_unit and last_unit < 10**4 and unit >= last_unit:
                return None
            section += (1 if digit is None else digit) * unit
            digit, last_unit, zero = None, unit, False
        else:
            unit = _ZH_SECTION[item]
            section += digit or 0
            if section + total == 0:
                return None
            if unit == 10**8:
                total = (total + section) * unit
            elif total % 10**8:
                return None
            else:
                total += section * unit
            section, digit, last_unit, zero = 0, None, unit, False
    if digit is not None:
        # 三万五 is 35000 and 一百五 is 150, but 一百零五 is 105 and 二十五 is 25.
        factor = 1 if zero or last_unit <= 10 else last_unit // 10
        section += digit * factor
    return total + section
