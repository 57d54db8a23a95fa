"""Generated sounds: tones and music."""

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.media import music, tones


def strongest(samples: NDArray[np.int16], count: int) -> list[int]:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8000))
    found: list[int] = []
    while len(found) < count:
        peak = int(spectrum.argmax())
        found.append(peak)
        spectrum[max(0, peak - 40) : peak + 40] = 0
    return sorted(found)


@pytest.mark.parametrize(
    ("key", "low", "high"), [("1", 697, 1209), ("5", 770, 1336), ("#", 941, 1477), ("D", 941, 1633)]
)
def test_keys_in_band_are_the_tones_of_q23(key: str, low: int, high: int) -> None:
    found = strongest(tones.dtmf(key, 100, 0), 2)
    assert found == [pytest.approx(low, abs=5), pytest.approx(high, abs=5)]


def test_keys_last_as_long_as_asked() -> None:
    assert len(tones.dtmf("12", 100, 50)) == 2 * 8 * 150
    assert len(tones.dtmf("")) == 0


def test_the_beep_is_audible_and_does_not_click() -> None:
    beep = tones.beep().astype(int)
    assert np.abs(beep).max() > 3000
    assert abs(beep[0]) + abs(beep[-1]) == 0


def test_music_on_hold_is_quiet_and_loops_without_a_click() -> None:
    loop = music.music_on_hold()
    assert loop.dtype == np.int16
    assert 20 < len(loop) / 8000 < 60
    assert np.abs(loop.astype(int)).max() <= 4500
    seam = np.abs(np.diff(np.concatenate([loop[-50:], loop[:50]]).astype(int))).max()
    assert seam <= np.abs(np.diff(loop.astype(int))).max()


def test_music_on_hold_is_never_silent_for_long() -> None:
    loop = music.music_on_hold()
    parts = loop[: len(loop) // 4000 * 4000].astype(float).reshape(-1, 4000)
    assert parts.std(axis=1).min() > 100
