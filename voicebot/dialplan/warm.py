"""What a call would otherwise wait for: the tables and phrase books of a dialplan, built before its first call."""

from voicebot.dialplan.dialog import asked_by
from voicebot.dialplan.fields import walk
from voicebot.dialplan.inputs import InputStep
from voicebot.dialplan.schema import Dialplan
from voicebot.nlu.prepare import prepare


def warm(dialplan: Dialplan) -> None:
    """Build the phrase books of every question, so that a call's first question takes no longer than its second."""
    prepare(dialplan.hotline.languages)
    for step in walk(dict(dialplan.flows)):
        if isinstance(step, InputStep):
            asked = asked_by(dialplan, step, getattr(step, "choices", ()))
            for options in (asked.options, asked.links):
                for language in dialplan.hotline.languages:
                    options.book(language).match("...")
