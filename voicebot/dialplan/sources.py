"""The files of a dialplan as bytes: what was served is kept word by word, and can be served again."""

import json
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from voicebot.dialplan.source import MAX_BYTES, Finding, Scalar, Sequence, scan_source
from voicebot.dialplan.source import Mapping as MappingNode

MAX_FILES = 100


@dataclass(frozen=True, slots=True)
class Sources:
    """`files` by their path relative to the folder that all of them share; `main` is the name of the first one."""

    main: str
    files: Mapping[str, bytes]

    def pack(self) -> bytes:
        """Return one compressed block that `unpack` reads."""
        files = {name: b64encode(content).decode() for name, content in self.files.items()}
        return zlib.compress(json.dumps({"main": self.main, "files": files}, sort_keys=True).encode())

    @classmethod
    def unpack(cls, packed: bytes) -> "Sources":
        """Read what `pack` returned. Raises ValueError for anything else."""
        try:
            told = json.loads(zlib.decompress(packed))
            return cls(told["main"], {name: b64decode(text) for name, text in told["files"].items()})
        except (zlib.error, KeyError, TypeError, AttributeError) as error:
            raise ValueError("these are no files of a dialplan") from error

    def write(self, folder: Path) -> Path:
        """Write the files below `folder`; return the main one. Raises OSError, ValueError for a path that leads out."""
        for name, content in self.files.items():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{name} does not lie in the folder")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder / self.main

    def line(self, file: str, line: int) -> str:
        """Return the text of a line (counted from 1), "" where there is none. `file` is a name, "" the main one."""
        content = self.files.get(file or self.main, b"").decode("utf-8-sig", "replace")
        lines = content.splitlines()
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def is_within(main: Path, file: Path) -> bool:
    """Say whether a file lies in the folder of a dialplan's main file or below it, links followed."""
    real = Path(os.path.realpath(file))
    return real.is_relative_to(os.path.realpath(main.parent)) or real.is_relative_to(
        os.path.dirname(os.path.realpath(main))
    )


def read_sources(path: Path) -> tuple[Sources, tuple[Path, ...]]:
    """Read a dialplan's files with all that they include; return them and their absolute paths, the main one first.

    Raises OSError if the main file cannot be read. An included one that cannot, or that lies elsewhere, is left out:
    checking tells about it.
    """
    main = Path(os.path.abspath(path))
    found: dict[Path, bytes] = {main: _read(main)}
    waiting = [main]
    while waiting and len(found) < MAX_FILES:
        current = waiting.pop(0)
        for name in _includes(found[current]):
            other = Path(os.path.abspath(current.parent / name))
            if other not in found and is_within(main, other) and other.is_file():
                found[other] = _read(other)
                waiting.append(other)
    top = Path(os.path.commonpath([file.parent for file in found]))
    files = {file.relative_to(top).as_posix(): content for file, content in found.items()}
    return Sources(main.relative_to(top).as_posix(), files), tuple(found)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _includes(content: bytes) -> list[str]:
    if b"include" not in content:
        return []
    findings: list[Finding] = []
    node = scan_source(content, "", findings)
    listed = node.get("include") if isinstance(node, MappingNode) else None
    items = listed.items if isinstance(listed, Sequence) else (listed,)
    return [item.value for item in items if isinstance(item, Scalar) and isinstance(item.value, str)]
