"""What is slow the first time: tables of characters and of pinyin (about 0.3 s for Mandarin)."""

from collections.abc import Iterable

from voicebot.nlu.languages import require_language
from voicebot.nlu.slots import SlotSpec, slot_type
from voicebot.nlu.sound import sound
from voicebot.nlu.text import normalise

_SAMPLES = {"en": "yes", "zh": "是的"}


def prepare(languages: Iterable[str]) -> None:
    """Build the tables of the languages now, so that no call waits for them. Cheap when called again."""
    for language in languages:
        sample = _SAMPLES[require_language(language)]
        normalise(sample, language)
        sound(sample, language)
        slot_type("boolean").phrases(SlotSpec("boolean"), language)
