"""The prompt loader, without its thread."""

import os
from pathlib import Path

import numpy as np

from voicebot.media import wav
from voicebot.media.g711 import PCMA, PCMU
from voicebot.runtime.media_worker.prompts import PromptLoader

TONE = (5000 * np.sin(np.arange(1600) / 4)).astype(np.int16)


def wanted(loader: PromptLoader, path: Path, codec: str, now: float = 0.0) -> bytes | None:
    """Ask, load, and ask again."""
    if loader.get(str(path), codec, now) is None:
        loader.load(str(path), codec)
        assert [loaded.problem for loaded in loader.loaded()] == [""]
    return loader.get(str(path), codec, now)


def test_a_prompt_is_encoded_once_per_codec(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.encode_wav(TONE))
    loader = PromptLoader()
    assert wanted(loader, path, "PCMU") == PCMU.encode(TONE)
    assert wanted(loader, path, "PCMA") == PCMA.encode(TONE)
    assert wanted(loader, path, "PCMU") is wanted(loader, path, "PCMU")


def test_a_missing_or_broken_file_is_a_problem_for_the_admin(tmp_path: Path) -> None:
    loader = PromptLoader()
    broken = tmp_path / "b.wav"
    broken.write_bytes(b"no audio")
    for path in (tmp_path / "none.wav", broken, tmp_path):
        assert loader.get(str(path), "PCMU", 0.0) is None
        loader.load(str(path), "PCMU")
        (loaded,) = loader.loaded()
        assert str(path) in loaded.problem


def test_the_least_recently_used_prompts_leave_a_full_cache(tmp_path: Path) -> None:
    loader = PromptLoader(cache_bytes=4000)
    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    for path in paths:
        path.write_bytes(wav.encode_wav(TONE))
    wanted(loader, paths[0], "PCMU")
    wanted(loader, paths[1], "PCMU")
    wanted(loader, paths[0], "PCMU")
    wanted(loader, paths[2], "PCMU")
    assert loader.get(str(paths[0]), "PCMU", 0.0) is not None
    assert loader.get(str(paths[1]), "PCMU", 0.0) is None


def test_a_changed_file_is_played_anew_from_the_next_time_on(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.encode_wav(TONE))
    loader = PromptLoader()
    old = wanted(loader, path, "PCMU", now=0.0)
    path.write_bytes(wav.encode_wav(TONE[:800]))
    os.utime(path, ns=(1, 1))
    assert loader.get(str(path), "PCMU", 10.0) == old
    loader.load(str(path), "PCMU")
    loader.loaded()
    assert loader.get(str(path), "PCMU", 10.0) == PCMU.encode(TONE[:800])
