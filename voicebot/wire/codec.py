"""bytes <-> messages: msgpack with one extension type per dataclass, checked on the way in."""

import dataclasses
import operator
import struct
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

import msgpack

from voicebot.wire import messages, speech_messages
from voicebot.wire.base import Message

VERSION = 1


class WireError(Exception):
    """The bytes are not a message of this version."""


_CLASSES: list[type[Message]] = sorted(
    (
        value
        for value in (*vars(messages).values(), *vars(speech_messages).values())
        if isinstance(value, type) and issubclass(value, Message) and value is not Message
    ),
    key=lambda cls: cls.__name__,
)
_CODE: dict[type[Message], int] = {cls: code for code, cls in enumerate(_CLASSES)}


# What a field of such a type may hold, of what msgpack makes: its True is no number.
_PLAIN: dict[object, frozenset[type]] = {
    float: frozenset({float, int}),
    int: frozenset({int}),
    bool: frozenset({bool}),
    str: frozenset({str}),
    bytes: frozenset({bytes}),
    types.NoneType: frozenset({types.NoneType}),
}


def _plain(hint: Any) -> frozenset[type] | None:
    """Return the types of the values of a plain type, or of a union of such; None for others."""
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return _PLAIN.get(hint)
    found = [_PLAIN.get(arg, frozenset[type]()) for arg in typing.get_args(hint)]
    return frozenset[type]().union(*found) if all(found) else None


def _checker(hint: Any) -> Any:
    """Return a function (value) -> bool for a field's type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if (kinds := _plain(hint)) is not None:
        return lambda value: type(value) in kinds
    if origin is typing.Literal:
        return lambda value: value in args
    if origin in (types.UnionType, typing.Union):
        options = [_checker(arg) for arg in args]
        return lambda value: any(option(value) for option in options)
    if origin is tuple and args[-1] is Ellipsis:
        item = _checker(args[0])
        return lambda value: isinstance(value, tuple) and all(map(item, value))
    if origin is tuple:
        items = [_checker(arg) for arg in args]
        return lambda value: (
            isinstance(value, tuple)
            and len(value) == len(items)
            and all(check(part) for check, part in zip(items, value, strict=True))
        )
    if origin is dict:
        keys, values = _plain(args[0]), _plain(args[1])
        assert keys is not None, "maps hold plain values, which are looked at all at once"
        assert values is not None, "the same"
        return lambda value: (
            isinstance(value, dict)
            and keys.issuperset(map(type, value))
            and values.issuperset(map(type, value.values()))
        )
    return lambda value: isinstance(value, hint)


_FIELDS: dict[type[Message], list[tuple[str, Any]]] = {
    cls: [
        (item.name, _checker(typing.get_type_hints(cls)[item.name]))
        for item in dataclasses.fields(cls)  # type: ignore[arg-type]
    ]
    for cls in _CLASSES
}


def _getter(names: list[str]) -> Callable[[Message], Sequence[object]]:
    """Return what takes all fields out of a message, in one step where there are several."""
    return (
        operator.attrgetter(*names)
        if len(names) > 1
        else lambda message: [getattr(message, name) for name in names]
    )


_VALUES = {cls: _getter([name for name, _ in fields]) for cls, fields in _FIELDS.items()}


def _encode(value: object) -> object:
    if isinstance(value, Message):
        cls = type(value)
        return msgpack.ExtType(_CODE[cls], msgpack.packb(_VALUES[cls](value), default=_encode))
    raise TypeError(f"{type(value).__name__} cannot travel between processes")


def _decode(code: int, data: bytes) -> Message:
    if not 0 <= code < len(_CLASSES):
        raise WireError(f"unknown message type {code}")
    cls = _CLASSES[code]
    values = msgpack.unpackb(data, ext_hook=_decode, use_list=False)
    fields = _FIELDS[cls]
    if not isinstance(values, tuple) or len(values) != len(fields):
        raise WireError(f"{cls.__name__} needs {len(fields)} fields")
    for value, (name, check) in zip(values, fields, strict=True):
        if not check(value):
            raise WireError(f"{cls.__name__}.{name} has a value of a wrong type")
    return cls(*values)


def pack(message: Message) -> bytes:
    """Return the datagram of `message`."""
    packed: bytes = msgpack.packb([VERSION, message], default=_encode)
    return packed


def unpack(data: bytes) -> Message:
    """Return the message of a datagram; raises WireError for anything else."""
    try:
        parts = msgpack.unpackb(data, ext_hook=_decode, use_list=False)
    except WireError:
        raise
    except (ValueError, TypeError, struct.error, msgpack.UnpackException, RecursionError) as error:
        raise WireError(f"not a message: {error}") from error
    if (
        not isinstance(parts, tuple)
        or len(parts) != 2
        or parts[0] != VERSION
        or not isinstance(parts[1], Message)
    ):
        raise WireError("not a message of this version")
    return parts[1]
