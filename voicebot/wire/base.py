"""What every message between processes is."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T", bound="Message")


class Message:
    """What `pack` accepts and `unpack` returns: any dataclass of `messages` and `speech_messages`."""

    __slots__ = ()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(cls: type[T]) -> type[T]:
    """Make a dataclass that is frozen for the type checker: one that is at run time takes three times as long to make."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
