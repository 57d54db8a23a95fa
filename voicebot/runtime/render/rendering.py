"""Making prompts: sounds that every call can need, the admin's audio files, and constant texts."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicebot.media.music import music_on_hold
from voicebot.media.tones import beep, tone
from voicebot.media.wav import read_wav
from voicebot.speech.prompts import Prompt, PromptCache, write_wav

TELL_EVERY = 10  # prompts
RINGBACK_HZ = (425.0,)  # ITU-T E.180: one second on, four off, in most of the world
RINGBACK_ON, RINGBACK_OFF = 1.0, 4.0
SAMPLE_RATE = 8000


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


def render_texts(cache: Path, prompts: Iterable[Prompt], progress: Callable[[str], None]) -> None:
    """Render what the cache lacks."""

    def told(done: int, total: int) -> None:
        if done % TELL_EVERY == 0 or done == total:
            progress(f"rendering prompts: {done} of {total}")

    PromptCache(cache).render_missing(prompts, told)
