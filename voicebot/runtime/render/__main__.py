"""`python -m voicebot.runtime.render`: one JSON job on stdin, JSON lines on stdout (progress, files, or a problem)."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicebot.media.music import music_on_hold
from voicebot.media.tones import beep, tone
from voicebot.media.wav import AudioFileError, read_wav
from voicebot.speech.errors import SpeechError
from voicebot.speech.prompts import Prompt, PromptCache, write_wav

TELL_EVERY = 10  # prompts
RINGBACK_HZ = (425.0,)  # ITU-T E.180: one second on, four off, in most of the world
RINGBACK_ON, RINGBACK_OFF = 1.0, 4.0
SAMPLE_RATE = 8000


def main() -> int:
    """Do the job; every problem is one line that says what to do."""
    job = json.loads(sys.stdin.readline())
    try:
        Path(job["cache"]).mkdir(parents=True, exist_ok=True)
        render_sounds(job["sounds"])
        files = {name: convert(Path(job["prompts"]) / name, Path(job["cache"])) for name in job["files"]}
        tell(files=files)
        render_texts(Path(job["cache"]), job["texts"])
    except (SpeechError, AudioFileError) as error:
        tell(problem=str(error))
        return 1
    except OSError as error:
        tell(
            problem=f"{error.filename or job['cache']}: {error.strerror}; the data folder must be writable (--data DIR)"
        )
        return 1
    return 0


def tell(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def render_sounds(paths: dict[str, str]) -> None:
    """Make the music on hold and the tones that every call can need."""
    for name, make in (("music", music_on_hold), ("ringback", ringback), ("beep", beep)):
        path = Path(paths[name])
        if not path.exists():
            write_wav(path, make())


def ringback() -> NDArray[np.int16]:
    """Return one period of what a caller hears while an extension rings."""
    silence = np.zeros(int(RINGBACK_OFF * SAMPLE_RATE), np.int16)
    return np.concatenate([tone(RINGBACK_HZ, RINGBACK_ON), silence])


def convert(source: Path, cache: Path) -> str:
    """Return the path of an admin's audio file at 8 kHz, 16 bit, mono; made anew when its content changes."""
    name = hashlib.sha256(source.read_bytes()).hexdigest()[:32]
    path = cache / f"{name}.file.wav"
    if not path.exists():
        write_wav(path, read_wav(source))
    return str(path)


def render_texts(cache: Path, texts: list[list[str]]) -> None:
    """Render (engine, voice, text) each."""

    def told(done: int, total: int) -> None:
        if done % TELL_EVERY == 0 or done == total:
            tell(progress=f"rendering prompts: {done} of {total}")

    PromptCache(cache).render_missing((Prompt(engine, voice, text) for engine, voice, text in texts), told)


if __name__ == "__main__":
    sys.exit(main())
