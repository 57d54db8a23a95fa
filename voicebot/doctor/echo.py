"""Finding our own sound in what comes back: a chirp, by correlation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from voicebot.doctor.evidence import Echo, Heard
from voicebot.media import FRAME_SAMPLES, SAMPLE_RATE
from voicebot.media.g711 import CODECS

_FIRST_HZ, _LAST_HZ = 500.0, 2500.0
_LEAST_LIKENESS = (
    0.5  # of 1: two G.711 codings in a row leave more than 0.99, noise and speech less than 0.15
)
_LONGEST = 8 * SAMPLE_RATE  # samples searched
STATIC = {0: CODECS["PCMU"], 8: CODECS["PCMA"]}


def chirp(seconds: float = 0.4) -> NDArray[np.int16]:
    """Return a sweep that is like itself only at one instant; int16 mono, 8 kHz."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * (_FIRST_HZ * time + (_LAST_HZ - _FIRST_HZ) / (2 * seconds) * time**2)
    edge = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
    return np.round(np.sin(phase) * edge * 8000).astype(np.int16)


def find(packets: Sequence[Heard], sound: NDArray[np.int16], payload: bytes, sent_at: float) -> Echo | None:
    """Return where `sound`, sent from `sent_at` on as the bytes `payload`, comes back in `packets`; None: nowhere."""
    audio = [each for each in packets if each.payload_type in STATIC and each.at >= sent_at]
    if not audio:
        return None
    stream = [each for each in audio if each.ssrc == audio[-1].ssrc]
    base = stream[0].rtp_timestamp
    offsets = [_behind(each.rtp_timestamp, base) for each in stream]
    # The packet that was delayed least shows which instant belongs to which timestamp.
    zero_at = min(each.at - offset / SAMPLE_RATE for each, offset in zip(stream, offsets, strict=True))
    first = min(offsets)
    line = np.zeros(min(max(offsets) - first, _LONGEST) + 4000, np.float64)
    for each, offset in zip(stream, offsets, strict=True):
        samples = STATIC[each.payload_type].decode(each.payload)
        at = offset - first
        if at + len(samples) <= len(line):
            line[at : at + len(samples)] = samples
    position, likeness = _best(line, sound.astype(np.float64))
    if likeness < _LEAST_LIKENESS:
        return None
    in_order = sorted(stream, key=lambda each: _behind(each.rtp_timestamp, base))
    joined = b"".join(each.payload for each in in_order)
    pieces = [payload[at : at + FRAME_SAMPLES] for at in range(0, len(payload), FRAME_SAMPLES)]
    # Some may be lost on the way; one that was decoded and encoded anew leaves hardly any as it was.
    exact = 2 * sum(piece in joined for piece in pieces) > len(pieces)
    delay = zero_at + (position + first) / SAMPLE_RATE - sent_at
    return Echo(max(0.0, delay), exact)


def _behind(rtp_timestamp: int, base: int) -> int:
    return ((rtp_timestamp - base + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def _best(line: NDArray[np.float64], sound: NDArray[np.float64]) -> tuple[int, float]:
    """Return where `sound` fits best and how well, 0 to 1 (normalised cross-correlation)."""
    size = 1 << (len(line) + len(sound) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(line, size) * np.conj(np.fft.rfft(sound, size)), size)[: len(line)]
    squares = np.concatenate([[0.0], np.cumsum(line**2)])
    ends = np.minimum(np.arange(len(line)) + len(sound), len(line))
    energy = squares[ends] - squares[: len(line)]
    floor = 0.01 * float(np.sum(sound**2))  # silence is like nothing
    likeness = products / np.sqrt(np.maximum(energy, floor) * np.sum(sound**2))
    best = int(np.argmax(likeness))
    return best, float(likeness[best])
