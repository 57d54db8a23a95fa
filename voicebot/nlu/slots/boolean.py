"""Slot type `boolean`: yes or no, key 1 or key 2.

"yes" is FINAL although "yes please" could follow: it would mean the same, and the caller need not wait for the difference.
"""

from collections.abc import Sequence
from functools import lru_cache

from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.languages import require_language
from voicebot.nlu.phrasebook import PhraseBook
from voicebot.nlu.slots.base import SlotJudgement, SlotSpec, SlotType, Value, settle
from voicebot.nlu.slots.choice import judge_choice

_KEYS = {"1": "yes", "2": "no"}
_SPOKEN = {"en": ("no", "yes"), "zh": ("否", "是")}
_PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "yes": (
            "(yes|yeah|yep|yup|ya|aye) [please|sir|ma'am]",
            "(sure|absolutely|definitely|certainly|exactly|indeed|affirmative)",
            "of course",
            "[yes] [that is|that's|it is|you are] (right|correct)",
            "[yes] (ok|okay|fine|go ahead)",
            "[yes] (i do|i am|i would|it is|that is|please do|sounds good|please)",
            "(uh huh|mm hmm|mhm)",
        ),
        "no": (
            "(no|nope|nah|negative) [sir|ma'am]",
            "no (thanks|thank you)",
            "[no] (wrong|incorrect|not right|not correct)",
            "[no] (that is|it is|you are) (wrong|incorrect|not (right|correct|it))",
            "(i do not think so|no i do not|no it is not|no that is not)",
            "[no] (i do not|i am not|it is not|that is not|i would not)",
            "(never|not really|not at all|not now|of course not|no way|never mind|cancel)",
        ),
    },
    "zh": {
        "yes": (
            "是[的|啊|呀]",
            "对[的|啊|呀|对]",
            "好[的|啊|呀|吧]",
            "(没错|不错|正确|可以|行|要|需要|确认|确定|同意|当然|没问题|有|嗯|嗯嗯|愿意|是这样)[的]",
        ),
        "no": (
            "不[是|对|要|用|行|可以|需要|同意|正确|好|了|必|愿意|确认|确定]",
            "(没有|没|否|错|错了|错误|不是这样|别|取消|算了|没有了|不用了|不要了|不需要了)",
        ),
    },
}


@lru_cache(maxsize=4)
def _book(language: str) -> PhraseBook:
    return PhraseBook(language, _PHRASES[require_language(language)])


class Boolean(SlotType):
    name = "boolean"

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        return _book(language).jsgf()

    def judge(
        self, entries: Sequence[Entry], spec: SlotSpec, language: str, closed: bool = False
    ) -> SlotJudgement:
        found = judge_choice(entries, _book(language), _KEYS, same_is_final=True)
        if found.completeness in (Completeness.MATCH, Completeness.FINAL):
            found = SlotJudgement(found.completeness, found.value == "yes", found.confidence)
        return settle(found, closed)

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        return _SPOKEN[require_language(language)][bool(value)]

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        return None if isinstance(value, bool) else "type"
