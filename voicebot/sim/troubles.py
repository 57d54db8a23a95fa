"""What no call may come to, whatever its caller does: stuck, an endless loop, dead air, an unhandled error."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from voicebot.dialplan.run import MAX_STEPS
from voicebot.sim.hotline import Outcome
from voicebot.sim.store import Event

LONGEST_SILENCE = 10.0  # seconds in which a caller hears nothing and nothing waits for the caller
_INPUT = ("heard", "keys", "queue_exit", "transfer_exit", "record_message")

TroubleKind = Literal["stuck", "loop", "dead air", "error"]


class Trouble(NamedTuple):
    """`step` and `line`: where the call was in the dialplan when it began."""

    kind: TroubleKind
    text: str
    step: str = ""
    line: int = 0


def trouble_in(outcome: Outcome) -> Trouble | None:
    """Return what is wrong with a call in itself, the worst first; None: nothing."""
    kind: TroubleKind | None = _KINDS.get(outcome.trouble)
    if kind is not None:
        return Trouble(kind, outcome.problem, *_where(outcome.events, outcome.seconds))
    given_up = _given_up(outcome.events)
    if given_up is not None:
        return given_up
    for since, seconds in outcome.silences:
        if seconds > LONGEST_SILENCE:
            text = f"dead air: the caller hears nothing for {seconds:.1f} s"
            return Trouble("dead air", text, *_where(outcome.events, since))
    return None


_KINDS: dict[str, TroubleKind] = {"error": "error", "stuck": "stuck", "loop": "loop"}


def _given_up(events: Sequence[Event]) -> Trouble | None:
    """Tell a loop or an error of the dialplan from the end that too many events of a caller have."""
    if "give_up" not in [event.kind for event in events]:
        return None
    for index, event in enumerate(events):
        if event.kind != "give_up":
            continue
        step, line = str(event.data.get("step", "")), _line(event)
        before = events[:index]
        if event.data.get("reason") == "error":
            return Trouble("error", f"unhandled error: {_last_error(before)}", step, line)
        steps = 0
        for each in reversed(before):
            if each.kind in _INPUT:
                break
            steps += each.kind == "step"
        if steps >= MAX_STEPS:
            return Trouble(
                "loop", f"endless loop: {steps} steps without anything from the caller", step, line
            )
        last = before[-1] if before else None
        if last is not None and last.kind == "error" and last.data.get("count") in (1, 2):
            return Trouble("error", f"an error while another is handled: {_last_error(before)}", step, line)
        if last is not None and last.kind == "step" and last.data.get("verb") == "call":
            return Trouble("loop", "endless loop: flows call each other without returning", step, line)
    return None


def _last_error(events: Sequence[Event]) -> str:
    return next((str(event.data.get("kind")) for event in reversed(events) if event.kind == "error"), "")


def _where(events: Sequence[Event], at: float) -> tuple[str, int]:
    """Return the step that ran at an instant, and its line."""
    steps = [event for event in events if event.kind == "step" and event.at <= at + 1e-6]
    return (str(steps[-1].data.get("step", "")), _line(steps[-1])) if steps else ("", 0)


def _line(event: Event) -> int:
    line = event.data.get("line")
    return line if isinstance(line, int) else 0
