"""The shared shape of slots that are understood from an utterance as a whole, with keys as another way in."""

from abc import abstractmethod
from collections.abc import Sequence

from voicebot.nlu.entries import Entry
from voicebot.nlu.languages import require_language
from voicebot.nlu.slots.base import NOTHING, SlotJudgement, SlotSpec, SlotType, keyed, said, settle

RESTART_CONFIDENCE = 0.6  # only the last utterance could be understood


class UtteranceType(SlotType):
    """Keys and speech do not mix: where there are keys they alone count."""

    @abstractmethod
    def hear(self, text: str, spec: SlotSpec, language: str) -> SlotJudgement:
        """Judge an utterance, with full confidence."""

    def press(self, keys: str, spec: SlotSpec, closed: bool) -> SlotJudgement:
        """Judge keys; the types that take none are never asked."""
        return NOTHING

    def judge(
        self, entries: Sequence[Entry], spec: SlotSpec, language: str, closed: bool = False
    ) -> SlotJudgement:
        require_language(language)
        keys = keyed(entries)
        if keys:
            return settle(self.press(keys, spec, closed), closed) if self.accepts_keys else NOTHING
        for pieces, certainty in ((entries, 1.0), (entries[-1:], RESTART_CONFIDENCE)):
            utterance = said(pieces, language)
            if utterance is None:
                return NOTHING
            found = self.hear(utterance[0], spec, language)
            if found is not NOTHING:
                confidence = found.confidence * utterance[1] * certainty
                return settle(SlotJudgement(found.completeness, found.value, confidence), closed)
        return NOTHING
