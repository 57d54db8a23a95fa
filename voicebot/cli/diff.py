"""`voicebot diff OLD NEW`: what callers will notice of an edit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from voicebot.cli.options import FOUND, WRONG_USE, JsonOption, print_findings
from voicebot.dialplan.loader import check
from voicebot.dialplan.source import Mapping as MapNode
from voicebot.dialplan.source import Node, Position, Scalar, read_source
from voicebot.dialplan.source import Sequence as ListNode
from voicebot.dialplan.tools.difference import Version, difference


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The dialplan as it was.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The dialplan as it is.")],
    as_json: JsonOption = False,
) -> None:
    """Say what callers will notice: prompts, keys, phrases, ways, queues, hours. Not: comments, form, order of flows.

    Exit code 0: nothing; 1: something; 2: a dialplan has errors.
    """
    changes = difference(_read(old), _read(new))
    if as_json:
        document = [
            {"kind": item.kind, "text": item.text, "old": _where(item.old), "new": _where(item.new)}
            for item in changes
        ]
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for item in changes:
            typer.echo(str(item))
        if not changes:
            typer.echo("Callers will notice nothing.")
    raise typer.Exit(FOUND if changes else 0)


def _read(path: Path) -> Version:
    dialplan, findings = check(path)
    if dialplan is None:
        print_findings(item for item in findings if item.severity == "error")
        raise typer.Exit(WRONG_USE)
    tree = read_source(path, [])
    return Version(dialplan, tree, tuple(_included(path, tree)))


def _included(path: Path, tree: Node | None) -> Iterator[Node]:
    """Yield the trees of all files that a good file includes."""
    names = tree.get("include") if isinstance(tree, MapNode) else None
    for item in names.items if isinstance(names, ListNode) else [names]:
        if isinstance(item, Scalar):
            below = path.parent / item.text
            inner = read_source(below, [])
            if inner is not None:
                yield inner
                yield from _included(below, inner)


def _where(position: Position | None) -> dict[str, object] | None:
    return None if position is None else {"file": position.file, "line": position.line}
