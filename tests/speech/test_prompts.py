import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from voicebot.speech.errors import VoiceUnknown
from voicebot.speech.prompts import Prompt, PromptCache, PromptProblem

HELLO = Prompt("espeak", "en-us", "Hello.")
NIHAO = Prompt("espeak", "cmn", "您好。")


def test_missing_prompts_are_rendered_once_as_telephone_wav(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path / "prompts")
    seen: list[tuple[int, int]] = []
    assert cache.render_missing([HELLO, NIHAO, HELLO], lambda done, total: seen.append((done, total))) == 2
    assert seen == [(1, 2), (2, 2)]
    with wave.open(str(cache.path_for(HELLO))) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 8000)
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    assert 0.2 < len(samples) / 8000 < 1.5
    assert np.abs(samples.astype(int)).max() > 3000
    assert cache.render_missing([HELLO, NIHAO]) == 0
    assert sorted(path.suffix for path in cache.directory.iterdir()) == [".wav", ".wav"], (
        "no temporary file left"
    )


def test_whatever_changes_the_sound_changes_the_name(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    variants = [
        HELLO,
        Prompt("espeak", "en-us+f3", "Hello."),
        Prompt("espeak", "en-us", "Hello!"),
        Prompt("espeak", "en-us", "Hello.", rate=120),
        Prompt("pyttsx3", "en-us", "Hello."),
    ]
    assert len({cache.path_for(prompt) for prompt in variants}) == len(variants)
    assert cache.path_for(HELLO) == PromptCache(tmp_path).path_for(Prompt("espeak", "en-us", "Hello."))


def test_two_renderers_at_once_leave_whole_files(tmp_path: Path) -> None:
    prompts = [Prompt("espeak", "en-us", f"Prompt number {number}.") for number in range(8)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: PromptCache(tmp_path).render_missing(prompts), range(2)))
    for prompt in prompts:
        with wave.open(str(PromptCache(tmp_path).path_for(prompt))) as wav:
            assert wav.getnframes() > 4000


def test_an_unknown_voice_stops_rendering_and_keeps_what_is_done(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    with pytest.raises(VoiceUnknown):
        cache.render_missing([HELLO, Prompt("espeak", "klingon", "Hello.")])
    assert cache.missing([HELLO]) == []


def test_a_text_without_a_word_is_a_moment_of_silence(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    silent = Prompt("espeak", "en-us", "...")
    cache.render_missing([silent])
    with wave.open(str(cache.path_for(silent))) as wav:
        assert 0 < wav.getnframes() < 400


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PromptProblem, match="file"):
        PromptCache(tmp_path / "file").render_missing([HELLO])
