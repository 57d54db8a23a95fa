"""What a synthetic caller does in a call, and when: like a person, it lets the other side finish, unless it interrupts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voicebot.phone.call import PhoneCall

QUIET = 0.4  # seconds: the other side has finished
PATIENCE = 15.0  # seconds for the other side to say something; then we act all the same
INTO_SPEECH = 0.7  # seconds: where an interruption begins


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One thing to do. `samples` are what is said (`say`, `interrupt`, `wav`); `text` the words, or the keys."""

    kind: Literal["say", "interrupt", "wav", "keys", "pause"]
    text: str = ""
    samples: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    seconds: float = 0.0


async def perform(
    call: PhoneCall,
    actions: Sequence[Action],
    *,
    at_once: bool = False,
    on_impatient: Callable[[], None] = lambda: None,
) -> None:
    """Do all of `actions`, or as many as the call lasts for. `at_once`: the first without waiting (who answers, greets)."""
    for index, action in enumerate(actions):
        if action.kind == "pause":
            await call.until(lambda: False, action.seconds)
            continue
        if action.kind == "interrupt":
            if await call.other_speaks(PATIENCE):
                await call.until(lambda: False, INTO_SPEECH)
        elif not (at_once and index == 0) and not await call.other_has_spoken(QUIET, PATIENCE) and call.up:
            on_impatient()
        if not call.up:
            return
        if action.kind == "keys":
            call.send_keys(action.text)
        else:
            call.say(action.samples, action.text)
        await call.said_all()
