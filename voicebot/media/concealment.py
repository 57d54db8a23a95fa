"""Concealment of lost audio: the last pitch period again, quieter with every frame, in the codec's own bytes.

The idea of ITU-T G.711 appendix I (repeat the pitch period, attenuate, mute after 60 ms) without its overlap-add: it
runs only when a packet is missing, and keeps bridges and recordings on payload bytes.
"""

import numpy as np

from voicebot.media.g711 import CODECS, Codec, attenuation

CONCEALED_FRAMES = 3  # 60 ms; silence after that
_SHORTEST_PERIOD = 20  # samples: 400 Hz
_LONGEST_PERIOD = 120  # samples: 67 Hz
_CORRELATED = 160  # samples that are compared
_ATTENUATION = {
    name: tuple(attenuation(codec, decibel) for decibel in (2.0, 6.0, 12.0)) for name, codec in CODECS.items()
}


def pitch_period(history: bytes, codec: Codec) -> int:
    """Return the period in samples with which the end of `history` (at least 280 bytes) repeats best."""
    samples = codec.decode(history).astype(np.float32)
    end = samples[-_CORRELATED:]
    windows = np.lib.stride_tricks.sliding_window_view(
        samples[-_CORRELATED - _LONGEST_PERIOD : -_SHORTEST_PERIOD], _CORRELATED
    )
    energies = np.einsum("ij,ij->i", windows, windows)
    score = (windows @ end) / np.sqrt(energies + 1.0)
    return int(_LONGEST_PERIOD - np.argmax(score))


def conceal(history: bytes, run: int, samples: int, codec: Codec) -> bytes | None:
    """Return `samples` bytes in place of the lost ones, or None for silence.

    `history` is the payload heard before (320 bytes are used), `run` counts the lost frames in a row from 1.
    """
    if run > CONCEALED_FRAMES or not history:
        return None
    enough = len(history) >= _CORRELATED + _LONGEST_PERIOD
    period = pitch_period(history, codec) if enough else len(history)
    repeated = history[-period:] * (samples // period + 1)
    return repeated[:samples].translate(_ATTENUATION[codec.name][run - 1])
