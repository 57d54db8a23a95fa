"""Files -> Dialplan. Every finding of every file is reported, not only the first."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import voicebot.dialplan.steps  # noqa: F401  # registers the verbs
from voicebot.dialplan.checker import check_dialplan
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.fields import Kind, Refused, identifier, list_of, name
from voicebot.dialplan.hours import hours
from voicebot.dialplan.inputs import EVENTS, Defaults, handlers, link, phrases
from voicebot.dialplan.schema import Dialplan, Hotline, Intent, Queue, Service
from voicebot.dialplan.slots import values
from voicebot.dialplan.source import (
    Finding,
    Mapping,
    Node,
    Position,
    Scalar,
    Sequence,
    SourceError,
    describe,
    finding,
    nearest,
    plain,
    read_source,
)
from voicebot.dialplan.sources import MAX_FILES, is_within
from voicebot.dialplan.targets import Flow, FlowReader, steps
from voicebot.dialplan.testcases import CallerTest, case
from voicebot.dialplan.tools.ordering import ordered
from voicebot.dialplan.warm import warm

VERSION = 1
NAMED = ("vars", "hours", "services", "queues", "intents", "types", "handlers", "flows")
LISTED = ("links", "tests")
SINGLE = ("dialplan", "hotline", "defaults")
SECTIONS = (*SINGLE, *NAMED, *LISTED, "include")


class DialplanError(SourceError):
    """A dialplan that cannot be used; `findings` holds everything that was found."""


@dataclass(slots=True)
class _Merged:
    """All files of a dialplan, by section."""

    single: dict[str, Node] = field(default_factory=dict)
    named: dict[str, dict[str, tuple[Scalar, Node]]] = field(default_factory=lambda: {n: {} for n in NAMED})
    listed: dict[str, list[Node]] = field(default_factory=lambda: {n: [] for n in LISTED})
    digest: Any = field(default_factory=hashlib.sha256)
    files: set[Path] = field(default_factory=set)


def load(path: str | Path, *, prompts: Path | None = None, around: Around | None = None) -> Dialplan:
    """Load a dialplan with its includes. Raises DialplanError with all findings if any of them is an error.

    `prompts` is the folder of audio files; None: `prompts` beside the dialplan's folder, or in it. `around`: as for
    `check`. The tables that its questions need are built, so that no call waits for them.
    """
    dialplan, findings = check(path, prompts=prompts, around=around)
    if dialplan is None:
        raise DialplanError(findings)
    warm(dialplan)
    return dialplan


def check(
    path: str | Path, *, prompts: Path | None = None, around: Around | None = None
) -> tuple[Dialplan | None, tuple[Finding, ...]]:
    """Load a dialplan and return it with all findings; None if one of them is an error.

    `around` is what the checks may know besides; its `prompts` give way to the argument of that name.
    """
    findings: list[Finding] = []
    merged = _Merged()
    _read_file(Path(path), merged, findings, [])
    dialplan = _build(str(path), merged, findings) if merged.single or merged.named["flows"] else None
    if dialplan is not None:
        folder = prompts or (around.prompts if around is not None else prompts_beside(path))
        findings.extend(check_dialplan(dialplan, replace(around or Around(folder), prompts=folder)))
    ordered = tuple(sorted(dict.fromkeys(findings), key=lambda f: (f.file, f.line, f.column, f.code)))
    if dialplan is None or any(item.severity == "error" for item in ordered):
        return None, ordered
    return replace(dialplan, findings=ordered), ordered


def prompts_beside(path: str | Path) -> Path:
    """Return the folder of audio files of a dialplan that is served without a configuration."""
    folder = Path(os.path.realpath(path)).parent
    beside = folder.parent / "prompts"
    return beside if beside.is_dir() else folder / "prompts"


# --- files ---------------------------------------------------------------------------------------------------------


def _read_file(path: Path, merged: _Merged, findings: list[Finding], above: list[Path]) -> None:
    node = read_source(path, findings)
    if node is None:
        return
    merged.files.add(path.resolve())
    merged.digest.update(repr(plain(ordered(node))).encode())
    at = node.position
    if not isinstance(node, Mapping):
        findings.append(finding("VB021", at, f"a dialplan is a map, not {describe(node)}"))
        return
    for key, value in node.entries:
        if key.text not in SECTIONS:
            hint = nearest(key.text, SECTIONS) or f"known here: {', '.join(SECTIONS)}"
            findings.append(finding("VB020", key.position, f"unknown key {key.text!r}", hint))
        elif key.text == "include":
            _include(path, value, merged, findings, [*above, path])
        else:
            _merge(key, value, merged, findings, included=bool(above))


def _merge(key: Scalar, value: Node, merged: _Merged, findings: list[Finding], *, included: bool) -> None:
    section = key.text
    if section in SINGLE:
        if included and section != "dialplan":
            message = f"{section} belongs to the main file"
            findings.append(finding("VB029", key.position, message))
        else:
            merged.single.setdefault(section, value)
    elif section in LISTED:
        if isinstance(value, Sequence):
            merged.listed[section].extend(value.items)
        else:
            findings.append(finding("VB021", value.position, f"{section} is a list, not {describe(value)}"))
    elif not isinstance(value, Mapping):
        findings.append(finding("VB021", value.position, f"{section} is a map, not {describe(value)}"))
    else:
        for name_node, content in value.entries:
            first = merged.named[section].get(name_node.text)
            if first is not None:
                message = f"{section}: {name_node.text!r} stands in {first[0].position} already"
                findings.append(finding("VB006", name_node.position, message))
            else:
                merged.named[section][name_node.text] = (name_node, content)


def _include(path: Path, node: Node, merged: _Merged, findings: list[Finding], above: list[Path]) -> None:
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        if isinstance(item, Scalar) and item.bad:
            continue  # told already
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            findings.append(finding("VB021", item.position, "the name of a file is expected"))
            continue
        other = path.parent / item.value
        if not is_within(above[0], other):  # said before whether there is such a file
            message = f"{item.value} does not lie in the folder of the main file"
            findings.append(finding("VB029", item.position, message, "put it there, or into a folder below"))
        elif not other.is_file():
            findings.append(finding("VB001", item.position, f"there is no file {item.value}"))
        elif other.resolve() in (each.resolve() for each in above):
            findings.append(finding("VB029", item.position, f"{item.value} includes itself"))
        elif other.resolve() in merged.files:
            findings.append(finding("VB029", item.position, f"{item.value} is included already"))
        elif len(merged.files) >= MAX_FILES:
            findings.append(finding("VB029", item.position, f"more than {MAX_FILES} files"))
        else:
            _read_file(other, merged, findings, above)


# --- building ------------------------------------------------------------------------------------------------------


def _build(path: str, merged: _Merged, findings: list[Finding]) -> Dialplan | None:
    """Return the dialplan, or None when any part of it, in whichever file, was refused.

    A dialplan with a hole is not checked further: a flow that is given twice would be missed by all that lead to it.
    """
    reader = FlowReader(findings)
    top = Position(path)
    _check_version(merged, reader, top)
    hotline = _hotline(merged, reader, top)
    if hotline is None:
        return None
    reader.languages = hotline.languages
    built: dict[str, Any] = {
        "hours": _each(merged, reader, "hours", lambda key, node: hours(reader, node)),
        "services": _each(
            merged,
            reader,
            "services",
            lambda key, node: reader.build(Service, node, name=key.text, position=key.position),
        ),
        "queues": _each(
            merged,
            reader,
            "queues",
            lambda key, node: reader.build(Queue, node, name=key.text, position=key.position),
        ),
        "intents": _each(
            merged,
            reader,
            "intents",
            lambda key, node: Intent(key.text, key.position, phrases(reader, node)),
        ),
        "types": _each(merged, reader, "types", lambda key, node: _type(reader, node)),
        "handlers": _each(merged, reader, "handlers", lambda key, node: _handlers(reader, key, node), EVENTS),
        "flows": _each(merged, reader, "flows", lambda key, node: _flow(reader, key, node)),
        "variables": _each(
            merged, reader, "vars", lambda key, node: (identifier(reader, key), plain(node))[1]
        ),
    }
    links = _items(reader, merged.listed["links"], link)
    cases = _items(reader, merged.listed["tests"], case)
    defaults = Defaults()
    if "defaults" in merged.single:
        defaults = reader.optional(lambda r, n: r.build(Defaults, n), merged.single["defaults"]) or defaults
    if not merged.named["flows"]:
        reader.note(top, "VB022", "the key 'flows' is missing")
    if any(item.severity == "error" for item in findings):
        return None
    tests: tuple[CallerTest, ...] = cases
    version: str = merged.digest.hexdigest()[:12]
    return Dialplan(
        path=path, version=version, hotline=hotline, defaults=defaults, links=links, tests=tests, **built
    )


def _check_version(merged: _Merged, reader: FlowReader, top: Position) -> None:
    node = merged.single.get("dialplan")
    if node is None:
        reader.note(
            top, "VB022", "the key 'dialplan' is missing", f"the file begins with dialplan: {VERSION}"
        )
    elif not isinstance(node, Scalar) or node.value is True or node.value != VERSION:
        reader.note(node.position, "VB023", f"only version {VERSION} of the language is known")


def _hotline(merged: _Merged, reader: FlowReader, top: Position) -> Hotline | None:
    node = merged.single.get("hotline")
    if node is None:
        reader.note(top, "VB022", "the key 'hotline' is missing", "it names languages, timezone and start")
        return None
    found: Hotline | None = reader.optional(lambda r, n: r.build(Hotline, n), node)
    return found


def _each(
    merged: _Merged, reader: FlowReader, section: str, build: Any, known: tuple[str, ...] = ()
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, node in merged.named[section].values():
        if known and key.text not in known:
            hint = nearest(key.text, known) or f"one of {', '.join(known)}"
            reader.note(key.position, "VB020", f"unknown key {key.text!r}", hint)
            continue
        try:
            found[name(reader, Scalar(key.position, key.text, key.text, bad=key.bad))] = build(key, node)
        except Refused:
            continue
    return found


def _items(reader: FlowReader, nodes: list[Node], kind: Kind) -> tuple[Any, ...]:
    whole = Sequence(nodes[0].position, tuple(nodes)) if nodes else None
    return (reader.optional(list_of(kind), whole) or ()) if whole is not None else ()


def _flow(reader: FlowReader, key: Scalar, node: Node) -> Flow:
    reader.flow, reader.count = key.text, 0
    if isinstance(node, Sequence) and not node.items:
        reader.refuse(node, "VB023", f"the flow {key.text!r} is empty")
    return Flow(key.text, key.position, steps(reader, node))


def _handlers(reader: FlowReader, key: Scalar, node: Node) -> Any:
    reader.flow, reader.count = f"handlers.{key.text}", 0
    return handlers(key.text)(reader, node)


def _type(reader: FlowReader, node: Node) -> Any:
    if isinstance(node, Mapping) and len(node.entries) == 1 and node.entries[0][0].text == "values":
        return values(reader, node.entries[0][1])
    return values(reader, node)
