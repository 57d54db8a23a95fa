"""A simulated call: the real interpreter, line, turn and floor, in virtual time, with a caller who follows a script."""

import asyncio
import datetime
import itertools
import random
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from voicebot.acd import Agent, AgentStatus
from voicebot.calls.call import Call
from voicebot.calls.callbacks import Callbacks
from voicebot.calls.floor import Floor
from voicebot.calls.inbound import variables
from voicebot.calls.leg import Gone, Leg
from voicebot.calls.line import Sounds, TelephoneLine
from voicebot.calls.queues import queue_specs
from voicebot.calls.story import converse, summary
from voicebot.dialplan.hours import Hours
from voicebot.dialplan.interpreter import Interpreter
from voicebot.dialplan.line import (
    Answer,
    Question,
    QueueResult,
    QueueWait,
    TransferRequest,
    TransferResult,
    VoiceMessage,
)
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import Act, CallerTest, Forever, Stub
from voicebot.sim.caller import Caller, Done, Listens, ScriptedCaller
from voicebot.sim.loop import STARTS_AT, NothingHappens, TimeStandsStill, VirtualTimeLoop
from voicebot.sim.media import Said, SimLeg, SimMedia
from voicebot.sim.speech import SimSpeech
from voicebot.sim.store import Event, SimTimeline, StubServices
from voicebot.sim.telephones import Behaviour, Extension, SimTelephones

CALL = "simulated"
CALL_SECONDS = 3600.0
SOUNDS = Sounds(Path("music"), Path("ringback"), Path("beep"))
RECORDINGS = Path("recordings")
CALLER_NUMBER = "13800138000"
HOTLINE_NUMBER = "700"
NO_TIME_GIVEN = datetime.datetime(2026, 1, 5, 10, 0)  # a Monday: what a test without `at` goes by


class TimeOfDayNeeded(Exception):
    """The call came to open() or next_open(), and nobody has said what time it is."""


class _NoHours(Hours):
    def is_open(self, now: datetime.datetime, zone: datetime.tzinfo) -> bool:
        raise TimeOfDayNeeded

    def next_open(self, now: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime | None:
        raise TimeOfDayNeeded


class EverySkill(dict[str, int]):
    """An agent whose skills nobody has told: has them all."""

    def get(self, key: str, default: Any = None) -> int:
        return 1


class _Dice:
    """The same random numbers in every call (`acd.strategies.Rng`). Few calls draw any, and to seed them takes long."""

    _numbers: random.Random | None = None

    def random(self) -> float:
        if self._numbers is None:
            self._numbers = random.Random(1)
        return self._numbers.random()


@dataclass(frozen=True, slots=True)
class Person:
    """An agent of the configuration, as far as a simulated call needs one."""

    uri: str
    skills: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a simulated call is given. `at` is wall time in the hotline's zone."""

    caller: tuple[Act, ...] | Forever
    at: datetime.datetime | None = None
    agents: Mapping[str, Behaviour] = field(default_factory=dict)
    stub: Mapping[str, Stub] = field(default_factory=dict)
    from_number: str = CALLER_NUMBER
    to_number: str = HOTLINE_NUMBER
    from_name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # by lower-case name

    @classmethod
    def of(cls, test: CallerTest) -> "Scenario":
        agents: Any = test.agents or {}
        return cls(
            test.caller,
            test.at,
            agents,
            test.stub or {},
            test.from_number or CALLER_NUMBER,
            test.to_number or HOTLINE_NUMBER,
            test.from_name,
            {name.lower(): value for name, value in (test.headers or {}).items()},
        )


class Outcome(NamedTuple):
    """A simulated call, told afterwards. Times are seconds since the answer.

    `problem`: what broke ("" if nothing), with `trouble` for its kind; `silences`: (from, seconds) in which nothing
    was heard on the line and nothing waited for the caller.
    """

    events: Sequence[Event]
    done: Sequence[Done]
    said: Sequence[Said]
    record: Mapping[str, object]
    slots: Mapping[str, object]
    seconds: float
    silences: Sequence[tuple[float, float]]
    unstubbed: Sequence[str]
    problem: str = ""
    trouble: str = ""  # "error", "stuck", "loop", "time"
    undialled: Sequence[str] = ()  # what was called and the configuration does not let be dialled

    @property
    def texts_heard(self) -> list[str]:
        """Return all that was said to the caller, as far as it came to be heard."""
        return [said.text for said in self.said if said.heard > 0.0]

    @property
    def heard(self) -> str:
        """Return the same as one text."""
        return " ".join(self.texts_heard)


class SimulatedLine(TelephoneLine):
    """A telephone's line whose caller is told when it listens."""

    person: Caller
    leg: SimLeg
    listened_for: Listens | None = None

    async def answer(self, after: float = 0.0) -> None:
        self.leg.air.begins()  # whoever hears it ring does not take the line for dead
        try:
            await super().answer(after)
        finally:
            self.leg.air.ends()

    async def ask(self, question: Question) -> Answer:
        outer, self.listened_for = self.listened_for, "question"
        self.person.listens("question", question)
        self.leg.air.begins()
        try:
            return await super().ask(question)
        finally:
            self.leg.air.ends()
            self.person.listens_no_more()
            self.listened_for = outer
            if outer is not None:  # a question was asked while the caller waits
                self.person.listens(outer)

    async def wait_in_queue(self, wait: QueueWait) -> QueueResult:
        self.person.listens("queue")
        self.listened_for = "queue"
        try:
            return await super().wait_in_queue(wait)
        finally:
            self.listened_for = None
            self.person.listens_no_more()

    async def record_message(
        self, *, longest: float, beep: bool, term_char: str, transcribe: bool
    ) -> VoiceMessage:
        self.person.listens("message")
        self.leg.air.begins()
        try:
            return await super().record_message(
                longest=longest, beep=beep, term_char=term_char, transcribe=transcribe
            )
        finally:
            self.leg.air.ends()
            self.person.listens_no_more()

    async def transfer(self, request: TransferRequest) -> TransferResult:
        assert isinstance(self.telephones, SimTelephones)
        self.telephones.accept_key = request.accept_key or ""
        if request.mode != "blind":
            return await super().transfer(request)
        self.leg.air.begins()  # a referred caller hears what the own telephone system plays
        try:
            return await super().transfer(request)
        finally:
            self.leg.air.ends()


class SimDoor:
    """Implements `calls.answering.Door` for a caller who hears early media, and whose ACK takes no time."""

    def __init__(self) -> None:
        self._early = False

    def early_media(self) -> bool:
        self._early = True
        return True

    def ring(self) -> bool:
        return not self._early

    async def answer(self) -> None:
        """There is nobody to tell."""


@dataclass(slots=True)
class _Scene:
    """What one call is made of; kept, so that a call that broke can be told as well."""

    store: SimTimeline
    services: StubServices
    call: Call
    leg: Leg
    media: SimLeg
    caller: Any
    interpreter: Interpreter
    floor: Floor
    callbacks: Callbacks
    undialled: Sequence[str]


CallerMaker = Callable[[SimLeg, Callable[[], None]], Caller]


class Hotline:
    """Simulates calls to one dialplan. `people`: the agents of a configuration; without one, agents have every skill."""

    def __init__(
        self,
        dialplan: Dialplan,
        people: Mapping[str, Person] | None = None,
        *,
        call_seconds: float = CALL_SECONDS,
        on_event: Callable[[Event], None] | None = None,
        dials: Callable[[str], bool] | None = None,
    ) -> None:
        """`on_event` hears of every event of the timeline as it happens; `dials`: what may be dialled, if that is known."""
        self.dialplan = dialplan
        self._people = people
        self._call_seconds = call_seconds
        self._on_event = on_event
        self._dials = dials
        self._queues = tuple(queue_specs([dialplan]))
        self._no_hours = {name: _NoHours({}) for name in dialplan.hours}
        self._zone = dialplan.hotline.timezone or ZoneInfo("UTC")

    def run(self, scenario: Scenario) -> Outcome:
        """Make one call, from its answer to its record."""
        return self.run_on(scenario, VirtualTimeLoop())

    def run_on(self, scenario: Scenario, loop: asyncio.AbstractEventLoop) -> Outcome:
        """Make one call on a loop of your own: its time is the call's. The loop is closed afterwards."""
        caller = scenario.caller
        acts, for_ever = ((), caller) if isinstance(caller, str) else (caller, None)

        def scripted(leg: SimLeg, hang_up: Callable[[], None]) -> Caller:
            return ScriptedCaller(leg, acts, hang_up, for_ever)

        return self.run_with(scenario, scripted, loop)

    def run_with(self, scenario: Scenario, caller: CallerMaker, loop: asyncio.AbstractEventLoop) -> Outcome:
        """Make one call by a caller of your own. The loop is closed afterwards."""
        scenes: list[_Scene] = []
        problem, trouble = "", ""
        try:
            problem, trouble = loop.run_until_complete(self._call(scenario, caller, scenes))
        except NothingHappens:
            problem, trouble = "the call waits for ever: nothing can happen any more", "stuck"
        except TimeStandsStill:
            problem, trouble = "the call goes round for ever without waiting for anything", "loop"
        finally:
            _cancel_all(loop)
            loop.close()
        errors: Sequence[BaseException] = getattr(loop, "errors", ())
        if errors:  # of a callback: on a telephone the call would wait for ever
            problem, trouble = _told(errors[0]), "error"
        return _outcome(scenes[0], problem, trouble)

    async def _call(self, scenario: Scenario, caller: CallerMaker, scenes: list[_Scene]) -> tuple[str, str]:
        scene = self._set(scenario, caller)
        scenes.append(scene)
        call, leg = scene.call, scene.leg
        problem, trouble = "", ""
        if self.dialplan.hotline.answer == "at_once":
            call.trace("answered")
        scene.caller.answered()
        try:
            await converse(call, leg, scene.interpreter, self._call_seconds)
        except TimeOfDayNeeded:
            problem, trouble = (
                "the call comes to open(), and the test has no `at`: say what time it is",
                "time",
            )
        except Exception as error:  # as on a telephone: it ends this one call, and is told
            call.releases("error", "server")
            problem, trouble = _told(error), "error"
        if not problem and call.release_cause == "too_long":
            problem, trouble = f"the call lasts longer than {self._call_seconds:.0f} s", "stuck"
        scene.media.air.silence_ends()
        call.trace("ended", cause=call.release_cause, by=call.ended_by)
        leg.end(Gone(call.release_cause or "normal", by_peer=False))
        scene.media.close()
        answered = any(event.kind == "answered" for event in scene.store.events)
        told = {
            **summary(call, leg.counters),
            "disposition": "answered" if answered else "unanswered",
            "from_number": call.from_number,
            "to_number": call.to_number,
        }
        call.store.call_ended(call.uid, told)
        await scene.callbacks.close()  # the call that was booked is another call
        await scene.floor.close()
        return problem, trouble

    def _set(self, scenario: Scenario, caller: CallerMaker) -> _Scene:
        loop = asyncio.get_running_loop()
        speech = SimSpeech(recognised=self.dialplan.hotline.languages)
        media = SimMedia(speech)
        store = SimTimeline(CALL, loop, self._on_event)
        services = StubServices(scenario.stub, self.dialplan.services)
        agents, telephones = self._agents(scenario, media)
        floor = Floor(telephones, _Dice(), agents, self._queues)
        callbacks = Callbacks(floor, telephones, speech, store, SOUNDS, _numbered())
        call = Call(
            CALL,
            scenario.from_number,
            scenario.to_number,
            store,
            from_name=scenario.from_name,
            headers=dict(scenario.headers),
        )
        leg = Leg(call.uid, "caller", 1, call.plays)
        leg.replaces = True  # the simulated caller's telephone system transfers in every way
        call.caller = leg
        sim_leg = leg.media = media.open_leg(call.uid, "127.0.0.1", leg.on_message)
        started_at = loop.time()

        def clock() -> datetime.datetime:
            begins = (scenario.at or NO_TIME_GIVEN).replace(tzinfo=self._zone).astimezone(datetime.UTC)
            return begins + datetime.timedelta(seconds=loop.time() - started_at)

        line = SimulatedLine(
            call,
            leg,
            speech=speech,
            floor=floor,
            callbacks=callbacks,
            telephones=telephones,
            services=services,
            sounds=SOUNDS,
            folder=RECORDINGS,
            recorded=True,
            clock=clock,
            door=None if self.dialplan.hotline.answer == "at_once" else SimDoor(),
        )
        line.leg = sim_leg
        person = line.person = caller(sim_leg, lambda: leg.end(Gone("normal", by_peer=True)))
        sim_leg.on_quiet = person.quiet
        interpreter = Interpreter(self.dialplan, line, variables(call))
        if scenario.at is None:
            interpreter.run_state.variables.hours = self._no_hours
        return _Scene(
            store, services, call, leg, sim_leg, person, interpreter, floor, callbacks, telephones.undialled
        )

    def _agents(self, scenario: Scenario, media: SimMedia) -> tuple[list[Agent], SimTelephones]:
        """Return the agents, those who are not named logged out, and the telephones of those who are."""
        people = self._people or {}
        known = {name: (person.uri, person.skills) for name, person in people.items()}
        for name in scenario.agents:
            known.setdefault(name, (f"sip:{name}@sim", EverySkill()))
        now = asyncio.get_running_loop().time()
        agents = [
            Agent(
                name,
                uri,
                skills,
                AgentStatus.FREE if name in scenario.agents else AgentStatus.LOGGED_OUT,
                idle_since=now,
            )
            for name, (uri, skills) in known.items()
        ]
        extensions = {known[name][0]: Extension(how) for name, how in scenario.agents.items()}
        names = {uri.removeprefix("sip:").partition("@")[0]: uri for uri, _ in known.values()}
        names |= {name: uri for name, (uri, _) in known.items()}
        return agents, SimTelephones(media, extensions, names, self._dials)


def _numbered() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{CALL}-{next(numbers)}"


def _told(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
    return f"unhandled error: {text}"


def _outcome(scene: _Scene, problem: str, trouble: str) -> Outcome:
    return Outcome(
        scene.store.events,
        [Done(done.at - STARTS_AT, done.act, done.listened) for done in getattr(scene.caller, "done", ())],
        scene.media.said,
        scene.store.record,
        dict(scene.interpreter.run_state.variables.slot),
        scene.store.events[-1].at,
        [(since - STARTS_AT, seconds) for since, seconds in scene.media.air.silences],
        scene.services.unstubbed,
        problem,
        trouble,
        tuple(dict.fromkeys(scene.undialled)),
    )


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """End what is left of a call that broke, so that nothing of it is reported as forgotten."""
    tasks = asyncio.all_tasks(loop)
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    settled: Coroutine[Any, Any, Any] = _gathered(tasks)
    try:
        loop.run_until_complete(settled)
    except (NothingHappens, TimeStandsStill):
        return


async def _gathered(tasks: set["asyncio.Task[Any]"]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
