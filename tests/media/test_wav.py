"""WAV files of any kind, and the sampling-rate conversion."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sounds import sine
from voicebot.media import wav
from voicebot.media.g711 import PCMA, PCMU
from voicebot.media.resampling import resample
from voicebot.media.wav import AudioFileError


def file(kind: int, channels: int, rate: int, bits: int, audio: bytes, extra: bytes = b"") -> bytes:
    form = struct.pack(
        "<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits
    )
    form += extra
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(audio)) + audio
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_pitch_level_and_length_at_any_rate(rate: int) -> None:
    heard = wav.decode_wav(wav.encode_wav(sine(1000, rate), rate), "a.wav")
    assert len(heard) == 4000
    error = heard[300:-300].astype(float) - sine(1000, 8000)[300:-300]
    assert np.abs(error).max() < 5


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_what_telephones_cannot_carry_does_not_fold_back(rate: int) -> None:
    folded = resample(sine(5000, rate), rate, 8000)[400:-400]
    assert folded.std() < 8000 / 2**0.5 * 10 ** (-70 / 20)


def test_every_width_gives_the_same_samples() -> None:
    samples = sine(500, 8000) & ~0xFF
    as_bytes = {
        8: ((samples >> 8) + 128).astype(np.uint8).tobytes(),
        16: samples.astype("<i2").tobytes(),
        24: (samples.astype("<i4") << 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes(),
        32: (samples.astype("<i4") << 16).astype("<i4").tobytes(),
    }
    for bits, audio in as_bytes.items():
        assert (wav.decode_wav(file(1, 1, 8000, bits, audio), "a.wav") == samples).all(), bits


def test_stereo_is_mixed() -> None:
    both = np.stack([np.full(100, 1000, np.int16), np.full(100, 3000, np.int16)], axis=-1)
    assert wav.decode_wav(wav.encode_wav(both), "a.wav").tolist() == [2000] * 100


def test_g711_and_extensible_files_are_read() -> None:
    samples = PCMA.decode(PCMA.encode(sine(500, 8000)))
    assert (wav.decode_wav(file(6, 1, 8000, 8, PCMA.encode(samples)), "a.wav") == samples).all()
    samples = PCMU.decode(PCMU.encode(sine(500, 8000)))
    assert (wav.decode_wav(file(7, 1, 8000, 8, PCMU.encode(samples)), "a.wav") == samples).all()
    extra = struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + bytes(14)
    audio = samples.astype("<i2").tobytes()
    assert (wav.decode_wav(file(0xFFFE, 1, 8000, 16, audio, extra), "a.wav") == samples).all()


def test_a_file_that_was_cut_is_read_as_far_as_it_goes() -> None:
    whole = wav.encode_wav(sine(500, 8000))
    assert len(wav.decode_wav(whole[: 44 + 1001], "a.wav")) == 500


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a WAV file"),
        (b"ID3 this is an mp3 in truth", "not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "without format or audio"),
        (file(1, 6, 8000, 16, bytes(12)), "6 channels"),
        (file(3, 1, 8000, 32, bytes(8)), "not PCM"),
        (file(1, 1, 8000, 12, bytes(8)), "not PCM"),
        (file(1, 1, 0, 16, bytes(8)), "sample rate"),
        (file(1, 1, 8000, 16, b""), "no audio"),
        (wav.encode_wav(np.zeros(2000 * 3601, np.int16), 2000), "longer than"),
    ],
)
def test_errors_name_the_file_and_what_to_do(data: bytes, problem: str) -> None:
    with pytest.raises(AudioFileError, match=problem) as caught:
        wav.decode_wav(data, "prompts/hello.wav")
    assert "prompts/hello.wav: " in str(caught.value)


def test_a_missing_file_is_an_audio_file_error(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="cannot be read"):
        wav.read_wav(tmp_path / "none.wav")


@settings(max_examples=300)
@given(st.binary(max_size=100), st.integers(0, 90))
def test_garbage_is_audio_or_an_audio_file_error(garbage: bytes, at: int) -> None:
    broken = bytearray(wav.encode_wav(sine(500, 8000, 0.01)))
    broken[at : at + len(garbage)] = garbage
    for data in (garbage, bytes(broken)):
        try:
            assert wav.decode_wav(data, "x.wav").dtype == np.int16
        except AudioFileError:
            continue
