"""Numbers inside an utterance: "minus three point five", "two and a half", 三点五, 三个半; and their JSGF."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from voicebot.nlu.languages import require_language
from voicebot.nlu.numerals import EN_TEENS, EN_TENS, EN_UNITS, cardinal, read_cardinal
from voicebot.nlu.text import expand, skippable, tokens

_EN_DIGIT = {word: str(value) for value, word in enumerate(EN_UNITS)} | {"oh": "0"}
_ZH_DIGIT = {character: str(value) for value, character in enumerate("零一二三四五六七八九")} | {
    "〇": "0",
    "幺": "1",
}
_MINUS = {"en": ("minus", "negative"), "zh": ("负",)}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at tokens [start, end)."""

    value: Decimal
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """All numbers of an utterance, and how many other words it has, fillers aside."""

    items: tuple[str, ...]
    found: tuple[Quantity, ...]
    others: int


def scan(text: str, language: str) -> Scan:
    """Find the numbers of an utterance from left to right."""
    items = expand(tokens(text, language), language)
    skip = skippable(items, language)
    found: list[Quantity] = []
    others = 0
    at = 0
    while at < len(items):
        quantity = read_quantity(items, at, language)
        if quantity is None or (skip[at] and items[at] == "oh"):
            others += not skip[at]
            at += 1
        else:
            found.append(quantity)
            at = quantity.end
    return Scan(items, tuple(found), others)


def read_quantity(items: Sequence[str], at: int, language: str) -> Quantity | None:
    """Read the signed decimal number that starts at token `at`, if one does."""
    require_language(language)
    start = at
    sign = 1
    if at + 1 < len(items) and items[at] in _MINUS[language]:
        sign, at = -1, at + 1
    if at >= len(items):
        return None
    if language == "en" and items[at : at + 2] == ("a", "half"):
        return Quantity(sign * Decimal("0.5"), start, at + 2)
    if language == "zh" and items[at] == "半" and not (at and items[at - 1] in "点块元"):
        return Quantity(sign * Decimal("0.5"), start, at + 1)
    if "." in items[at]:
        return Quantity(sign * Decimal(items[at]), start, at + 1) if len(items[at]) < 16 else None
    whole = read_cardinal(items, at, language)
    if whole is None:
        return None
    value, end = Decimal(whole[0]), whole[1]
    point, table = ("point", _EN_DIGIT) if language == "en" else ("点", _ZH_DIGIT)
    if end + 1 < len(items) and items[end] == point:
        fraction = ""
        after = end + 1
        while after < len(items) and (digit := table.get(items[after]) or _figure(items[after])):
            fraction += digit
            after += 1
        if fraction and len(fraction) <= 12:
            return Quantity(sign * (value + Decimal(f"0.{fraction}")), start, after)
    if language == "en" and items[end : end + 3] == ("and", "a", "half"):
        return Quantity(sign * (value + Decimal("0.5")), start, end + 3)
    if language == "zh" and items[end : end + 2] == ("个", "半"):
        return Quantity(sign * (value + Decimal("0.5")), start, end + 2)
    return Quantity(sign * value, start, end)


def _figure(item: str) -> str | None:
    return item if item.isascii() and item.isdigit() else None


def plain(value: Decimal) -> int | float:
    """Return an int where the number is whole, else a float."""
    return int(value) if value == value.to_integral_value() else float(value)


# --- JSGF ---------------------------------------------------------------------------------------------------------

_LISTED = 60  # a range of at most so many numbers is listed one by one


@lru_cache(maxsize=256)
def number_jsgf(low: float, high: float, language: str) -> str:
    """Return JSGF for the whole numbers of a range, generously where it is wide."""
    if high - low <= _LISTED:
        listed = range(int(low), int(high) + 1)
        # A listed number is said as one would say it; 两 and 二, "a hundred" and "one hundred" are both said.
        variants = [text for value in listed for text in _variants(value, language)]
        return f"({' | '.join(dict.fromkeys(variants))})"
    return _en_number(high) if require_language(language) == "en" else _zh_number(high)


def _variants(value: int, language: str) -> tuple[str, ...]:
    text = cardinal(value, language).replace("-", " ")
    if language == "zh":
        return (text, text.replace("两", "二")) if "两" in text else (text, "两") if value == 2 else (text,)
    return (text, text.replace("hundred ", "hundred and ")) if "hundred " in text else (text,)


def _en_number(high: float) -> str:
    unit = f"({' | '.join(EN_UNITS[1:])})"
    below_100 = f"({unit} | {' | '.join(EN_TEENS)} | ({' | '.join(EN_TENS[2:])}) [{unit}])"
    if high < 100:
        return f"(zero | {below_100})"
    below_1000 = f"([({unit} | a) hundred [and]] {below_100} | ({unit} | a) hundred)"
    if high < 1000:
        return f"(zero | {below_1000})"
    return f"(zero | [{below_1000} million [and]] [({below_1000} | a) thousand [and]] {below_1000} | ({below_1000} | a) (thousand | million))"


def _zh_number(high: float) -> str:
    digit = "(一 | 二 | 两 | 三 | 四 | 五 | 六 | 七 | 八 | 九)"
    tens = f"([{digit}] 十 [{digit}] | 零 {digit} | {digit})"
    if high < 100:
        return f"(零 | {tens})"
    below_10000 = f"([{digit} 千] [零] [{digit} 百] [零] {tens} | {digit} 千 [{digit} 百] | {digit} 百)"
    if high < 10000:
        return f"(零 | {below_10000})"
    return f"(零 | [{below_10000} 万 [零]] {below_10000} | {below_10000} 万)"
