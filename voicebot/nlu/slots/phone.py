"""Slot type `phone`: a telephone number as digits, "+" in front where it was said (plus, 加) or keyed as `*`.

Without `length`: a Chinese mobile (1 and then 3 to 9) has 11 digits, and ends by itself; a number with its leading 0 has 9 to
15 (not from 7, so that a caller may pause within it), with + 8 to 15, with 00 10 to 17; any other has 7 to 15.
"""

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.slots.base import SlotError, SlotSpec, Value
from voicebot.nlu.slots.characters import Reading, read_characters
from voicebot.nlu.slots.digits import digit_phrases
from voicebot.nlu.slots.strings import StringType, by_length
from voicebot.nlu.text import tokens

LONGEST = 15  # ITU-T E.164


class Phone(StringType):
    name = "phone"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        return digit_phrases(spec.lengths((7, 12)), language)

    def read(self, text: str, language: str) -> Reading | None:
        items = tokens(text, language)
        if "+" in text or "＋" in text:
            plus = True
        else:
            plus = items[:1] in (("plus",), ("加",))
            items = items[1:] if plus else items
        reading = read_characters(" ".join(items), language)
        return Reading("+" + reading.text, reading.confidence) if plus and reading else reading

    def read_keys(self, keys: str) -> str | None:
        plus = keys.startswith("*")
        digits = keys[plus:]
        if not digits.isascii() or (digits and not digits.isdigit()):
            return None
        return "+" * plus + digits

    def completeness(self, value: str, spec: SlotSpec) -> Completeness:
        digits = value.removeprefix("+")
        if "+" in digits:
            return Completeness.NONE
        if not digits:
            return Completeness.PREFIX
        if spec.length is not None:
            return by_length(len(digits), spec.lengths((1, LONGEST)))
        if value.startswith("+"):
            return by_length(len(digits), (8, LONGEST))
        if digits.startswith("00"):
            return by_length(len(digits), (10, LONGEST + 2))
        if digits.startswith("0"):
            return by_length(len(digits), (9, LONGEST))
        if digits.startswith("1") and digits[1:2] not in ("0", "1", "2"):
            return by_length(len(digits), (11, 11))
        return by_length(len(digits), (7, LONGEST))

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if not isinstance(value, str):
            raise SlotError("a telephone number is a string")
        return spoken.phone(value, language)
