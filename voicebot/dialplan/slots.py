"""Slots of the dialplan: what `collect` declares, bound to the slot types of `nlu`."""

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from voicebot.dialplan.fields import Reader, Refused, string
from voicebot.dialplan.inputs import keys, phrases
from voicebot.dialplan.source import Mapping, Node, Scalar, describe
from voicebot.dialplan.source import Sequence as ListNode
from voicebot.nlu.entries import Entry
from voicebot.nlu.slots import slot_type
from voicebot.nlu.slots.base import SlotJudgement, SlotSpec, SlotType

TYPES = [
    "digits",
    "integer",
    "number",
    "currency",
    "date",
    "time",
    "phone",
    "boolean",
    "choice",
    "card",
    "id_number",
    "plate",
    "name",
    "text",
]


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a choice or an own type: synonyms by value and language, and the key of each."""

    synonyms: MappingType[str, MappingType[str, tuple[str, ...]]]
    keys: MappingType[str, str]


def values(reader: Reader, node: Node) -> Values:
    """The kind of `values`: a list of words, or a map `value: {en: [...], zh: [...], dtmf: "1"}`.

    Where no value has a `dtmf`, the first nine get the keys 1 to 9 in their order.
    """
    if isinstance(node, ListNode):
        named = [(string(reader, item), item) for item in node.items]
        synonyms = {name: _by_language(reader, item) for name, item in named}
        return Values(synonyms, _numbered(synonyms))
    if not isinstance(node, Mapping) or not node.entries:
        reader.refuse(node, "VB021", f"a list or map of values is expected, not {describe(node)}")
    found: dict[str, MappingType[str, tuple[str, ...]]] = {}
    pressed: dict[str, str] = {}
    good = True
    for name, item in node.entries:
        try:
            if isinstance(item, Mapping) and (dtmf := item.get("dtmf")) is not None:
                key = keys(reader, dtmf)
                if key in pressed:
                    reader.refuse(dtmf, "VB120", f"the key {key} stands for {pressed[key]!r} already")
                pressed[key] = name.text
                item = Mapping(item.position, tuple(pair for pair in item.entries if pair[0].text != "dtmf"))
            found[name.text] = _by_language(reader, item)
        except Refused:
            good = False
    if not good:
        raise Refused
    return Values(found, pressed or _numbered(found))


def _by_language(reader: Reader, node: Node) -> MappingType[str, tuple[str, ...]]:
    if isinstance(node, Mapping) and not node.entries:
        return {}
    return {code: tuple(item.source for item in items) for code, items in phrases(reader, node).items()}


def _numbered(names: MappingType[str, object]) -> dict[str, str]:
    return {str(number): name for number, name in zip(range(1, 10), names, strict=False)}


def length(reader: Reader, node: Node) -> int | tuple[int, int]:
    """The kind of `length`: 4, or [8, 12]."""
    items = node.items if isinstance(node, ListNode) else (node,)
    numbers = [item.value for item in items if isinstance(item, Scalar)]
    whole = [n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 64]
    if len(whole) != len(items) or len(whole) not in (1, 2) or whole != sorted(whole):
        reader.refuse(node, "VB023", "a length is 1 to 64, or two of them: [8, 12]")
    return whole[0] if len(whole) == 1 else (whole[0], whole[1])


def bounds(reader: Reader, node: Node) -> tuple[float, float] | tuple[str, str]:
    """The kind of `range`: [1, 5], or two dates or times in quotes."""
    items = node.items if isinstance(node, ListNode) else ()
    found: list[Any] = [item.value for item in items if isinstance(item, Scalar) and not item.bad]
    if len(items) == 2 and len(found) == 2:
        low, high = found
        if isinstance(low, str) and isinstance(high, str):
            return (low, high)
        if all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in found) and low <= high:
            return (low, high)
    return reader.refuse(node, "VB023", "a range is a list of two, the smaller first", "[1, 5]")


@dataclass(frozen=True, slots=True)
class SlotRule:
    """A slot type with its specification: what the matcher and the interpreter need of a slot."""

    kind: SlotType
    spec: SlotSpec
    _phrases: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        type_name: str,
        own: MappingType[str, Values],
        *,
        length: int | tuple[int, int] | None = None,
        bounds: tuple[float, float] | tuple[str, str] | None = None,
        values: Values | None = None,
    ) -> "SlotRule":
        """Bind a type by name; `own` are the dialplan's types. Raises nlu's SlotError for an unknown one."""
        if type_name in own:
            values, type_name = own[type_name], "choice"
        spec = SlotSpec(
            type_name,
            length=length,
            range=bounds,
            values=values.synonyms if values else None,
            keys=values.keys if values else {},
        )
        return cls(slot_type(type_name), spec)

    def at(self, now: datetime) -> "SlotRule":
        """Return the rule with the caller's wall time, for "tomorrow"."""
        return replace(self, spec=replace(self.spec, now=now))

    def phrases(self, language: str) -> tuple[str, ...]:
        found = self._phrases.get(language)
        if found is None:
            found = self._phrases[language] = self.kind.phrases(self.spec, language)
        return found

    def judge(self, entries: Sequence[Entry], language: str, closed: bool) -> SlotJudgement:
        return self.kind.judge(entries, self.spec, language, closed)

    def speak(self, value: object, language: str) -> str:
        """Return how a value is read back. Raises SlotError for a value of another type."""
        assert isinstance(value, (str, int, float, bool))
        return self.kind.speak(value, language, self.spec)
