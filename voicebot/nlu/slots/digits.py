"""Slot type `digits`: a string of digits, leading zeros kept. `length` is its length, or the least and greatest."""

from functools import lru_cache

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import require_language
from voicebot.nlu.slots.base import SlotError, SlotSpec, Value
from voicebot.nlu.slots.strings import StringType, by_length

LONGEST = 40  # digits, where the dialplan sets no length
DIGIT_JSGF = {
    "en": "(zero | oh | one | two | three | four | five | six | seven | eight | nine)",
    "zh": "(零 | 幺 | 一 | 二 | 两 | 三 | 四 | 五 | 六 | 七 | 八 | 九)",
}


class Digits(StringType):
    name = "digits"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        return digit_phrases(spec.lengths((1, LONGEST)) if spec.length else None, language)

    def completeness(self, value: str, spec: SlotSpec) -> Completeness:
        return by_length(len(value), spec.lengths((1, LONGEST)))

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if not isinstance(value, str):
            raise SlotError("digits are a string")
        return spoken.digits(value, language)


@lru_cache(maxsize=256)
def digit_phrases(lengths: tuple[int, int] | None, language: str) -> tuple[str, ...]:
    """Return JSGF for strings of digits; a fixed length is recognised best, so each length stands as it is.

    English also knows one "double" in a string, or any number of them and "triple" up to four digits.
    """
    digit = DIGIT_JSGF[require_language(language)]
    if lengths is None:
        loop = f"({digit} | (double | triple) {digit})+" if language == "en" else f"{digit}+"
        return (loop,)
    low, high = lengths
    out = [" ".join([digit] * low) + f" [{digit}" * (high - low) + "]" * (high - low)]
    if language == "en":
        double, triple = f"double {digit}", f"triple {digit}"
        if high <= 4:
            out += [text for text in _compositions(high, digit, double, triple) if text != out[0]]
        else:
            for at in range(high - 1):
                out.append(" ".join([digit] * at + [double] + [digit] * (high - 2 - at)))
    return tuple(out)


def _compositions(count: int, one: str, two: str, three: str) -> list[str]:
    if count == 0:
        return [""]
    out = []
    for size, text in ((1, one), (2, two), (3, three)):
        if size <= count:
            out += [f"{text} {rest}".strip() for rest in _compositions(count - size, one, two, three)]
    return out
