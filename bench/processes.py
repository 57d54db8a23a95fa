"""CPU time and memory of a process with all its children, from /proc."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MODULES: Mapping[str, str] = {
    "voicebot.runtime.media_worker": "media",
    "voicebot.runtime.speech_worker": "speech",
    "voicebot.runtime.render": "render",
    "voicebot.runtime.render.compile": "compile",
}


@dataclass(slots=True)
class Usage:
    """Of a process tree. CPU seconds include children that were waited for.

    Memory in kB: `memory_kb` is PSS. Of it, `own_kb` and `own_by_role` are what the processes allocated; only these are
    good for differences, since a process's share of a library shrinks when another program loads the library.
    """

    cpu: float = 0.0
    memory_kb: int = 0
    own_kb: int = 0
    threads: int = 0
    descriptors: int = 0
    cpu_by_role: dict[str, float] = field(default_factory=dict)
    own_by_role: Counter[str] = field(default_factory=Counter)


def usage(root: int) -> Usage:
    """Add up process `root` and its descendants; those that end meanwhile are left out."""
    total = Usage()
    for pid in tree(root):
        try:
            cpu, threads = cpu_and_threads(Path(f"/proc/{pid}/stat").read_text())
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            role = role_of(Path(f"/proc/{pid}/cmdline").read_text(), is_root=pid == root)
        except OSError:
            continue
        total.cpu += cpu
        total.memory_kb += kilobytes(rollup, "Pss")
        total.own_kb += (own := kilobytes(rollup, "Pss_Anon"))
        total.threads += threads
        total.descriptors += descriptors
        total.cpu_by_role[role] = total.cpu_by_role.get(role, 0.0) + cpu
        total.own_by_role[role] += own
    return total


def tree(root: int) -> list[int]:
    """Return `root` and its descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = parent_of(Path(f"/proc/{name}/stat").read_text())
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def parent_of(stat: str) -> int:
    return int(_fields(stat)[1])


def cpu_and_threads(stat: str) -> tuple[float, int]:
    """Return the CPU seconds (own, and of children that were waited for) and the threads in /proc/PID/stat."""
    fields = _fields(stat)
    return sum(map(int, fields[11:15])) / _TICKS, int(fields[17])


def role_of(command_line: str, *, is_root: bool) -> str:
    """Return which part of the server a process is, by its NUL-separated command line."""
    words = command_line.split("\0")
    return next(
        (role for module, role in _MODULES.items() if module in words), "control" if is_root else "other"
    )


def kilobytes(rollup: str, name: str) -> int:
    """Return one line of /proc/PID/smaps_rollup."""
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(f"{name}:"))


def _fields(stat: str) -> list[str]:
    """Return the fields after the name, which may itself hold spaces and parentheses (proc(5))."""
    return stat.rpartition(")")[2].split()
