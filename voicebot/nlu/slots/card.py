"""Slot type `card`: a payment card's number with its check digit (ISO/IEC 7812-1, Luhn)."""

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.slots.base import SlotError, SlotSpec, Value
from voicebot.nlu.slots.digits import digit_phrases
from voicebot.nlu.slots.strings import StringType, by_length


def luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1 annex B)."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        value = int(character) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def issuer_lengths(digits: str) -> tuple[int, int]:
    """Return the possible lengths by the issuer's first digits; 12 to 19 where nothing is known."""
    if digits[:2] in ("34", "37"):
        return 15, 15
    if digits[:2] in ("51", "52", "53", "54", "55") or "2221" <= digits[:4] <= "2720":
        return 16, 16
    if digits.startswith("4"):
        return 13, 19
    return (16, 19) if digits.startswith("62") else (12, 19)


class Card(StringType):
    name = "card"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        return digit_phrases(spec.lengths((15, 19)), language)

    def completeness(self, value: str, spec: SlotSpec) -> Completeness:
        found = by_length(len(value), spec.lengths(issuer_lengths(value)))
        if found in (Completeness.MATCH, Completeness.FINAL) and not luhn(value):
            return Completeness.PREFIX if found is Completeness.MATCH else Completeness.NONE
        return found

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if not isinstance(value, str):
            raise SlotError("a card number is a string")
        pause = "，" if language == "zh" else ", "
        return pause.join(spoken.digits(value[at : at + 4], language) for at in range(0, len(value), 4))

    def invalid(self, value: object, spec: SlotSpec) -> str | None:
        if isinstance(value, str) and value.isdigit() and not luhn(value):
            return "checksum"
        return super().invalid(value, spec)
