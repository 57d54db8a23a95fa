"""Slot types: what a caller said and keyed -> a value, and a value -> how it is read back. One file per type."""

from voicebot.nlu.slots.base import SlotError, SlotJudgement, SlotSpec, SlotType, Value
from voicebot.nlu.slots.boolean import Boolean
from voicebot.nlu.slots.card import Card
from voicebot.nlu.slots.choice import Choice
from voicebot.nlu.slots.currency import Money
from voicebot.nlu.slots.date import Date
from voicebot.nlu.slots.digits import Digits
from voicebot.nlu.slots.free import Name, Text
from voicebot.nlu.slots.id_number import IdNumber
from voicebot.nlu.slots.number import Integer, Number
from voicebot.nlu.slots.phone import Phone
from voicebot.nlu.slots.plate import Plate
from voicebot.nlu.slots.time import Time

__all__ = ["SLOT_TYPES", "SlotError", "SlotJudgement", "SlotSpec", "SlotType", "Value", "slot_type"]

SLOT_TYPES: dict[str, SlotType] = {
    kind.name: kind
    for kind in (
        Boolean(),
        Card(),
        Choice(),
        Date(),
        Digits(),
        IdNumber(),
        Integer(),
        Money(),
        Name(),
        Number(),
        Phone(),
        Plate(),
        Text(),
        Time(),
    )
}


def slot_type(name: str) -> SlotType:
    """Return the type of that name; raises SlotError for an unknown one. Own types of a dialplan are `choice`."""
    if name not in SLOT_TYPES:
        raise SlotError(f"unknown slot type {name!r}: known are {', '.join(sorted(SLOT_TYPES))}")
    return SLOT_TYPES[name]
