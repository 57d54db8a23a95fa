"""CPU time and memory of a process tree."""

import os
import subprocess
import sys

from bench.processes import cpu_and_threads, kilobytes, parent_of, role_of, tree, usage

_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(name: str) -> str:
    """A line of /proc/PID/stat: user, system, and what children used that were waited for (proc(5), fields 14-17)."""
    return f"42 ({name}) S 7 42 42 0 -1 0 0 0 0 0 {_TICKS} {2 * _TICKS} {3 * _TICKS} {4 * _TICKS} 20 0 5 0 0"


def test_cpu_time_includes_children_that_were_waited_for() -> None:
    assert cpu_and_threads(_stat("python")) == (10.0, 5)


def test_a_name_may_hold_spaces_and_parentheses() -> None:
    assert cpu_and_threads(_stat("a) S (b")) == (10.0, 5)
    assert parent_of(_stat("a) S (b")) == 7


def test_workers_are_known_by_their_module() -> None:
    worker = "\0".join(["python", "-m", "voicebot.runtime.media_worker", "5", "0", ""])
    assert role_of(worker, is_root=False) == "media"
    assert role_of("python\0-m\0voicebot\0serve\0", is_root=True) == "control"
    assert role_of("/usr/bin/espeak\0", is_root=False) == "other"


def test_a_line_of_the_memory_map_is_found_by_its_whole_name() -> None:
    rollup = (
        "00400000-7fff [rollup]\nRss:      900 kB\nPss:      500 kB\nPss_Anon: 300 kB\nPss_File: 200 kB\n"
    )
    assert (kilobytes(rollup, "Pss"), kilobytes(rollup, "Pss_Anon")) == (500, 300)


def test_a_child_belongs_to_the_tree_while_it_lives() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in tree(os.getpid())
        together, alone = usage(os.getpid()), usage(child.pid)
        assert 0 < alone.own_kb < alone.memory_kb
        assert together.own_kb > alone.own_kb
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.wait()
    assert child.pid not in tree(os.getpid())


def test_work_is_counted_in_cpu_seconds() -> None:
    """In a process of its own: other tests leave children behind whose seconds are none of this one's."""
    story = (
        "import os\n"
        "from bench.processes import usage\n"
        "before, spent = usage(os.getpid()), os.times()\n"
        f"while os.times().user - spent.user < 3 / {_TICKS}: pass\n"
        "after = usage(os.getpid())\n"
        "print(after.cpu - before.cpu, *after.cpu_by_role)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", story], capture_output=True, text=True, check=True, timeout=30
    )
    seconds, *roles = done.stdout.split()
    assert float(seconds) >= 2 / _TICKS
    assert roles == ["control"]
