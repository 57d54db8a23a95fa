"""A word's fit -> confidence in 0..1, on the scale of the dialplan's `reject` 0.35 and `confirm` 0.7.

pocketsphinx's own probability says little. Four things together tell right from wrong, by a logistic curve:

- the sound of the word: the natural logarithm of its likelihood per frame, relative to the best senone (`compallsen`);
- its length: noise and foreign words are stretched over a word's phones, more than 120 ms each;
- speech in the utterance that lies outside of the words, before or after them;
- pauses between the words.

The figures and how well it does on voices and phrases that it was not fitted to: docs/decisions/0005-recogniser.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IMPOSSIBLE = -200.0  # total score where the library gives none
# Log-odds, fitted to the utterances of six synthetic voices (`bench/recognition.py`, its tuning material).
_BIAS = 6.72
_SCORE = 0.72
_LONG = -3.43  # per natural logarithm of the length over _USUAL
_OUTSIDE = -7.11  # per second
_PAUSES = -7.4  # per second
_USUAL = 12.0  # frames a phone
_MOST_OUTSIDE = 40  # frames: beyond, it is the same to us
_FRAMES_A_PHONE = 2  # a word of which less was spoken lies on silence: closures fit silence very well
_FRAMES_A_SECOND = 100


@dataclass(frozen=True, slots=True)
class Segment:
    """A word of the best path, in frames of 10 ms from `start` to before `end`; `score` is its total."""

    word: str
    start: int
    end: int
    score: float
    phones: int


class Utterance:
    """What its words have in common."""

    def __init__(self, words: Sequence[Segment], active: NDArray[np.bool_]) -> None:
        """`words` in order, at least one; `active`: the frames of the whole turn with speech in them."""
        self._active = active
        start, end = words[0].start, words[-1].end
        inside = int(np.count_nonzero(active[start:end]))
        outside = min(_MOST_OUTSIDE, int(np.count_nonzero(active)) - inside)
        pauses = end - start - sum(word.end - word.start for word in words)
        self._odds = _BIAS + (_OUTSIDE * outside + _PAUSES * pauses) / _FRAMES_A_SECOND

    def trust(self, word: Segment) -> float:
        """Return the confidence of one of the words."""
        frames = word.end - word.start
        if np.count_nonzero(self._active[word.start : word.end]) < _FRAMES_A_PHONE * word.phones:
            return 0.0
        length = max(0.0, math.log(frames / word.phones / _USUAL))
        odds = self._odds + _SCORE * word.score / frames + _LONG * length
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))
