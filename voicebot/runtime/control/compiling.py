"""A dialplan from its files, without a word from the control process's loop: a child checks, compiles and renders it."""

import asyncio
import contextlib
import json
import pickle
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding
from voicebot.dialplan.sources import Sources
from voicebot.dialplan.warm import warm
from voicebot.runtime.control.prompts import Rendered
from voicebot.runtime.control.speech import VoiceChoice
from voicebot.speech.prompts import Prompt

MODULE = "voicebot.runtime.render.compile"
WITHIN = 300.0  # seconds; a large hotline in a new language has a thousand prompts to render
IDLE = 30.0  # seconds after which the child ends
LONGEST_LINE = 8 * 1024 * 1024  # bytes; findings of a broken file are many

VoicesFor = Callable[[Sequence[str]], Awaitable[Mapping[str, VoiceChoice]]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking found. `version` is empty if there is an error. `files` are watched."""

    findings: tuple[Finding, ...]
    version: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A dialplan ready for calls. `packed` are its files as they are kept."""

    dialplan: Dialplan
    sources: Sources
    packed: bytes
    rendered: Rendered


class CompileError(Exception):
    """The dialplan cannot be made ready although it checks; the text is one line for the admin."""


class Compiler:
    """The child, started when it is first needed and ended when it has been idle for a while. One job at a time."""

    def __init__(
        self,
        prompts: Path,
        cache: Path,
        agents: Mapping[str, Sequence[str]],
        *,
        dictionary: bool,
        dialled: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`agents`: the skills of each; this, `dictionary`, `dialled`: what the checks know besides the files (`render.around`)."""
        self._job = {
            "prompts": str(prompts),
            "cache": str(cache),
            "agents": dict(agents),
            "dictionary": dictionary,
            "dialled": dict(dialled) if dialled is not None else None,
        }
        self._child: asyncio.subprocess.Process | None = None
        self._complaints: asyncio.Future[bytes] | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def compile(self, path: Path, voices_for: VoicesFor) -> tuple[Checked, Compiled | None]:
        """Check a dialplan; without an error, compile it and render its prompts. Raises CompileError.

        `voices_for` gets the dialplan's languages and returns who speaks them, or raises CompileError.
        """
        if self._idle is not None:
            self._idle.cancel()
        done = False
        try:
            async with asyncio.timeout(WITHIN):
                checked, pickles = await self._converse(path, voices_for)
            done = True
        except TimeoutError as error:
            raise CompileError(f"{path}: not compiled within {WITHIN:g} s") from error
        except (ValueError, BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError) as error:
            raise CompileError(f"{path}: compiling failed: {await self._last_words()}") from error
        finally:
            if not done:  # what it would say next belongs to a job that is over
                await self.close()
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._end)
        return checked, await asyncio.to_thread(_load, pickles) if pickles else None

    async def close(self) -> None:
        """End the child, whatever it does."""
        if self._idle is not None:
            self._idle.cancel()
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if self._complaints is not None:
            self._complaints.cancel()

    async def _converse(self, path: Path, voices_for: VoicesFor) -> tuple[Checked, list[bytes]]:
        child = await self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        await _tell(child.stdin, {"path": str(path), **self._job})
        raw = (await _hear(child.stdout))["checked"]
        findings = tuple(Finding(*item) for item in raw["findings"])
        checked = Checked(findings, raw["version"], tuple(Path(name) for name in raw["files"]))
        if not checked.version:
            return checked, []
        voices = await voices_for(raw["languages"])
        await _tell(child.stdin, {name: [item.engine, item.voice] for name, item in voices.items()})
        while "made" not in (told := await _hear(child.stdout)):
            if "problem" in told:
                raise CompileError(told["problem"])
        return checked, [await child.stdout.readexactly(size) for size in told["made"]]

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
                start_new_session=True,  # a Ctrl-C at the terminal is for control
            )
            assert self._child.stderr is not None
            self._complaints = asyncio.ensure_future(self._child.stderr.read())
        return self._child

    def _end(self) -> None:
        """Nobody has wanted anything for a while: the child reads the end of its jobs, and ends."""
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    async def _last_words(self) -> str:
        if self._complaints is None:
            return "the child process ended"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                said = (await asyncio.shield(self._complaints)).decode(errors="replace").strip().splitlines()
                return said[-1] if said else "the child process ended"
        return "the child process said nothing that can be read"


async def _tell(stream: asyncio.StreamWriter, fields: Mapping[str, object]) -> None:
    stream.write(json.dumps(fields).encode() + b"\n")
    await stream.drain()


async def _hear(stream: asyncio.StreamReader) -> Any:
    """Return the next line. Raises ValueError if the child has ended."""
    return json.loads(await stream.readline())


def _load(pickles: Iterable[bytes]) -> Compiled:
    """Put the pieces together and warm them; in a thread that gives way between any two of them."""
    first, *others = pickles
    sources, texts, files = pickle.loads(first)
    shell: Dialplan = pickle.loads(others[0])
    flows: dict[str, Any] = {}
    for item in others[1:]:
        flow = pickle.loads(item)
        known = flows.get(flow.name)
        flows[flow.name] = flow if known is None else replace(known, steps=(*known.steps, *flow.steps))
    dialplan = replace(shell, flows=flows)
    known_texts = {Prompt(engine, voice, text): Path(path) for engine, voice, text, path in texts}
    rendered = Rendered(known_texts, {name: Path(path) for name, path in files.items()})
    warm(dialplan)
    return Compiled(dialplan, sources, sources.pack(), rendered)
