"""baresip as a scripted telephone: one process, driven over its control connection, without a sound card."""

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.interop.audio import silence_wav
from tests.interop.processes import ended
from tests.live.hotline import free_port, wait_until
from tests.live.port_blocks import PHONES, claim
from voicebot.sip.address import bracketed

_MODULES = Path("/usr/lib/baresip/modules")
_APPLICATIONS = ("account", "contact", "menu", "ctrl_tcp")
_KEY_SECONDS = 0.16


class Baresip:
    """A phone that says `says` (a WAV file of 8 kHz; silence if not given) all the time and records what it hears.

    Over TLS it listens on the port after `port`, trusts `ca` alone and shows `certificate` (PEM, with its key).
    `answers`: it takes calls at once. `registrar` is HOST:PORT, with `password`; else it is reached at its own port.
    `registered`: `start` waits until it is.
    """

    def __init__(
        self,
        folder: Path,
        user: str = "phone",
        *,
        says: Path | None = None,
        answers: bool = False,
        registrar: str = "",
        password: str = "",
        registered: bool = True,
        codec: str = "pcmu",
        ptime: int = 20,
        encryption: str = "",
        port: int = 0,
        transport: str = "udp",
        ca: Path | None = None,
        certificate: Path | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.user = user
        self.port = port or free_port()
        self.events: list[dict[str, Any]] = []
        self._registers = bool(registrar) and registered
        self._control_port = free_port()
        self._rtp_ports = claim(self, PHONES)
        self._buffer = b""
        self._log = folder / "baresip.log"
        self._source = says or silence_wav(folder / "silence.wav", 120)
        self._transport = transport
        self._ca = ca
        self._certificate = certificate
        self._host = bracketed(host)
        server = registrar or f"{self._host}:{self.port}"
        account = f"<sip:{user}@{server};transport={transport}>;audio_codecs={codec};ptime={ptime}"
        account += f";mediaenc={encryption}" if encryption else ""
        account += f";answermode={'auto' if answers else 'manual'};regint={60 if registrar else 0}"
        account += f";auth_user={user};auth_pass={password}" if password else ""
        (folder / "accounts").write_text(account + "\n")
        (folder / "contacts").write_text("")
        (folder / "config").write_text("\n".join(self._configuration()) + "\n")

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self._host}:{self.port}"

    def _configuration(self) -> list[str]:
        lines = [
            "poll_method epoll",
            f"sip_listen {self._host}:{self.port}",
            f"sip_trans_def {self._transport}",
            *([f"sip_cafile {self._ca}", "sip_verify_server yes"] if self._ca else []),
            *([f"sip_certificate {self._certificate}"] if self._certificate else []),
            "call_local_timeout 120",
            "call_max_calls 4",
            "audio_player aubridge,sink",
            f"audio_source aufile,{self._source}",
            "audio_alert aubridge,alert",
            "ausrc_srate 8000",
            "auplay_srate 8000",
            "ausrc_channels 1",
            "auplay_channels 1",
            "audio_buffer 20-160",
            f"rtp_ports {self._rtp_ports[0]}-{self._rtp_ports[1]}",
            "rtp_timeout 0",
            f"module_path {_MODULES}",
            f"ctrl_tcp_listen 127.0.0.1:{self._control_port}",
            f"snd_path {self.folder}",
            "ringback_disabled yes",
            "statmode_default off",
        ]
        names = (
            "account",
            "contact",
            "menu",
            "uuid",
            "ctrl_tcp",
            "aufile",
            "aubridge",
            "sndfile",
            "g711",
            "g722",
            "opus",
            "srtp",
        )
        for name in names:
            if (_MODULES / f"{name}.so").exists():
                lines.append(f"{'module_app' if name in _APPLICATIONS else 'module'} {name}.so")
        return lines

    def start(self) -> "Baresip":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "baresip",
                    "-6" if ":" in self._host else "-4",
                    "-f",
                    str(self.folder),
                    "-p",
                    "/nonexistent",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + 10
        while True:
            assert self._process.poll() is None, self.log_text()[-2000:]
            assert time.monotonic() < end, self.log_text()[-2000:]
            with contextlib.suppress(OSError):
                self._control = socket.create_connection(("127.0.0.1", self._control_port), 1)
                break
            time.sleep(0.05)
        if self._registers:  # told before the control connection stands, so look in the log
            wait_until(lambda: "200 OK" in self.log_text(), 10, "registered")
        return self

    def __enter__(self) -> "Baresip":
        return self.start()

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.command("quit")
        ended(self._process, 4)
        self._control.close()

    def log_text(self) -> str:
        return self._log.read_text("utf-8", "replace")

    # --- commands

    def command(self, name: str, parameters: str = "") -> None:
        data = json.dumps({"command": name, "params": parameters, "token": "t"}).encode()
        self._control.sendall(b"%d:%s," % (len(data), data))

    def dial(self, uri: str, timeout: float = 10.0) -> None:
        """Call and wait for the answer."""
        self.command("dial", uri)
        event = self.wait_for("CALL_ESTABLISHED", "CALL_CLOSED", timeout=timeout)
        assert event["type"] == "CALL_ESTABLISHED", event

    def keys(self, keys: str) -> None:
        for key in keys:
            self.command("sndcode", key)
            self.listen(_KEY_SECONDS)
            self.command("sndcode", "\x04")  # let go
            self.listen(_KEY_SECONDS)

    def say(self, path: Path, seconds: float) -> None:
        """Say a WAV file of 8 kHz, then what it always says."""
        self.command("ausrc", f"aufile,{path}")
        self.listen(seconds)
        self.command("ausrc", f"aufile,{self._source}")

    def hang_up(self) -> None:
        self.command("hangup")
        self.wait_for("CALL_CLOSED")

    # --- events

    def listen(self, seconds: float) -> None:
        """Take events for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._take(left)

    def wait_for(self, *types: str, timeout: float = 10.0) -> dict[str, Any]:
        """Return the first event of these types that was not returned before. Raises AssertionError."""
        end = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event.get("type") in types and "returned" not in event:
                    event["returned"] = True
                    return event
            left = end - time.monotonic()
            assert left > 0, (
                f"baresip saw no {' or '.join(types)} within {timeout:g} s: {self.events}\n{self.log_text()[-1500:]}"
            )
            self._take(left)

    def _take(self, timeout: float) -> None:
        self._control.settimeout(max(timeout, 0.001))
        try:
            data = self._control.recv(65536)
        except TimeoutError:
            return
        assert data, f"baresip is gone: {self.log_text()[-1500:]}"
        self._buffer += data
        while b":" in self._buffer:
            length, _, rest = self._buffer.partition(b":")
            if len(rest) <= int(length):
                return
            message, self._buffer = rest[: int(length)], rest[int(length) + 1 :]
            self.events.append(json.loads(message) | {"at": time.time()})

    # --- recordings

    def recordings(self) -> list[Path]:
        """Return what it heard, a file for each call."""
        return sorted(self.folder.glob("dump-*-dec.wav"))

    def heard(self) -> Path:
        """Return the recording of what it heard in its only call."""
        (found,) = self.recordings()
        return found
