"""The variables of one call: `call.*`, `slot.*`, `queue.*`, `transfer.*`, `var.*`, `error.*` and saved results.

What is sensitive stays known as such: a slot that is marked so, and every variable that is set from one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from voicebot.dialplan.expressions import ROOTS, ExpressionError, Reference, Template, lookup_in
from voicebot.dialplan.fields import Value
from voicebot.dialplan.hours import Hours
from voicebot.nlu import spoken

Speaker = Callable[[object, str], str]  # (value, language) -> how it is spoken


@dataclass
class Variables:
    """Implements `expressions.Scope`. `clock` returns the wall time, aware."""

    zone: ZoneInfo
    hours: Mapping[str, Hours]
    clock: Callable[[], datetime]
    call: dict[str, object]
    var: Mapping[str, object]
    slot: dict[str, object] = field(default_factory=dict)
    queue: dict[str, object] = field(default_factory=dict)
    transfer: dict[str, object] = field(default_factory=lambda: {"exit": "", "status": 0, "reason": ""})
    error: dict[str, object] = field(default_factory=dict)
    saved: dict[str, object] = field(default_factory=dict)
    speakers: dict[str, Speaker] = field(default_factory=dict)  # by slot
    sensitive: set[str] = field(default_factory=set)  # "slot.pin", "call.code"

    def lookup(self, path: tuple[str, ...]) -> object:
        name = ".".join(path)
        if path[0] not in ROOTS:
            return lookup_in(self.saved, path, name)
        variables: Mapping[str, object] = getattr(self, path[0])
        return lookup_in(variables, path[1:], name)

    def open(self, name: str) -> bool:
        return self._hours(name).is_open(self.clock(), self.zone)

    def next_open(self, name: str) -> datetime:
        found = self._hours(name).next_open(self.clock(), self.zone)
        if found is None:
            raise ExpressionError("never_open", f"hours {name} do not open within a year")
        return found

    def _hours(self, name: str) -> Hours:
        found = self.hours.get(name)
        if found is None:
            raise ExpressionError("unknown_hours", f"there are no hours {name}")
        return found

    def now(self) -> datetime:
        return self.clock().astimezone(self.zone)

    def speak(self, path: tuple[str, ...], value: object, language: str) -> str | None:
        if path in (("queue", "waited"), ("queue", "ewt")) and isinstance(value, (int, float)):
            return spoken.duration(float(value), language)
        if len(path) != 2 or path[0] != "slot" or path[1] not in self.speakers:
            return None
        try:
            return self.speakers[path[1]](value, language)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise ExpressionError("type", f"{'.'.join(path)} cannot be spoken by its type") from None

    # --- writing ---------------------------------------------------------------------------------------------------

    def assign(self, name: str, value: object, *, sensitive: bool = False) -> None:
        """Set `call.X` or `slot.X`."""
        root, _, rest = name.partition(".")
        (self.call if root == "call" else self.slot)[rest] = value
        if sensitive:
            self.sensitive.add(name)
        else:
            self.sensitive.discard(name)

    def is_sensitive(self, references: Iterable[Reference]) -> bool:
        """Say whether any of the variables holds something sensitive."""
        return any(
            reference.name == name or reference.name.startswith(name + ".") or name == reference.path[0]
            for reference in references
            for name in self.sensitive
        )

    def render(self, value: Value, language: str) -> object:
        """Return nested templates as plain values: for `set` and JSON bodies."""
        content = value.content
        if isinstance(content, Template):
            return content.value(self, language)
        if isinstance(content, dict):
            return {key: self.render(item, language) for key, item in content.items()}
        if isinstance(content, tuple):
            return [self.render(item, language) for item in content]
        plain: object = content
        return plain


def references_in(value: Value) -> frozenset[Reference]:
    """Return every variable that a value reads."""
    content = value.content
    if isinstance(content, Template):
        return content.references
    items = content.values() if isinstance(content, dict) else content if isinstance(content, tuple) else ()
    return frozenset().union(*(references_in(item) for item in items))
