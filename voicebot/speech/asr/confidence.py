"""A word's acoustic score -> confidence in 0..1, on the scale of the dialplan's `reject` 0.35 and `confirm` 0.7.

pocketsphinx's own probability says little. What tells right from wrong is how well a word's sound fits, per frame, when
all senones are computed (`compallsen`): the natural logarithm of the frame's likelihood relative to the best senone.

The points were chosen on the following figures and not checked on others: clean synthetic telephone speech (mu-law), a
menu of 7 expansions and a yes/no of 2. Two voices built from recordings (flite): all 44 phrases right, scores from -3.1
to -7.6; of 80 other utterances 5 came back as a phrase that scored -8.3 or better. Three espeak voices: 50 of 66 right,
scores from -3.9 to -10.2, 31 of them -8.3 or better. No human speech was measured.
"""

IMPOSSIBLE = -200.0  # total score where the library gives none
_POINTS = ((-11.5, 0.0), (-10.0, 0.35), (-8.3, 0.7), (-5.0, 0.95), (-2.0, 1.0))
_FRAMES_A_PHONE = 2  # a word of which less was spoken lies on silence: closures fit silence very well


def of_word(total: float, frames: int, spoken: int, phones: int) -> float:
    """Return the confidence of a word of `phones` phones.

    `total` is its acoustic score, natural logarithm; `frames` its length in frames, `spoken` those with speech in them.
    """
    if spoken < _FRAMES_A_PHONE * phones:
        return 0.0
    return of_score(total / frames)


def of_score(score: float) -> float:
    """Interpolate between the calibrated points."""
    low, low_confidence = _POINTS[0]
    if score <= low:
        return low_confidence
    for high, high_confidence in _POINTS[1:]:
        if score <= high:
            share = (score - low) / (high - low)
            return low_confidence + share * (high_confidence - low_confidence)
        low, low_confidence = high, high_confidence
    return low_confidence
