"""`DATA/control.sock`: commands to a running server, one JSON object a line, one answer a line; mode 0600.

Request {"command": NAME, ...its arguments}; answer {"ok": true, ...} or {"ok": false, "error": TEXT}. A line that is too long or no
JSON object is answered with an error; a client that does not read, or says nothing, is left.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

NAME = "control.sock"
LONGEST_REQUEST = 64 * 1024  # bytes
MOST_CLIENTS = 16
IDLE = 60.0  # seconds without a request
READS_WITHIN = 5.0  # seconds for a client to take its answer

Command = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, object]]]

log = structlog.get_logger("control")


class ControlError(Exception):
    """A command cannot be carried out, or no server listens; the text is one line for the admin."""


class ControlSocket:
    """Listens between `open` and `close`. A command that raises ControlError is answered with its text."""

    def __init__(self, folder: Path, commands: Mapping[str, Command]) -> None:
        self._folder = folder
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Bind and listen. Raises ControlError if another server has the same data folder."""
        with short_path(self._folder) as path:
            if _answers(path):
                raise ControlError(f"another server runs with the data folder {self._folder}")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            before = os.umask(0o177)
            try:
                ours.bind(path)
            except OSError as error:
                ours.close()
                raise ControlError(f"{self._folder / NAME}: {error.strerror or error}") from error
            finally:
                os.umask(before)
        self._server = await asyncio.start_unix_server(self._client, sock=ours, limit=LONGEST_REQUEST)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        with contextlib.suppress(OSError):
            os.unlink(self._folder / NAME)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= MOST_CLIENTS:
            writer.transport.abort()
            return
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (TimeoutError, ConnectionError):
            pass
        except asyncio.CancelledError:
            if not self._server or self._server.is_serving():
                raise
        finally:
            self._clients.discard(task)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE):
                try:
                    line = await reader.readuntil(b"\n")
                except asyncio.IncompleteReadError:
                    return
                except asyncio.LimitOverrunError:
                    line = b""
            answer = await self._answer(line)
            writer.write(json.dumps(answer, ensure_ascii=False, default=str).encode() + b"\n")
            async with asyncio.timeout(READS_WITHIN):
                await writer.drain()
            if not line:
                return  # nobody knows where the next request would begin

    async def _answer(self, line: bytes) -> Mapping[str, object]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return {
                "ok": False,
                "error": f"a request is one JSON object a line, at most {LONGEST_REQUEST} bytes",
            }
        command = self._commands.get(str(request.get("command")))
        if command is None:
            return {"ok": False, "error": f"known commands are {', '.join(self._commands)}"}
        try:
            return {"ok": True, **await command(request)}
        except ControlError as error:
            return {"ok": False, "error": str(error)}
        except Exception:  # the edge of a command: it ends this one answer, and is told in the log
            log.exception("a command failed", command=request.get("command"))
            return {"ok": False, "error": "the command failed; the server's log says how"}


def ask(folder: Path, request: Mapping[str, object], timeout: float) -> Mapping[str, Any]:
    """Send one request to the server of this data folder; return its answer. Blocks. Raises ControlError."""
    try:
        with short_path(folder) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
            ours.settimeout(timeout)
            ours.connect(path)
            ours.sendall(json.dumps(request).encode() + b"\n")
            with ours.makefile("rb") as stream:
                line = stream.readline()
    except TimeoutError as error:
        raise ControlError(f"the server of {folder} does not answer within {timeout:g} s") from error
    except OSError as error:
        raise ControlError(f"no server runs with the data folder {folder}") from error
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ControlError(f"the server of {folder} ended before it answered") from error
    return answer if isinstance(answer, dict) else {}


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """Yield a path of the socket that is short enough: sockaddr_un has room for 107 bytes, data folders may be longer."""
    path = str(folder / NAME)
    if len(os.fsencode(path)) < 100 or not os.path.isdir("/proc/self/fd"):
        yield path
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield path[:100]
        return
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except TimeoutError:
            return True
        except OSError:
            return False
        return True
