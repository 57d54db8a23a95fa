"""Slot types `name` and `text`: free speech. Keys mean nothing to them."""

from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import require_language, words
from voicebot.nlu.slots.base import NOTHING, SlotError, SlotJudgement, SlotSpec, Value
from voicebot.nlu.slots.spoken_type import UtteranceType
from voicebot.nlu.text import expand, join, skippable, tokens

_INTRODUCTIONS = {
    "en": tuple(
        tuple(text.split())
        for text in (
            "my name is",
            "the name is",
            "name is",
            "this is",
            "it is",
            "i am",
            "you can call me",
            "call me",
        )
    ),
    "zh": tuple(
        tuple(text) for text in words("我的名字叫 我的名字是 我名字叫 名字叫 我叫 我是 我姓 叫 姓名是 免贵姓")
    ),
}
_LONGEST_NAME = {"en": 5, "zh": 12}  # words, characters


class Text(UtteranceType):
    """All that was said, as the recogniser wrote it, in one line."""

    name = "text"
    accepts_keys = False

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        require_language(language)
        return ()

    def hear(self, text: str, spec: SlotSpec, language: str) -> SlotJudgement:
        value = " ".join(text.split())
        if not tokens(value, language):
            return NOTHING
        low, high = spec.lengths((1, 10**6))
        if len(value) > high:
            return NOTHING
        done = Completeness.PREFIX if len(value) < low else Completeness.MATCH
        return SlotJudgement(done, value)

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        require_language(language)
        if not isinstance(value, str):
            raise SlotError("a text is a string")
        return value

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        return None if isinstance(value, str) and value.strip() else "type"


class Name(Text):
    """A person's name, without "my name is" and fillers; English names get capitals, Han is left as recognised."""

    name = "name"

    def hear(self, text: str, spec: SlotSpec, language: str) -> SlotJudgement:
        items = expand(tokens(text, language), language)
        skip = skippable(items, language)
        kept = tuple(item for item, filler in zip(items, skip, strict=True) if not filler)
        for phrase in _INTRODUCTIONS[require_language(language)]:
            if kept[: len(phrase)] == phrase:
                if len(kept) == len(phrase):
                    return SlotJudgement(Completeness.PREFIX)
                kept = kept[len(phrase) :]
                break
        if not kept or len(kept) > _LONGEST_NAME[language] or any(item[0].isdigit() for item in kept):
            return NOTHING
        value = join(kept)
        return SlotJudgement(Completeness.MATCH, value.title() if language == "en" else value)
