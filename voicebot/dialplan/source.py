"""Strict YAML 1.2 with positions: bytes -> a tree of nodes that know where they stand.

Only the event stream of ruamel.yaml is used; what a plain scalar means is decided here, by the core schema and
stricter: `on`, `yes`, `no` are strings; null, unquoted dates and times, leading zeros, `1_000`, `0x1F`, `.inf`, tags,
merge keys and duplicate keys are findings. A file is read to its end wherever that is possible, so that all of its
findings are reported at once. Anything else than a tree is a `SourceError`, never another exception.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLStreamError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from voicebot.dialplan.syntax import Trouble, explain, unseparated, without_value

MAX_BYTES = 2 * 1024 * 1024  # the largest hotline seen is 60 kB; the pure parser needs some 10 s for this
MAX_NODES = 200_000  # after the expansion of aliases
MAX_DEPTH = 60
MOST_TOLD = 100  # findings that are told as text: nobody reads more, and a file can hold many thousands

MORE = "and {} more findings: voicebot check --format json tells all"

Severity = Literal["error", "warning", "info"]


class Position(NamedTuple):
    """A place in a file; line and column count from 1, the column in characters."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or doubtful, where it stands, and what to do about it."""

    code: str  # stable: VB001...
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity} {self.code}: {self.message}{hint}"


def finding(
    code: str, position: Position, message: str, hint: str = "", severity: Severity = "error"
) -> Finding:
    """Return a finding that stands at `position`."""
    return Finding(code, severity, position.file, position.line, position.column, message, hint)


def foremost(findings: Iterable[Finding]) -> tuple[list[Finding], int]:
    """Return what is told as text, and how many findings that leaves out: where not all are told, errors come first."""
    severities = ("error", "warning", "info")
    every = list(findings)
    if len(every) <= MOST_TOLD:
        return every, 0
    ranked = sorted(every, key=lambda item: severities.index(item.severity))
    return ranked[:MOST_TOLD], len(ranked) - MOST_TOLD


def texts_of(findings: Iterable[Finding]) -> list[str]:
    """Return findings as lines, the last of them how many were left out."""
    shown, left = foremost(findings)
    return [*(str(item) for item in shown), *([MORE.format(left)] if left else [])]


class SourceError(Exception):
    """A file cannot be used. `findings` holds everything that was found, in the order of the file; one at least."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda f: (f.file, f.line, f.column, f.code)))
        super().__init__("\n".join(texts_of(self.findings)))


# --- the tree ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A single value. `text` is what stands in the file; `quoted` scalars are strings whatever they look like.

    `bad` marks a scalar that has a finding already: whoever reads the tree says nothing more about it.
    """

    position: Position
    value: str | int | float | bool
    text: str
    quoted: bool = False
    bad: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    position: Position
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """Entries in the order of the file; keys are texts, and no two are the same."""

    position: Position
    entries: tuple[tuple[Scalar, "Node"], ...]

    def keys(self) -> tuple[str, ...]:
        return tuple(key.text for key, _ in self.entries)

    def get(self, name: str) -> "Node | None":
        """Return the value of `name`, or None."""
        return next((value for key, value in self.entries if key.text == name), None)

    def key(self, name: str) -> Scalar | None:
        """Return the key itself, for its position, or None."""
        return next((key for key, _ in self.entries if key.text == name), None)


Node = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """Return what a node is, in the words of a message: "a list", "text", "a number"."""
    if isinstance(node, Mapping):
        return "a map"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node.value, bool):
        return "true or false"
    return "text" if isinstance(node.value, str) else "a number"


def plain(node: Node) -> Any:
    """Return the node as dicts, lists and values, without positions."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint "did you mean ...?" for a name that is not among `known`, or "" if none is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:  # "Timeout", "max-wait": the same but for case and joints
        folded = {item.replace("_", "").lower(): item for item in names}
        same = folded.get(re.sub(r"[\W_]", "", name).lower())
        close = [same] if same else []
    if not close:  # "no" for "if_no": one key has it among its words, and only one
        parts = [item for item in names if name in item.split("_")]
        close = parts if len(parts) == 1 else []
    return f"did you mean {close[0]!r}?" if close else ""


# --- reading -------------------------------------------------------------------------------------------------------


def load_source(path: str | Path) -> Node:
    """Read one file. Raises SourceError with every finding, also when the file cannot be read."""
    findings: list[Finding] = []
    node = read_source(path, findings)
    if findings or node is None:
        raise SourceError(findings)
    return node


def parse_source(data: bytes | str, file: str = "<text>") -> Node:
    """Parse what stands in `file`. Raises SourceError with every finding."""
    findings: list[Finding] = []
    node = scan_source(data, file, findings)
    if findings or node is None:
        raise SourceError(findings)
    return node


def read_source(path: str | Path, findings: list[Finding]) -> Node | None:
    """Read one file, adding to `findings`; None when there is no tree at all."""
    file = str(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        findings.append(finding("VB001", Position(file), f"cannot be read: {reason}"))
        return None
    return scan_source(data, file, findings)


def scan_source(data: bytes | str, file: str, findings: list[Finding]) -> Node | None:
    """Parse, adding to `findings`; None when there is no tree at all (a finding says why)."""
    before = len(findings)
    text = _decode(data if isinstance(data, bytes) else data.encode("utf-8", "replace"), file, findings)
    if text is None:
        return None
    try:
        return _Builder(file, findings).build(text)
    except SourceError as error:
        findings.extend(error.findings)
    except MarkedYAMLError as error:
        findings.append(_syntax_finding(error, text, file))
    except (ReaderError, YAMLStreamError, YAMLError) as error:
        findings.append(finding("VB004", Position(file), f"not YAML: {str(error).splitlines()[0]}"))
    except (ValueError, IndexError, AssertionError, RecursionError, OverflowError) as error:
        # ruamel's scanner lets a few of these out on garbage (an escape beyond U+10FFFF, for one).
        findings.append(finding("VB004", Position(file), f"not YAML: {type(error).__name__}"))
    assert len(findings) > before
    return None


def _position_at(text: str, index: int, file: str) -> Position:
    line = text.count("\n", 0, index) + 1
    return Position(file, line, index - (text.rfind("\n", 0, index) + 1) + 1)


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def _decode(data: bytes, file: str, findings: list[Finding]) -> str | None:
    if len(data) > MAX_BYTES:
        findings.append(
            finding(
                "VB002",
                Position(file),
                f"the file is larger than {MAX_BYTES // 1024} kB",
                "split it with include, or look whether it is the right file",
            )
        )
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", errors="replace")
        at = _position_at(good, len(good), file)
        findings.append(
            finding("VB003", at, "the file is not UTF-8", f"{_guess_encoding(data)}save it as UTF-8")
        )
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = _CONTROL.search(text)
    if control is not None:
        at = _position_at(text, control.start(), file)
        code = ord(control.group())
        findings.append(finding("VB003", at, f"the control character U+{code:04X} stands here", "remove it"))
        return None
    return text


def _guess_encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it looks like UTF-16: "
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "it looks like GB18030 or GBK: " if re.search("[\u4e00-\u9fff]", text) else ""


def _syntax_finding(error: MarkedYAMLError, text: str, file: str) -> Finding:
    mark = error.problem_mark or error.context_mark
    at = Position(file, mark.line + 1, mark.column + 1) if mark is not None else Position(file)
    problem = " ".join(str(error.problem or error.context or "not YAML").split())
    lines = text.split("\n")
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    if "\t" in line[: at.column] and line[: at.column].strip() == "":
        return finding("VB005", at, "a tab stands in the indentation", "indent with spaces")
    begun = error.context_mark
    trouble = Trouble(
        at.line,
        at.column,
        problem,
        begun.line + 1 if begun is not None else 0,
        begun.column + 1 if begun is not None else 0,
    )
    fault = explain(text, trouble)
    if fault is not None:
        return finding("VB004", Position(file, fault.line, fault.column), fault.message, fault.hint)
    if error.context and error.context_mark is not None and error.context_mark.line + 1 != at.line:
        problem += f" ({' '.join(str(error.context).split())} of line {error.context_mark.line + 1})"
    return finding("VB004", at, problem)


# --- what plain scalars mean ---------------------------------------------------------------------------------------

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_TRAP = re.compile(
    r"[-+]?(0[0-9_]+(\.[0-9_]*)?|[0-9]+(_[0-9]+)+(\.[0-9_]*)?|0[xob][0-9A-Fa-f_]+|\.(inf|Inf|INF)|\.(nan|NaN|NAN))"
)
_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_TIME = r"\d{1,3}(:\d{2}){1,2}"
_WHEN_TRAP = re.compile(rf"{_DATE}([Tt ]+{_TIME}.*)?|{_DATE}\.\.{_DATE}|[-+]?{_TIME}(\.\d*)?|{_TIME}-{_TIME}")
_MAX_DIGITS = 18


def _resolve(text: str, position: Position, findings: list[Finding]) -> Scalar:
    """Return what a plain (unquoted) scalar means."""

    def bad(code: str, message: str, hint: str) -> Scalar:
        findings.append(finding(code, position, message, hint))
        return Scalar(position, text, text, bad=True)

    if text in ("", "~", "null", "Null", "NULL"):
        return bad("VB007", "a value is missing here (null)", "write a value, or remove the key")
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return Scalar(position, text in ("true", "True", "TRUE"), text)
    if _NUMBER_TRAP.fullmatch(text):
        return bad(
            "VB009", f"{text} is read as different numbers by different programs", f'write "{text}" in quotes'
        )
    if _WHEN_TRAP.fullmatch(text):
        return bad("VB008", f"the date or time {text} stands without quotes", f'write "{text}"')
    if _INT.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            return bad("VB009", "the number is too long", "if it is text, write it in quotes")
        return Scalar(position, int(text), text)
    if _FLOAT.fullmatch(text):
        return Scalar(position, float(text), text)
    return Scalar(position, text, text)


class _Builder:
    """Events -> nodes, in one pass, with an explicit stack: depth is bounded, recursion is not used."""

    def __init__(self, file: str, findings: list[Finding]) -> None:
        self._file = file
        self._findings = findings
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0
        self._text = ""

    def build(self, text: str) -> Node:
        self._text = text
        yaml = YAML(typ="safe", pure=True)
        events = iter(yaml.parse(text))
        root: Node | None = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    self._stop(event, "a second document begins here", "one file holds one document")
                if event.version not in (None, (1, 2)):
                    self._stop(event, "only YAML 1.2 is read", "remove the %YAML line")
            elif isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent, AliasEvent)):
                root = self._node(event, events, 0)[0]
        if root is None:
            raise SourceError([finding("VB004", Position(self._file), "the file is empty")])
        return root

    def _at(self, event: Any) -> Position:
        return Position(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _stop(self, event: Any, message: str, hint: str) -> None:
        raise SourceError([finding("VB010", self._at(event), message, hint)])

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> tuple[Node, int]:
        """Return the node that begins with `event`, and how many nodes it is with its aliases expanded."""
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            self._stop(event, f"nested more than {MAX_DEPTH} deep", "this is no dialplan or configuration")
        self._count(event, 1)
        if event.tag is not None and not (isinstance(event, ScalarEvent) and event.tag == "!"):
            self._findings.append(
                finding("VB010", self._at(event), f"tags such as {event.tag} are not read", "remove the tag")
            )
        node: Node
        if isinstance(event, ScalarEvent):
            node, size = self._scalar(event), 1
        elif isinstance(event, SequenceStartEvent):
            node, size = self._sequence(event, events, depth)
        else:
            node, size = self._mapping(event, events, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, size)
        return node, size

    def _count(self, event: Any, size: int) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            self._stop(
                event, f"more than {MAX_NODES} values, aliases expanded", "write it without so many aliases"
            )

    def _alias(self, event: Any) -> tuple[Node, int]:
        known = self._anchors.get(event.anchor)
        if known is None:
            self._stop(event, f"*{event.anchor} has no finished anchor above", "name the anchor first")
            raise AssertionError
        self._count(event, known[1])
        return known

    def _scalar(self, event: Any) -> Scalar:
        position = self._at(event)
        if event.style in (None, "") and event.tag is None:
            return _resolve(event.value, position, self._findings)
        control = _CONTROL.search(event.value)  # escaped: "\\0", "\\ud800"
        if control is not None:
            message = f"the control character U+{ord(control.group()):04X} stands here"
            self._findings.append(finding("VB003", position, message, "remove it"))
        return Scalar(position, event.value, event.value, quoted=True, bad=control is not None)

    def _sequence(self, start: Any, events: Iterator[Any], depth: int) -> tuple[Sequence, int]:
        items: list[Node] = []
        total = 1
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            node, size = self._node(event, events, depth + 1)
            items.append(node)
            total += size
        return Sequence(self._at(start), tuple(items)), total

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> tuple[Mapping, int]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        total = 1
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            before = len(self._findings)
            key, _ = self._node(event, events, depth + 1)
            following = next(events)
            if isinstance(following, ScalarEvent) and following.value == "" and following.style in (None, ""):
                following.start_mark = event.start_mark  # an absent value stands where its key does
            if start.flow_style and isinstance(key, Scalar) and self._ends_without_value(event, following):
                meant = self._unvalued(key, first=not entries)
                if meant is not None:
                    entries.setdefault(meant[0].text, meant)
                continue
            value, size = self._node(following, events, depth + 1)
            total += size + 1
            if not isinstance(key, Scalar):
                del self._findings[before:]  # what is wrong inside follows from this
                self._findings.append(
                    finding(
                        "VB010",
                        key.position,
                        f"{describe(key)} stands where a name belongs",
                        'put a template such as "{{ name }}" in quotes',
                    )
                )
            elif key.text == "<<" and not key.quoted:
                self._findings.append(
                    finding("VB010", key.position, "merge keys (<<) are not YAML 1.2", "write the keys out")
                )
            elif key.text in entries:
                first = entries[key.text][0].position.line
                self._findings.append(
                    finding("VB006", key.position, f"the key {key.text!r} stands in line {first} already")
                )
            else:
                entries[key.text] = (key, value)
        return Mapping(self._at(start), tuple(entries.values())), total

    def _ends_without_value(self, key: Any, value: Any) -> bool:
        """Say whether between brackets a plain name is followed by a comma or the end, and by no colon."""
        if not isinstance(value, ScalarEvent) or value.value != "" or value.style not in (None, ""):
            return False
        return key.style in (None, "") and not self._text[key.end_mark.index :].lstrip().startswith(":")

    def _unvalued(self, key: Scalar, *, first: bool) -> tuple[Scalar, Scalar] | None:
        """Tell what is wrong with such a name; return the name that was meant with a bad value, if there is one."""
        line, column = key.position.line, key.position.column
        parts = unseparated(key.text, line, column)
        fault = parts[1] if parts is not None else without_value(key.text, line, column, first=first)
        if not key.bad:
            at = Position(self._file, fault.line, fault.column)
            self._findings.append(finding("VB004" if parts else "VB007", at, fault.message, fault.hint))
        if parts is None:
            return None
        return Scalar(key.position, parts[0], parts[0]), Scalar(key.position, key.text, key.text, bad=True)
