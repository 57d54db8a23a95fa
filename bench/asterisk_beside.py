"""Asterisk for comparison: the private installation of the interoperability tests, with `bench/asterisk/*.conf`."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from bench.processes import Usage, usage
from bench.server import ServerError, free_port

HOST = "127.0.0.32"
_ROOT = Path(os.environ.get("VOICEBOT_INTEROP_CACHE", "/var/tmp/voicebot-interop")) / "asterisk"
_INSTALL = Path(__file__).parents[1] / "tests" / "interop" / "install_asterisk.sh"
_CONFIGURATION = Path(__file__).with_name("asterisk")
_STARTS_WITHIN = 20.0
_INSTALL_WITHIN = 600.0


class Asterisk:
    """Runs between `with` and its end; `audio` holds what it plays, files go below `folder`."""

    def __init__(self, folder: Path, audio: Path) -> None:
        self._run = folder / "asterisk"
        self.port = free_port(HOST)
        for name in ("etc", "log/cdr-csv", "run", "varlib", "spool"):
            (self._run / name).mkdir(parents=True, exist_ok=True)
        install()
        (modules,) = _ROOT.glob("usr/lib/*/asterisk/modules")
        self._libraries = modules.parents[1]
        marks = {"RUN": self._run, "ROOT": _ROOT, "MODULES": modules, "AUDIO": audio, "PORT": self.port}
        for source in _CONFIGURATION.glob("*.conf"):
            text = re.sub(r"@([A-Z]+)@", lambda mark: str(marks[mark.group(1)]), source.read_text())
            (self._run / "etc" / source.name).write_text(text)

    def __enter__(self) -> "Asterisk":
        with (self._run / "log/stdout").open("wb") as out:
            self._process = subprocess.Popen(
                self._command("-f", "-n"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._run,
            )
        end = time.monotonic() + _STARTS_WITHIN
        while "fully booted" not in self._cli("core waitfullybooted"):
            if self._process.poll() is not None or time.monotonic() > end:
                self._stop()
                raise ServerError(
                    f"Asterisk does not start:\n{(self._run / 'log/stdout').read_text()[-2000:]}"
                )
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def uri(self, number: str) -> str:
        return f"sip:{number}@{HOST}:{self.port}"

    def usage(self) -> Usage:
        return usage(self._process.pid)

    def records(self) -> int:
        """Return how many calls have a record."""
        file = self._run / "log/cdr-csv/Master.csv"
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def _command(self, *arguments: str) -> Sequence[str]:
        """Return the command line: the installation's own loader, libraries and program."""
        loaders = [*_ROOT.glob("lib64/ld-linux-*.so.*"), *_ROOT.glob("usr/lib/ld-linux-*")]
        head = [str(min(loaders)), "--argv0", "asterisk", "--library-path", str(self._libraries)]
        configuration = str(self._run / "etc/asterisk.conf")
        return [*head, str(_ROOT / "usr/sbin/asterisk"), "-C", configuration, *arguments]

    def _cli(self, command: str) -> str:
        done = subprocess.run(
            self._command("-rx", command), capture_output=True, text=True, timeout=20, cwd=self._run
        )
        return done.stdout + done.stderr

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def install() -> None:
    """Unpack Asterisk where the interoperability tests have it, if it is not there. Raises ServerError."""
    if (_ROOT / ".complete").exists():
        return
    try:
        subprocess.run(
            [str(_INSTALL), str(_ROOT)], check=True, capture_output=True, text=True, timeout=_INSTALL_WITHIN
        )
    except subprocess.CalledProcessError as error:
        raise ServerError(f"Asterisk cannot be installed: {error.stderr.strip()[-500:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"Asterisk cannot be installed: {error}") from error
