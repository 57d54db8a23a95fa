"""The server under measurement: `voicebot serve` as a process of its own, with the benchmarks' dialplan."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.processes import Usage, usage

HOST = "127.0.0.30"  # an address of its own: no other server's ports, nor the callers', are in the way
DIALPLAN = Path(__file__).with_name("dialplan.yaml")
STARTS_WITHIN = 120.0
STOPS_WITHIN = 20.0
_SERVE = (sys.executable, "-m", "voicebot", "serve")
_READY = "The hotline is on"
_POLL = 0.01

_CONFIG = """\
sip: {{listen: ["udp:{host}:{port}"]}}
trunks: {{bench: {{networks: ["{networks}"], dialplan: main}}}}
dialplans: {{main: {dialplan}}}
limits: {{calls: 1000}}
shutdown: {{drain_seconds: 0}}
log: {{level: warning}}
api: {{listen: "off"}}
reload: {{watch: false}}
"""


class ServerError(Exception):
    """The server did not start; the text holds what it printed last."""


class Server:
    """Runs between `with` and its end. `folder` keeps data, caches and log; start again in it to start warm."""

    def __init__(
        self, folder: Path, dialplan: Path = DIALPLAN, *, networks: str = "127.0.0.0/8", extra: str = ""
    ) -> None:
        """`networks`: who may call. `extra`: more lines of the configuration."""
        self.folder = folder
        self._networks = networks
        self._extra = extra
        self._dialplan = dialplan
        self.started_in = 0.0  # seconds from the start of the process until it takes calls
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port(HOST)

    def uri(self, number: str) -> str:
        return f"sip:{number}@{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def usage(self) -> Usage:
        return usage(self.pid)

    def __enter__(self) -> Self:
        config = self.folder / "config.yaml"
        text = _CONFIG.format(host=HOST, port=self.port, dialplan=self._dialplan, networks=self._networks)
        config.write_text(text + self._extra)
        start = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *_SERVE,
                    "--config",
                    str(config),
                    "--data",
                    str(self.folder),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        while _READY not in self.log.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() - start > STARTS_WITHIN:
                self._stop()
                raise ServerError(
                    f"the server does not start:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(_POLL)
        self.started_in = time.monotonic() - start
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port(host: str) -> int:
    """Return a UDP port of an address of this machine that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
