"""Linphone as a scripted telephone: its daemon, driven over a UNIX socket, without a sound card."""

import contextlib
import os
import re
import socket
import subprocess
import time
from pathlib import Path

from tests.interop.processes import ended
from tests.live.hotline import wait_until
from tests.live.port_blocks import PHONES, claim

_CONFIGURATION = """[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
bind_address=127.0.0.1
guess_hostname=0
contact="Linphone" <sip:{user}@127.0.0.1:{port}>
use_ipv6=0
default_proxy=-1
register_only_when_network_is_up=0
auto_net_state_mon=0
lime=0
[rtp]
audio_rtp_port={rtp}
prefer_ipv6=0
[sound]
echocancellation=0
[video]
enabled=0
capture=0
display=0
[misc]
uuid=00000000-0000-4000-8000-000000000001
log_collection_upload_server_url=
"""


class Linphone:
    """A phone at `port` of 127.0.0.1. Calls have the numbers that the daemon gives them, from 1.

    It has no sound card: it sends silence or a file, and what it hears is lost.
    """

    def __init__(self, folder: Path, user: str, port: int) -> None:
        self.port = port
        self._home = folder / "home"
        (self._home / ".local/share/linphone").mkdir(parents=True)
        self._folder = folder
        self._pipe = f"interop-linphone-{os.getpid()}-{self.port}"
        settings = _CONFIGURATION.format(user=user, port=port, rtp=claim(self, PHONES)[0])
        (folder / "linphonerc").write_text(settings)

    def __enter__(self) -> "Linphone":
        files = ["--config", str(self._folder / "linphonerc"), "--log", str(self._folder / "linphone.log")]
        with (self._folder / "output").open("wb") as out:
            self._process = subprocess.Popen(
                ["linphone-daemon", "--pipe", self._pipe, *files, "--disable-stats-events"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(self._home)},
            )
        self._control = socket.socket(socket.AF_UNIX)
        try:
            wait_until(self._connected, 15.0, "linphone-daemon listens")
        except AssertionError:
            self._control.close()
            self._process.kill()
            self._process.wait()
            raise
        self.command("audio-codec-disable ALL")
        self.command("audio-codec-enable PCMU/8000/1")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(b"quit\n")
        ended(self._process, 4)
        self._control.close()
        Path(f"/tmp/{self._pipe}").unlink(missing_ok=True)

    def _connected(self) -> bool:
        try:
            self._control.connect(f"/tmp/{self._pipe}")
        except OSError:  # the socket is made before it is listened on
            return False
        return True

    def command(self, line: str) -> str:
        """Give a command; return the answer."""
        self._control.sendall(line.encode() + b"\n")
        answer = b""
        self._control.settimeout(3.0)
        with contextlib.suppress(TimeoutError):
            while data := self._control.recv(65536):
                answer += data
                self._control.settimeout(0.06)
        return answer.decode("utf-8", "replace")

    def state(self, call: int) -> str:
        """Return a call's state, as the daemon names it; "" for none."""
        found = re.search(r"State: LinphoneCall(\S+)", self.command(f"call-status {call}"))
        return found.group(1) if found else ""

    def wait_for(self, call: int, *states: str, timeout: float = 15.0) -> None:
        end = time.monotonic() + timeout
        while (state := self.state(call)) not in states:
            assert time.monotonic() < end, f"call {call} is {state or 'not there'}, not {' or '.join(states)}"
            time.sleep(0.1)

    def register(self, user: str, registrar: str, password: str) -> None:
        """Register at HOST:PORT; the registration is known by the number 1."""
        self.command(f"register sip:{user}@{registrar} sip:{registrar} {password} {user}")

    def registered(self) -> bool:
        return "LinphoneRegistrationOk" in self.command("register-status ALL")

    def dial(self, uri: str) -> int:
        """Call and wait for the answer; return the call's number."""
        found = re.search(r"Id: (\d+)", self.command(f"call {uri}"))
        assert found is not None, "the daemon does not call"
        call = int(found.group(1))
        self.wait_for(call, "StreamsRunning")
        return call

    def keys(self, keys: str) -> None:
        for key in keys:
            self.command(f"dtmf {key}")
            time.sleep(0.3)  # the daemon sends a key of 0.1 s and does not tell when it is over

    def answer(self) -> None:
        """Take the first call when it comes."""
        self.wait_for(1, "IncomingReceived")
        self.command("answer 1")
        self.wait_for(1, "StreamsRunning")

    def over(self, call: int) -> bool:
        return self.state(call) in ("", "End", "Released")
