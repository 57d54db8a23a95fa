"""Reading one section of the file: values with their position, defaults, and what was never asked for."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from voicebot.dialplan.source import Finding, Node, Position, Scalar, Sequence, describe, finding, nearest
from voicebot.dialplan.source import Mapping as MappingNode

T = TypeVar("T")

UNKNOWN, WRONG_TYPE, MISSING, REFUSED = "VB020", "VB021", "VB022", "VB023"
UNSET = "VB040"  # ${NAME} or ${file:PATH} without a value


class Refused(Exception):
    """A value that cannot be used: what is wrong, and what to do. Never quotes a value, it may be a secret."""

    def __init__(self, message: str, hint: str = "", code: str = REFUSED) -> None:
        super().__init__(message)
        self.message, self.hint, self.code = message, hint, code


class Section:
    """One map of the file. Ask for every key that it may have, then call `done`."""

    def __init__(self, node: MappingNode | None, position: Position, findings: list[Finding]) -> None:
        self._node = node
        self.position = position if node is None else node.position
        self.findings = findings
        self._asked: list[str] = []

    @property
    def present(self) -> bool:
        """Whether the file has this section."""
        return self._node is not None

    def get(self, key: str) -> Node | None:
        self._asked.append(key)
        return None if self._node is None else self._node.get(key)

    def value(self, key: str, parse: Callable[[Node], T], default: T) -> T:
        """Return the parsed value; `default` if the key is absent, or refused (then there is a finding)."""
        node = self.get(key)
        return default if node is None else self._parse(node, parse, default)

    def required(self, key: str, parse: Callable[[Node], T]) -> T | None:
        node = self.get(key)
        if node is None:
            self.findings.append(finding(MISSING, self.position, f"the key {key!r} is missing"))
            return None
        return self._parse(node, parse, None)

    def items(self, key: str, parse: Callable[[Node], T], default: tuple[T, ...]) -> tuple[T, ...]:
        """Return a list's items without those that are refused; `default` if none is left of them."""
        node = self.get(key)
        if node is None:
            return default
        if not isinstance(node, Sequence):
            self._wrong(node, key, "a list is expected")
            return default
        parsed = [self._parse(item, parse, None) for item in node.items]
        good = tuple(item for item in parsed if item is not None)
        return good if good or not parsed else default

    def entries(self, key: str, parse: Callable[[str, Node], T]) -> dict[str, T]:
        """Return a map with names of the admin's choice, without what is refused."""
        node = self.get(key)
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            self._wrong(node, key, "a map is expected")
            return {}
        found = {}
        for name, value in node.entries:

            def named(item: Node, name: str = name.text) -> T:
                return parse(name, item)

            parsed = self._parse(value, named, None)
            if parsed is not None:
                found[name.text] = parsed
        return found

    def section(self, key: str) -> "Section":
        """Return the section below `key`; an empty one if it is absent."""
        return self.below(self.get(key))

    def below(self, node: Node | None) -> "Section":
        if node is not None and not isinstance(node, MappingNode):
            self._wrong(node, "", "a map is expected")
            node = None
        return Section(node, self.position if node is None else node.position, self.findings)

    def refuse(self, key: str, message: str, hint: str = "") -> None:
        """Add a finding at the value of `key` (or at the section, if it is absent)."""
        node = None if self._node is None else self._node.get(key)
        position = self.position if node is None else node.position
        self.findings.append(finding(REFUSED, position, message, hint))

    def done(self) -> None:
        """Report the keys that nobody asked for."""
        if self._node is None:
            return
        for key, _ in self._node.entries:
            if key.text not in self._asked:
                hint = nearest(key.text, self._asked) or f"known here: {', '.join(self._asked)}"
                self.findings.append(finding(UNKNOWN, key.position, f"unknown key {key.text!r}", hint))

    def _parse(self, node: Node, parse: Callable[[Node], T], default: T) -> T:
        if isinstance(node, Scalar) and node.bad:
            return default
        try:
            return parse(node)
        except Refused as refused:
            self.findings.append(finding(refused.code, node.position, refused.message, refused.hint))
            return default

    def _wrong(self, node: Node, key: str, message: str) -> None:
        if not (isinstance(node, Scalar) and node.bad):
            label = f"{key}: " if key else ""
            self.findings.append(
                finding(WRONG_TYPE, node.position, f"{label}{message}, this is {describe(node)}")
            )


# --- parsers of single values -----------------------------------------------------------------------------------------


def text(node: Node) -> str:
    """A text, not empty."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        hint = f'write "{node.text}" in quotes' if isinstance(node, Scalar) and not node.quoted else ""
        raise Refused(f"text is expected, this is {describe(node)}", hint, WRONG_TYPE)
    if not node.value.strip():
        raise Refused("the text is empty")
    return node.value


def boolean(node: Node) -> bool:
    if isinstance(node, Scalar):
        if isinstance(node.value, bool):
            return node.value
        if node.value in ("true", "false"):  # out of an environment variable
            return node.value == "true"
    raise Refused(f"true or false is expected, this is {describe(node)}", "", WRONG_TYPE)


def number(low: float, high: float) -> Callable[[Node], float]:
    """A number from `low` to `high`."""

    def parse(node: Node) -> float:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if value is None or isinstance(value, bool):
            raise Refused(f"a number is expected, this is {describe(node)}", "", WRONG_TYPE)
        if not low <= value <= high:
            raise Refused(f"must be between {low:g} and {high:g}")
        return float(value)

    return parse


def integer(low: int, high: int) -> Callable[[Node], int]:
    """A whole number from `low` to `high`."""

    def parse(node: Node) -> int:
        value = number(low, high)(node)
        if value != int(value):
            raise Refused("a whole number is expected", "", WRONG_TYPE)
        return int(value)

    return parse


def auto_or(parse: Callable[[Node], T]) -> Callable[[Node], T | None]:
    """`auto` (None), or what `parse` takes."""

    def parsed(node: Node) -> T | None:
        if isinstance(node, Scalar) and node.value == "auto":
            return None
        return parse(node)

    return parsed


def one_of(choices: Mapping[str, T]) -> Callable[[Node], T]:
    """One of the named choices."""

    def parse(node: Node) -> T:
        name = node.text if isinstance(node, Scalar) else ""
        if name not in choices:
            hint = nearest(name, choices) if isinstance(node, Scalar) else ""
            raise Refused(f"must be one of: {', '.join(choices)}", hint)
        return choices[name]

    return parse


# --- ${NAME} and ${file:PATH} -----------------------------------------------------------------------------------------

_REFERENCE = re.compile(r"\$(\$\{)|\$\{([^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_SECRET_FILE = 64 * 1024


class Interpolation:
    """Fills in `${NAME}` (environment) and `${file:PATH}` (a file, relative to `folder`); `$${` is a literal `${`.

    `optional` are the values (as paths of keys) for which an unset variable is no error: they come out as absent.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, optional: frozenset[str]) -> None:
        self._environment = environment
        self._folder = folder
        self._optional = optional

    def fill(self, node: Node, findings: list[Finding], path: str = "") -> Node | None:
        if isinstance(node, MappingNode):
            entries = []
            for key, value in node.entries:
                filled = self.fill(value, findings, f"{path}.{key.text}" if path else key.text)
                if filled is not None:
                    entries.append((key, filled))
            return replace(node, entries=tuple(entries))
        if isinstance(node, Sequence):
            items = (self.fill(item, findings, path) for item in node.items)
            return replace(node, items=tuple(item for item in items if item is not None))
        if not isinstance(node.value, str) or "${" not in node.value:
            return node
        return self._scalar(node, findings, path)

    def _scalar(self, node: Scalar, findings: list[Finding], path: str) -> Scalar | None:
        problems: list[Refused] = []

        def value_of(match: re.Match[str]) -> str:
            if match.group(1):
                return "${"
            try:
                return self._value(match.group(2))
            except Refused as refused:
                problems.append(refused)
                return ""

        value = _REFERENCE.sub(value_of, str(node.value))
        if not problems:
            return replace(node, value=value, text=value, quoted=True)
        if path in self._optional and all(problem.code == UNSET for problem in problems):
            return None
        findings += [finding(item.code, node.position, item.message, item.hint) for item in problems]
        return replace(node, bad=True)

    def _value(self, name: str | None) -> str:
        if name is None:
            raise Refused("a ${ is never closed", "write $${ for a literal ${")
        if name.startswith("file:"):
            return self._file(Path(name.removeprefix("file:")))
        if not _NAME.fullmatch(name):
            raise Refused("${...} names no environment variable", "write ${NAME} or ${file:PATH}")
        if name not in self._environment:
            raise Refused(f"the environment variable {name} is not set", "", UNSET)
        return self._environment[name]

    def _file(self, path: Path) -> str:
        path = self._folder / path
        try:
            with open(path, "rb") as stream:
                data = stream.read(_MAX_SECRET_FILE + 1)
        except (OSError, ValueError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a path"
            raise Refused(f"the file {path} cannot be read: {reason}") from error
        if len(data) > _MAX_SECRET_FILE:
            raise Refused(f"the file {path} is too large for a value")
        try:
            return data.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise Refused(f"the file {path} is not UTF-8") from error
