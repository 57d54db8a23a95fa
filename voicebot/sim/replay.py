"""A recorded call again, against another dialplan: the same inputs in virtual time, and where it goes another way.

What the records do not hold is replaced, and told in `notes`: sensitive inputs by a value that the question accepts,
answers of web services by those of the dialplan's tests. Only ways are compared, not wording.
"""

import asyncio
import datetime
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from voicebot.dialplan.line import Completeness, Entry, Question
from voicebot.dialplan.matchers import Meant
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import ANY_REQUEST, Stub, StubAnswer
from voicebot.sim.caller import KEY_GAP, MUMBLE_SECONDS, REACTION, Caller, Listens
from voicebot.sim.hotline import Hotline, Scenario
from voicebot.sim.loop import VirtualTimeLoop
from voicebot.sim.media import SimLeg
from voicebot.sim.speech import language_of
from voicebot.sim.store import Event
from voicebot.sim.telephones import Behaviour

INPUTS = ("heard", "keys", "noinput", "nomatch")

# Values of every slot type, keyed or spoken; the first that a question accepts stands for what was not recorded.
MADE_UP_KEYS = (
    *("1234567890123456789"[:length] for length in range(1, 20)),
    *("4111111111111111", "11010519491231002*", "13800138000", "20300115", "0930", "0"),
)
MADE_UP_WORDS = (
    "yes",
    "是",
    "京A12345",
    "Smith",
    "张三",
    "tomorrow",
    "明天",
    "nine thirty",
    "九点半",
    "ten yuan",
    "十块",
)


class Move(NamedTuple):
    """A piece of the way that a call takes. `place` is the step and line that made it, for whoever reads it."""

    what: str
    place: str


@dataclass(frozen=True, slots=True)
class Input:
    """What the caller did. `kind`: say, keys, silence or mumble; `hidden`: it was sensitive, and is not known."""

    kind: str
    text: str = ""
    confidence: float | None = None
    hidden: bool = False
    in_queue: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """`same`: how many moves both have in common; `recorded` and `replayed` are all of them. `turn`: of the caller."""

    recorded: Sequence[Move]
    replayed: Sequence[Move]
    same: int
    notes: Sequence[str]
    problem: str = ""

    @property
    def diverges(self) -> bool:
        return self.same < len(self.recorded) or self.same < len(self.replayed)


def replay(
    events: Sequence[Event],
    dialplan: Dialplan,
    *,
    at: datetime.datetime,
    from_number: str = "",
    to_number: str = "",
    left_by_caller: bool = False,
) -> Replay:
    """Run a recorded call against `dialplan`. `at`: when it began, aware. `left_by_caller`: the caller hung up."""
    notes: list[str] = []
    zone = dialplan.hotline.timezone
    scenario = Scenario(
        (),
        at.astimezone(zone).replace(tzinfo=None),
        agents=people(events),
        stub=stubs(events, dialplan, notes),
        from_number=from_number or "anonymous",
        to_number=to_number,
    )
    inputs = list(inputs_of(events))
    callers: list[ReplayedCaller] = []
    leaves = leaving(events) if left_by_caller else None

    def caller(leg: SimLeg, hang_up: Callable[[], None]) -> Caller:
        callers.append(ReplayedCaller(leg, hang_up, inputs, leaves, notes))
        return callers[-1]

    outcome = Hotline(dialplan).run_with(scenario, caller, VirtualTimeLoop())
    recorded = moves(events)
    replayed = moves(outcome.events)
    pairs = zip(recorded, replayed, strict=False)
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0].what == pair[1].what, pairs))
    if left_by_caller and same == min(len(recorded), len(replayed)):  # hung up a little earlier or later
        recorded, replayed = recorded[:same], replayed[:same]
    return Replay(recorded, replayed, same, tuple(dict.fromkeys(notes)), outcome.problem)


# --- what the records tell ---------------------------------------------------------------------------------------------


def inputs_of(events: Sequence[Event]) -> Iterator[Input]:
    """Return what the caller did, in order."""
    queueing = False
    for event in events:
        data = event.data
        hidden = bool(data.get("sensitive"))
        text, keys = str(data.get("text", "")), str(data.get("keys", ""))
        given = data.get("recognised", data.get("confidence"))
        confidence = float(given) if isinstance(given, int | float) else None
        match event.kind:
            case "queue_joined":
                queueing = True
            case "queue_left":
                queueing = False
            case "heard":
                yield Input("say", text, confidence, hidden, queueing)
            case "keys":
                yield Input("keys", keys or text, None, hidden, queueing)
            case "noinput":
                yield Input("silence")
            case "nomatch" if keys and not text:
                yield Input("keys", keys)
            case "nomatch":
                yield Input("say", text, confidence) if text else Input("mumble")


def moves(events: Sequence[Event]) -> list[Move]:
    """Return the way that a call takes: flows, slots, handlers, queues, transfers, services and its end."""
    found: list[Move] = []
    place = ""  # a jump is made by the step before it
    for event in events:
        place = _place(event.data) or place
        if what := _move(event.kind, event.data):
            found.append(Move(what, place))
    return found


def _move(kind: str, data: Mapping[str, Any]) -> str:
    match kind:
        case "flow":
            return f"begins in flow {data.get('flow')}"
        case "goto":
            return f"goes to flow {data.get('flow')}"
        case "call":
            return f"calls flow {data.get('flow')}"
        case "return" | "noinput" | "nomatch":
            return kind
        case "heard" | "keys" if data.get("intent"):
            return f"understands {data['intent']}"
        case "slot":
            value = (
                "not filled"
                if data.get("failed")
                else "filled"
                if data.get("sensitive")
                else data.get("value")
            )
            return f"slot {data.get('name')}: {value}"
        case "handler":
            return f"handler of {data.get('event_name')}, {data.get('count')}"
        case "language" | "error" | "give_up" | "hangup":
            told = data.get("language") or data.get("kind") or data.get("reason")
            return f"{kind} {told}"
        case "queue":
            return f"queue {data.get('queue')}"
        case "queue_exit" | "transfer_exit":
            return f"{kind.replace('_', ' ')} {data.get('exit')}"
        case "transfer" if data.get("step"):
            return f"transfer, {data.get('mode')}, to {data.get('to')}"
        case "http" | "notify":
            return f"{kind} {data.get('service')}"
        case "record_message":
            return "takes a message"
    return ""


def _place(data: Mapping[str, object]) -> str:
    return " ".join(
        filter(None, (str(data.get("step", "")), f"line {data['line']}" if data.get("line") else ""))
    )


def leaving(events: Sequence[Event]) -> float:
    """Return how long after the last input the call went on."""
    acted = [event.at for event in events if event.kind in INPUTS]
    return max(0.5, events[-1].at - acted[-1]) if acted else events[-1].at if events else 0.5


_MISSED: Mapping[str, Behaviour] = {"busy": "busy", "declined": "declines", "no_answer": "no_answer"}
_REACHED: Mapping[str, Behaviour] = {
    "agent_done": "answers",
    "transferred": "answers",
    "busy": "busy",
    "declined": "declines",
    "no_answer": "no_answer",
    "timeout": "no_answer",
}


def people(events: Sequence[Event]) -> dict[str, Behaviour]:
    """Return who was there that day: agents and extensions, and how each behaved when rung first."""
    found: dict[str, Behaviour] = {}
    target = ""
    for event in events:
        data = event.data
        agent = str(data.get("agent", ""))
        if event.kind == "agent_answered":
            found.setdefault(agent, "answers")
        elif event.kind == "agent_missed" and agent:
            found.setdefault(agent, _MISSED.get(str(data.get("cause")), "no_answer"))
        elif event.kind == "queue_left" and data.get("exit") == "timeout" and not found:
            found["somebody"] = "no_answer"
        elif event.kind == "transfer" and data.get("to"):
            target = str(data["to"])
        elif event.kind == "transfer_exit" and target and str(data.get("exit")) in _REACHED:
            found.setdefault(target, _REACHED[str(data["exit"])])
    return found


def stubs(events: Sequence[Event], dialplan: Dialplan, notes: list[str]) -> dict[str, Stub]:
    """Return an answer for each service: with the recorded status, and the body of one of the dialplan's tests."""
    status: dict[str, StubAnswer] = {}
    for event in events:
        if event.kind in ("http", "notify"):
            code = event.data.get("status")
            answer = StubAnswer(code if isinstance(code, int) and not event.data.get("kind") else 0, {})
            status.setdefault(str(event.data.get("service")), answer)
    found: dict[str, Stub] = {}
    for name in dialplan.services:
        known = status.get(name)
        tested = next(
            (dict((test.stub or {})[name]) for test in dialplan.tests if name in (test.stub or {})), None
        )
        if known is not None and not 200 <= known.status < 300:
            found[name] = {ANY_REQUEST: known}
        elif tested is not None:
            found[name] = tested
            notes.append(
                f"what the service {name} answers is not recorded: it answers as in the dialplan's tests"
            )
        else:
            found[name] = {ANY_REQUEST: replace(known or StubAnswer(), body={})}
            notes.append(
                f"what the service {name} answers is not recorded, and no test stubs it: it answers nothing"
            )
    return found


# --- the caller --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ReplayedCaller:
    """Gives one recorded input to each question; leaves `leaves` seconds after the last one, or stays silent."""

    leg: SimLeg
    hang_up: Callable[[], None]
    inputs: Sequence[Input]
    leaves: float | None
    notes: list[str]
    _next: int = 0
    _given: Input | None = None  # to this question, once it is quiet
    _question: Question | None = None
    _timer: asyncio.TimerHandle | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def answered(self) -> None:
        self._last()

    def listens(self, what: Listens, question: Question | None = None) -> None:
        current = self.inputs[self._next] if self._next < len(self.inputs) else None
        if current is None or what == "message" or current.in_queue is not (what == "queue"):
            return
        self._next += 1
        self._given, self._question = current, question
        self._loop.call_soon(self.quiet)
        self._last()

    def listens_no_more(self) -> None:
        self._given = self._question = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def quiet(self) -> None:
        """Act once the prompt is over; in a queue there is always music."""
        if self._given is None or self._timer is not None or self.leg.closed:
            return
        if self._question is None or not self.leg.playing:
            self._timer = self._loop.call_later(REACTION, self._act)

    def _act(self) -> None:
        given, self._given, self._timer = self._given, None, None
        if given is None or given.kind == "silence":
            return
        if given.hidden:
            given = self._made_up(given)
        if given.kind == "keys":
            for number, key in enumerate(given.text):
                self._loop.call_later(number * KEY_GAP, self.leg.press, key)
        elif given.kind == "mumble":
            self.leg.say("", MUMBLE_SECONDS)
        else:
            self.leg.say(given.text, confidence=given.confidence)

    def _made_up(self, given: Input) -> Input:
        """Return something that the question accepts in place of what was not recorded."""
        question = self._question
        step = question.step if question is not None else "the queue"
        self.notes.append(
            f"{step}: what the caller gave is sensitive and not recorded; a made-up value stands for it"
        )
        for kind, words in (("keys", MADE_UP_KEYS), ("say", MADE_UP_WORDS)):
            for text in words:
                entry = (
                    Entry("keys", text) if kind == "keys" else Entry("speech", text, language_of(text), 1.0)
                )
                if question is not None and _fills(question, entry):
                    return replace(given, kind=kind, text=text, confidence=None, hidden=False)
        return replace(given, kind="mumble", hidden=False)

    def _last(self) -> None:
        if self._next >= len(self.inputs) and self.leaves is not None:
            self._loop.call_later(self.leaves + REACTION, self.hang_up)
            self.leaves = None


def _fills(question: Question, entry: Entry) -> bool:
    """Return whether the entry, once nothing more comes, is a value of the question's slot."""
    judgement = question.matcher.judge([entry], closed=True)
    meant = judgement.meaning
    matched = judgement.completeness in (Completeness.MATCH, Completeness.FINAL)
    return matched and isinstance(meant, Meant) and meant.option is None
