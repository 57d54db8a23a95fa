"""Who gets to a human, and how long that takes: for callers who are silent, who mumble, who only have keys.

A human is a queue, a transfer or voicemail; to hang up in order is an end as well. The apology of the guard against loops
is neither. The figures are upper bounds for the speech that `speaking` estimates and for callers as `questions` has them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.callers import CALLERS, Caller, Mode, Paths
from voicebot.dialplan.checks.flows import everywhere, flows_by_mode
from voicebot.dialplan.checks.game import NEVER, Kind
from voicebot.dialplan.checks.speaking import Speaking
from voicebot.dialplan.fields import walk
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import Step

LONGEST = 90.0  # seconds to a human that are warned about

__all__ = ["Bound", "bounds", "check_callers", "check_nobody_there", "check_time", "everywhere"]

_CODES: dict[Caller, str] = {"silent": "VB160", "mumbling": "VB161", "keys": "VB162"}
_WHO: dict[Caller, str] = {
    "silent": "a caller who stays silent",
    "mumbling": "a caller whom nobody understands",
    "keys": "a caller who only has keys",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """The longest time, in seconds, from the begin of `flow` to a human or a hang-up; None where there is no bound."""

    flow: str
    silent: float | None
    mumbling: float | None
    keys: float | None

    def of(self, caller: Caller) -> float | None:
        found: float | None = getattr(self, caller)
        return found


def _paths(dialplan: Dialplan, around: Around, caller: Caller, *, staffed: bool = True) -> "_Solved":
    known = around.shared.get((caller, staffed))
    if not isinstance(known, _Solved) or known.paths.dialplan is not dialplan:
        known = around.shared[caller, staffed] = _solve(dialplan, around, caller, staffed=staffed)
    return known


def _solve(dialplan: Dialplan, around: Around, caller: Caller, *, staffed: bool) -> "_Solved":
    speaking = Speaking(dialplan.hotline.languages, around.prompts, around.measure, around.sound)
    paths = Paths(dialplan, caller, speaking, staffed)
    modes = flows_by_mode(dialplan)
    entries = {(flow, mode): paths.entry(flow, mode) for flow in modes for mode in modes[flow]}
    paths.finish()
    return _Solved(paths, entries, paths.game.seconds())


@dataclass(slots=True)
class _Solved:
    paths: Paths
    entries: dict[tuple[str, Mode], int]
    seconds: list[float]

    def stuck(self) -> Iterator["_Stuck"]:
        """Yield each question that a caller cannot get away from."""
        game = self.paths.game
        nodes = [node for node in self.paths.arrivals if self.seconds[node] == NEVER]
        nodes += [node for node in self.entries.values() if self.seconds[node] == NEVER]
        if not nodes:
            return
        hopes = game.hopes()
        told: dict[str, _Stuck] = {}
        for node in nodes:
            culprit = self._culprit(node)
            if culprit is None:
                continue
            step, at, circle = culprit
            known = told.get(step.id)
            hopeless = hopes[at] == NEVER or (known is not None and known.hopeless)
            told[step.id] = _Stuck(step, hopeless, known.circle if known is not None else circle)
        yield from told.values()

    def _culprit(self, node: int) -> tuple[Step, int, tuple[str, ...]] | None:
        """Follow what has no end until it closes; return the last question there, or the last step, and the circle."""
        game = self.paths.game
        seen: dict[int, int] = {}
        path: list[int] = []
        while node not in seen and game.kinds[node] is not Kind.DEAD:
            seen[node] = len(path)
            path.append(node)
            endless = [edge.target for edge in game.edges[node] if self.seconds[edge.target] == NEVER]
            if not endless:
                break
            node = endless[-1]
        circle = path[seen[node] :] if node in seen else path
        labels = [(label, at) for at in circle if (label := game.labels[at]) is not None]
        labels = labels or [(label, at) for at in path if (label := game.labels[at]) is not None]
        questions = [item for item in labels if item[0].waits]
        found = questions or labels
        return (*found[-1], self._flows(circle, found[-1][0])) if found else None

    def _flows(self, circle: list[int], step: Step) -> tuple[str, ...]:
        """Return the flows of a circle in their order, from that of `step` back to it."""
        begins = {node: flow for (flow, _), node in self.entries.items()}
        names: list[str] = []
        for node in circle:
            label = self.paths.game.labels[node]
            name = begins.get(node) or (label.id.rpartition(".")[0] if label is not None else "")
            if name in self.paths.dialplan.flows:
                names.append(name)
        first = step.id.rpartition(".")[0]
        if first in names:
            at = names.index(first)
            names = names[at:] + names[:at]
        once = [name for name, _ in groupby(names or [first])]
        return tuple(once) if len(once) > 1 and once[-1] == once[0] else (*once, once[0])


@dataclass(frozen=True, slots=True)
class _Stuck:
    """A question that a caller cannot get away from. `hopeless`: no way at all leads out; `circle`: flow after flow."""

    step: Step
    hopeless: bool
    circle: tuple[str, ...]


def bounds(dialplan: Dialplan, around: Around) -> tuple[Bound, ...]:
    """Return the bounds from each flow's begin, in the order of the file."""
    modes = flows_by_mode(dialplan)
    solved = {caller: _paths(dialplan, around, caller) for caller in CALLERS}
    found = []
    for flow in modes:
        values = {}
        for caller in CALLERS:
            worst = max(solved[caller].seconds[solved[caller].entries[flow, mode]] for mode in modes[flow])
            values[caller] = None if worst == NEVER else round(worst, 1)
        found.append(Bound(flow, values["silent"], values["mumbling"], values["keys"]))
    return tuple(found)


def check_callers(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB160, VB161, VB162: no way to a human or a hang-up; VB163: there may be none."""
    for caller in CALLERS:
        for stuck in _paths(dialplan, around, caller).stuck():
            step = stuck.step
            if stuck.hopeless:
                message = f"{_WHO[caller]} never gets to a human or an end from here"
                hint = (
                    "offer a key that leads to one"
                    if caller == "keys"
                    else "let the highest count of noinput and of nomatch go to a flow"
                )
                yield finding(_CODES[caller], step.position, message, hint)
            else:
                message = f"{_WHO[caller]} may never get to a human or an end from here"
                hint = "some way through conditions and errors leads round in a circle"
                yield finding("VB163", step.position, message, hint, "warning")


def check_time(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB164: a human is reached late; VB166: so many events on the way that the guard against loops may end the call."""
    start = dialplan.hotline.start
    if start.name not in dialplan.flows:
        return
    for caller in CALLERS:
        solved = _paths(dialplan, around, caller)
        node = solved.entries[start.name, "bottom"]
        seconds = solved.seconds[node]
        if seconds == NEVER:
            continue
        if seconds > LONGEST:
            message = f"{_WHO[caller]} needs up to {seconds:.0f} seconds to a human or an end"
            hint = f"more than {LONGEST:g} are too many: shorten prompts, timeouts or the number of attempts"
            yield finding("VB164", start.position, message, hint, "warning")
        events, limit = solved.paths.game.events()[node], dialplan.defaults.max_events
        if caller != "keys" and events >= limit:
            message = f"{_WHO[caller]} raises {events:.0f} events on the way to a human: the call ends after {limit}"
            hint = "lead away after fewer attempts, or raise max_events in defaults"
            yield finding("VB166", start.position, message, hint, "warning")


def check_nobody_there(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB165: while nobody answers in queues and transfers, a caller is led round for ever."""
    if not any(isinstance(item, (QueueStep, Transfer)) for item in walk(dict(dialplan.flows))):
        return
    told: dict[str, _Stuck] = {}
    for caller in CALLERS:
        before = {stuck.step.id for stuck in _paths(dialplan, around, caller).stuck()}
        for stuck in _paths(dialplan, around, caller, staffed=False).stuck():
            if stuck.step.id not in before:
                told.setdefault(stuck.step.id, stuck)
    for stuck in told.values():
        message = (
            f"while nobody answers, callers are led round from here for ever: {' → '.join(stuck.circle)}"
        )
        hint = "let an exit lead to voicemail or a hang-up"
        yield finding("VB165", stuck.step.position, message, hint, "warning")
