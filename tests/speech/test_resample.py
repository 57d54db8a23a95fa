import numpy as np
import pytest
from numpy.typing import NDArray

from tests.sounds import sine
from voicebot.speech.resample import StreamResampler, resample


def level(samples: NDArray[np.int16]) -> float:
    middle = samples[200:-200].astype(float)
    return float(np.sqrt(np.mean(middle**2)))


@pytest.mark.parametrize("frequency", [200, 1000, 3000])
def test_a_tone_in_the_telephone_band_keeps_its_level(frequency: float) -> None:
    assert level(resample(sine(frequency, 22050), 22050, 8000)) == pytest.approx(8000 / 2**0.5, rel=0.01)


@pytest.mark.parametrize("frequency", [4500, 6000, 9000])
def test_what_a_telephone_cannot_carry_is_removed_and_not_folded_back(frequency: float) -> None:
    assert level(resample(sine(frequency, 22050), 22050, 8000)) < 3


def test_upsampling_makes_no_images() -> None:
    wide = resample(sine(1000, 8000), 8000, 16000).astype(float)
    spectrum = np.abs(np.fft.rfft(wide[1000:5000] * np.hanning(4000)))
    frequencies = np.fft.rfftfreq(4000, 1 / 16000)
    assert spectrum[frequencies > 4100].max() < spectrum.max() * 1e-3


def test_the_length_is_that_of_the_time_it_lasts() -> None:
    assert len(resample(np.zeros(22050, np.int16), 22050, 8000)) == 8000
    assert len(resample(np.zeros(0, np.int16), 22050, 8000)) == 0


def test_loud_input_is_clipped_and_does_not_wrap() -> None:
    square = np.where(np.arange(800) % 80 < 40, 32767, -32768).astype(np.int16)
    wide = resample(square, 8000, 16000)
    assert wide.max() == 32767


@pytest.mark.parametrize(("source", "target"), [(8000, 16000), (22050, 8000), (16000, 8000), (8000, 8000)])
def test_a_stream_in_blocks_of_any_size_sounds_like_the_whole(source: int, target: int) -> None:
    rng = np.random.default_rng(0)
    samples = (rng.standard_normal(5000) * 3000).astype(np.int16)
    stream = StreamResampler(source, target)
    pieces, at = [], 0
    while at < len(samples):
        size = int(rng.integers(0, 400))
        pieces.append(stream.feed(samples[at : at + size]))
        at += size
    joined = np.concatenate([*pieces, stream.flush()])
    whole = resample(samples, source, target)
    assert len(joined) == len(whole)
    assert np.abs(joined.astype(int) - whole).max() <= 1


def test_after_a_flush_a_new_stream_begins() -> None:
    stream = StreamResampler(8000, 16000)
    first = np.concatenate([stream.feed(sine(500, 8000)), stream.flush()])
    second = np.concatenate([stream.feed(sine(500, 8000)), stream.flush()])
    assert np.array_equal(first, second)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        resample(np.ones(10, np.int16), 0, 8000)
