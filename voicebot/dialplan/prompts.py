"""Every constant piece of speech of a dialplan, so that all of it is rendered before the first call."""

from collections.abc import Iterator

from voicebot.dialplan.builtin import CONSTANT, CONSTANT_IF_OFFERED, builtin
from voicebot.dialplan.fields import walk
from voicebot.dialplan.inputs import Files
from voicebot.dialplan.line import Spoken
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.steps.queue import (
    LAST_RENDERED_MINUTES,
    LAST_RENDERED_POSITION,
    QueueStep,
    position_speech,
    wait_speech,
)
from voicebot.dialplan.steps.say import Say
from voicebot.dialplan.texts import Text


def constant_prompts(dialplan: Dialplan) -> tuple[Spoken, ...]:
    """Return what a call can say with `constant=True`, and the audio files, each once, in the order of the file."""
    return tuple(dict.fromkeys(_prompts(dialplan)))


def _prompts(dialplan: Dialplan) -> Iterator[Spoken]:
    languages = dialplan.hotline.languages
    queues = offers = False
    for item in walk((dict(dialplan.flows), dict(dialplan.handlers))):
        if isinstance(item, Say):
            yield from _text(item.text, languages, item.voice)
        elif isinstance(item, Text):
            yield from _text(item, languages, None)
        elif isinstance(item, Files):
            for language, file in item.files.items():
                for code in (language,) if language else languages:
                    yield Spoken("", code, file=file)
        elif isinstance(item, QueueStep):
            queues = True
            offers = offers or item.offer_callback is not None
    for language in languages:
        for name in (*CONSTANT, *(CONSTANT_IF_OFFERED if offers else ())):
            yield Spoken(builtin(name, language), language)
        if queues:
            for position in range(2, LAST_RENDERED_POSITION + 1):
                yield position_speech(position, language)
            for minutes in range(1, LAST_RENDERED_MINUTES + 1):
                yield wait_speech(minutes * 60.0, 60.0, language)


def _text(text: Text, languages: tuple[str, ...], voice: str | None) -> Iterator[Spoken]:
    for item in text.items:
        for language in (item.language,) if item.language else languages:
            for sentence in item.sentences:
                if sentence.constant:
                    yield Spoken(sentence.source, language, voice)
