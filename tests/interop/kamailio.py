"""Kamailio as a process, with a configuration that is given."""

import subprocess
import time
from pathlib import Path

from tests.interop.processes import ended
from tests.live.hotline import options

_STARTS_WITHIN = 10.0


class Kamailio:
    """Runs `configuration` (a file) and listens at `host`:5060."""

    def __init__(self, folder: Path, configuration: Path, host: str) -> None:
        self._folder, self._configuration, self._host = folder, configuration, host

    def __enter__(self) -> "Kamailio":
        command = ["kamailio", "-f", str(self._configuration), "-Y", str(self._folder), "-m", "32", "-M", "8"]
        check = subprocess.run([*command, "-c"], capture_output=True, text=True, timeout=20)
        assert check.returncode == 0, check.stderr[-3000:]
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [*command, "-DD", "-E"], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + _STARTS_WITHIN
        while not options(self._host, 5060, 0.2):
            assert self._process.poll() is None, self.log_text()[-3000:]
            assert time.monotonic() < end, self.log_text()[-3000:]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        ended(self._process, 10)

    @property
    def _log(self) -> Path:
        return self._folder / "kamailio.log"

    def log_text(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""
