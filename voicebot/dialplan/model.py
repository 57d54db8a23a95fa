"""A tree of nodes -> a pydantic model, every mistake with its position and, for unknown keys, the nearest name."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from voicebot.dialplan.source import Finding, Mapping, Node, Scalar, Sequence, finding, nearest, plain

ModelT = TypeVar("ModelT", bound=BaseModel)

_WORDS = {
    "string_type": "text is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected",
    "float_parsing": "a number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "dict_type": "a map is expected",
    "model_type": "a map is expected",
    "dataclass_type": "a map is expected",
}


def build(model: type[ModelT], node: Node, findings: list[Finding]) -> ModelT | None:
    """Validate `node` as `model`; on mistakes add a finding for each, and return None.

    The model should forbid extra keys (`ConfigDict(extra="forbid")`): they become VB020 with the nearest name.
    Missing keys are VB022, values of a wrong type VB021, every other refusal VB023. Values are never quoted back,
    since a configuration holds secrets.
    """
    try:
        return model.model_validate(plain(node))
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=True, include_input=False):
            found = _finding(model, node, item)
            if found is not None and found not in findings:
                findings.append(found)
        return None


def locate(node: Node, path: tuple[int | str, ...], *, key: bool = False) -> Node:
    """Return the node that a pydantic location names; with `key`, the key of its last step instead of the value.

    Parts that name a member of a union and no key are passed over.
    """
    current: Node = node
    for index, part in enumerate(path):
        last = index == len(path) - 1
        if isinstance(current, Mapping):
            name = str(part)
            found = current.get(name)
            if found is None:
                continue
            name_node = current.key(name)
            current = name_node if key and last and name_node is not None else found
        elif isinstance(current, Sequence) and isinstance(part, int) and part < len(current.items):
            current = current.items[part]
    return current


def _finding(model: type[BaseModel], node: Node, item: Any) -> Finding | None:
    kind: str = item["type"]
    path: tuple[int | str, ...] = tuple(item["loc"])
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        known = _fields(model, path[:-1])
        hint = nearest(name, known) or (f"known here: {', '.join(known)}" if len(known) <= 12 else "")
        return finding("VB020", locate(node, path, key=True).position, f"unknown key {name!r}", hint)
    if kind == "missing":
        return finding("VB022", locate(node, path[:-1]).position, f"the key {name!r} is missing")
    target = locate(node, path)
    if isinstance(target, Scalar) and target.bad:
        return None
    if kind in _WORDS:
        return finding("VB021", target.position, _label(path) + _WORDS[kind])
    message: str = item["msg"]
    for prefix in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(prefix)
    code = "VB021" if kind.endswith(("_type", "_parsing")) else "VB023"
    return finding(code, target.position, _label(path) + message[:1].lower() + message[1:])


def _label(path: tuple[int | str, ...]) -> str:
    names = [part for part in path if isinstance(part, str)]
    return f"{names[-1]}: " if names else ""


def _fields(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the (nested) model at `path` knows."""
    models: list[Any] = [model]
    for part in path:
        following: list[Any] = []
        for current in models:
            for name, info in current.model_fields.items():
                if part in (name, info.alias):
                    following.extend(_models_in(info.annotation))
        if following:
            models = following
    return [info.alias or name for current in models for name, info in current.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]
