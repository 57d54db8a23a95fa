"""The end of a peer's process."""

import subprocess


def ended(process: "subprocess.Popen[bytes]", within: float) -> int:
    """Wait for the end of a process, which is killed after `within` seconds; return its exit code."""
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
