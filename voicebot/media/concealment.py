"""Concealment of lost audio: the last pitch period again, quieter with every frame, in the leg's own format.

The idea of ITU-T G.711 appendix I (repeat the pitch period, attenuate, mute after 60 ms) without its overlap-add: it
runs only when a packet is missing, and keeps bridges and recordings on payload bytes.
"""

import numpy as np

from voicebot.media.inner import Inner

CONCEALED_FRAMES = 3  # 60 ms; silence after that
_SHORTEST_PERIOD = 20  # samples: 400 Hz
_LONGEST_PERIOD = 120  # samples: 67 Hz
_CORRELATED = 160  # samples that are compared
_SOFTER_DB = (2.0, 6.0, 12.0)


def pitch_period(history: bytes, codec: Inner) -> int:
    """Return the period in ticks of 8 kHz with which the end of `history` (at least 280 ticks) repeats best."""
    samples = codec.decode(history).astype(np.float32)
    end = samples[-_CORRELATED:]
    windows = np.lib.stride_tricks.sliding_window_view(
        samples[-_CORRELATED - _LONGEST_PERIOD : -_SHORTEST_PERIOD], _CORRELATED
    )
    energies = np.einsum("ij,ij->i", windows, windows)
    score = (windows @ end) / np.sqrt(energies + 1.0)
    return int(_LONGEST_PERIOD - np.argmax(score))


def conceal(history: bytes, run: int, samples: int, codec: Inner) -> bytes | None:
    """Return so many ticks of audio in place of the lost ones, or None for silence.

    `history` is what was heard before (320 ticks are used), `run` counts the lost frames in a row from 1.
    """
    if run > CONCEALED_FRAMES or not history:
        return None
    ticks, width = len(history) // codec.width, codec.width
    period = pitch_period(history, codec) if ticks >= _CORRELATED + _LONGEST_PERIOD else ticks
    repeated = history[-period * width :] * (samples // period + 1)
    return codec.softer(repeated[: samples * width], _SOFTER_DB[run - 1])
