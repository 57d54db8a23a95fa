"""Slot types `integer` and `number`. `range` has both ends in. Keyed, `*` is the decimal point of a `number`."""

from collections.abc import Sequence
from decimal import Decimal

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.languages import require_language
from voicebot.nlu.slots.base import (
    NOTHING,
    SlotError,
    SlotJudgement,
    SlotSpec,
    SlotType,
    Value,
    keyed,
    said,
    settle,
)
from voicebot.nlu.slots.characters import read_characters
from voicebot.nlu.slots.quantities import number_jsgf, plain, scan

RESTART_CONFIDENCE = 0.6  # a later number replaces an earlier one: taken, but to be confirmed
OTHER_WORDS_CONFIDENCE = 0.8  # words that are not understood stand round the number
_MOST_KEYS = 15


class Integer(SlotType):
    name = "integer"
    range_of = "numbers"
    places = 0  # digits after the point

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        low, high = spec.bounds()
        text = number_jsgf(max(low, -(10**9)), min(high, 10**9), language)
        if low >= 0 or high - low <= 60:
            return (text,)
        return (text, f"{'minus' if require_language(language) == 'en' else '负'} {text}")

    def judge(
        self, entries: Sequence[Entry], spec: SlotSpec, language: str, closed: bool = False
    ) -> SlotJudgement:
        return settle(self._judge(entries, spec, language), closed)

    def _judge(self, entries: Sequence[Entry], spec: SlotSpec, language: str) -> SlotJudgement:
        require_language(language)
        keys = keyed(entries)
        utterance = said(entries, language)
        if utterance is None:
            return NOTHING
        text, confidence = utterance
        if not keys:
            return self._spoken(entries, text, confidence, spec, language)
        if not text:
            return self._keyed(keys, spec)
        digits = "".join(
            entry.text if entry.kind == "keys" else _as_digits(said([entry], language), language) or "?"
            for entry in entries
        )
        found = self._keyed(digits, spec)
        return SlotJudgement(found.completeness, found.value, confidence)

    def _spoken(
        self, entries: Sequence[Entry], text: str, confidence: float, spec: SlotSpec, language: str
    ) -> SlotJudgement:
        found = scan(text, language)
        if len(found.found) == 1:
            value = found.found[0].value
            confidence *= OTHER_WORDS_CONFIDENCE if found.others > 2 else 1.0
        else:
            digits = _as_digits((text, confidence), language)
            last = scan((said(entries[-1:], language) or ("", 0.0))[0], language)
            if digits and len(digits) <= _MOST_KEYS:
                value = Decimal(digits)
                confidence *= 1.0 if found.found else RESTART_CONFIDENCE
            elif len(entries) > 1 and len(last.found) == 1:
                value, confidence = last.found[0].value, confidence * RESTART_CONFIDENCE
            else:
                return NOTHING
        if not self._fits(value):
            return NOTHING
        low, high = spec.bounds()
        if not low <= value <= high:
            return SlotJudgement(Completeness.PREFIX, None, confidence) if 0 < value < low else NOTHING
        done = Completeness.MATCH if _may_go_on(value, high, language) else Completeness.FINAL
        return SlotJudgement(done, plain(value), confidence)

    def _fits(self, value: Decimal) -> bool:
        return value == value.to_integral_value() if self.places == 0 else True

    def _keyed(self, keys: str, spec: SlotSpec) -> SlotJudgement:
        whole, point, fraction = keys.partition("*")
        if (
            not (whole + fraction).isdigit()
            or not keys.isascii()
            or len(keys) > _MOST_KEYS
            or (point and not self.places)
            or len(fraction) > self.places
        ):
            return NOTHING
        low, high = spec.bounds()
        value = Decimal(f"{whole or '0'}.{fraction or '0'}")
        inside = low <= value <= high and bool(fraction or not point)
        if point:
            longer = len(fraction) < self.places
        else:
            longer = (self.places > 0 and value < high) or _may_get_digits(value, low, high, len(keys))
        if inside:
            return SlotJudgement(Completeness.MATCH if longer else Completeness.FINAL, plain(value))
        return SlotJudgement(Completeness.PREFIX, None) if longer else NOTHING

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if isinstance(value, (bool, str)):
            raise SlotError("a number is an int or a float")
        return spoken.number(value, language)

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        if isinstance(value, (bool, str)) or (self.places == 0 and value != int(value)):
            return "type"
        low, high = spec.bounds()
        return None if low <= value <= high else "range"


class Number(Integer):
    name = "number"
    places = 9

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        out = super().phrases(spec, language)
        digits = " | ".join(words_of_digits(language))
        point = "point" if language == "en" else "点"
        return (*out, *(f"{text} {point} ({digits})+" for text in out))


def _may_get_digits(value: Decimal, low: float, high: float, keys: int) -> bool:
    """Return whether more digits behind the whole `value`, of so many keys, could make one from `low` to `high`."""
    for more in range(1, _MOST_KEYS - keys + 1):
        least = value * 10**more
        if least > high:
            return False
        if least + 10**more - 1 >= low:
            return True
    return False


def words_of_digits(language: str) -> tuple[str, ...]:
    """Return the words for 0 to 9."""
    return tuple(spoken.number(digit, language) for digit in range(10))


def _as_digits(utterance: tuple[str, float] | None, language: str) -> str | None:
    """Return an utterance as the digits that it would be if keyed: "one hundred five" is 105, "one oh five" too."""
    if utterance is None:
        return None
    found = scan(utterance[0], language)
    if len(found.found) == 1 and found.found[0].value >= 0:
        whole = found.found[0].value
        return str(int(whole)) if whole == whole.to_integral_value() else None
    reading = read_characters(utterance[0], language)
    return reading.text if reading else None


def _may_go_on(value: Decimal, high: float, language: str) -> bool:
    """Return whether more words could make a greater number that is still in range ("twenty" + "five")."""
    if high >= 100:
        return True
    if language == "en":
        return value >= 20 and value % 10 == 0 and value < high
    return value < high and high > 10 and (value <= 10 or value % 10 == 0)
