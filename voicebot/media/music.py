"""Music on hold, generated: four slow chords, each broken up into soft plucked notes. Nobody holds a licence on it."""

import numpy as np
from numpy.typing import NDArray

from voicebot.media import SAMPLE_RATE

_BEAT = 0.42  # seconds between two plucked notes
_CHORDS = (  # semitones above A3 (220 Hz), lowest first: F, C, D minor, B flat, twice with another melody
    ((-4, 3, 8, 12, 15, 12, 8, 3), -16),
    ((-9, -2, 3, 7, 10, 7, 3, -2), -9),
    ((-7, 0, 5, 8, 12, 8, 5, 0), -19),
    ((-11, -4, 1, 5, 8, 5, 1, -4), -11),
    ((-4, 3, 8, 15, 20, 15, 8, 3), -16),
    ((-9, -2, 3, 10, 15, 10, 3, -2), -9),
    ((-7, 0, 5, 12, 17, 12, 5, 0), -19),
    ((-11, -4, 1, 8, 13, 8, 1, 3), -11),
)
_PEAK = 4500  # quiet: about 17 dB below full scale
_DECAY = 0.9  # seconds to fall to 1/e


def music_on_hold() -> NDArray[np.int16]:
    """Return one round of the loop (about 27 s, mono, 8 kHz, 16 bit); its end flows into its beginning."""
    notes = [note for chord, _ in _CHORDS for note in chord]
    beat = round(_BEAT * SAMPLE_RATE)
    total = beat * len(notes)
    loop = np.zeros(total)
    for index, note in enumerate(notes):
        _add(loop, index * beat, _pluck(220.0 * 2 ** (note / 12), _DECAY, 1.0 if index % 4 == 0 else 0.7))
    for index, (_, bass) in enumerate(_CHORDS):
        _add(loop, index * 8 * beat, _pluck(220.0 * 2 ** (bass / 12 + 1), 2.2, 0.8))
    result: NDArray[np.int16] = np.round(loop / np.abs(loop).max() * _PEAK).astype(np.int16)
    return result


def _pluck(hertz: float, decay: float, level: float) -> NDArray[np.float64]:
    """Return one note: a few harmonics that fade the faster the higher they are, with a soft attack."""
    time = np.arange(round(4 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.zeros(len(time))
    for harmonic, strength in ((1, 1.0), (2, 0.35), (3, 0.12)):
        if hertz * harmonic < 3200:  # what a telephone carries
            wave += strength * np.sin(2 * np.pi * hertz * harmonic * time) * np.exp(-time * harmonic / decay)
    attack = np.minimum(1.0, time / 0.02)
    release = np.minimum(1.0, (time[-1] - time) / 0.05)
    note: NDArray[np.float64] = level * wave * attack * release
    return note


def _add(loop: NDArray[np.float64], start: int, note: NDArray[np.float64]) -> None:
    """Add `note` at `start`; what reaches over the end sounds at the beginning."""
    places = (start + np.arange(len(note))) % len(loop)
    np.add.at(loop, places, note)
