"""Values in the words of an author, and values without their places, for `voicebot diff`."""

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

from voicebot.dialplan.expressions import Expression, Template
from voicebot.dialplan.fields import Named, keys_of
from voicebot.dialplan.hours import DAYS, Dates, Extra, Hours, Interval
from voicebot.dialplan.inputs import Files, Phrase
from voicebot.dialplan.source import Position
from voicebot.dialplan.targets import Step, Steps
from voicebot.dialplan.texts import Text


def seconds(value: float) -> str:
    """Return a duration as it is written in a dialplan."""
    for unit, length in (("h", 3600), ("m", 60)):
        if value >= length and value % length == 0:
            return f"{value / length:g}{unit}"
    return f"{value:g}s" if value >= 1 or value == 0 else f"{value * 1000:g}ms"


def of_field(field: "Field[Any]", value: object) -> str:
    """Return the value of a declared key: durations as durations."""
    kind = getattr(field.metadata.get("kind"), "__qualname__", "")
    if kind.startswith("duration.") and isinstance(value, float):
        return seconds(value)
    return written(value)


def written(value: object) -> str:
    """Return a value as an author reads it."""
    match value:
        case None:
            return "not set"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case float() if value.is_integer():
            return str(int(value))
        case Template() | Expression() | Phrase():
            return f'"{value.source}"'
        case Named():
            return value.name
        case Text():
            return " / ".join(f'"{spoken(item.sentences)}"' for item in value.items)
        case Files():
            return ", ".join(value.files.values())
        case Steps():
            return f"[{', '.join(step.verb for step in value.steps)}]"
        case tuple() | list():
            return f"[{', '.join(written(item) for item in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{name}: {written(item)}' for name, item in value.items())}}}"
        case _ if is_dataclass(value):
            declared = keys_of(value) or {field.name: field for field in fields(value)}
            inner = {name: (field, getattr(value, field.name)) for name, field in declared.items()}
            kept = {name: (field, item) for name, (field, item) in inner.items() if item not in (None, ())}
            return (
                f"{{{', '.join(f'{name}: {of_field(field, item)}' for name, (field, item) in kept.items())}}}"
            )
    return str(value)


def spoken(sentences: Iterable[Template]) -> str:
    return " ".join(sentence.source for sentence in sentences)


def bare(value: object) -> object:
    """Return a value without positions, to compare and to hash."""
    if isinstance(value, (Template, Expression, Phrase)):
        return value.source
    if isinstance(value, Named):
        return value.name
    if isinstance(value, Position) or value is None:
        return None
    if isinstance(value, (tuple, list, frozenset)):
        return tuple(bare(item) for item in value)
    if isinstance(value, Mapping):
        return tuple((name, bare(item)) for name, item in value.items())
    if is_dataclass(value):
        kept = [field.name for field in fields(value) if not (isinstance(value, Step) and field.name == "id")]
        return (type(value).__name__, *(bare(getattr(value, name)) for name in kept))
    return value


# --- hours --------------------------------------------------------------------------------------------------------


def days(hours: Hours) -> dict[str, str]:
    """Return what stands for each day, and each closed or extra date, of an entry of `hours`."""
    found = {DAYS[day]: _spans(intervals) for day, intervals in sorted(hours.weekly.items()) if intervals}
    found |= {_dates(item): "closed" for item in hours.closed}
    return found | {_extra(item): _extra_hours(item) for item in hours.extra}


def _spans(intervals: Iterable[Interval]) -> str:
    return ", ".join(f"{_clock(item.start)}-{_clock(item.end)}" for item in intervals)


def _clock(minutes: int) -> str:
    minutes = minutes if minutes <= 1440 else minutes - 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _dates(item: Dates) -> str:
    return str(item.first) if item.first == item.last else f"{item.first}..{item.last}"


def _extra(item: Extra) -> str:
    return str(item.date)


def _extra_hours(item: Extra) -> str:
    return "the hours of mon" if item.intervals is None else _spans(item.intervals)
