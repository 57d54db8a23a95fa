"""`python -m voicebot.runtime.render.compile`: check, compile and render dialplans for the control process.

stdin: a JSON job {path, prompts, cache, agents, dictionary, dialled} a line. stdout: `checked` (findings, languages, version); then, if there is no
error, the voices are read from stdin, prompts are rendered (`progress`, or `problem`), and `made` tells the sizes of the pickles that follow it: (sources, texts, files), the dialplan without flows, and its
flows in pieces, so that whoever loads them can breathe in between (docs/decisions/0005-pickle-from-our-own-child.md).
"""

import json
import os
import pickle
import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.loader import check
from voicebot.dialplan.prompts import constant_prompts
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.source import Position as At
from voicebot.dialplan.sources import Sources, read_sources
from voicebot.media.wav import AudioFileError
from voicebot.runtime.render.around import around
from voicebot.runtime.render.rendering import convert, render_texts
from voicebot.speech.errors import SpeechError
from voicebot.speech.prompts import Prompt, PromptCache

NICE = 19  # calls come first
STEPS = 20  # of a flow in one piece
READINGS = 5  # until the files stand still


def main() -> int:
    os.nice(NICE)
    while line := sys.stdin.readline():
        serve(json.loads(line))
    return 0


def serve(job: dict[str, Any]) -> None:
    """Do one job."""
    known = around(Path(job["prompts"]), job["agents"], job["dictionary"], job["dialled"])
    dialplan, findings, sources, paths = settled(Path(job["path"]), known)
    tell(
        checked={
            "findings": [astuple(item) for item in findings],
            "version": dialplan.version if dialplan is not None else "",
            "languages": dialplan.hotline.languages if dialplan is not None else (),
            "files": [str(path) for path in paths],
        }
    )
    if dialplan is None or sources is None:
        return
    voices = json.loads(sys.stdin.readline())
    try:
        texts, files = rendered(dialplan, voices, Path(job["cache"]), Path(job["prompts"]))
    except (SpeechError, AudioFileError) as error:
        tell(problem=str(error))
        return
    except OSError as error:
        tell(problem=f"{error.filename or job['cache']}: {error.strerror}")
        return
    pickles = [
        pickle.dumps(item, pickle.HIGHEST_PROTOCOL) for item in pieces(dialplan, sources, texts, files)
    ]
    tell(made=[len(item) for item in pickles])
    for item in pickles:
        sys.stdout.buffer.write(item)
    sys.stdout.buffer.flush()


def settled(
    path: Path, known: Around
) -> tuple[Dialplan | None, tuple[Finding, ...], Sources | None, tuple[Path, ...]]:
    """Check the files as they stand still: what was checked is what is kept."""
    for _ in range(READINGS):
        try:
            before, paths = read_sources(path)
        except OSError as error:
            missing = finding("VB001", At(str(path)), f"cannot be read: {error.strerror}")
            return None, (missing,), None, (path,)
        dialplan, findings = check(path, around=replace(known, shared={}))
        try:
            if read_sources(path)[0] == before:
                return dialplan, findings, before, paths
        except OSError:
            continue
    changing = finding("VB001", At(str(path)), "changes while it is read", "reload when it is written")
    return None, (changing,), None, (path,)


def rendered(
    dialplan: Dialplan, voices: dict[str, list[str]], cache: Path, prompts: Path
) -> tuple[list[tuple[str, str, str, str]], dict[str, str]]:
    """Render what the cache lacks; return each text as (engine, voice, text, path), and the audio files by name."""
    found: dict[Prompt, Path] = {}
    files: dict[str, str] = {}
    index = PromptCache(cache)
    for spoken in constant_prompts(dialplan):
        if spoken.file is not None:
            files.setdefault(spoken.file, "")
            continue
        engine, voice = voices[spoken.language]
        prompt = Prompt(engine, spoken.voice or voice, spoken.text)
        found[prompt] = index.path_for(prompt)
    for name in files:
        files[name] = convert(prompts / name, cache)
    render_texts(cache, found, lambda text: tell(progress=text))
    return [(item.engine, item.voice, item.text, str(path)) for item, path in found.items()], files


def pieces(dialplan: Dialplan, sources: Sources, texts: object, files: object) -> Iterator[object]:
    """Return what is pickled: none of it takes the reader more than a few milliseconds."""
    yield sources, texts, files
    yield replace(dialplan, flows={})
    for flow in dialplan.flows.values():
        for start in range(0, max(1, len(flow.steps)), STEPS):
            yield replace(flow, steps=flow.steps[start : start + STEPS])


def tell(**fields: Any) -> None:
    sys.stdout.buffer.write(json.dumps(fields).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
