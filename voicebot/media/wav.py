"""WAV files: any rate, mono or stereo, 8/16/24/32-bit PCM or G.711 in, 16-bit mono at 8 kHz out; and 16-bit out."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicebot.media import SAMPLE_RATE
from voicebot.media.g711 import PCMA, PCMU
from voicebot.media.resampling import resample, to_int16

_PCM, _ALAW, _ULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE
_FORMAT = struct.Struct("<HHIIHH")
_RATES = range(2000, 384001)
LONGEST_SECONDS = 3600.0


class AudioFileError(Exception):
    """An audio file that cannot be used; the text names the file and says what to do."""


def header(audio_bytes: int, sample_rate: int, channels: int = 1) -> bytes:
    """Return the 44-byte header of a 16-bit PCM file with so many bytes of audio."""
    block = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", min(36 + audio_bytes, 0xFFFFFFFF), b"WAVE", b"fmt ", 16),
        *(_PCM, channels, sample_rate, sample_rate * block, block, 16),
        *(b"data", min(audio_bytes, 0xFFFFFFFF)),
    )


def encode_wav(samples: NDArray[np.int16], sample_rate: int = SAMPLE_RATE) -> bytes:
    """Return a 16-bit WAV file; `samples` has shape (n,) for mono or (n, channels)."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    audio = samples.astype("<i2", copy=False).tobytes()
    return header(len(audio), sample_rate, channels) + audio


def read_wav(path: str | Path) -> NDArray[np.int16]:
    """Return the file as 16-bit mono at 8 kHz. Raises AudioFileError, also when it cannot be opened."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise AudioFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    return decode_wav(data, str(path))


def decode_wav(data: bytes, name: str) -> NDArray[np.int16]:
    """Return the samples of a WAV file as 16-bit mono at 8 kHz; `name` is for AudioFileError."""
    samples, sample_rate = decode_wav_at_its_rate(data, name)
    return to_int16(resample(samples, sample_rate, SAMPLE_RATE)) if sample_rate != SAMPLE_RATE else samples


def decode_wav_at_its_rate(data: bytes, name: str) -> tuple[NDArray[np.int16], int]:
    """Return the samples as 16-bit mono and their rate. Cut files are taken as far as they go."""
    kind, channels, sample_rate, bits, audio = _chunks(data, name)
    advice = "convert it, for example with: ffmpeg -i IN -ar 8000 -ac 1 -c:a pcm_s16le OUT.wav"
    if channels not in (1, 2):
        raise AudioFileError(f"{name}: has {channels} channels, mono or stereo is needed; {advice}")
    if sample_rate not in _RATES:
        raise AudioFileError(f"{name}: has an impossible sample rate of {sample_rate} Hz; {advice}")
    width = bits // 8
    if not ((kind == _PCM and bits in (8, 16, 24, 32)) or (kind in (_ALAW, _ULAW) and bits == 8)):
        raise AudioFileError(f"{name}: is not PCM (format {kind}, {bits} bits); {advice}")
    audio = audio[: len(audio) - len(audio) % (width * channels)]
    if not audio:
        raise AudioFileError(f"{name}: holds no audio; record it again or remove it from the dialplan")
    if len(audio) > LONGEST_SECONDS * sample_rate * width * channels:
        raise AudioFileError(f"{name}: is longer than {LONGEST_SECONDS:.0f} s; cut it")
    samples = _linear(audio, kind, bits)
    if channels == 2:
        samples = samples.reshape(-1, 2).astype(np.int32).mean(axis=1).astype(np.int16)
    return samples, sample_rate


def _chunks(data: bytes, name: str) -> tuple[int, int, int, int, bytes]:
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise AudioFileError(f"{name}: is not a WAV file; convert it to 16-bit mono WAV at 8000 Hz")
    found: tuple[int, int, int, int] | None = None
    offset = 12
    while offset + 8 <= len(data):
        tag, size = data[offset : offset + 4], int.from_bytes(data[offset + 4 : offset + 8], "little")
        body = data[offset + 8 : offset + 8 + size]
        if tag == b"fmt " and len(body) >= _FORMAT.size:
            kind, channels, sample_rate, _rate, _block, bits = _FORMAT.unpack_from(body)
            if kind == _EXTENSIBLE and len(body) >= 26:
                kind = int.from_bytes(body[24:26], "little")
            found = (kind, channels, sample_rate, bits)
        elif tag == b"data" and found is not None:
            return *found, body
        offset += 8 + size + size % 2
    raise AudioFileError(f"{name}: is a WAV file without format or audio; record or convert it again")


def _linear(audio: bytes, kind: int, bits: int) -> NDArray[np.int16]:
    if kind == _ULAW:
        return PCMU.decode(audio)
    if kind == _ALAW:
        return PCMA.decode(audio)
    if bits == 8:
        return ((np.frombuffer(audio, np.uint8).astype(np.int16) - 128) << 8).astype(np.int16)
    if bits == 16:
        return np.frombuffer(audio, "<i2").astype(np.int16)
    width = bits // 8  # the upper two of three or four little-endian bytes
    upper = np.frombuffer(audio, np.uint8).reshape(-1, width)[:, width - 2 :]
    return np.ascontiguousarray(upper).view("<i2").reshape(-1).astype(np.int16)
