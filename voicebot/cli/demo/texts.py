"""What the demo hotline says where, read from its dialplan, so that the demo follows the file."""

import datetime
from collections.abc import Iterator

from voicebot.dialplan.expressions import ExpressionError
from voicebot.dialplan.fields import walk
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.texts import Text
from voicebot.dialplan.variables import Variables
from voicebot.phone.errors import PhoneError

Spoken = tuple[str, str]  # language, text


class Texts:
    """The texts of `dialplan` by flow, step and place within the step."""

    def __init__(self, dialplan: Dialplan) -> None:
        self.dialplan = dialplan
        self._variables = Variables(
            zone=dialplan.hotline.timezone,
            hours=dialplan.hours,
            clock=lambda: datetime.datetime.now(datetime.UTC),
            call={},
            var=dialplan.variables,
        )

    def require(self, *languages: str) -> None:
        """Raise PhoneError unless the hotline speaks all of `languages`."""
        for language in languages:
            if language not in self.dialplan.hotline.languages:
                raise PhoneError(
                    f"the demo does not fit this dialplan: its hotline does not speak {language}; "
                    "run it with dialplans/demo.yaml"
                )

    def at(self, flow: str, step: int, language: str, place: int = 0) -> list[Spoken]:
        """Return what the `place`-th text of a step says to a caller of `language`. Raises PhoneError.

        Variables have the values with which the hotline starts.
        """
        try:
            found = [each for each in walk(self.dialplan.flows[flow].steps[step]) if isinstance(each, Text)]
            return list(self._spoken(found[place], language))
        except (KeyError, IndexError, ExpressionError) as error:
            raise PhoneError(
                f"the demo does not fit this dialplan: step {step + 1} of flow `{flow}` has no text for "
                f"{language}; run it with dialplans/demo.yaml"
            ) from error

    def handler_texts(self, language: str) -> set[str]:
        """Return what the hotline says when it has not understood, or heard nothing."""
        found = walk(dict(self.dialplan.handlers))
        return {text for each in found if isinstance(each, Text) for _, text in self._spoken(each, language)}

    def _spoken(self, text: Text, language: str) -> Iterator[Spoken]:
        for item in text.in_language(language):
            for sentence in item.sentences:
                yield (
                    item.language or language,
                    sentence.source
                    if sentence.constant
                    else sentence.speech(self._variables, item.language or language),
                )


def joined(texts: list[Spoken]) -> str:
    return " ".join(text for _, text in texts)
