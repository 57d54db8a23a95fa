"""Declared keys: a mapping of the file -> a frozen dataclass, each mistake a finding at its place.

A class says what it takes with `key(kind)`; a *kind* is a function `(Reader, Node) -> value` that refuses what it does
not know. `Reader.build` reads every declared key, so that all mistakes of a map are reported at once.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar

from voicebot.dialplan.expressions import (
    Expression,
    Template,
    TemplateFault,
    parse_expression,
    parse_template,
)
from voicebot.dialplan.source import (
    Finding,
    Mapping,
    Node,
    Position,
    Scalar,
    Severity,
    describe,
    finding,
    nearest,
)
from voicebot.dialplan.source import Sequence as ListNode

T = TypeVar("T")
Kind = Callable[["Reader", Node], Any]

_DURATION = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Refused(Exception):
    """The node has its finding; there is no value."""


@dataclass(slots=True)
class Reader:
    """Where findings go, and what reading a text needs to know."""

    findings: list[Finding]
    languages: tuple[str, ...] = ("en",)

    def refuse(self, node: Node, code: str, message: str, hint: str = "") -> NoReturn:
        """Add a finding at `node`, unless it is bad already, and raise Refused."""
        if not (isinstance(node, Scalar) and node.bad):
            self.note(node.position, code, message, hint)
        raise Refused

    def note(
        self, position: Position, code: str, message: str, hint: str = "", severity: Severity = "error"
    ) -> None:
        """Add a finding and go on."""
        self.findings.append(finding(code, position, message, hint, severity))

    def optional(self, kind: Kind, node: Node) -> Any:
        """Return the value, or None when it was refused."""
        try:
            return kind(self, node)
        except Refused:
            return None

    def build(self, cls: type[T], node: Node, **given: Any) -> T:
        """Read `node` as `cls`. `given` fields are set as they are. Raises Refused when any key was refused."""
        if not isinstance(node, Mapping):
            self.refuse(node, "VB021", f"a map is expected, not {describe(node)}")
        declared = keys_of(cls)
        values: dict[str, Any] = dict(given)
        good = True
        for name_node, value_node in node.entries:
            field = declared.get(name_node.text)
            if field is None:
                hint = nearest(name_node.text, declared) or f"known here: {', '.join(declared)}"
                self.note(name_node.position, "VB020", f"unknown key {name_node.text!r}", hint)
                good = False
                continue
            try:
                values[field.name] = field.metadata["kind"](self, value_node)
            except Refused:
                good = False
        for name, field in declared.items():
            if field.metadata["required"] and node.get(name) is None:
                self.note(node.position, "VB022", f"the key {name!r} is missing")
                good = False
        if not good:
            raise Refused
        return cls(**values)


def key(kind: Kind, default: Any = None, *, required: bool = False, name: str = "") -> Any:
    """Declare a field that is read from the file. `name`: the key, where Python reserves it."""
    return dataclasses.field(default=default, metadata={"kind": kind, "required": required, "key": name})


def keys_of(cls: Any) -> dict[str, "dataclasses.Field[Any]"]:
    """Return the declared keys of a class, by their names in the file."""
    return {
        (field.metadata["key"] or field.name): field
        for field in dataclasses.fields(cls)
        if "kind" in field.metadata
    }


def walk(value: Any) -> Iterator[Any]:
    """Yield `value` and everything inside it: dataclasses, tuples, lists and dict values, depth first."""
    yield value
    if isinstance(value, (Position, Expression, Template)):
        return
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from walk(getattr(value, field.name))
    elif isinstance(value, (tuple, list, frozenset)):
        for item in value:
            yield from walk(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from walk(item)


# --- kinds ---------------------------------------------------------------------------------------------------------


def _scalar(reader: Reader, node: Node, wanted: str) -> Scalar:
    if not isinstance(node, Scalar):
        reader.refuse(node, "VB021", f"{wanted} is expected, not {describe(node)}")
    if node.bad:
        raise Refused
    return node


def string(reader: Reader, node: Node) -> str:
    """Text; a bare number, true or false is an error."""
    scalar = _scalar(reader, node, "text")
    if not isinstance(scalar.value, str):
        reader.refuse(node, "VB021", f"text is expected, not {describe(node)}", f'write "{scalar.text}"')
    return scalar.value


def name(reader: Reader, node: Node) -> str:
    """A name of a flow, queue, intent ..."""
    text = string(reader, node)
    if not _NAME.fullmatch(text):
        reader.refuse(node, "VB023", f"{text!r} is no name", "letters, digits, _ and - make a name")
    return text


def identifier(reader: Reader, node: Node) -> str:
    """A name that expressions can use."""
    text = string(reader, node)
    if not _IDENTIFIER.fullmatch(text):
        reader.refuse(node, "VB023", f"{text!r} cannot be used in expressions", "use letters, digits and _")
    return text


def boolean(reader: Reader, node: Node) -> bool:
    scalar = _scalar(reader, node, "true or false")
    if not isinstance(scalar.value, bool):
        hint = (
            "write true or false: in YAML 1.2 yes, no, on and off are texts"
            if scalar.text.lower() in ("yes", "no", "on", "off")
            else ""
        )
        reader.refuse(node, "VB021", f"true or false is expected, not {describe(node)}", hint)
    return scalar.value


def integer(low: int | None = None, high: int | None = None) -> Kind:
    def read(reader: Reader, node: Node) -> int:
        scalar = _scalar(reader, node, "a whole number")
        if isinstance(scalar.value, bool) or not isinstance(scalar.value, int):
            reader.refuse(node, "VB021", f"a whole number is expected, not {describe(node)}")
        _check_range(reader, node, scalar.value, low, high)
        return scalar.value

    return read


def number(low: float | None = None, high: float | None = None) -> Kind:
    def read(reader: Reader, node: Node) -> float:
        scalar = _scalar(reader, node, "a number")
        if isinstance(scalar.value, (bool, str)):
            reader.refuse(node, "VB021", f"a number is expected, not {describe(node)}")
        _check_range(reader, node, scalar.value, low, high)
        return float(scalar.value)

    return read


def _check_range(reader: Reader, node: Node, value: float, low: float | None, high: float | None) -> None:
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"at least {low}" if high is None else f"{low} to {high}"
        reader.refuse(node, "VB023", f"{value} is out of range", f"{bounds} is possible")


def duration(low: float = 0.0, high: float = 86400.0) -> Kind:
    """Seconds, from 800ms, 5s, 10m or 2h."""

    def read(reader: Reader, node: Node) -> float:
        scalar = _scalar(reader, node, "a duration")
        matched = _DURATION.fullmatch(scalar.text)
        if matched is None:
            hint = (
                f"write {scalar.text}s or {scalar.text}ms"
                if isinstance(scalar.value, (int, float)) and not isinstance(scalar.value, bool)
                else "durations are 800ms, 5s, 10m, 2h"
            )
            reader.refuse(node, "VB024", f"{scalar.text!r} is no duration", hint)
        seconds = round(float(matched[1]) * _UNITS[matched[2]], 6)
        if not low <= seconds <= high:
            reader.refuse(
                node, "VB023", f"{scalar.text} is out of range", f"{low:g}s to {high:g}s is possible"
            )
        return seconds

    return read


def one_of(*names: str) -> Kind:
    def read(reader: Reader, node: Node) -> str:
        text = string(reader, node)
        if text not in names:
            reader.refuse(
                node,
                "VB023",
                f"{text!r} is not known here",
                nearest(text, names) or f"one of {', '.join(names)}",
            )
        return text

    return read


def list_of(kind: Kind, *, single: bool = False, least: int = 0) -> Kind:
    """A tuple of `kind`. With `single` one item may stand without its list."""

    def read(reader: Reader, node: Node) -> tuple[Any, ...]:
        if not isinstance(node, ListNode):
            if single:
                return (kind(reader, node),)
            reader.refuse(node, "VB021", f"a list is expected, not {describe(node)}")
        values = _each([partial(kind, reader, item) for item in node.items])
        if len(values) < least:
            reader.refuse(node, "VB023", "the list is empty")
        return tuple(values)

    return read


def map_of(kind: Kind, key_kind: Kind = string) -> Kind:
    """A dict of `kind` by text."""

    def read(reader: Reader, node: Node) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            reader.refuse(node, "VB021", f"a map is expected, not {describe(node)}")
        named = [(Scalar(k.position, k.text, k.text, k.quoted, k.bad), v) for k, v in node.entries]
        pairs = _each([partial(_pair, reader, key_kind, kind, k, v) for k, v in named])
        return dict(pairs)

    return read


def _pair(reader: Reader, key_kind: Kind, kind: Kind, name_node: Node, node: Node) -> tuple[Any, Any]:
    return key_kind(reader, name_node), kind(reader, node)


def _each(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Read all, so that all findings are made, then refuse if one was refused."""
    values = []
    good = True
    for job in jobs:
        try:
            values.append(job())
        except Refused:
            good = False
    if not good:
        raise Refused
    return values


def expression(reader: Reader, node: Node) -> Expression:
    """A bare expression: `when`, `value`. true and false may stand bare."""
    scalar = _scalar(reader, node, "an expression")
    source = scalar.text if isinstance(scalar.value, str) else str(scalar.text).lower()
    try:
        return parse_expression(source)
    except TemplateFault as fault:
        reader.refuse(node, "VB030", f"the expression cannot be used: {fault}")


def template(reader: Reader, node: Node) -> Template:
    """A string that may hold `{{ }}`."""
    return template_of(reader, node, string(reader, node))


def template_of(reader: Reader, node: Node, text: str) -> Template:
    try:
        return parse_template(text)
    except TemplateFault as fault:
        reader.refuse(node, "VB030", f"the template cannot be used: {fault}")


@dataclass(frozen=True, slots=True)
class Value:
    """What `set`, `json` and `query` hold: nested maps and lists with templates at the leaves."""

    content: Any  # Template | int | float | bool | dict[str, Value] | tuple[Value, ...]


def value(reader: Reader, node: Node) -> Value:
    if isinstance(node, Mapping):
        return Value(map_of(value)(reader, node))
    if isinstance(node, ListNode):
        return Value(list_of(value)(reader, node))
    scalar = _scalar(reader, node, "a value")
    return Value(template_of(reader, node, scalar.value) if isinstance(scalar.value, str) else scalar.value)


@dataclass(frozen=True, slots=True)
class Named:
    """A name that points elsewhere, and where it was written."""

    name: str
    position: Position

    def __str__(self) -> str:
        return self.name


def pointer(reader: Reader, node: Node) -> Named:
    """A name of something that is declared elsewhere: the checker looks it up."""
    return Named(name(reader, node), node.position)
