"""Every message and hint of a finding, as it stands in the source: a template with {0}, {1} ... for what is filled in."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "voicebot" / "dialplan"
CALLS = ("finding", "refuse", "note", "bad", "_stop", "_unknown", "_not_run", "TemplateFault", "Fault")
NAMES = ("message", "hint", "what", "problem")


def templates() -> set[str]:
    """Return the templates of all findings of the package."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if "tools" not in path.parts and path.parent.name != "findings":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found.update(_texts(node))
    return {text for text in found if " " in text.strip() and not text.startswith("{0} {1}")}


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in CALLS:
            for argument in (*node.args, *(item.value for item in node.keywords)):
                yield from _values(argument)
    elif (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in NAMES
    ):
        yield from _values(node.value)


def _values(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts, number = [], 0
        for value in node.values:
            if isinstance(value, ast.Constant):
                parts.append(str(value.value))
            else:
                parts.append(f"{{{number}}}")
                number += 1
        yield "".join(parts)
    elif isinstance(node, ast.IfExp):
        yield from _values(node.body)
        yield from _values(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _values(value)
