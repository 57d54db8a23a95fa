"""A simulated call as a person reads it: when, who, what, and the line of the dialplan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from voicebot.dialplan.testcases import Act
from voicebot.sim.hotline import Outcome
from voicebot.sim.store import Event

Data = Mapping[str, object]


class Line(NamedTuple):
    """`at`: seconds since the answer; `line`: of the dialplan, 0 if none."""

    at: float
    who: str
    what: str
    line: int = 0

    def __str__(self) -> str:
        tenths = round(max(self.at, 0.0) * 10)
        where = f"line {self.line}" if self.line else ""
        return f"{tenths // 600:02}:{tenths % 600 / 10:04.1f}  {where:<9} {self.who:<7} {self.what}"


def transcript(outcome: Outcome) -> list[Line]:
    """Return what was said and done, in order."""
    told = [*(_done(each.at, each.act, each.listened) for each in outcome.done), *_events(outcome.events)]
    return sorted(told, key=lambda line: line.at)


def describe(event: Event) -> tuple[str, str] | None:
    """Return who and what, or None for what is told by others."""
    tell = _KINDS.get(event.kind)
    return tell(event.data) if tell is not None else None


def act_text(act: Act) -> str:
    """Return what a caller does in words."""
    match act.kind:
        case "say":
            return f"says “{act.text}”"
        case "dtmf":
            return f"keys {act.text}"
        case "unclear":
            return "mumbles"
        case "hangup":
            return "hangs up"
        case _:
            return "is silent"


def _done(at: float, act: Act, listened: bool) -> Line:
    return Line(at, "caller", act_text(act) + ("" if listened else " (nothing listens for speech)"))


class LineOfEvents:
    """Tells events one after the other; what has no line of its own has that of the step before."""

    def __init__(self) -> None:
        self._line = 0

    def of(self, event: Event) -> Line | None:
        """Return how an event is told, None if it is not."""
        at_line = event.data.get("line")
        if isinstance(at_line, int):
            self._line = at_line
        told = describe(event)
        if told is None:
            return None
        return Line(event.at, told[0], told[1], self._line if told[0] in ("bot", "step", "error") else 0)


def _events(events: Iterable[Event]) -> Iterator[Line]:
    lines = LineOfEvents()
    told = (lines.of(event) for event in events)
    return (line for line in told if line is not None)


def _understood(data: Data) -> tuple[str, str]:
    if data.get("sensitive"):
        return "hears", "something sensitive"
    keyed = "keys" in data
    words = f"keys {data['keys']}" if keyed else f"“{data.get('text', '')}”"
    meaning = f" → {data['intent']}" if data.get("intent") else ""
    sure = data.get("confidence")
    return "hears", words + meaning + (f" ({sure:.0%})" if isinstance(sure, float) else "")


def _not_understood(data: Data) -> tuple[str, str]:
    words = " ".join(str(data[name]) for name in ("text", "keys") if data.get(name))
    return "hears", f"“{words}”: not understood" if words else "a sound: not understood"


def _slot(data: Data) -> tuple[str, str]:
    if data.get("failed"):
        return "step", f"slot {data.get('name')}: attempts are spent"
    return "step", f"slot {data.get('name')} = {'*' if data.get('sensitive') else data.get('value')}"


def _ended(data: Data) -> tuple[str, str]:
    """A test that breaks off its call leaves it without a cause."""
    if not data.get("cause"):
        return "call", "broken off here"
    return "call", f"ended: {data['cause']}, by {data.get('by')}"


def _http(data: Data) -> tuple[str, str]:
    return "step", f"{data.get('service')} answers {data.get('status') or data.get('kind')}"


_KINDS: dict[str, Callable[[Data], tuple[str, str] | None]] = {
    "said": lambda data: ("bot", f"“{data.get('text', '')}”"),
    "heard": _understood,
    "keys": _understood,
    "held": lambda data: ("hears", "puts us on hold"),
    "resumed": lambda data: ("hears", "is back"),
    "late_key": lambda data: ("hears", f"keys {data.get('key')}: the end of the answer before"),
    "noinput": lambda data: ("hears", "nothing"),
    "nomatch": _not_understood,
    "flow": lambda data: ("step", f"→ {data['flow']}"),
    "goto": lambda data: ("step", f"→ {data['flow']}"),
    "call": lambda data: ("step", f"→ {data['flow']} (call)"),
    "branch": lambda data: ("step", f"takes {data.get('taken', '*')}"),
    "handler": lambda data: (
        "step",
        f"handler of {data.get('event_name')}, count {data.get('count')}, line {data.get('handler_line')}",
    ),
    "slot": _slot,
    "http": _http,
    "notify": _http,
    "error": lambda data: ("error", f"error: {data.get('kind')} {data.get('status') or ''}".rstrip()),
    "give_up": lambda data: ("error", f"gives up: {data.get('reason')}"),
    "language": lambda data: ("step", f"language {data.get('language')}"),
    "queue_joined": lambda data: ("queue", f"joins {data.get('queue')}"),
    "queue_left": lambda data: ("queue", f"leaves {data.get('queue')}: {data.get('exit')}"),
    "agent_ringing": lambda data: ("agent", f"{data.get('agent')}'s phone rings"),
    "agent_answered": lambda data: ("agent", f"{data.get('agent')} answers"),
    "agent_missed": lambda data: ("agent", f"{data.get('agent')}: {data.get('cause')}"),
    "bridged": lambda data: ("agent", f"{data.get('agent')} and the caller talk"),
    "agent_left": lambda data: ("agent", f"{data.get('agent')} hangs up"),
    "transfer": lambda data: (
        ("step", f"transfer to {data.get('to')}") if "mode" in data and "line" in data else None
    ),
    "callback_exit": lambda data: ("step", f"callback: {data.get('exit')}"),
    "transfer_exit": lambda data: ("agent", f"transfer: {data.get('exit')}"),
    "message": lambda data: ("bot", f"records a message of {data.get('seconds')} s"),
    "ended": _ended,
}
