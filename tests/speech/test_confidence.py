"""What makes a recogniser's word trustworthy; scores as a word of a clear phrase has them unless a test says otherwise."""

import numpy as np
import pytest

from voicebot.speech.asr.confidence import IMPOSSIBLE, Segment, Utterance

REJECT, CONFIRM = 0.35, 0.7


def trust(
    *,
    score: float = -5.0,
    frames: int = 40,
    phones: int = 5,
    before: int = 0,
    pause: int = 0,
    spoken: bool = True,
) -> float:
    """Return the confidence of the second of two words; `before` frames of speech lie before the first."""
    first = Segment("lost", before, before + 30, -5.0 * 30, 4)
    start = first.end + pause
    word = Segment("card", start, start + frames, score * frames, phones)
    active = np.ones(word.end, np.bool_)
    active[start:] = spoken
    return Utterance([first, word], active).trust(word)


def test_a_word_that_fits_can_be_taken_without_asking() -> None:
    assert trust() > CONFIRM


@pytest.mark.parametrize("score", [-11.0, IMPOSSIBLE])
def test_a_word_that_sounds_different_is_rejected(score: float) -> None:
    assert trust(score=score) < REJECT


def test_a_word_stretched_over_a_noise_is_not_trusted() -> None:
    assert trust(frames=40) > trust(frames=100) > trust(frames=200)
    assert trust(frames=200) < CONFIRM


def test_speech_outside_of_the_words_makes_them_doubtful() -> None:
    assert trust(before=10) > trust(before=20) > trust(before=30)
    assert trust(before=40) < CONFIRM


def test_a_long_pause_between_words_makes_them_doubtful() -> None:
    assert trust(pause=5) > trust(pause=40)
    assert trust(pause=40) < CONFIRM


def test_a_word_on_silence_was_not_said() -> None:
    assert trust(spoken=False) == 0.0
