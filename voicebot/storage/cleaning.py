"""Text and JSON as every database takes them: peers send lone surrogates (bytes that are no UTF-8) and NULs."""

import json
from collections.abc import Mapping

_NUL = "\\u0000"  # as JSON writes it


def clean_text(text: str) -> str:
    """Return the text with what cannot be stored replaced or left out."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def to_json(value: object) -> str:
    """Return the value as JSON, its texts clean. What JSON does not know is told as text, sets as lists."""
    text = _encode(value)
    if _NUL not in text and (text.isascii() or clean_text(text) == text):
        return text
    return _encode(_clean(value))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return value


def _as_json(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, set | frozenset) else clean_text(str(value))


_encode = json.JSONEncoder(ensure_ascii=False, default=_as_json).encode
