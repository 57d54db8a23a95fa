"""language: set the caller's language, or listen for every language again (`detect`)."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.expressions import Template
from voicebot.dialplan.fields import Reader, template
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Node, nearest
from voicebot.dialplan.targets import Step, verb


@verb
@dataclass(frozen=True, kw_only=True)
class Language(Step):
    verb: ClassVar[str] = "language"

    to: Template

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        to = template(reader, node)
        if to.constant and to.source not in (*reader.languages, "detect"):
            hint = nearest(to.source, reader.languages) or f"{', '.join(reader.languages)}, or detect"
            reader.refuse(node, "VB025", f"{to.source!r} is no language of the hotline", hint)
        return cls(to=to, **given)

    async def run(self, run: Run) -> None:
        language = self.to.text(run.variables, run.language)
        if language == "detect":
            run.forget_language(run.language)
        else:
            run.choose_language(language)
