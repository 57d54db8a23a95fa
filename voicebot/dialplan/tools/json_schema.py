"""The language as a JSON Schema (draft 2020-12), for completion and hints in editors.

It is derived from what the loader declares. It says less than `voicebot check` (an editor does not know which flows
there are), but never refuses what the loader takes.
"""

import dataclasses
from functools import cache
from typing import Any

import voicebot.dialplan.steps  # noqa: F401  # registers the verbs
from voicebot.dialplan.fields import keys_of
from voicebot.dialplan.hours import hours
from voicebot.dialplan.inputs import EVENTS, Defaults, Handler, InputStep, Link, Options
from voicebot.dialplan.schema import Hotline, Queue, Service
from voicebot.dialplan.targets import VERBS, Step
from voicebot.dialplan.testcases import case
from voicebot.dialplan.tools.shapes import NAME, SHARED, SLOT_TYPE, STRING, Schema, one_or_many, ref, shape
from voicebot.dialplan.tools.words import STEPS, of_key
from voicebot.nlu.languages import LANGUAGES

DRAFT = "https://json-schema.org/draft/2020-12/schema"

# Keys that lead, whatever class declares them; then come the class's own, the input options, links and handlers.
_FIRST = ("slot", "type", "required", "length", "range", "values", "prompt", "brief")
_OPTIONS = frozenset(field.name for field in dataclasses.fields(Options))
_LAST = ("links", *EVENTS)
_HANDLER = ("count", "intent", "phrases", "dtmf", "set", "say", "play", "input", "goto", "call", "reprompt")

# What a step's value may be besides a map of its keys.
_SHORT: dict[str, Schema] = {
    "say": ref("text"),
    "play": ref("audio"),
    "set": ref("variables"),
    "record": {"type": "string", "enum": ["pause", "resume"]},
    "goto": NAME,
    "call": NAME,
    "return": {"type": "object", "maxProperties": 0},
    "hangup": {
        "anyOf": [
            {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
            {"type": "object", "maxProperties": 0},
        ]
    },
    "language": {
        "anyOf": [
            {"type": "string", "enum": [*LANGUAGES, "detect"]},
            {"type": "string", "pattern": r"\{\{"},
        ]
    },
}


def key_order(cls: Any) -> list[str]:
    """Return the keys of a class in the order in which the reference and `voicebot fmt` write them."""
    names = list(keys_of(cls))
    if cls is Handler:
        return sorted(names, key=_HANDLER.index)
    if not issubclass(cls, InputStep):
        return names

    def place(name: str) -> tuple[int, int]:
        if name in _FIRST:
            return 0, _FIRST.index(name)
        if name in _LAST:
            return 3, _LAST.index(name)
        return (2 if name in _OPTIONS else 1), names.index(name)

    return sorted(names, key=place)


class _Definitions:
    """Collects the definition of every class that something refers to."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = dict(SHARED)

    def refer(self, cls: Any) -> Schema:
        name = getattr(cls, "verb", "") or cls.__name__.strip("_")
        if cls.__name__ == "FormSlot":  # a collect without its verb
            name = cls.__name__
        if name not in self.found:
            self.found[name] = {}  # it may refer to itself
            self.found[name] = self._map(cls, name)
        return ref(name)

    def _map(self, cls: Any, owner: str) -> Schema:
        declared = keys_of(cls)
        properties: Schema = {}
        for name in key_order(cls):
            content = shape(declared[name].metadata["kind"], self.refer)
            if name == "type":
                content = SLOT_TYPE
            properties[name] = {"description": of_key(owner, name), **content}
        found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [name for name, field in declared.items() if field.metadata["required"]]
        return found | ({"required": required} if required else {})

    def step(self) -> Schema:
        """Return the definition of a step: a map of one verb."""
        properties = {name: {"description": STEPS[name], **self._verb(cls)} for name, cls in VERBS.items()}
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }

    def _verb(self, cls: type[Step]) -> Schema:
        short = _SHORT.get(cls.verb)
        if not keys_of(cls):
            if short is None:
                raise TypeError(f"the step {cls.verb} has neither keys nor a short form")
            return short
        return self.refer(cls) if short is None else {"anyOf": [short, self.refer(cls)]}


def _named(content: Schema) -> Schema:
    return {"type": "object", "propertyNames": NAME, "additionalProperties": content}


@cache
def json_schema() -> Schema:
    """Return the schema of a dialplan file (also of one that is included: nothing is required). Do not change it."""
    definitions = _Definitions()
    refer = definitions.refer
    own_type = {
        "anyOf": [
            ref("values"),
            {
                "type": "object",
                "properties": {"values": ref("values")},
                "required": ["values"],
                "additionalProperties": False,
            },
        ]
    }
    handler = refer(Handler)
    sections: dict[str, Schema] = {
        "dialplan": {"const": 1},
        "hotline": refer(Hotline),
        "defaults": refer(Defaults),
        "vars": {"type": "object"},
        "hours": _named(shape(hours, refer)),
        "services": _named(refer(Service)),
        "queues": _named(refer(Queue)),
        "intents": _named(ref("phrases")),
        "types": _named(own_type),
        "links": {"type": "array", "items": refer(Link)},
        "handlers": {
            "type": "object",
            "properties": {
                event: {"description": of_key("handlers", event), **one_or_many(handler, 1)}
                for event in EVENTS
            },
            "additionalProperties": False,
        },
        "flows": _named({"type": "array", "items": ref("step"), "minItems": 1}),
        "tests": {"type": "array", "items": shape(case, refer)},
        "include": one_or_many(STRING),
    }
    definitions.found["step"] = definitions.step()
    return {
        "$schema": DRAFT,
        "title": "voicebot dialplan, version 1",
        "type": "object",
        "properties": {
            name: {"description": of_key("file", name), **content} for name, content in sections.items()
        },
        "additionalProperties": False,
        "$defs": definitions.found,
    }
