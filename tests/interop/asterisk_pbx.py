"""Asterisk as a PBX on 127.0.0.1: the hotline is its trunk, the agents' extensions live there."""

import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.interop.audio import AGENT_HZ, CALLER_HZ, tone_wav
from tests.interop.processes import ended
from tests.live.hotline import free_port, options, wait_until
from tests.live.port_blocks import PBXS, claim
from tests.runtime.certificates import Authority

_CONFIGURATION = Path(__file__).parent / "asterisk"
_STARTS_WITHIN = 20.0
MUSIC_HZ = 300.0


class Asterisk:
    """One Asterisk of the private installation in `root`, with its files below `run`.

    It listens on `port` (UDP and TCP) and `tls_port`, with a certificate of `authority`. `hotline` is the port of the
    hotline whose trunk it is, `guarded` that of one which asks for a password. `files`: configurations in place of
    those of this folder; then it is at `host`:5060.
    """

    def __init__(
        self,
        root: Path,
        run: Path,
        hotline: int,
        guarded: int = 1,
        *,
        host: str = "127.0.0.1",
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.host = host
        self.port = 5060 if files else free_port()
        self.tls_port = free_port()
        self._root, self._run = root, run
        self.rtp_ports = claim(self, PBXS)
        self.audio = run / "audio"
        for name in (
            "etc",
            "log",
            "run",
            "varlib",
            "spool/outgoing",
            "spool/tmp",
            "audio/music",
            "calls",
            "tls",
        ):
            (run / name).mkdir(parents=True, exist_ok=True)
        tone_wav(self.audio / "caller.wav", CALLER_HZ, 4.0)
        tone_wav(self.audio / "agent.wav", AGENT_HZ, 10.0)
        tone_wav(self.audio / "music" / "music.wav", MUSIC_HZ, 10.0)
        self.authority = Authority(run / "tls")
        self.authority.sign("asterisk", "127.0.0.1")
        (modules,) = root.glob("usr/lib/*/asterisk/modules")
        self._libraries = modules.parents[1]
        marks = {
            "RUN": run,
            "ROOT": root,
            "MODULES": modules,
            "AUDIO": self.audio,
            "PORT": self.port,
            "TLS_PORT": self.tls_port,
            "TLS": run / "tls",
            "HOTLINE": hotline,
            "GUARDED": guarded,
            "RTP_FIRST": self.rtp_ports[0],
            "RTP_LAST": self.rtp_ports[1],
        }
        for source in _CONFIGURATION.glob("*.conf"):
            text = re.sub(r"@([A-Z_]+)@", lambda mark: str(marks[mark.group(1)]), source.read_text())
            (run / "etc" / source.name).write_text((files or {}).get(source.name, text))

    def _command(self, *arguments: str) -> list[str]:
        """Return the command line: the installation's own loader, libraries and program."""
        loader = next(
            iter(
                sorted(self._root.glob("lib64/ld-linux-*.so.*"))
                or sorted(self._root.glob("usr/lib/ld-linux-*"))
            )
        )
        head = [str(loader), "--argv0", "asterisk", "--library-path", str(self._libraries)]
        program = str(self._root / "usr/sbin/asterisk")
        return [*head, program, "-C", str(self._run / "etc/asterisk.conf"), *arguments]

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
        while "fully booted" not in self.cli("core waitfullybooted"):
            assert self._process.poll() is None, self.log_text()[-3000:]
            assert time.monotonic() < end, self.log_text()[-3000:]
            time.sleep(0.1)
        wait_until(lambda: options(self.host, self.port, 0.5) != 0, 5.0, "Asterisk answers OPTIONS")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        ended(self._process, 10)

    def cli(self, command: str) -> str:
        done = subprocess.run(
            self._command("-rx", command), capture_output=True, text=True, timeout=20, cwd=self._run
        )
        return done.stdout + done.stderr

    def log_text(self) -> str:
        found = [self._run / "log" / name for name in ("stdout", "full")]
        return "".join(each.read_text("utf-8", "replace") for each in found if each.exists())

    def originate(
        self, number: str, steps: str, *, trunk: str = "hotline", target: str = "", name: str = "call"
    ) -> "OriginatedCall":
        """Let Asterisk call `number` of the hotline and do `steps` (extensions.conf, [caller]).

        `target` (host, port and parameters of a URI) for a trunk that has no hotline of its own.
        """
        out = self._run / "calls" / name
        lines = [
            f"Channel: Local/{number}@to-hotline/n",
            'CallerID: "Caller" <5551234>',
            "WaitTime: 20",
            "MaxRetries: 0",
            "Context: caller",
            "Extension: s",
            "Priority: 1",
            f"Setvar: STEPS={steps}",
            f"Setvar: OUT={out}",
            f"Setvar: __TRUNK={trunk}",
            "Setvar: __TARGET=" + target.replace(";", "\\;"),
        ]
        file = self._run / "spool/tmp" / f"{name}.call"
        file.write_text("\n".join(lines) + "\n")
        file.rename(self._run / "spool/outgoing" / file.name)
        return OriginatedCall(out)

    @property
    def heard_by_6003(self) -> Path:
        """The recording of what extension 6003 heard in its latest call."""
        return self._run / "calls/6003-heard.wav"

    def reaches(self, trunk: str) -> bool:
        """Whether the trunk's contact has answered OPTIONS; without that, calls to it get a 404."""
        contacts = self.cli("pjsip show contacts").splitlines()
        return any(f" {trunk}/" in line and "Avail" in line for line in contacts)

    def channels(self) -> int:
        """Return how many channels are up."""
        found = re.search(r"(\d+) active channel", self.cli("core show channels count"))
        return int(found.group(1)) if found else 0


class OriginatedCall:
    """A call that Asterisk makes for us."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def wait(self, timeout: float = 40.0) -> None:
        """Wait for its end. Raises AssertionError when it was not answered."""
        end = self._out.with_suffix(".end")
        wait_until(lambda: end.exists() and end.stat().st_size > 0, timeout, "the end of Asterisk's call")
        time.sleep(0.3)  # the mixing thread closes the recordings after the channel has ended
        assert end.read_text().startswith("answered"), end.read_text()

    @property
    def heard(self) -> Path:
        return self._out.with_name(f"{self._out.name}-heard.wav")
