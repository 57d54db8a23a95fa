"""The server of the demo: `voicebot serve` as a process of its own, on loopback, on a port that it tells."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from voicebot.config import Config
from voicebot.engines import Engines
from voicebot.phone.errors import PhoneError

READY_WITHIN = 120.0  # seconds; the first start renders every prompt
_TOLD = re.compile(r"sip:700@127\.0\.0\.1:\d+")  # the line of `voicebot serve` by which it is on
_STOPS_WITHIN = 8.0
AGENT = "alice"


def write_config(settings: Config, engines: Engines, dialplan: Path, data: Path, agent: str) -> Path:
    """Write the demo's own configuration (JSON is YAML): the given one on loopback, with one agent at `agent`."""
    document = {
        "sip": {"listen": ["udp:127.0.0.1:0"]},
        "trunks": {"demo": {"networks": ["127.0.0.0/8"], "dialplan": "demo"}},
        "dialplans": {"demo": str(dialplan.resolve())},
        "prompts": str(settings.prompts.resolve()),
        "media": {"workers": 1},
        "speech": {
            "models": str(settings.speech.models.resolve()),
            "workers": 1,
            "tts": {
                language: {"engine": choice.engine, "voice": choice.voice}
                for language, choice in engines.voices.items()
            },
        },
        "agents": {AGENT: {"uri": agent}},
        "storage": {"database": "sqlite:///voicebot.db", "recordings": "recordings"},
        "shutdown": {"drain_seconds": 1},
    }
    path = data / "demo-config.yaml"
    try:
        data.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise PhoneError(
            f"{data} cannot be written: {error.strerror}; choose another folder with --data"
        ) from error
    return path


class DemoServer:
    """Started, waited for until it says where it is, stopped. What it prints goes to `log`."""

    def __init__(self, config: Path, data: Path, command: Sequence[str] = ("voicebot", "serve")) -> None:
        """`command`: the module that serves, and its arguments but for configuration and data."""
        self.uri = ""  # where it is called, once it has started
        self.log = data / "server.log"
        self._command = [
            sys.executable,
            "-m",
            *command,
            "--config",
            str(config),
            "--data",
            str(data),
        ]
        self._child: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._last = ""
        self._on = asyncio.Event()

    async def start(self, on_progress: Callable[[str], None]) -> None:
        """Return when calls are taken. Raises PhoneError with the server's own words when that does not happen."""
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours; we stop it in order
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        loop = asyncio.get_running_loop()
        self._reading = loop.create_task(self._read(self._child, on_progress))
        is_on = loop.create_task(self._on.wait())
        await asyncio.wait({is_on, self._reading}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        is_on.cancel()
        if self._on.is_set():
            return
        if self._reading.done():
            raise PhoneError(f"the server did not start: {self._last or 'it said nothing'}")
        raise PhoneError(f"the server is not ready after {READY_WITHIN:.0f} s: see {self.log}")

    async def stop(self) -> None:
        child = self._child
        if child is None:
            return
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOPS_WITHIN):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading

    async def _read(self, child: asyncio.subprocess.Process, on_progress: Callable[[str], None]) -> None:
        assert child.stdout is not None
        with self.log.open("ab") as log:
            async for line in child.stdout:
                log.write(line)
                log.flush()
                text = line.decode(errors="replace").strip()
                if not self._on.is_set() and _TOLD.fullmatch(text):
                    self.uri = text
                    self._on.set()
                if text:
                    self._last = text
                    if not text.startswith("{"):
                        on_progress(text)
