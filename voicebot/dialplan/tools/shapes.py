"""What a declared key takes, as JSON Schema: the loader's kinds, read the other way round.

A kind that is a plain function stands in `PLAIN` by its name. The factories of `fields` (one_of, list_of ...) are seen
through by what they hold, and a kind that builds a class leads to that class. Another kind is a TypeError: whoever adds
one describes it here, and a test says so.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from voicebot.dialplan.fields import Kind, keys_of
from voicebot.dialplan.inputs import Options
from voicebot.dialplan.slots import TYPES
from voicebot.nlu.languages import LANGUAGES

Schema = dict[str, Any]

NAME = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"}
IDENTIFIER = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
STRING = {"type": "string"}
KEYPRESS = {"type": "string", "pattern": "^[0-9*#A-D]{1,32}$"}
DURATION = {"type": "string", "pattern": r"^\d{1,7}(\.\d{1,3})?(ms|s|m|h)$"}
WAV = {"type": "string", "pattern": r"\.wav$"}
DATE_OR_RANGE = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}(\.\.\d{4}-\d{2}-\d{2})?$"}
SPAN = {"type": "string", "pattern": r"^\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}$"}
DAY = "(mon|tue|wed|thu|fri|sat|sun)"
SCALAR = {"type": ["string", "number", "boolean"]}
ANY = {"type": ["string", "number", "boolean", "array", "object"]}


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def one_or_many(items: Schema, least: int = 0) -> Schema:
    """Return a list whose only item may stand without it."""
    return {"anyOf": [items, {"type": "array", "items": items, **({"minItems": least} if least else {})}]}


def by_language(items: Schema) -> Schema:
    return {
        "type": "object",
        "properties": dict.fromkeys(LANGUAGES, items),
        "additionalProperties": False,
        "minProperties": 1,
    }


_LINE = {"type": "string", "minLength": 1}
_SPOKEN = {"anyOf": [_LINE, by_language(_LINE)]}

# Definitions that many keys share, by name.
SHARED: dict[str, Schema] = {
    "text": {
        "description": "A text, a text by language, or {all: [...]}: items spoken one after the other.",
        "anyOf": [
            *_SPOKEN["anyOf"],
            {
                "type": "object",
                "properties": {"all": {"type": "array", "items": _SPOKEN, "minItems": 1}},
                "required": ["all"],
                "additionalProperties": False,
            },
        ],
    },
    "phrases": {
        "description": "What may be said: templates, for every language by their script, or by language.",
        "anyOf": [*one_or_many(STRING, 1)["anyOf"], by_language(one_or_many(STRING, 1))],
    },
    "target": {
        "description": "A flow's name, or a list of steps after which the step is done.",
        "anyOf": [NAME, {"type": "array", "items": ref("step"), "minItems": 1}],
    },
    "steps": {"type": "array", "items": ref("step")},
    "audio": {"anyOf": [WAV, by_language(WAV)]},
    "variables": {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": r"^(call|slot)\.[A-Za-z][A-Za-z0-9_]*$"},
        "additionalProperties": ANY,
    },
    "values": {
        "description": 'Values: a list of words, or {VALUE: {en: [...], zh: [...], dtmf: "1"}}.',
        "anyOf": [
            {"type": "array", "items": STRING},
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "anyOf": [
                        *one_or_many(STRING)["anyOf"],
                        {
                            "type": "object",
                            "properties": {
                                **{code: one_or_many(STRING, 1) for code in LANGUAGES},
                                "dtmf": KEYPRESS,
                            },
                            "additionalProperties": False,
                        },
                    ]
                },
            },
        ],
    },
}

PLAIN: dict[str, Schema] = {
    "fields.string": STRING,
    "fields.name": NAME,
    "fields.identifier": IDENTIFIER,
    "fields.boolean": {"type": "boolean"},
    "fields.expression": {"type": ["string", "boolean", "number"]},
    "fields.template": STRING,
    "fields.value": ANY,
    "fields.pointer": NAME,
    "source.plain": ANY,
    "headers.header_name": {"type": "string", "pattern": "^([Xx]-.+|[A-Za-z-]+)$"},
    "headers.header_value": {"type": "string", "maxLength": 512},
    "headers.header_line": {"type": "string", "maxLength": 512},
    "targets.flow_name": NAME,
    "targets.target": ref("target"),
    "targets.steps": ref("steps"),
    "texts.text": ref("text"),
    "schema.language": {"type": "string", "enum": list(LANGUAGES)},
    "schema.zone": STRING,
    "schema.login": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"bearer": {"type": "string", "minLength": 1}},
                "required": ["bearer"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {
                    "basic": {
                        "type": "object",
                        "properties": {"user": STRING, "password": STRING},
                        "required": ["user", "password"],
                        "additionalProperties": False,
                    }
                },
                "required": ["basic"],
                "additionalProperties": False,
            },
        ]
    },
    "inputs.keys": KEYPRESS,
    "inputs.term_char": {"type": "string", "pattern": "^[0-9*#A-D]?$"},
    "inputs.bare_input": one_or_many({"type": "string", "enum": ["speech", "dtmf"]}, 1),
    "inputs.phrases": ref("phrases"),
    "inputs.assignments": ref("variables"),
    "inputs.play_files": ref("audio"),
    "slots.values": ref("values"),
    "slots.length": {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 64},
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": 64},
                "minItems": 1,
                "maxItems": 2,
            },
        ]
    },
    "slots.bounds": {
        "type": "array",
        "items": {"type": ["number", "string"]},
        "minItems": 2,
        "maxItems": 2,
    },
    "http._on_error": {
        "anyOf": [
            ref("target"),
            {
                "type": "object",
                "propertyNames": {"pattern": "^([1-5][0-9][0-9]|else)$"},
                "additionalProperties": ref("target"),
            },
        ]
    },
    "queue._position": {"enum": [True, False, "when_improved", "always", "never"]},
    "queue._music": WAV,
    "queue._meanwhile": ref("steps"),
    "hours._weekly": {
        "type": "object",
        "propertyNames": {"pattern": f"^{DAY}(-{DAY})?$"},
        "additionalProperties": one_or_many(SPAN),
    },
    "hours.dates": DATE_OR_RANGE,
    "hours._extra": {
        "anyOf": [
            DATE_OR_RANGE,
            {
                "type": "object",
                "propertyNames": {"pattern": r"^\d{4}-\d{2}-\d{2}$"},
                "additionalProperties": one_or_many(SPAN),
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    },
    "testcases._caller": {
        "anyOf": [
            {"type": "string", "enum": ["silence", "mumble"]},
            {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"type": "string", "enum": ["unclear", "hangup"]},
                        {
                            "type": "object",
                            "properties": {
                                "say": STRING,
                                "dtmf": KEYPRESS,
                                "silence": DURATION,
                                "unclear": ANY,
                                "hangup": ANY,
                                "at": DURATION,
                                "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                            },
                            "additionalProperties": False,
                            "minProperties": 1,
                        },
                    ]
                },
            },
        ]
    },
    "testcases._party": {"type": "string", "minLength": 1},
    "testcases._headers": {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9.!%*_+`'~-]{2,64}$"},
        "additionalProperties": {"type": "string", "maxLength": 512},
    },
    "testcases._stub": ANY,
    "testcases._at": {"type": "string", "pattern": r"^\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{1,2}$"},
}

# A slot's type is any name (the dialplan's own types too); editors offer those of the language.
SLOT_TYPE: Schema = {"anyOf": [{"type": "string", "enum": TYPES}, IDENTIFIER]}


def shape(kind: Kind, refer: Callable[[Any], Schema]) -> Schema:
    """Return the schema of a kind; `refer` gives that of a class. Raises TypeError for a kind that is not known."""
    module = str(getattr(kind, "__module__", "")).rsplit(".", 1)[-1]
    full = f"{module}.{getattr(kind, '__qualname__', '')}"
    if full in PLAIN:
        return PLAIN[full]
    held = inspect.getclosurevars(kind)
    factory, inside, _ = full.partition(".<locals>.")
    if inside and factory in _FACTORIES:
        return _FACTORIES[factory](dict(held.nonlocals), refer)
    if factory == "inputs.handlers":
        return shape(held.nonlocals["kind"], refer)
    built = [item for item in held.globals.values() if _declares(item)]
    if len(built) == 1:
        return refer(built[0])
    if full.endswith("<lambda>") and len(held.globals) == 1:  # it puts off looking a kind up
        return shape(next(iter(held.globals.values())), refer)
    raise TypeError(f"the kind {full} has no shape: describe it in voicebot/dialplan/tools/shapes.py")


def _declares(item: object) -> bool:
    return (
        isinstance(item, type)
        and dataclasses.is_dataclass(item)
        and bool(keys_of(item))
        and item is not Options
    )


def _bounded(kind: str, low: float | None, high: float | None) -> Schema:
    found: Schema = {"type": kind}
    found |= {} if low is None else {"minimum": low}
    return found if high is None else found | {"maximum": high}


def _list(held: dict[str, Any], refer: Callable[[Any], Schema]) -> Schema:
    items = shape(held["kind"], refer)
    if held["single"]:
        return one_or_many(items, held["least"])
    return {"type": "array", "items": items, **({"minItems": held["least"]} if held["least"] else {})}


def _map(held: dict[str, Any], refer: Callable[[Any], Schema]) -> Schema:
    content, names = shape(held["kind"], refer), shape(held["key_kind"], refer)
    if "enum" in names:
        return {
            "type": "object",
            "properties": dict.fromkeys(names["enum"], content),
            "additionalProperties": False,
        }
    return {"type": "object", "additionalProperties": content}


_FACTORIES: dict[str, Callable[[dict[str, Any], Callable[[Any], Schema]], Schema]] = {
    "fields.integer": lambda held, refer: _bounded("integer", held["low"], held["high"]),
    "fields.number": lambda held, refer: _bounded("number", held["low"], held["high"]),
    "fields.duration": lambda held, refer: DURATION,
    "fields.one_of": lambda held, refer: {"type": "string", "enum": list(held["names"])},
    "fields.list_of": _list,
    "fields.map_of": _map,
}
