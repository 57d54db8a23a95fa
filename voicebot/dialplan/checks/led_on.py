"""Callers who are led from human to human for ever: whoever answers hands them on, and nothing asks them or hangs up.

Followed are the ways that a call takes by itself. A question is none: somebody has to answer it, and each silence there is an
event, of which a call has `max_events`. Errors are counted as well, and steps between two talks (`run.MAX_STEPS`), so that
only a circle with a talk or a message in it has no end. Where silence at a question closes such a circle, `max_events` ends it, after
minutes in which humans are rung again and again for nobody.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from voicebot.dialplan.checks.flows import error_ways
from voicebot.dialplan.inputs import InputStep
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.steps.branch import If, Switch
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.flow import ReturnStep
from voicebot.dialplan.steps.form import Form
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.record_message import RecordMessage
from voicebot.dialplan.steps.set import Set
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import PASS, Step, Way, way_to

_LEFT = ("callback_booked", "transferred")  # exits after which the caller was asked, or is elsewhere


def check_led_on(dialplan: Dialplan) -> Iterator[Finding]:
    """VB168: callers are led from human to human for ever."""
    graph = _Graph(dialplan, _ways)
    for circle in graph.circles():
        talks = [step for step in sorted(circle) if graph.talks[step] & circle]
        if talks:
            message = "callers may be led from human to human from here for ever"
            hint = "let what follows the talk or the message be a question or a hang-up"
            yield finding("VB168", graph.steps[talks[0]].position, message, hint, "warning")


def check_silent_after(dialplan: Dialplan) -> Iterator[Finding]:
    """VB169: a question after a talk leads a caller who is silent back to that talk."""
    led_on = {step for circle in _Graph(dialplan, _ways).circles() for step in circle}
    graph = _Graph(dialplan, lambda step: _silent_ways(dialplan, step))
    for circle in graph.circles():
        talks = [step for step in sorted(circle) if graph.talks[step] & circle]
        asked = graph.first_asked(circle, talks)
        if asked is not None and not led_on & circle:
            message = "a caller who says nothing here after a talk is led to the same people again and again"
            hint = "give the question a noinput of its own that leads to a goodbye"
            yield finding("VB169", asked.position, message, hint, "warning")


class _Graph:
    """The steps of a dialplan as numbers, flow by flow, and where each leads by itself."""

    def __init__(self, dialplan: Dialplan, ways: "_Ways") -> None:
        self._ways = ways
        self.steps: list[Step] = []
        self.leads: list[set[int]] = []  # to the next step, to a flow by goto, into a flow that is called
        self.talks: list[
            set[int]
        ] = []  # those of them that are taken after a talk with a human, or a message
        self._after: list[int | None] = []  # what follows where a step does not lead away
        self._numbers: dict[int, int] = {}  # id(step) -> its number
        self._calls: dict[str, list[int]] = {}  # flow -> the steps that call it
        self._before: list[set[int]] = []  # the steps that lead to it otherwise
        for flow in dialplan.flows.values():
            self._add(flow.steps)
        handlers = (item for items in dialplan.handlers.values() for item in items)
        for way in (*(item.way for item in handlers), *(way_to(item.goto) for item in dialplan.links)):
            if way is not None and way.steps is not None:
                self._add(way.steps.steps)
        self._begins = {
            name: self._numbers[id(flow.steps[0])] for name, flow in dialplan.flows.items() if flow.steps
        }
        for step in range(len(self.steps)):
            self._lead(step)
        self._return()

    def circles(self) -> list[set[int]]:
        """Return the steps that lead to each other for ever, without those that something remembers to leave."""
        found = _circles(self.leads)
        remembering = {step for circle in found for step in self._remembering(circle)}
        return _circles([set() if n in remembering else led for n, led in enumerate(self.leads)])

    def first_asked(self, circle: set[int], talks: Sequence[int]) -> Step | None:
        """Return the first question of the circle that is asked after one of the talks."""
        waiting = [target for talk in talks for target in sorted(self.talks[talk] & circle)]
        for step in waiting:  # grows while it is gone through
            if isinstance(self.steps[step], InputStep):
                return self.steps[step]
            waiting += [target for target in sorted(self.leads[step] & circle) if target not in waiting]
        return None

    def _remembering(self, circle: set[int]) -> Iterator[int]:
        """Yield the branches that ask for what the circle itself has set, and can leave it."""
        written = {
            name for number in circle if isinstance(step := self.steps[number], Set) for name in step.values
        }
        for number in circle:
            match self.steps[number]:
                case If(when=condition) | Switch(value=condition) as branch:
                    leaves = any(not self._targets(number, way) & circle for way in branch.ways())
                    if leaves and written & {reference.name for reference in condition.references}:
                        yield number
                case _:
                    pass

    def _add(self, steps: Sequence[Step], following: int | None = None) -> int | None:
        """Add a list of steps, those inside of their targets too; return the number of its first."""
        first = len(self.steps)
        numbers = range(first, first + len(steps))
        for number, step in zip(numbers, steps, strict=True):
            self.steps.append(step)
            self.leads.append(set())
            self.talks.append(set())
            self._before.append(set())
            self._after.append(number + 1 if number + 1 in numbers else following)
            self._numbers[id(step)] = number
        for number, step in zip(numbers, steps, strict=True):
            for way in (*step.ways(), *error_ways(step)):
                if way.steps is not None:
                    self._add(way.steps.steps, self._after[number])
        return first if steps else following

    def _lead(self, step: int) -> None:
        for way, talked in self._ways(self.steps[step]):
            targets = self._targets(step, way)
            self.leads[step] |= targets
            if talked:
                self.talks[step] |= targets
            if way.kind == "call" and way.flow is not None:
                self._calls.setdefault(way.flow.name, []).append(step)
                continue
            for target in targets:
                self._before[target].add(step)

    def _targets(self, step: int, way: Way) -> set[int]:
        found: int | None = None
        if way.kind == "steps" and way.steps is not None:
            found = self._numbers.get(id(way.steps.steps[0]))
        elif way.kind == "pass":
            found = self._after[step]
        elif way.flow is not None:
            found = self._begins.get(way.flow.name)
        return set() if found is None else {found}

    def _return(self) -> None:
        """Lead on from each call of a flow that comes back by itself."""
        names = {number: name for name, number in self._begins.items()}
        waiting = [number for number, step in enumerate(self.steps) if isinstance(step, ReturnStep)]
        returning: set[int] = set()
        while waiting:
            step = waiting.pop()
            if step in returning:
                continue
            returning.add(step)
            waiting += self._before[step]
            for caller in self._calls.get(names.get(step, ""), ()):
                following = self._after[caller]
                if following is not None:
                    self.leads[caller].add(following)
                    self._before[following].add(caller)
                    if following in returning:
                        waiting.append(caller)


def _ways(step: Step) -> Iterator[tuple[Way, bool]]:
    """Yield the ways that need nothing of the caller, and whether a talk or a message comes before."""
    match step:
        case QueueStep() | Transfer():
            for name, target in step.exits.items():
                if name not in _LEFT:
                    yield way_to(target), name == "agent_done"
        case RecordMessage():
            yield PASS, True
        case Form(confirm=None) if not any(slot.required for slot in step.slots):
            yield PASS, False  # nothing is asked
        case InputStep() | Form():
            return
        case _:
            yield from ((way, False) for way in step.ways())


_Ways = Callable[[Step], Iterable[tuple[Way, bool]]]


def _silent_ways(dialplan: Dialplan, step: Step) -> Iterator[tuple[Way, bool]]:
    """Yield the ways of a caller who says nothing: at a question, the one way out that silence takes."""
    if not isinstance(step, InputStep):
        yield from _ways(step)
        return
    entries = (*step.noinput, *dialplan.handlers.get("noinput", ()))  # the step's own win a tie
    most = max((entry.count for entry in entries), default=0)
    if isinstance(step, Collect):
        most = min(most, step.max_attempts - 1)  # the last attempt goes to on_fail
    for count in range(1, most + 1):
        reached = [entry for entry in entries if entry.count <= count]
        handler = max(reached, key=lambda entry: entry.count, default=None)
        if handler is not None and handler.way is not None:
            yield handler.way, False
            return
    if isinstance(step, Collect) and step.on_fail is not None:
        yield way_to(step.on_fail), False


def _circles(leads: Sequence[Iterable[int]]) -> list[set[int]]:
    """Return the nodes that lead to each other: the strongly connected components (Kosaraju) that are more than one way."""
    back: list[list[int]] = [[] for _ in leads]
    for node, targets in enumerate(leads):
        for target in targets:
            back[target].append(node)
    order: list[int] = []
    seen: set[int] = set()
    for node in range(len(leads)):
        order += _visited(node, leads, seen)
    circles: list[set[int]] = []
    seen = set()
    for node in reversed(order):
        found = set(_visited(node, back, seen))
        if len(found) > 1 or any(target in found for each in found for target in leads[each]):
            circles.append(found)
    return circles


def _visited(start: int, leads: Sequence[Iterable[int]], seen: set[int]) -> list[int]:
    """Return the nodes not yet `seen` that one leads to, each after those behind it."""
    if start in seen:
        return []
    seen.add(start)
    finished: list[int] = []
    path = [(start, iter(leads[start]))]
    while path:
        node, targets = path[-1]
        following = next((target for target in targets if target not in seen), None)
        if following is None:
            finished.append(node)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(leads[following])))
    return finished
