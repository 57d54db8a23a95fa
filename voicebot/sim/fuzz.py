"""Random callers who look for trouble, and the shortest script that shows what they found. The same seed, the same calls."""

import datetime
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from voicebot.dialplan.builtin import builtin
from voicebot.dialplan.expressions import Expression, Template
from voicebot.dialplan.fields import walk
from voicebot.dialplan.line import Question
from voicebot.dialplan.matchers import QuestionMatcher
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.slots import SlotRule
from voicebot.dialplan.steps.http import Http
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.testcases import (
    AGENT_BEHAVIOURS,
    ANY_REQUEST,
    Act,
    CallerTest,
    Expect,
    Stub,
    StubAnswer,
)
from voicebot.nlu.templates import parse_template
from voicebot.sim.caller import Caller, ScriptedCaller
from voicebot.sim.hotline import Hotline, Outcome, Person, Scenario
from voicebot.sim.loop import VirtualTimeLoop
from voicebot.sim.media import SimLeg
from voicebot.sim.telephones import Behaviour
from voicebot.sim.troubles import Trouble, trouble_in

MOST_ACTS = 14
MOST_SHRINKING_CALLS = 600
_NONSENSE = {
    "en": ("colourless green ideas", "the weather is nice", "er well you know", "no not that one", "blah"),
    "zh": ("今天天气不错", "呃这个那个", "不是这个", "随便说说"),
}
_WORDS = {
    "en": ("yes", "no", "one", "five", "four seven one one", "tomorrow", "nine thirty", "twenty"),
    "zh": ("是", "不是", "一", "五", "四七一一", "明天", "九点半", "二十"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """Trouble, and the shortest scenario that was found for it. `caller`: the number of the random caller."""

    trouble: Trouble
    scenario: Scenario
    outcome: Outcome
    caller: int


@dataclass(slots=True)
class _RandomCaller(ScriptedCaller):
    """Makes up what to do when it is to be done, mostly something that the question takes; `acts` is its script."""

    rng: random.Random = field(default_factory=lambda: random.Random(0))
    words: "_Words | None" = None

    def _current(self) -> Act | None:
        assert isinstance(self.acts, list)
        assert self.words is not None
        if self._next == len(self.acts) and self._next < MOST_ACTS and self._scene is not None:
            self.acts.append(self.words.act(self.rng, self._question))
        return self.acts[self._next] if self._next < len(self.acts) else None

    def _leaves_later(self) -> None:
        assert isinstance(self.acts, list)
        if self._next == len(self.acts) and self.rng.random() < 0.06:
            self.acts.append(Act("hangup", at=round(self.rng.uniform(0.0, 25.0), 1)))
        act = self.acts[self._next] if self._next < len(self.acts) else None
        if act is not None and act.kind == "hangup" and act.at is not None:
            self._busy = True
            self._loop.call_later(act.at, self._do, act)


class _Words:
    """What random callers can say and key to one dialplan."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._languages = dialplan.hotline.languages

    def act(self, rng: random.Random, question: Question | None) -> Act:
        """Return what is done next. `question`: what is asked, None while queueing or leaving a message."""
        kind = rng.random()
        at = round(rng.uniform(0.0, 4.0), 1) if rng.random() < 0.2 else None
        if kind < 0.08:
            return Act("silence", seconds=float(rng.randint(1, 12)))
        if kind < 0.14:
            return Act("unclear", at=at)
        if kind < 0.16:
            return Act("hangup")
        confidence = round(rng.uniform(0.2, 1.0), 2) if rng.random() < 0.2 else None
        language = rng.choice(self._languages)
        matcher = question.matcher if question is not None else None
        if kind < 0.24 or not isinstance(matcher, QuestionMatcher):
            said = rng.choice(
                (*_NONSENSE.get(language, _NONSENSE["en"]), *_WORDS.get(language, _WORDS["en"]))
            )
            return Act("say", said, at=at, confidence=confidence)
        if kind < 0.32:
            return Act("dtmf", "".join(rng.choices("0123456789*#", k=rng.randint(1, 6))), at=at)
        if question is not None and question.languages:
            language = rng.choice(question.languages)
        return self._answer(rng, matcher, language, at, confidence)

    def _answer(
        self,
        rng: random.Random,
        matcher: QuestionMatcher,
        language: str,
        at: float | None,
        confidence: float | None,
    ) -> Act:
        """Return something that the question takes, by its own options more often than by links."""
        own = [option for option in matcher.options if not option.link] or list(matcher.options)
        options = own if rng.random() < 0.8 else list(matcher.options)
        if matcher.slot is not None and rng.random() < 0.8:
            return self._slot(rng, matcher.slot, language, at, confidence)
        if not options:
            return Act("dtmf", rng.choice("0123456789"), at=at)
        option = rng.choice(options)
        phrases = dict(option.phrases).get(language, ())
        if phrases and (option.dtmf is None or rng.random() < 0.5):
            said = rng.choice(parse_template(rng.choice(phrases), language).expansions(8))
            return Act("say", ("" if language == "zh" else " ").join(said), at=at, confidence=confidence)
        return Act("dtmf", option.dtmf or "0", at=at)

    def _slot(
        self, rng: random.Random, slot: object, language: str, at: float | None, confidence: float | None
    ) -> Act:
        spec = slot.spec if isinstance(slot, SlotRule) else None
        if spec is not None and spec.keys and rng.random() < 0.6:
            return Act("dtmf", rng.choice(list(spec.keys)), at=at)
        if rng.random() < 0.5:
            length = spec.length if spec is not None else None
            wanted = length[1] if isinstance(length, tuple) else length or rng.choice((1, 1, 2, 4, 8))
            return Act("dtmf", "".join(rng.choices("0123456789", k=wanted)), at=at)
        synonyms = (
            [word for value in (spec.values or {}).values() for word in value.get(language, ())]
            if spec is not None
            else []
        )
        return Act(
            "say", rng.choice(synonyms or _WORDS.get(language, _WORDS["en"])), at=at, confidence=confidence
        )


class Fuzz:
    """Random callers of one dialplan. `people`: the agents of the configuration."""

    def __init__(
        self,
        dialplan: Dialplan,
        people: Mapping[str, Person] | None = None,
        *,
        seed: int = 0,
        call_seconds: float = 1800.0,
    ) -> None:
        self.dialplan = dialplan
        self.seed = seed
        self._hotline = Hotline(dialplan, people, call_seconds=call_seconds)
        self._words = _Words(dialplan)
        self._extensions = sorted({*(people or {}), *_extensions(dialplan)})
        self._bodies = {name: _body(dialplan, name) for name in dialplan.services}

    def callers(self, number: int) -> Iterator[Found]:
        """Make `number` random calls; yield each trouble once, by its kind and its place, already shrunk."""
        seen: set[tuple[str, str]] = set()
        for index in range(number):
            found = self.caller(index)
            if found is not None and (found.trouble.kind, found.trouble.step) not in seen:
                seen.add((found.trouble.kind, found.trouble.step))
                yield self.shrunk(found)

    def caller(self, index: int) -> Found | None:
        """Make one random call; return the trouble it came to."""
        scenario, outcome = self.call(index)
        trouble = trouble_in(outcome)
        return None if trouble is None else Found(trouble, scenario, outcome, index)

    def call(self, index: int) -> tuple[Scenario, Outcome]:
        """Make one random call; return what its caller did, and what came of it."""
        rng = random.Random(f"{self.seed}:{index}")
        acts: list[Act] = []
        scenario = self._scenario(rng)

        def person(leg: SimLeg, hang_up: Callable[[], None]) -> Caller:
            return _RandomCaller(leg, acts, hang_up, rng=rng, words=self._words)

        outcome = self._hotline.run_with(scenario, person, VirtualTimeLoop())
        return replace(scenario, caller=tuple(acts)), outcome

    def shrunk(self, found: Found) -> Found:
        """Leave out and simplify whatever the trouble does not need."""
        calls = 0
        improved = True
        while improved:
            improved = False
            for scenario in _simpler(found.scenario):
                calls += 1
                if calls > MOST_SHRINKING_CALLS:
                    return found
                outcome = self._hotline.run(scenario)
                trouble = trouble_in(outcome)
                if trouble is not None and (trouble.kind, trouble.step) == (
                    found.trouble.kind,
                    found.trouble.step,
                ):
                    found = replace(found, trouble=trouble, scenario=scenario, outcome=outcome)
                    improved = True
                    break
        return found

    def as_test(self, found: Found) -> CallerTest:
        """Return a test that fails as long as the trouble is there."""
        apologies = (
            tuple(dict.fromkeys(builtin("apology", code) for code in self.dialplan.hotline.languages))
            if not found.outcome.problem and found.trouble.kind != "dead air"
            else ()
        )
        scenario = found.scenario
        agents = cast(dict[str, str], dict(scenario.agents)) or None
        return CallerTest(
            position=self.dialplan.hotline.start.position,
            name=f"random caller {self.seed}-{found.caller}: {found.trouble.kind}",
            caller=scenario.caller,
            at=scenario.at,
            agents=agents,
            stub=dict(scenario.stub) or None,
            expect=Expect(not_heard=apologies),
        )

    def _scenario(self, rng: random.Random) -> Scenario:
        day = datetime.date(2026, 1, 1) + datetime.timedelta(days=rng.randrange(365))
        at = datetime.datetime.combine(day, datetime.time(rng.randrange(24), rng.choice((0, 30))))
        agents = {
            name: cast(Behaviour, rng.choice(AGENT_BEHAVIOURS))
            for name in self._extensions
            if rng.random() < 0.7
        }
        stub = {name: self._stub(rng, name) for name in self.dialplan.services if rng.random() < 0.9}
        return Scenario((), at, agents, stub)

    def _stub(self, rng: random.Random, service: str) -> Stub:
        kind = rng.random()
        if kind < 0.6:
            return {ANY_REQUEST: StubAnswer(200, _filled(rng, self._bodies[service]), rng.choice((0.1, 1.5)))}
        if kind < 0.7:
            return {ANY_REQUEST: StubAnswer(200, {})}
        return {ANY_REQUEST: StubAnswer(0) if kind < 0.85 else StubAnswer(rng.choice((404, 500, 503)))}


def _simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Yield scenarios that are a little simpler, those that leave out most first."""
    acts = scenario.caller
    assert isinstance(acts, tuple)
    size = len(acts)
    while size:
        for start in range(0, len(acts), size):
            yield replace(scenario, caller=(*acts[:start], *acts[start + size :]))
        size //= 2
    for name in scenario.agents:
        yield replace(scenario, agents={key: how for key, how in scenario.agents.items() if key != name})
    for name in scenario.stub:
        yield replace(scenario, stub={key: stub for key, stub in scenario.stub.items() if key != name})
    if scenario.at is not None:
        yield replace(scenario, at=None)
    for index, act in enumerate(acts):
        for simpler in _simpler_acts(act):
            yield replace(scenario, caller=(*acts[:index], simpler, *acts[index + 1 :]))


def _simpler_acts(act: Act) -> Iterator[Act]:
    if act.at is not None:
        yield replace(act, at=None)
        if act.at > 1.0:
            yield replace(act, at=float(int(act.at)) if act.at != int(act.at) else act.at // 2)
    if act.confidence is not None:
        yield replace(act, confidence=None)
    if act.kind == "dtmf" and len(act.text) > 1:
        yield replace(act, text=act.text[:1])
        yield replace(act, text=act.text[:-1])
    if act.kind == "silence" and act.seconds > 1:
        yield replace(act, seconds=float(act.seconds // 2))


def _extensions(dialplan: Dialplan) -> Iterable[str]:
    """Return the agents and extensions that the dialplan names."""
    for queue in dialplan.queues.values():
        yield from queue.agents or ("alice",)
    for test in dialplan.tests:
        yield from test.agents or ()
    for step in walk(dict(dialplan.flows)):
        if isinstance(step, Transfer):
            if step.to.constant:
                yield step.to.source
            for reference in step.to.references:
                if reference.path[0] == "var" and len(reference.path) == 2:
                    yield str(dialplan.variables.get(reference.path[1], ""))


def _body(dialplan: Dialplan, service: str) -> dict[str, Any]:
    """Return the shape of the bodies that the dialplan reads of a service: nested maps with None at the leaves."""
    saved = {
        step.save
        for step in walk(dict(dialplan.flows))
        if isinstance(step, Http) and step.service.name == service
    }
    shape: dict[str, Any] = {}
    for item in walk((dict(dialplan.flows), dict(dialplan.handlers))):
        if isinstance(item, Template | Expression):
            for reference in item.references:
                if reference.path[0] in saved:
                    inner = shape
                    for name in reference.path[1:-1]:
                        inner = inner.setdefault(name, {}) or inner[name]
                    if len(reference.path) > 1:
                        inner.setdefault(reference.path[-1], None)
    return shape


def _filled(rng: random.Random, shape: dict[str, Any]) -> dict[str, object]:
    values: tuple[object, ...] = (0, 7, 1234.5, "open", "2026-11-24", "", True)
    return {
        name: _filled(rng, inner) if isinstance(inner, dict) else rng.choice(values)
        for name, inner in shape.items()
    }
