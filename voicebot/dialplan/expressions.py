"""Expressions and templates: a checked subset of Jinja2, walked by ourselves and never compiled to Python.

Names, attributes, `call.headers['NAME']`, comparisons, `and` / `or` / `not`, constants, the filters `digits number currency(CODE) date time
when duration phone default(X)` and the functions `open('NAME')`, `next_open('NAME')`. No loops, no statements, no
arithmetic, no other calls. Output is at most 4 kB. A template that is one lone `{{ }}` keeps the value's type.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Protocol

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from voicebot.dialplan.source import nearest
from voicebot.nlu import spoken

MAX_OUTPUT = 4096  # characters
MAX_SOURCE = 4096
MAX_DEPTH = 40

ROOTS = ("call", "slot", "queue", "transfer", "var", "error")
HEADERS = ("call", "headers")


class TemplateFault(ValueError):
    """The expression or template is not of the subset; the message says why, for the author."""


class ExpressionError(Exception):
    """An expression cannot be evaluated now. `kind` is for `error.kind`; the text names variables, never values."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Unset(ExpressionError):
    """A variable has no value on the path that the call took."""

    def __init__(self, name: str) -> None:
        super().__init__("unset", f"{name} is not set")
        self.name = name


class Scope(Protocol):
    """Where expressions look up names. `path` is ("call", "from"), ("acct", "balance") and so on."""

    def lookup(self, path: tuple[str, ...]) -> object:
        """Return the value; raises Unset."""

    def open(self, name: str) -> bool: ...

    def next_open(self, name: str) -> datetime: ...

    def now(self) -> datetime:
        """Return the wall time in the hotline's zone."""

    def speak(self, path: tuple[str, ...], value: object, language: str) -> str | None:
        """Return how a slot's value is spoken by the slot's type, or None if `path` is no slot."""


def _number(value: object, language: str) -> str:
    return spoken.number(_as_number(value), language)


def _as_number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ExpressionError("type", "a number is expected by a filter")
    if isinstance(value, str):
        try:
            value = float(value) if "." in value or "e" in value.lower() else int(value)
        except ValueError:
            raise ExpressionError("type", "a number is expected by a filter") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("type", "a finite number is expected by a filter")
    return value


def _as_datetime(value: object, now: datetime) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ExpressionError("type", "a date or time is expected by a filter") from None
    if isinstance(value, datetime):
        return value.astimezone(now.tzinfo) if value.tzinfo else value.replace(tzinfo=now.tzinfo)
    if isinstance(value, date):
        return datetime.combine(value, time(), now.tzinfo)
    if isinstance(value, time):
        return datetime.combine(now.date(), value, now.tzinfo)
    raise ExpressionError("type", "a date or time is expected by a filter")


def _currency(value: object, code: str, language: str) -> str:
    return spoken.currency(_as_number(value), code, language)


# name -> (number of arguments, function of (value, arguments, scope, language))
_Filter = Callable[[object, tuple[object, ...], Scope, str], object]
FILTERS: dict[str, tuple[int, _Filter]] = {
    "digits": (0, lambda value, args, scope, language: spoken.digits(str(value), language)),
    "number": (0, lambda value, args, scope, language: _number(value, language)),
    "currency": (1, lambda value, args, scope, language: _currency(value, str(args[0]), language)),
    "date": (
        0,
        lambda value, args, scope, language: spoken.date(_as_datetime(value, scope.now()).date(), language),
    ),
    "time": (
        0,
        lambda value, args, scope, language: spoken.time(_as_datetime(value, scope.now()).time(), language),
    ),
    "when": (
        0,
        lambda value, args, scope, language: spoken.when(
            _as_datetime(value, scope.now()), scope.now(), language
        ),
    ),
    "duration": (
        0,
        lambda value, args, scope, language: spoken.duration(float(_as_number(value)), language),
    ),
    "phone": (0, lambda value, args, scope, language: spoken.phone(str(value), language)),
    "default": (1, lambda value, args, scope, language: value),
}
FUNCTIONS = ("open", "next_open")

_OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,  # type: ignore[operator]  # a TypeError is caught where it is called
    "gteq": lambda a, b: a >= b,  # type: ignore[operator]
    "lt": lambda a, b: a < b,  # type: ignore[operator]
    "lteq": lambda a, b: a <= b,  # type: ignore[operator]
    "in": lambda a, b: a in b,  # type: ignore[operator]
    "notin": lambda a, b: a not in b,  # type: ignore[operator]
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable that an expression reads; `guarded` by `default`, so that it may be unset."""

    path: tuple[str, ...]
    guarded: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Expression:
    """One checked expression."""

    source: str
    node: nodes.Expr = field(compare=False, repr=False)
    references: frozenset[Reference] = frozenset()
    hours: frozenset[str] = frozenset()  # names of the open() and next_open() in it

    def evaluate(self, scope: Scope, language: str) -> object:
        """Return the value; raises ExpressionError."""
        return _evaluate(self.node, scope, language)

    def truth(self, scope: Scope, language: str) -> bool:
        return bool(self.evaluate(scope, language))


@dataclass(frozen=True, slots=True)
class Template:
    """A string with `{{ }}` in it: constant pieces and expressions in turn."""

    source: str
    pieces: tuple[str | Expression, ...]

    @property
    def constant(self) -> bool:
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def references(self) -> frozenset[Reference]:
        return frozenset().union(*(p.references for p in self.pieces if isinstance(p, Expression)))

    @property
    def hours(self) -> frozenset[str]:
        return frozenset().union(*(p.hours for p in self.pieces if isinstance(p, Expression)))

    def value(self, scope: Scope, language: str) -> object:
        """Return the text, or the value itself when the template is one lone `{{ }}`."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], Expression):
            return self.pieces[0].evaluate(scope, language)
        return self.text(scope, language)

    def text(self, scope: Scope, language: str) -> str:
        """Return the text as it is written: for headers, paths, comparisons."""
        return _join(
            piece if isinstance(piece, str) else _written(piece.evaluate(scope, language))
            for piece in self.pieces
        )

    def speech(self, scope: Scope, language: str) -> str:
        """Return the text as it is spoken: slots by their type."""
        return _join(
            piece if isinstance(piece, str) else _spoken(piece, scope, language) for piece in self.pieces
        )


# --- parsing -------------------------------------------------------------------------------------------------------

_ENVIRONMENT = Environment(autoescape=False)  # only its lexer and parser are used


def parse_expression(source: str) -> Expression:
    """Check a bare expression. Raises TemplateFault."""
    _check_size(source)
    if not source.strip():
        raise TemplateFault("the expression is empty")
    if "{{" in source:
        raise TemplateFault("a bare expression stands here: write it without {{ }}")
    try:
        parser = Parser(_ENVIRONMENT, source, state="variable")
        node = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateFault("the expression goes on after its end")
    except TemplateSyntaxError as error:
        raise TemplateFault(_fault_text(error)) from None
    except RecursionError:
        raise TemplateFault("the expression is nested too deep") from None
    return _checked(source, node)


def parse_template(source: str) -> Template:
    """Check a template. Raises TemplateFault."""
    _check_size(source)
    if "{{" not in source and "{%" not in source and "{#" not in source:
        return Template(source, (source,) if source else ())
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateFault(_fault_text(error)) from None
    except RecursionError:
        raise TemplateFault("the template is nested too deep") from None
    pieces: list[str | Expression] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            raise TemplateFault("statements ({% %}) are not part of templates: use if and switch steps")
        for node in statement.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append(node.data)
            else:
                pieces.append(_checked(source, node))
    return Template(source, tuple(pieces))


def _check_size(source: str) -> None:
    if len(source) > MAX_SOURCE:
        raise TemplateFault(f"it is longer than {MAX_SOURCE} characters")


def _fault_text(error: TemplateSyntaxError) -> str:
    message = (error.message or "it cannot be read").rstrip(".")
    return message[:1].lower() + message[1:]


def _checked(source: str, node: nodes.Expr) -> Expression:
    references: set[Reference] = set()
    hours: set[str] = set()
    _check(node, references, hours, guarded=False, depth=0)
    return Expression(source, node, frozenset(references), frozenset(hours))


def _check(
    node: nodes.Node, references: set[Reference], hours: set[str], *, guarded: bool, depth: int
) -> None:
    if depth > MAX_DEPTH:
        raise TemplateFault("the expression is nested too deep")

    def inner(child: nodes.Node, guarded: bool = guarded) -> None:
        _check(child, references, hours, guarded=guarded, depth=depth + 1)

    match node:
        case nodes.Const(value=value):
            if value is not None and not isinstance(value, (str, int, float, bool)):
                raise TemplateFault("only texts, numbers, true and false may be written in an expression")
        case nodes.Name() | nodes.Getattr() | nodes.Getitem():
            references.add(Reference(_path(node), guarded))
        case nodes.Compare(expr=first, ops=operands):
            inner(first)
            for operand in operands:
                inner(operand.expr)
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            inner(left)
            inner(right)
        case nodes.Not(node=child):
            inner(child)
        case nodes.Neg(node=nodes.Const() as child):
            inner(child)
        case nodes.List(items=items) | nodes.Tuple(items=items):
            for item in items:
                if not isinstance(item, nodes.Const):
                    raise TemplateFault("a list in an expression holds constants only")
        case nodes.Filter():
            _check_filter(node)
            if node.node is None:
                raise TemplateFault("a filter needs a value before it")
            inner(node.node, guarded or node.name == "default")
        case nodes.Call():
            hours.add(_check_call(node))
        case _:
            raise TemplateFault(
                f"{_construct(node)} is not part of expressions: they know names, comparisons, and / or / not, "
                "filters, open() and next_open()"
            )


def _construct(node: nodes.Node) -> str:
    if isinstance(node, nodes.BinExpr):
        return f"arithmetic ({type(node).__name__.lower()})"
    if isinstance(node, nodes.Test):
        return f"the test 'is {node.name}'"
    return type(node).__name__.lower()


def _path(node: nodes.Node) -> tuple[str, ...]:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        if node.attr.startswith("_"):
            raise TemplateFault(f"names do not begin with an underscore ({node.attr})")
        return _entry(_path(node.node), node.attr)
    if isinstance(node, nodes.Getitem):
        path = _path(node.node)
        if path != HEADERS or not isinstance(node.arg, nodes.Const) or not isinstance(node.arg.value, str):
            raise TemplateFault("brackets belong to call.headers['NAME'] only: write call.from, acct.balance")
        return _entry(path, node.arg.value)
    raise TemplateFault("only a variable has attributes")


def _entry(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Names of headers are the same in capitals and small letters (RFC 3261 section 7.3.1)."""
    return (*path, name.lower() if path == HEADERS else name)


def _check_filter(node: nodes.Filter) -> None:
    known = FILTERS.get(node.name)
    if known is None:
        hint = nearest(node.name, FILTERS)
        raise TemplateFault(f"unknown filter {node.name!r}" + (f": {hint}" if hint else ""))
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise TemplateFault(f"the filter {node.name} takes no named arguments")
    if len(node.args) != known[0] or not all(isinstance(arg, nodes.Const) for arg in node.args):
        wanted = "one constant argument" if known[0] else "no argument"
        raise TemplateFault(f"the filter {node.name} takes {wanted}")


def _check_call(node: nodes.Call) -> str:
    if not isinstance(node.node, nodes.Name) or node.node.name not in FUNCTIONS:
        raise TemplateFault(f"only these can be called: {', '.join(FUNCTIONS)}")
    arguments = node.args
    if (
        len(arguments) != 1
        or node.kwargs
        or not isinstance(arguments[0], nodes.Const)
        or not isinstance(arguments[0].value, str)
    ):
        raise TemplateFault(f"{node.node.name}('NAME') takes the name of an entry of hours, in quotes")
    return arguments[0].value


# --- evaluation ----------------------------------------------------------------------------------------------------


def _evaluate(node: nodes.Node, scope: Scope, language: str) -> object:
    match node:
        case nodes.Const(value=value):
            return value
        case nodes.Name() | nodes.Getattr() | nodes.Getitem():
            return scope.lookup(_path(node))
        case nodes.Compare():
            return _compare(node, scope, language)
        case nodes.And(left=left, right=right):
            return _evaluate(left, scope, language) and _evaluate(right, scope, language)
        case nodes.Or(left=left, right=right):
            return _evaluate(left, scope, language) or _evaluate(right, scope, language)
        case nodes.Not(node=child):
            return not _evaluate(child, scope, language)
        case nodes.Neg(node=nodes.Const(value=value)):
            return -_as_number(value)
        case nodes.List(items=items) | nodes.Tuple(items=items):
            return [_evaluate(item, scope, language) for item in items]
        case nodes.Filter(node=child, name=name) if child is not None:
            arguments = tuple(_evaluate(arg, scope, language) for arg in node.args)
            return _filter(name, child, arguments, scope, language)
        case nodes.Call(node=nodes.Name(name=name), args=[nodes.Const(value=entry)]):
            return scope.open(entry) if name == "open" else scope.next_open(entry)
        case _:
            raise AssertionError(type(node).__name__)


def _compare(node: nodes.Compare, scope: Scope, language: str) -> bool:
    left = _evaluate(node.expr, scope, language)
    for operand in node.ops:
        right = _evaluate(operand.expr, scope, language)
        try:
            holds = _OPERATORS[operand.op](left, right)
        except TypeError:
            raise ExpressionError("type", "values of different types are compared") from None
        if not holds:
            return False
        left = right
    return True


def _filter(
    name: str, child: nodes.Expr, arguments: tuple[object, ...], scope: Scope, language: str
) -> object:
    if name == "default":
        try:
            value = _evaluate(child, scope, language)
        except Unset:
            return arguments[0]
        return arguments[0] if value is None else value
    value = _evaluate(child, scope, language)
    try:
        return FILTERS[name][1](value, arguments, scope, language)
    except (ValueError, TypeError, OverflowError, KeyError):
        raise ExpressionError("type", f"the filter {name} cannot speak this value") from None


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    raise ExpressionError("type", "a list, map or null cannot be written into a text")


def _spoken(expression: Expression, scope: Scope, language: str) -> str:
    value = expression.evaluate(scope, language)
    if isinstance(expression.node, (nodes.Name, nodes.Getattr)):
        by_type = scope.speak(_path(expression.node), value, language)
        if by_type is not None:
            return by_type
    if isinstance(value, datetime):
        return spoken.when(_as_datetime(value, scope.now()), scope.now(), language)
    return _written(value)


def _join(parts: Iterator[str]) -> str:
    joined: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > MAX_OUTPUT:
            raise ExpressionError("too_long", f"the text is longer than {MAX_OUTPUT} characters")
        joined.append(part)
    return "".join(joined)


def lookup_in(value: object, path: tuple[str, ...], name: str) -> object:
    """Follow `path` into nested maps; raises Unset with the full `name`."""
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            raise Unset(name)
        value = value[part]
    return value
