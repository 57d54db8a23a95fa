"""`python -m voicebot.runtime.render`: one JSON job on stdin, JSON lines on stdout (progress, files, or a problem)."""

import json
import sys
from pathlib import Path
from typing import Any

from voicebot.media.wav import AudioFileError
from voicebot.runtime.render.rendering import convert, render_sounds, render_texts
from voicebot.speech.errors import SpeechError
from voicebot.speech.prompts import Prompt


def main() -> int:
    """Do the job; every problem is one line that says what to do."""
    job = json.loads(sys.stdin.readline())
    cache = Path(job["cache"])
    try:
        cache.mkdir(parents=True, exist_ok=True)
        render_sounds(job["sounds"])
        tell(files={name: convert(Path(job["prompts"]) / name, cache) for name in job["files"]})
        prompts = [Prompt(engine, voice, text) for engine, voice, text in job["texts"]]
        render_texts(cache, prompts, lambda text: tell(progress=text))
    except (SpeechError, AudioFileError) as error:
        tell(problem=str(error))
        return 1
    except OSError as error:
        tell(
            problem=f"{error.filename or cache}: {error.strerror}; the data folder must be writable (--data DIR)"
        )
        return 1
    return 0


def tell(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    sys.exit(main())
