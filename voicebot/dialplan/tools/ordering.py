"""The order of keys: where it means nothing, and the one order in which it is written.

Only maps that the language declares key by key are ordered, as the reference lists their keys. Maps of names, texts by
language and exits stay as they were written. Keys that hold steps keep their order among each other, since steps are
numbered in the order of the file.
"""

from collections.abc import Sequence as SequenceType
from typing import cast

from voicebot.dialplan.source import Mapping, Node, Scalar, Sequence
from voicebot.dialplan.targets import VERBS
from voicebot.dialplan.tools.json_schema import json_schema
from voicebot.dialplan.tools.shapes import Schema

NOTHING: Schema = {}  # the schema of what the language does not know


def definition(name: str) -> Schema:
    return cast(Schema, json_schema()["$defs"][name])


def alternatives(schema: Schema) -> list[Schema]:
    """Return the schemas that one stands for: references followed, `anyOf` opened."""
    if "$ref" in schema:
        return alternatives(definition(schema["$ref"].rsplit("/", 1)[-1]))
    if "anyOf" in schema:
        return [found for item in schema["anyOf"] for found in alternatives(item)]
    return [schema]


def of_map(schema: Schema, keys: SequenceType[str]) -> Schema:
    """Return the alternative that a map with `keys` is meant as."""
    maps = [item for item in alternatives(schema) if item.get("type") == "object"]
    if not maps:
        return NOTHING
    return max(maps, key=lambda item: (sum(key in item.get("properties", ()) for key in keys), _open(item)))


def _open(schema: Schema) -> bool:
    return isinstance(schema.get("additionalProperties"), dict)


def of_key(schema: Schema, key: str) -> Schema:
    """Return the schema of a key's value, of a map whose schema is `schema`."""
    found = schema.get("properties", {}).get(key)
    if found is None:
        found = schema["additionalProperties"] if _open(schema) else NOTHING
    return cast(Schema, found)


def of_items(schema: Schema) -> Schema:
    """Return the schema of a list's items."""
    lists = [item for item in alternatives(schema) if item.get("type") == "array"]
    return cast(Schema, lists[0].get("items", NOTHING)) if lists else NOTHING


def is_declared(schema: Schema) -> bool:
    """Return whether a map of this schema is one that the language declares key by key."""
    return "properties" in schema and any(schema is item for item in json_schema()["$defs"].values())


def in_order(schema: Schema, keys: SequenceType[str], with_steps: SequenceType[str]) -> list[str]:
    """Return `keys` in their order; those `with_steps` keep theirs among each other."""
    if not is_declared(schema):
        return list(keys)
    known = list(schema["properties"])
    wanted = sorted(keys, key=lambda key: known.index(key) if key in known else len(known))
    stepping = iter([key for key in keys if key in with_steps])
    return [next(stepping) if key in with_steps else key for key in wanted]


def ordered(node: Node, schema: Schema | None = None) -> Node:
    """Return the tree of a dialplan with its keys in order: what differs only in that is the same then."""
    schema = json_schema() if schema is None else schema
    if isinstance(node, Sequence):
        items = of_items(schema)
        return Sequence(node.position, tuple(ordered(item, items) for item in node.items))
    if isinstance(node, Scalar):
        return node
    chosen = of_map(schema, node.keys())
    entries = {key.text: (key, ordered(value, of_key(chosen, key.text))) for key, value in node.entries}
    stepping = [key.text for key, value in node.entries if _has_steps(key.text, value)]
    return Mapping(node.position, tuple(entries[key] for key in in_order(chosen, node.keys(), stepping)))


def _has_steps(key: str, node: Node) -> bool:
    if isinstance(node, Sequence):
        return key == "slots" or any(_has_steps("", item) for item in node.items)
    if isinstance(node, Mapping):
        single = len(node.entries) == 1 and node.entries[0][0].text in VERBS
        return single or any(_has_steps(name.text, value) for name, value in node.entries)
    return False
