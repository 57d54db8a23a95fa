"""One worker process: spawned, listened to, watched, killed when it hangs, and replaced."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import structlog

from voicebot.wire import Heartbeat, Log, Message, WireError
from voicebot.wire.channel import Channel, ChannelClosed, ChannelFull, pair

HEARTBEATS_MISSED = 3.0  # seconds without a heartbeat (one a second) after which a worker counts as hung
STARTING = 20.0  # seconds that a new worker has for its first one: it loads models
RESTART_AFTER = 0.2  # seconds before a dead worker is replaced
GIVE_UP_AFTER = 10  # deaths in a row without one heartbeat: something is wrong that a restart will not mend

log = structlog.get_logger("worker")


class Worker:
    """A process of `module`, number `index`. All methods belong to the control process's loop."""

    def __init__(
        self,
        module: str,
        index: int,
        *,
        on_message: Callable[["Worker", Message], None],
        on_start: Callable[["Worker"], None],
        on_death: Callable[["Worker"], None],
        arguments: tuple[str, ...] = (),
    ) -> None:
        self.index = index
        self.name = f"{module.rpartition('.')[2]}-{index}"
        self.counters: dict[str, float] = {}
        self.restarts = 0
        self.full = 0
        self.started = asyncio.Event()
        self._module = module
        self._arguments = arguments
        self._on_message = on_message
        self._on_start = on_start
        self._on_death = on_death
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._stderr_fd = -1
        self._stderr = b""
        self._beat_at = 0.0
        self._silent_deaths = 0
        self._watch: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        return self._channel is not None

    def start(self) -> None:
        """Spawn the process and attach it; `on_start` may send to it at once."""
        loop = asyncio.get_running_loop()
        ours, theirs = pair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, str(theirs.fileno()), str(self.index), *self._arguments],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C at the terminal is for control; workers end when it closes
            )
        self._channel = Channel(ours)
        assert self._process.stderr is not None
        self._stderr_fd = self._process.stderr.fileno()
        os.set_blocking(self._stderr_fd, False)
        self.started.clear()
        self._beat_at = loop.time() + STARTING - HEARTBEATS_MISSED
        loop.add_reader(self._channel.fileno(), self._read)
        loop.add_reader(self._stderr_fd, self._read_stderr)
        self._watch = loop.call_later(1.0, self._check)
        self._on_start(self)

    def send(self, message: Message, sockets: tuple[object, ...] = ()) -> bool:
        """Send a command; False if the worker is gone or does not read (then it is about to be replaced)."""
        if self._channel is None:
            return False
        try:
            self._channel.send(message, sockets)  # type: ignore[arg-type]
        except ChannelFull:
            self.full += 1
            log.error("worker does not read its commands", worker=self.name, message=type(message).__name__)
            return False
        except ChannelClosed:
            return False
        return True

    def stop(self) -> None:
        """Close the channel: the process ends by itself; if it does not within a second it is killed."""
        self._stopping = True
        self._detach()
        if self._process is None:
            return
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    # --- from the loop -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        while self._channel is not None:
            try:
                received = self._channel.receive()
            except WireError as error:
                log.error("worker sent no message", worker=self.name, problem=str(error))
                continue
            except ChannelClosed:
                self._died("it ended")
                return
            if received is None:
                return
            message, _sockets = received
            if isinstance(message, Heartbeat):
                self._beat_at = asyncio.get_running_loop().time()
                self._silent_deaths = 0
                self.counters = message.counters
                self.started.set()
            if isinstance(message, Log):
                getattr(
                    log, message.level if message.level in ("debug", "info", "warning", "error") else "info"
                )(message.event, worker=self.name, **message.fields)
            else:
                self._on_message(self, message)

    def _read_stderr(self) -> None:
        """Native libraries write here; whole lines go to the log."""
        try:
            data = os.read(self._stderr_fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(ValueError, OSError):
                asyncio.get_running_loop().remove_reader(self._stderr_fd)
            return
        *lines, self._stderr = (self._stderr + data).split(b"\n")
        self._stderr = self._stderr[-4096:]
        for line in lines[-20:]:
            log.warning("worker said", worker=self.name, text=line.decode(errors="replace")[:400])

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        if self._channel is None:
            return
        if loop.time() - self._beat_at > HEARTBEATS_MISSED:
            log.error("worker hangs, it is killed", worker=self.name, pid=self.pid)
            if self._process is not None:
                self._process.send_signal(signal.SIGKILL)
            self._died("it hung")
            return
        self._watch = loop.call_later(1.0, self._check)

    def _died(self, why: str) -> None:
        self._detach()
        if self._stopping:
            return
        code = self._process.poll() if self._process else None
        log.error("worker is gone, a new one starts", worker=self.name, pid=self.pid, why=why, exit_code=code)
        self.restarts += 1
        self._silent_deaths += 1
        self._on_death(self)
        delay = RESTART_AFTER if self._silent_deaths < GIVE_UP_AFTER else 30.0
        asyncio.get_running_loop().call_later(delay, self._restart)

    def _restart(self) -> None:
        if self._stopping:
            return
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()  # it is dead: its end of the channel is closed, or it was killed
            if self._process.stderr is not None:
                self._process.stderr.close()
        self.start()

    def _detach(self) -> None:
        loop = asyncio.get_running_loop()
        if self._watch is not None:
            self._watch.cancel()
        if self._channel is not None:
            loop.remove_reader(self._channel.fileno())
            self._channel.close()
            self._channel = None
        if self._stderr_fd >= 0:
            with contextlib.suppress(ValueError, OSError):
                loop.remove_reader(self._stderr_fd)
            self._stderr_fd = -1
