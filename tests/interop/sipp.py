"""Running SIPp, the SIP protocol tester: as a caller, or as the phone of an agent."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop import scenario
from tests.interop.processes import ended
from tests.live.hotline import free_port
from tests.live.port_blocks import PHONES, claim

LIMIT = 45.0  # seconds for a run, if not said otherwise


@dataclass(frozen=True)
class Run:
    """How a run of SIPp ended: exit code 0 when every call went exactly as its scenario says."""

    code: int
    successful: int
    failed: int
    errors: str
    messages: str

    def check(self, calls: int = 1) -> None:
        assert (self.code, self.successful, self.failed) == (0, calls, 0), (
            self.errors or self.messages[-3000:]
        )


class Sipp:
    """SIPp on 127.0.0.1 (or `host`), its files below `folder`."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.folder = folder
        self.host = host
        folder.mkdir(parents=True, exist_ok=True)

    def call(
        self,
        steps: scenario.Steps | str,
        target: int,
        *,
        number: str = "700",
        calls: int = 1,
        rate: float = 10,
        limit: float = LIMIT,
        options: tuple[str, ...] = (),
    ) -> Run:
        """Call the server on port `target`. `steps` as a string is a scenario that SIPp has built in."""
        process = self.begin(
            steps, target=target, number=number, calls=calls, rate=rate, limit=limit, options=options
        )
        return self.end(process, limit)

    def begin(
        self,
        steps: scenario.Steps | str,
        *,
        target: int = 0,
        port: int = 0,
        number: str = "700",
        calls: int = 1,
        rate: float = 10,
        limit: float = LIMIT,
        options: tuple[str, ...] = (),
    ) -> "subprocess.Popen[bytes]":
        """Start a run and return at once; without `target` it waits for calls on `port`."""
        media, _ = claim(self, PHONES)
        command = ["sipp", "-i", self.host, "-mi", self.host, "-mp", str(media)]
        command += ["-p", str(port or free_port()), "-m", str(calls), "-r", str(rate)]
        command += ["-nostdin", "-skip_rlimit", "-timeout", f"{limit:.0f}s"]
        command += ["-timeout_error", "-trace_err", "-error_file", str(self.folder / "errors.log")]
        if calls <= 20:
            command += ["-trace_msg", "-message_file", str(self.folder / "messages.log")]
        if isinstance(steps, str):
            command += ["-sn", steps]
        else:
            command += ["-sf", str(scenario.write(self.folder / "scenario.xml", steps))]
        if target:
            command += ["-s", number, "-recv_timeout", f"{limit * 1000:.0f}"]
        command += options
        if target:
            command.append(f"{'[::1]' if ':' in self.host else '127.0.0.1'}:{target}")
        with (self.folder / "screen.log").open("wb") as screen:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def end(self, process: "subprocess.Popen[bytes]", limit: float = LIMIT) -> Run:
        """Wait for the end of a run."""
        code = ended(process, limit + 10)
        screen = self._read("screen.log")
        return Run(
            code,
            _figure(screen, "Successful call"),
            _figure(screen, "Failed call"),
            self._read("errors.log")[:4000] or (screen[-1500:] if code else ""),
            self._read("messages.log"),
        )

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text("utf-8", "replace") if path.exists() else ""


def _figure(screen: str, name: str) -> int:
    """Return the total of a line of SIPp's last screen."""
    lines = re.findall(rf"{name}\s*\|[^|\n]*\|\s*(\d+)", screen)
    return int(lines[-1]) if lines else 0
