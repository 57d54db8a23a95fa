"""listen: an open utterance that is one of `choices`, by phrase or intent."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from voicebot.dialplan.fields import Reader
from voicebot.dialplan.source import Node
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.targets import verb


@verb
@dataclass(frozen=True, kw_only=True)
class Listen(Menu):
    verb: ClassVar[str] = "listen"

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        found = reader.build(cls, node, **given)
        for item in found.choices:
            if item.dtmf is not None:
                reader.note(
                    item.position,
                    "VB023",
                    "a choice of listen has no dtmf",
                    "use menu where keys are offered",
                )
        return found
