"""A dialplan from its files, without a word from the control process's loop: a child checks, compiles and renders it."""

import asyncio
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
    """A dialplan ready for calls."""

    dialplan: Dialplan
    sources: Sources
    rendered: Rendered


class CompileError(Exception):
    """The dialplan cannot be made ready although it checks; the text is one line for the admin."""


async def compile_dialplan(
    path: Path, prompts: Path, cache: Path, voices_for: VoicesFor
) -> tuple[Checked, Compiled | None]:
    """Check a dialplan; without an error, compile it and render its prompts. Raises CompileError.

    `voices_for` gets the dialplan's languages and returns who speaks them, or raises CompileError.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        async with asyncio.timeout(WITHIN):
            return await _converse(child, path, prompts, cache, voices_for)
    except TimeoutError as error:
        raise CompileError(f"{path}: not compiled within {WITHIN:g} s") from error
    except (ValueError, BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError) as error:
        raise CompileError(f"{path}: the child that compiles it ended early") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _converse(
    child: asyncio.subprocess.Process, path: Path, prompts: Path, cache: Path, voices_for: VoicesFor
) -> tuple[Checked, Compiled | None]:
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    complaints = asyncio.ensure_future(child.stderr.read())
    try:
        await _tell(child.stdin, {"path": str(path), "prompts": str(prompts), "cache": str(cache)})
        told = await _hear(child.stdout, complaints, path)
        raw = told["checked"]
        findings = tuple(Finding(*item) for item in raw["findings"])
        checked = Checked(findings, raw["version"], tuple(Path(name) for name in raw["files"]))
        if not checked.version:
            return checked, None
        voices = await voices_for(raw["languages"])
        await _tell(child.stdin, {language: [item.engine, item.voice] for language, item in voices.items()})
        while "made" not in (told := await _hear(child.stdout, complaints, path)):
            if "problem" in told:
                raise CompileError(told["problem"])
        pickles = [await child.stdout.readexactly(size) for size in told["made"]]
        await child.wait()
        return checked, await asyncio.to_thread(_load, pickles)
    finally:
        complaints.cancel()


async def _tell(stream: asyncio.StreamWriter, fields: Mapping[str, object]) -> None:
    stream.write(json.dumps(fields).encode() + b"\n")
    await stream.drain()


async def _hear(stream: asyncio.StreamReader, complaints: "asyncio.Future[bytes]", path: Path) -> Any:
    line = await stream.readline()
    if not line:
        said = (await complaints).decode(errors="replace").strip().splitlines()
        raise CompileError(f"{path}: compiling failed: {said[-1] if said else 'the child process ended'}")
    return json.loads(line)


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
    return Compiled(dialplan, sources, rendered)
