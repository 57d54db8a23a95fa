"""The shared shape of slots whose value is a string of characters, built up from pieces: said, keyed, or both."""

from abc import abstractmethod
from collections.abc import Sequence

from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.slots.base import NOTHING, SlotJudgement, SlotSpec, SlotType, heard, settle
from voicebot.nlu.slots.characters import Reading, read_characters

RESTART_CONFIDENCE = 0.6  # the caller said it all once more instead of the rest: taken, but to be confirmed


class StringType(SlotType):
    """Pieces are joined in the order of arrival. If that is too much and the last piece alone is whole, it counts."""

    def read(self, text: str, language: str) -> Reading | None:
        """Return the characters of an utterance, or None if it holds others."""
        return read_characters(text, language)

    def read_keys(self, keys: str) -> str | None:
        """Return the characters of keys, or None for a key that means nothing here."""
        return keys if keys.isascii() and keys.isdigit() else None

    @abstractmethod
    def completeness(self, value: str, spec: SlotSpec) -> Completeness:
        """Say how far a non-empty string goes."""

    def judge(
        self, entries: Sequence[Entry], spec: SlotSpec, language: str, closed: bool = False
    ) -> SlotJudgement:
        pieces: list[str] = []
        confidences: list[float] = []
        for entry in entries:
            if entry.kind == "keys":
                keys = self.read_keys(entry.text)
                if keys is None:
                    return NOTHING
                pieces.append(keys)
                confidences.append(1.0)
                continue
            utterance = heard(entry, language)
            reading = self.read(utterance[0], language) if utterance else None
            if utterance is None or reading is None:
                return NOTHING
            if reading.text:
                pieces.append(reading.text)
                confidences.append(utterance[1] * reading.confidence)
        value = "".join(pieces)
        if not value:
            return NOTHING
        found = SlotJudgement(self.completeness(value, spec), value, min(confidences))
        if found.completeness is Completeness.NONE:
            alone = self.completeness(pieces[-1], spec)
            if len(pieces) == 1 or alone not in (Completeness.MATCH, Completeness.FINAL):
                return NOTHING
            return SlotJudgement(alone, pieces[-1], confidences[-1] * RESTART_CONFIDENCE)
        return settle(found, closed)

    def invalid(self, value: object, spec: SlotSpec) -> str | None:
        if not isinstance(value, str):
            return "type"
        good = value and self.completeness(value, spec) in (Completeness.MATCH, Completeness.FINAL)
        return None if good else "length"


def by_length(count: int, lengths: tuple[int, int]) -> Completeness:
    """Return how far `count` characters go towards a length of `lengths`."""
    low, high = lengths
    if count > high or count == 0:
        return Completeness.NONE
    if count < low:
        return Completeness.PREFIX
    return Completeness.FINAL if count == high else Completeness.MATCH
