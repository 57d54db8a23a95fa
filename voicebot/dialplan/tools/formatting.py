"""`voicebot fmt`: one way to write a dialplan. Comments stay, and what it means does not change.

- two spaces of indentation, lists indented below their key, at most one blank line;
- keys in the order of the reference (`ordering`);
- names plain, texts in double quotes (single ones where that spares escapes), block scalars as they are;
- what was written in brackets stays so where it fits into 120 columns; choices, handlers, links and texts by language
  come onto one line where they fit; several choices or handlers have a line each. A single scalar is never broken.
"""

import re
import unicodedata

from voicebot.dialplan.source import Node, parse_source, plain
from voicebot.dialplan.targets import VERBS
from voicebot.dialplan.tools.json_schema import json_schema
from voicebot.dialplan.tools.ordering import (
    NOTHING,
    alternatives,
    definition,
    in_order,
    of_items,
    of_key,
    of_map,
    ordered,
)
from voicebot.dialplan.tools.shapes import Schema
from voicebot.dialplan.tools.written import Collection, Entry, Leaf, read_written

WIDTH = 120
INDENT = 2

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_A_NAME = ("true", "false", "null")
_ONE_LINE = ("Choice", "Handler", "Link", "Relax")  # maps that are brought onto one line
_LINE_EACH = ("Choice", "Handler", "FormSlot")  # items that have a line each


class FormatError(Exception):
    """The file cannot be formatted without changing what it means."""


def format_source(data: bytes | str, file: str = "<text>") -> str:
    """Return the text formatted. Raises SourceError if it cannot be read, FormatError if it cannot be formatted."""
    tree = parse_source(data, file)
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    root = read_written(text)
    if isinstance(root, Leaf):
        raise FormatError(f"{file}: a dialplan is a map")
    lines = _Writer(ordering=not _has_aliases(root)).document(root)
    found = "\n".join(line.rstrip() for line in lines) + "\n"
    if _content(parse_source(found, file)) != _content(tree):
        raise FormatError(
            f"{file}: the file has a form that cannot be formatted without changing its meaning"
        )
    return found


def _content(node: Node) -> str:
    return repr(plain(ordered(node)))


def _has_aliases(root: Collection) -> bool:
    return any(isinstance(entry.value, Leaf) and entry.value.style == "*" for entry in root.every())


def width(text: str) -> int:
    """Return how many columns a text takes; Han characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


class _Writer:
    """A tree -> lines."""

    def __init__(self, *, ordering: bool) -> None:
        self._ordering = ordering

    def document(self, root: Collection) -> list[str]:
        schema = json_schema()
        if not root.entries:
            return [*_comments(root.after), "{}" if root.is_map else "[]"]
        return self._block(root, schema, 0)

    # --- blocks ---------------------------------------------------------------------------------------------------

    def _block(self, collection: Collection, schema: Schema, indent: int) -> list[str]:
        lines: list[str] = []
        space = " " * indent
        for number, (entry, content) in enumerate(self._entries(collection, schema)):
            before = list(entry.before)
            while before and not before[0] and not number:
                del before[0]
            lines += [f"{space}{line}" if line else "" for line in before]
            lines += self._entry(entry, content, indent)
        return [*lines, *(f"{space}{line}" for line in collection.after)]

    def _entry(self, entry: Entry, schema: Schema, indent: int) -> list[str]:
        space = " " * indent
        head = f"{space}-" if entry.key is None else f"{space}{_key(entry.key)}:"
        note = f"  {entry.trailing}" if entry.trailing else ""
        value = entry.value
        anchor = f" &{value.anchor}" if value.anchor else ""
        if isinstance(value, Leaf):
            if value.style in ("|", ">") and (lines := _block_scalar(value, indent + INDENT)) is not None:
                return [f"{head}{anchor} {lines[0]}{note}", *lines[1:]]
            return [f"{head}{anchor} {_leaf(value, schema, inside=False)}{note}"]
        line = self._one_line(value, schema)
        if line is not None and width(f"{head}{anchor} {line}") <= WIDTH:
            return [f"{head}{anchor} {line}{note}"]
        if not value.entries:
            return [f"{head}{anchor} {'{}' if value.is_map else '[]'}{note}"]
        below = self._block(value, schema, indent + INDENT)
        if entry.key is not None or anchor:
            return [f"{head}{anchor}{note}", *below]
        above = [f"{space}{entry.trailing}"] if entry.trailing else []
        while not below[0] or below[0].lstrip().startswith(
            "#"
        ):  # what stands above the first key goes above the dash
            above.append(space + below.pop(0).strip())
        return [*above, f"{head} {below[0].lstrip()}", *below[1:]]

    def _entries(self, collection: Collection, schema: Schema) -> list[tuple[Entry, Schema]]:
        """Return the entries in order, each with its schema."""
        if not collection.is_map:
            items = of_items(schema)
            return [(entry, items) for entry in collection.entries]
        named = {entry.key.text: entry for entry in collection.entries if entry.key is not None}
        chosen = of_map(schema, list(named))
        keys = list(named)
        if self._ordering:
            keys = in_order(chosen, keys, [key for key, entry in named.items() if _has_steps(entry)])
        return [(named[key], of_key(chosen, key)) for key in keys]

    # --- one line -------------------------------------------------------------------------------------------------

    def _one_line(self, collection: Collection, schema: Schema) -> str | None:
        """Return a collection in brackets, or None where it does not belong onto one line."""
        if not (collection.flow or _is_compact(collection, schema)) or not _can_be_one_line(collection):
            return None
        items = of_items(schema)
        if len(collection.entries) > 1 and any(items == {"$ref": f"#/$defs/{name}"} for name in _LINE_EACH):
            return None
        if not collection.entries:
            return "{}" if collection.is_map else "[]"
        parts: list[str] = []
        for entry, content in self._entries(collection, schema):
            value = entry.value
            anchor = f"&{value.anchor} " if value.anchor else ""
            if isinstance(value, Leaf):
                written: str | None = _leaf(value, content, inside=True)
            else:
                written = self._one_line(value, content) or ("[]" if not value.entries else None)
            if written is None:
                return None
            name = f"{_key(entry.key)}: " if entry.key is not None else ""
            parts.append(f"{name}{anchor}{written}")
        joined = ", ".join(parts)
        return f"{{{joined}}}" if collection.is_map else f"[{joined}]"


def _comments(lines: list[str]) -> list[str]:
    return [line for line in lines if line]


def _has_steps(entry: Entry) -> bool:
    if not isinstance(entry.value, Collection):
        return False
    if entry.key is not None and entry.key.text == "slots":
        return True
    collections = [entry.value, *(e.value for e in entry.value.every() if isinstance(e.value, Collection))]
    return any(
        item.is_map
        and len(item.entries) == 1
        and item.entries[0].key is not None
        and item.entries[0].key.text in VERBS
        for item in collections
    )


def _is_compact(collection: Collection, schema: Schema) -> bool:
    """Return whether a collection that was written as a block comes onto one line where it fits."""
    inner = [entry.value for entry in collection.entries if isinstance(entry.value, Collection)]
    if any(not item.flow for item in inner):
        return False
    keys = [entry.key.text for entry in collection.entries if entry.key is not None]
    if not collection.is_map:
        return False
    chosen = of_map(schema, keys)
    if any(chosen is definition(name) for name in _ONE_LINE):
        return True
    return any(chosen is item for item in alternatives(definition("text")))


def _can_be_one_line(collection: Collection) -> bool:
    if any(collection.after):
        return False
    for entry in collection.every():
        value = entry.value
        if entry.trailing or any(entry.before):
            return False
        if isinstance(value, Collection) and any(value.after):
            return False
        if isinstance(value, Leaf) and value.style in ("|", ">"):
            return False
    return True


# --- scalars ------------------------------------------------------------------------------------------------------


def _key(leaf: Leaf) -> str:
    if leaf.style == "*":
        return f"*{leaf.text} "
    anchor = f"&{leaf.anchor} " if leaf.anchor else ""
    if not leaf.style or (_PLAIN_NAME.fullmatch(leaf.text) and leaf.text.lower() not in _NOT_A_NAME):
        return anchor + leaf.text
    return anchor + quoted(leaf.text)


def _leaf(leaf: Leaf, schema: Schema, *, inside: bool) -> str:
    """Return a scalar as it is written; `inside` of brackets some plain ones need quotes."""
    if leaf.style == "*":
        return f"*{leaf.text}"
    kinds = alternatives(schema) if schema is not NOTHING else []
    is_text = any(item is one for item in kinds for one in alternatives(definition("text")))
    if leaf.style == "":
        joins = inside and any(char in leaf.text for char in ",[]{}")
        broken = "\n" in leaf.text or not leaf.text
        return quoted(leaf.text) if joins or broken or (is_text and _is_words(leaf.text)) else leaf.text
    names = any("enum" in item or item.get("pattern", "").startswith("^[A-Za-z_]") for item in kinds)
    if names and not is_text and _PLAIN_NAME.fullmatch(leaf.text) and leaf.text.lower() not in _NOT_A_NAME:
        return leaf.text
    return quoted(leaf.text)


def _is_words(text: str) -> bool:
    """Return whether a plain scalar is surely text: not a number, true or false."""
    return bool(re.match(r"[^\W\d_]", text)) and text.lower() not in _NOT_A_NAME


_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\t": "\\t",
    "\x85": "\\N",
    "\u2028": "\\L",
    "\u2029": "\\P",
}


def quoted(text: str) -> str:
    """Return a text in quotes: double ones, or single ones where that spares escapes."""
    printable = all(char.isprintable() for char in text)
    if printable and ('"' in text or "\\" in text):
        doubled = text.replace("'", "''")
        return f"'{doubled}'"
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return (
        f"\\x{ord(char):02x}"
        if ord(char) < 256
        else f"\\u{ord(char):04x}"
        if ord(char) < 65536
        else f"\\U{ord(char):08x}"
    )


def _block_scalar(leaf: Leaf, indent: int) -> list[str] | None:
    """Return a block scalar, head first; None where it must be quoted instead."""
    body = leaf.text.rstrip("\n")
    ends = len(leaf.text) - len(body)
    if not body or body[0] in " \t" or any(not (c.isprintable() or c in "\n\t") for c in body):
        return None
    rows = body.split("\n")
    if leaf.style == ">":
        if any(row[:1] in (" ", "\t") or row != row.rstrip() or "  " in row for row in rows):
            return None
        rows = _folded(rows, WIDTH - indent)
    chomp = "-" if ends == 0 else "" if ends == 1 else "+"
    space = " " * indent
    tail = [""] * (ends - 1)
    return [f"{leaf.style}{chomp}", *(f"{space}{row}" if row else "" for row in rows), *tail]


def _folded(rows: list[str], columns: int) -> list[str]:
    """Return the lines of a folded scalar: a line feed of the text is a blank line."""
    found: list[str] = []
    for number, row in enumerate(rows):
        if number:
            found.append("")
        line = ""
        for word in row.split(" "):
            if line and width(line) + 1 + width(word) > columns:
                found.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        if line:
            found.append(line)
    return found
