"""`voicebot serve` as a process of its own, with a configuration made for one test."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.live.port_blocks import HOTLINES, claim
from voicebot.cli.main import app

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "dialplans" / "demo.yaml"
STARTS_WITHIN = 60.0  # seconds; a new data folder has every prompt rendered first
STOPS_WITHIN = 20.0
_POLL = 0.05
_READY = "The hotline is on"

Config = dict[str, Any]  # sections that are laid over those of config.yaml


def wait_until(fact: Callable[[], bool], timeout: float, what: str) -> None:
    """Return as soon as `fact()` holds. Raises AssertionError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not fact():
        assert time.monotonic() < end, f"not within {timeout:g} s: {what}"
        time.sleep(_POLL)


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now, for UDP and TCP, below those that the system gives out."""
    while True:
        port = random.randrange(5600, 9900)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            contextlib.suppress(OSError),
        ):
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            return port


def options(host: str, port: int, timeout: float = 1.0) -> int:
    """Send one OPTIONS; return the status of the answer, 0 if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        ours.settimeout(timeout)
        name = f"{ours.getsockname()[0]}:{ours.getsockname()[1]}"
        nonce = f"{random.getrandbits(64):x}"
        lines = [
            f"OPTIONS sip:{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {name};branch=z9hG4bK{nonce};rport",
            f"From: <sip:probe@{name}>;tag={nonce}",
            f"To: <sip:{host}:{port}>",
            f"Call-ID: {nonce}",
            "CSeq: 1 OPTIONS",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        ours.sendto("\r\n".join([*lines, "", ""]).encode(), (host, port))
        with contextlib.suppress(OSError):
            match = re.match(rb"SIP/2\.0 (\d{3}) ", ours.recv(65535))
            return int(match.group(1)) if match else 0
        return 0


class Hotline:
    """A server on 127.0.0.1:`port`, with its files below `folder`. `config` is laid over the sections of config.yaml."""

    def __init__(
        self, folder: Path, dialplan: Path, *, port: int = 0, config: Mapping[str, Any] | None = None
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.data = folder / "data"
        self.log = folder / "serve.log"
        self.config = folder / "config.yaml"
        self.rtp_ports = claim(self, HOTLINES)
        sections: dict[str, Any] = {
            "sip": {"listen": [f"udp:127.0.0.1:{self.port}"]},
            "trunks": {"local": {"networks": ["127.0.0.0/8"], "dialplan": "main"}},
            "media": {"ports": f"{self.rtp_ports[0]}-{self.rtp_ports[1]}"},
            "dialplans": {"main": str(dialplan)},
            "prompts": str(ROOT / "prompts"),
            "agents": {},
            "shutdown": {"drain_seconds": 2},
            "api": {"listen": "off"},
        }
        for name, section in (config or {}).items():
            over = isinstance(section, dict) and name in ("sip", "media", "shutdown", "speech")
            sections[name] = sections.get(name, {}) | section if over else section
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps(sections, indent=1, ensure_ascii=False), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._earlier = 0  # calls of earlier tests

    def uri(self, user: str = "700") -> str:
        return f"sip:{user}@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server; return when it takes calls."""
        before = self.log_text().count(_READY)
        self.launch()
        end = time.monotonic() + STARTS_WITHIN
        while self.log_text().count(_READY) == before:
            assert self.running, f"the server ended:\n{self.log_text()}"
            assert time.monotonic() < end, f"the server does not start:\n{self.log_text()}"
            time.sleep(_POLL)
        assert self.answers()

    def answers(self) -> bool:
        """Whether it answers OPTIONS."""
        return options("127.0.0.1", self.port) == 200

    def launch(self) -> None:
        """Start the server and return at once."""
        command = [sys.executable, "-m", "voicebot", "serve", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--data", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def log_text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def terminate(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = STOPS_WITHIN) -> int:
        """Wait for the end; return the exit code."""
        assert self._process is not None
        return self._process.wait(timeout)

    def kill(self) -> None:
        """End it without any warning, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def workers(self, kind: str) -> list[int]:
        """Return the ids of the worker processes, `media_worker` or `speech_worker`."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                command = (status.parent / "cmdline").read_text()
                if parent == self.pid and f"voicebot.runtime.{kind}" in command:
                    found.append(int(status.parent.name))
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Return the records, newest first, as `voicebot calls --json` prints them."""
        result: list[dict[str, Any]] = json.loads(self._command("calls", "--json", "--limit", "1000"))
        return result

    def call(self, uid: str) -> dict[str, Any]:
        """Return one record with its events."""
        result: dict[str, Any] = json.loads(self._command("calls", "show", uid, "--json"))
        return result

    def ladder(self, uid: str, form: str = "--ladder") -> str:
        """Return the SIP messages of a call that is over, as `voicebot calls show` prints them (`--ladder`, `--sip`)."""
        arguments = ("calls", "show", uid, form)
        wait_until(
            lambda: self._try(*arguments)[0] == 0, 10.0, "the messages, written two seconds after the call"
        )
        return self._command(*arguments)

    def latest_call(self) -> dict[str, Any]:
        return self.call(self.calls()[0]["uid"])

    def wait_for_record(self, count: int, timeout: float = 10.0, caller: str = "") -> dict[str, Any]:
        """Wait until `count` calls (of one caller, if named) are closed; return the newest with its events."""
        closed: list[dict[str, Any]] = []

        def fact() -> bool:
            closed[:] = [
                each for each in self.calls() if each["ended_at"] and caller in ("", each["from_number"])
            ]
            return len(closed) >= count

        wait_until(fact, timeout, f"{count} closed records")
        return self.call(closed[0]["uid"])

    def closed(self) -> int:
        """Return how many calls are over."""
        return sum(1 for each in self.calls() if each["ended_at"])

    def begin_test(self) -> None:
        """From now on `new_record` leaves out the calls that are there already."""
        self._earlier = len(self.calls())

    def new_record(self, timeout: float = 10.0, *, calls: int = 1) -> dict[str, Any]:
        """Wait until `calls` calls of this test are closed; return the newest with its events."""
        return self.wait_for_record(self._earlier + calls, timeout)

    def _command(self, *arguments: str) -> str:
        """Run a command; return what it prints. Raises AssertionError when it fails."""
        code, output = self._try(*arguments)
        assert code == 0, output
        return output

    def _try(self, *arguments: str) -> tuple[int, str]:
        """Run a command in this process: a test asks often, and starting Python takes longer than the answer."""
        where = ["--config", str(self.config), "--data", str(self.data)]
        done = CliRunner().invoke(app, [arguments[0], *where, *arguments[1:]], catch_exceptions=False)
        return done.exit_code, done.stdout if done.exit_code == 0 else done.output

    def stop(self) -> None:
        """Stop by SIGTERM, and check that it went as it should: exit 0, no traceback, no call left open."""
        if not self.running:
            return
        self.terminate()
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM does not stop the server:\n{self.log_text()[-3000:]}") from None
        log = self.log_text()
        assert code == 0, f"exit code {code}:\n{log[-3000:]}"
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
        left_open = [each["uid"] for each in self.calls() if not each["ended_at"]]
        assert left_open == []

    def discard(self) -> None:
        """End it whatever its state, without checks: for the end of a test that failed."""
        if self.running:
            self.kill()


def events(record: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the data of the record's events of a kind, in order, with `offset`."""
    return [each["data"] | {"offset": each["offset"]} for each in record["events"] if each["kind"] == kind]


def keys_of(record: Mapping[str, Any]) -> str:
    """Return every key of the call, in order."""
    return "".join(str(each.get("keys") or "") for each in events(record, "keys"))


@contextlib.contextmanager
def running(hotline: Hotline) -> Iterator[Hotline]:
    """Start, and stop with all checks; a failure inside is not hidden by those."""
    try:
        hotline.start()
        yield hotline
        hotline.stop()
    finally:
        hotline.discard()


@contextlib.contextmanager
def log_on_failure(hotline: Hotline) -> Iterator[None]:
    """Print the end of the server's log when what is inside fails."""
    try:
        yield
    except (AssertionError, pytest.fail.Exception):
        print(hotline.log_text()[-6000:])
        raise
