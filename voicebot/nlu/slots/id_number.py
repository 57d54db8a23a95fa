"""Slot type `id_number`: the 18 characters of a Chinese identity number (GB 11643-1999). Keyed, `*` is the X."""

import datetime

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import require_language
from voicebot.nlu.slots.base import SlotError, SlotSpec, Value
from voicebot.nlu.slots.characters import Reading, read_characters
from voicebot.nlu.slots.digits import DIGIT_JSGF
from voicebot.nlu.slots.strings import StringType, by_length

LENGTH = 18
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, table of W_i
_CHECK = "10X98765432"


def check_character(first: str) -> str:
    """Return the check character of the first 17 digits (ISO 7064 MOD 11-2)."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True)) % 11]


def _has_birthday(value: str) -> bool:
    try:
        datetime.date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return True


class IdNumber(StringType):
    name = "id_number"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        digit = DIGIT_JSGF[require_language(language)]
        return (" ".join([digit] * (LENGTH - 1)) + f" ({digit} | x)",)

    def read(self, text: str, language: str) -> Reading | None:
        reading = read_characters(text, language, letters=True)
        if reading is None or not all(character in "0123456789xo" for character in reading.text):
            return None
        return Reading(reading.text.replace("o", "0").upper(), reading.confidence)

    def read_keys(self, keys: str) -> str | None:
        text = keys.replace("*", "X")
        return text if all(character in "0123456789X" for character in text) else None

    def completeness(self, value: str, spec: SlotSpec) -> Completeness:
        if "X" in value[: LENGTH - 1]:
            return Completeness.NONE
        found = by_length(len(value), (LENGTH, LENGTH))
        return Completeness.NONE if found is Completeness.FINAL and not self._checks(value) else found

    def _checks(self, value: str) -> bool:
        return _has_birthday(value) and check_character(value[:-1]) == value[-1]

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if not isinstance(value, str):
            raise SlotError("an identity number is a string")
        pause = "，" if language == "zh" else ", "
        groups = (value[:6], value[6:10], value[10:14], value[14:])
        return pause.join(spoken.digits(group, language) for group in groups if group)

    def invalid(self, value: object, spec: SlotSpec) -> str | None:
        if (
            isinstance(value, str)
            and len(value) == LENGTH
            and value[:-1].isdigit()
            and not self._checks(value)
        ):
            return "checksum"
        return super().invalid(value, spec)
