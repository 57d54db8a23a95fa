"""Rendered prompts: where each constant text and audio file of the dialplans lies, and how they come to be there.

The control process loads no voice. A child renders what the cache lacks when dialplans are loaded; what it made is
named by content, so a restart renders nothing and two servers may share a cache.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from voicebot.calls.line import Sounds
from voicebot.dialplan.line import Spoken
from voicebot.runtime.control.speech import VoiceChoice
from voicebot.speech.prompts import Prompt, PromptCache

MODULE = "voicebot.runtime.render"


class RenderError(Exception):
    """A prompt cannot be made; the text is one line for the person who can mend it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Where the constant texts and audio files of a dialplan lie."""

    texts: Mapping[Prompt, Path]
    files: Mapping[str, Path]


class PromptIndex:
    """Knows every file that may be played. Looking one up touches no disk."""

    def __init__(self, cache: Path, prompts: Path) -> None:
        """`cache`: where rendered prompts lie; `prompts`: the folder of the admin's own audio files."""
        self.cache = cache
        self.prompts = prompts
        self.sounds = Sounds(cache / "music.wav", cache / "ringback.wav", cache / "beep.wav")
        self._texts: Mapping[Prompt, Path] = {}
        self._files: Mapping[str, Path] = {}

    def use(self, rendered: Iterable[Rendered]) -> None:
        """Know these and nothing else; where names are the same the later one counts."""
        texts: dict[Prompt, Path] = {}
        files: dict[str, Path] = {}
        for item in rendered:
            texts |= item.texts
            files |= item.files
        self._texts, self._files = texts, files

    def path(self, spoken: Spoken, voice: VoiceChoice | None) -> Path | None:
        """Return the file that says this, None if it has to be synthesised live."""
        if spoken.file is not None:
            return self._files.get(spoken.file)
        if not spoken.constant or spoken.sensitive or voice is None:
            return None
        return self._texts.get(Prompt(voice.engine, voice.voice, spoken.text))

    async def render(
        self, prompts: Iterable[Spoken], voices: Mapping[str, VoiceChoice], on_progress: Callable[[str], None]
    ) -> Rendered:
        """Render whatever of `prompts` the cache lacks, in a child process; return where all lie. Raises RenderError."""
        texts: dict[Prompt, Path] = {}
        cache = PromptCache(self.cache)
        files: list[str] = []
        for spoken in prompts:
            if spoken.file is not None:
                files.append(spoken.file)
                continue
            choice = voices.get(spoken.language)
            if choice is None:
                raise RenderError(
                    f"no voice is installed for the language {spoken.language}: see speech.tts in config.yaml"
                )
            voice = spoken.voice or choice.voice
            prompt = Prompt(choice.engine, voice, spoken.text)
            texts[prompt] = cache.path_for(prompt)
        job = {
            "cache": str(self.cache),
            "prompts": str(self.prompts),
            "texts": [[prompt.engine, prompt.voice, prompt.text] for prompt in cache.missing(texts)],
            "files": sorted(set(files)),
            "sounds": {
                "music": str(self.sounds.music),
                "ringback": str(self.sounds.ringback),
                "beep": str(self.sounds.beep),
            },
        }
        made = await _run_child(job, on_progress)
        return Rendered(texts, {name: Path(path) for name, path in made.items()})


async def _run_child(job: Mapping[str, object], on_progress: Callable[[str], None]) -> dict[str, str]:
    """Run the child on `job`; return where the admin's files lie, converted."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        child.stdin.write(json.dumps(job).encode() + b"\n")
        await child.stdin.drain()
        child.stdin.close()
        files: dict[str, str] = {}
        async for line in child.stdout:
            told = json.loads(line)
            if "problem" in told:
                raise RenderError(told["problem"])
            if "progress" in told:
                on_progress(told["progress"])
            files |= told.get("files", {})
        stderr = (await child.stderr.read()).decode(errors="replace").strip().splitlines()
        if await child.wait() != 0:
            raise RenderError(
                f"rendering prompts failed: {stderr[-1] if stderr else 'the child process ended'}"
            )
        return files
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
