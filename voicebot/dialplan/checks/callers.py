"""The ways of three callers through a dialplan, as a game graph: one is silent, one mumbles, one only has keys.

What conditions, services and agents do is chance; what the caller does to each question is fixed for the first two and the
third one's choice. A flow is entered in two modes: at the BOTTOM a `return` is a mistake, when CALLED it is an end. A
called flow costs what it takes to return, and then what follows; or what it takes if it never returns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from voicebot.dialplan.checks.game import Game, Kind
from voicebot.dialplan.checks.speaking import Speaking
from voicebot.dialplan.fields import Named
from voicebot.dialplan.inputs import Choice, Handler, InputStep, Link
from voicebot.dialplan.schema import RETRY_AFTER, Dialplan, Service
from voicebot.dialplan.steps.answer import AnswerStep
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.flow import Hangup
from voicebot.dialplan.steps.form import Form
from voicebot.dialplan.steps.http import Http, Request
from voicebot.dialplan.steps.play import Play
from voicebot.dialplan.steps.queue import MUST_BE_NAMED, QueueStep
from voicebot.dialplan.steps.record import Record
from voicebot.dialplan.steps.record_message import RecordMessage
from voicebot.dialplan.steps.say import Say
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import Step, Steps, Target, Way, way_to

Caller = Literal["silent", "mumbling", "keys"]
CALLERS: tuple[Caller, ...] = ("silent", "mumbling", "keys")
Mode = Literal["bottom", "called"]

MAX_NESTED = 3  # handlers whose steps raise handlers whose steps ...: whoever gets so far goes round
SLACK = 0.2  # seconds that a step takes besides what is said and waited for
BAD_TRANSFER_EXITS = ("busy", "no_answer", "declined", "unreachable", "timeout")


@dataclass(slots=True)
class Context:
    """Where a step stands: what follows it, and how its flow was entered."""

    after: int
    mode: Mode
    nested: int = 0


@dataclass(slots=True)
class Paths:
    """Builds the graph of one caller. With `staffed` a person who is asked for is a goal; else nobody is there."""

    dialplan: Dialplan
    caller: Caller
    speaking: Speaking
    staffed: bool = True
    game: Game[Step] = field(default_factory=Game)
    arrivals: dict[int, Step] = field(
        default_factory=dict
    )  # node at which a question is asked first -> its step
    goal: int = 0
    dead: int = 0
    _entries: dict[tuple[str, Mode], int] = field(default_factory=dict)
    _lists: dict[tuple[int, int, Mode], int] = field(default_factory=dict)
    _waiting: list[tuple[str, Mode]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.goal = self.game.add(Kind.GOAL)
        self.dead = self.game.add(Kind.DEAD)

    def entry(self, flow: str, mode: Mode) -> int:
        """Return the node of a flow's begin. An unknown flow is a finding already: it counts as a goal."""
        if flow not in self.dialplan.flows:
            return self.goal
        known = self._entries.get((flow, mode))
        if known is None:
            known = self._entries[flow, mode] = self.game.add(Kind.CHANCE)
            self._waiting.append((flow, mode))
        return known

    def finish(self) -> None:
        """Build every flow that was entered."""
        while self._waiting:
            flow, mode = self._waiting.pop()
            steps = self.dialplan.flows[flow].steps
            # an end that is reached is a finding already
            self.game.link(self._entries[flow, mode], self.steps(steps, Context(self.goal, mode)))

    # --- going on --------------------------------------------------------------------------------------------------

    def steps(self, steps: Sequence[Step], where: Context) -> int:
        """Return the node of the first of `steps`."""
        key = (id(steps), where.after, where.mode)
        known = self._lists.get(key)
        if known is None:
            known = where.after
            for step in reversed(steps):
                known = self.step(step, Context(known, where.mode, where.nested))
            self._lists[key] = known
        return known

    def way(self, way: Way, where: Context) -> int:
        if way.kind == "steps" and way.steps is not None:
            return self.steps(way.steps.steps, where)
        if way.kind == "goto" and way.flow is not None:
            return self.entry(way.flow.name, where.mode)
        if way.kind == "call" and way.flow is not None:
            return self.call(way.flow, where)
        return where.after if way.kind == "pass" else self.goal  # a call's end, or a return

    def to(self, target: Target | None, where: Context) -> int:
        return self.way(way_to(target), where)

    def call(self, flow: Named, where: Context) -> int:
        node = self.game.add(Kind.CHOICE)
        both = self.game.add(Kind.BOTH)
        self.game.link(node, self.entry(flow.name, "bottom"))
        self.game.link(node, both)
        self.game.link(both, self.entry(flow.name, "called"))
        self.game.link(both, where.after)
        return node

    def nested(self, where: Context) -> Context | None:
        """Return the context of a handler's own steps; None where handlers have raised too many handlers."""
        if where.nested >= MAX_NESTED:
            return None
        return Context(where.after, where.mode, where.nested + 1)

    def error(self, step: Step, where: Context, seconds: float = 0.0) -> int:
        """Return the node of an error of the step. Where nothing handles it, that is a finding of its own."""
        own: tuple[Handler, ...] = getattr(step, "error", ())
        handlers = (*own, *self.dialplan.handlers.get("error", ()))
        inner = self.nested(where)
        if inner is None:
            return self.dead
        node = self.game.add(Kind.CHANCE, step)
        for handler in handlers:
            target = self.to(handler.goto, inner)
            self.game.link(node, target, seconds + self.speaking.handler(handler))
        if not handlers:
            self.game.link(node, self.goal, seconds + self.speaking.builtin(["apology"]))
        return node

    # --- steps -----------------------------------------------------------------------------------------------------

    def step(self, step: Step, where: Context) -> int:
        if isinstance(step, (InputStep, Form)):
            from voicebot.dialplan.checks.questions import question

            return question(self, step, where)
        if isinstance(step, (QueueStep, Transfer, RecordMessage)):
            self._seen(step, where)
            if self.staffed or isinstance(step, RecordMessage):
                return self.goal
            return self._nobody(step, where)
        if isinstance(step, Hangup):
            return self.goal
        node = self.game.add(Kind.CHANCE, step)
        seconds = self._seconds(step) + SLACK
        for way in self._ways(step, where):
            self.game.link(node, way, seconds)
        if isinstance(step, Callback) and any(name not in step.exits for name in step.possible):
            self.game.link(node, self.error(step, where), seconds)
        if isinstance(step, Http) and raises(step):
            self.game.link(node, self.error(step, where), seconds)
        return node

    def _ways(self, step: Step, where: Context) -> list[int]:
        ways = step.ways()
        # what a `return` is worth depends on the mode: at the bottom it is a mistake, and no way to anybody
        return [
            self.dead if way.kind == "return" and where.mode == "bottom" else self.way(way, where)
            for way in ways
        ]

    def _seconds(self, step: Step) -> float:
        speaking = self.speaking
        match step:
            case Say():
                return speaking.text(step.text)
            case Play():
                return speaking.files(step.file)
            case AnswerStep():
                return step.after
            case Record():
                return speaking.text(step.announce)
            case Request():
                service = self.dialplan.services.get(step.service.name)
                longest = longest_answer(step, service) if service is not None else 0.0  # VB104 says so
                filler = step.filler if isinstance(step, Http) else None
                if filler is None or filler.after >= longest:
                    return longest
                return longest + speaking.text(filler.say)  # said again and again, and to its end
            case _:
                return 0.0

    def _nobody(self, step: QueueStep | Transfer, where: Context) -> int:
        names = MUST_BE_NAMED if isinstance(step, QueueStep) else BAD_TRANSFER_EXITS
        node = self.game.add(Kind.CHANCE, step)
        for name in names:
            found = step.exits.get(name)
            self.game.link(node, self.to(found, where) if found is not None else self.error(step, where))
        return node

    def _seen(self, step: QueueStep | Transfer | RecordMessage, where: Context) -> None:
        """Build what follows a person too: its questions are asked as well."""
        for way in step.ways():
            self.way(way, where)


def longest_answer(step: Request, service: Service) -> float:
    """Return how many seconds a request may take, with all its attempts."""
    attempts = service.attempts("GET" if step.get is not None else "")
    return attempts * (step.timeout or service.timeout) + (attempts - 1) * RETRY_AFTER


def raises(step: Http) -> bool:
    """Say whether some answer of the service is an error of the step."""
    return step.on_error is None or (isinstance(step.on_error, dict) and "else" not in step.on_error)


def keys_of(items: Iterable[Choice | Link]) -> list[tuple[Choice | Link, str]]:
    """Return what can be keyed, with its keys."""
    return [(item, item.dtmf) for item in items if item.dtmf is not None]


def own_steps(handler: Handler) -> tuple[Step, ...]:
    return handler.goto.steps if isinstance(handler.goto, Steps) else ()
