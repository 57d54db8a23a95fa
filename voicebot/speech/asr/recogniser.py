"""What every recogniser can do."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TELEPHONE_HZ = 8000


@dataclass(frozen=True, slots=True)
class TimedWord:
    """`start` and `end` in seconds from the beginning of the turn's audio; `confidence` in 0..1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was heard. "" with 0.0: nothing of the grammar.

    `confidence` in 0..1 is about the weakest word, on the scale of the dialplan's `confidence` options: under 0.35 it
    is most likely something else, from 0.7 on it can be taken without asking.
    """

    text: str
    confidence: float
    words: tuple[TimedWord, ...] = ()


NOTHING = Result("", 0.0)


class Recogniser(Protocol):
    """One caller, one language; used from one thread. Turns follow each other, and what was learned stays.

    Raises EngineProblem (or ModelProblem) when the engine cannot serve the turn; the recogniser can be started again.
    """

    def start(self, phrases: tuple[str, ...]) -> None:
        """Begin a turn in which `phrases` (JSGF expansions) may be said; none at all = free speech, where possible.

        A turn that is not finished is dropped. Phrases with words that the engine cannot know (another script) are
        left out. Raises EngineProblem if none remains, or for free speech if the engine cannot do it.
        """

    def feed(self, samples: NDArray[np.int16]) -> None:
        """Take the next samples at 8 kHz. Pieces of 20 to 100 ms keep the process responsive."""

    def partial(self) -> Result:
        """Return what is heard so far; its confidence is provisional."""

    def finish(self) -> Result:
        """End the turn and return its result."""

    def seed(self, state: str) -> None:
        """Forget the caller before: begin another's turns with what `state()` told of this one, "" = nothing."""

    def state(self) -> str:
        """Return what was learned of the caller's line, to seed a recogniser elsewhere; "" = nothing yet."""
