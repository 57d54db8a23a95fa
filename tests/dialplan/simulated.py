"""Simulated callers of a dialplan, and what no caller of one that checks clean may come to."""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from tests.dialplan.generated import FIRST_CALLER
from voicebot.dialplan.checks.reach import LONGEST
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.testcases import ANY_REQUEST, Act, Forever, StubAnswer
from voicebot.sim.coverage import Coverage
from voicebot.sim.hotline import Hotline, Outcome, Scenario
from voicebot.sim.store import Event
from voicebot.sim.telephones import Behaviour
from voicebot.sim.troubles import trouble_in

KEYED = 3  # callers who press some keys before they fall silent
LIMIT = 400.0  # seconds: who is still in the call then is stuck
WITH_TALKS = 1200.0  # the same where each human that the dialplan leads to answers, and talks for 20 s
PEOPLE = ("queue", "transfer", "record_message", "hangup")
MOST_CONDITIONS = 8  # of a generated dialplan, each on a caller's number of its own
SIGNS = ("step", "name", "text", "keys", "exit")  # what tells one event from another
KEYS = ("1", "2", "1111")
ANSWERS = (
    *(Act("dtmf", keys) for keys in KEYS),
    Act("say", "tomatoes"),
)  # to the questions of generated dialplans
WORKS = {ANY_REQUEST: StubAnswer(200, {})}
TIMES_OUT = {ANY_REQUEST: StubAnswer(0)}
HOURS = (datetime(2026, 11, 24, 10, 0), datetime(2026, 11, 22, 3, 0))  # a Tuesday morning, a Sunday night


def steps(outcome: Outcome) -> Iterator[Event]:
    return (event for event in outcome.events if event.kind == "step")


def reached(outcome: Outcome) -> float | None:
    """Return the seconds until the call came to a human, to voicemail or to a hang-up; None if it never did."""
    return next((event.at for event in steps(outcome) if event.data.get("verb") in PEOPLE), None)


def worlds(dialplan: Dialplan) -> Iterator[Scenario]:
    """Yield calls by day and by night, with services that work or do not, from two numbers."""
    for at in HOURS if dialplan.hours else HOURS[:1]:
        for number in ("100", "200"):
            for stub in (WORKS, TIMES_OUT):
                yield Scenario("silence", at, stub=dict.fromkeys(dialplan.services, stub), from_number=number)


def callers(dialplan: Dialplan, seed: int) -> Iterator[Scenario]:
    """Yield, in each of the worlds, who is silent, who mumbles, and some who press keys before they fall silent."""
    rng = random.Random(seed)
    for world in worlds(dialplan):
        yield world
        yield replace(world, caller="mumble")
        if dialplan.defaults.max_events > 12:  # what was keyed before raises events of its own
            for _ in range(KEYED):
                keys = tuple(Act("dtmf", rng.choice(KEYS)) for _ in range(rng.randint(1, 6)))
                yield replace(world, caller=keys)


def stuck(dialplan: Dialplan, seed: int) -> str:
    """Return how some of the `callers` gets stuck, or one who is silent and answered everywhere; "" if none does."""
    hotline = Hotline(dialplan, call_seconds=LIMIT)
    for scenario in callers(dialplan, seed):
        problem = _problem(hotline.run(scenario))
        if problem:
            return f"{scenario.caller}: {problem}"
    answered = Hotline(dialplan, call_seconds=WITH_TALKS)
    for world in worlds(dialplan):
        trouble = trouble_in(answered.run(replace(world, agents=answering(dialplan))))
        if trouble is not None:  # after a talk, too many events of the caller are a way out
            return f"silent, and answered everywhere: {trouble.text}"
    return ""


def longest(dialplan: Dialplan, caller: Forever) -> float:
    """Return the longest time to a human over several worlds, in seconds."""
    hotline = Hotline(dialplan, call_seconds=LIMIT)
    times = [reached(hotline.run(replace(world, caller=caller))) for world in worlds(dialplan)]
    # an answer without the field that a text needs ends a call by an error: that is no way to a human
    return max(time for time in times if time is not None)


def _problem(outcome: Outcome) -> str:
    if outcome.problem:
        return outcome.problem
    at = reached(outcome)
    if at is not None and at > LONGEST and not outcome.done:
        return f"a human only after {at:.0f} s"
    given_up = [event for event in outcome.events if event.kind == "give_up"]
    if given_up:
        return f"an apology, and the call is over: {given_up[0].data.get('reason')}"
    last = list(steps(outcome))[-1]
    if last.data.get("verb") not in ("hangup", "transfer"):
        return f"the call ends in a step {last.data.get('verb')}"
    return ""


def extensions(dialplan: Dialplan) -> list[str]:
    """Return whom the dialplan transfers callers to."""
    steps = (step for flow in dialplan.flows.values() for step in flow.every_step())
    return [step.to.source for step in steps if isinstance(step, Transfer)]


def answering(dialplan: Dialplan) -> dict[str, Behaviour]:
    """Return agents of whom each answers."""
    return dict.fromkeys(("alice", *extensions(dialplan)), "answers")


def _kinds_of_worlds(dialplan: Dialplan) -> Iterator[Scenario]:
    """Yield calls in which all goes well, and some in each of which one thing does not."""
    everybody = answering(dialplan)
    well = Scenario((), HOURS[0], everybody, dict.fromkeys(dialplan.services, WORKS), "200")
    yield well
    for number in range(FIRST_CALLER, FIRST_CALLER + MOST_CONDITIONS):
        yield replace(well, from_number=str(number))
    broken = replace(well, stub=dict.fromkeys(dialplan.services, TIMES_OUT))
    yield from (broken, replace(broken, agents={}))
    hows: tuple[Behaviour, ...] = ("declines", "busy")
    for name in everybody:
        for how in hows:
            yield replace(well, agents={**everybody, name: how})


def never_run(dialplan: Dialplan, calls: int) -> set[str]:
    """Return the ids of the steps that no caller comes to, of at most `calls` in each world.

    In the first world the search goes on, by each of ANSWERS, from each call in which something new happened; in the
    others from those calls, where they come to a step that nobody came to before.
    """
    hotline = Hotline(dialplan, call_seconds=WITH_TALKS)
    missing = {step.id for step in Coverage(dialplan).all_steps()}
    scripts: list[tuple[Act, ...]] = [()]
    known: set[tuple[str, ...]] = set()
    for number, world in enumerate(_kinds_of_worlds(dialplan)):
        waiting, left = deque(scripts), calls
        while missing and waiting and left:
            left -= 1
            script = waiting.popleft()
            events = hotline.run(replace(world, caller=script)).events
            run = {str(event.data.get("step")) for event in events if event.kind == "step"}
            told = {tuple(str(event.data.get(name)) for name in SIGNS) for event in events}
            if run & missing or (number == 0 and not told <= known):
                waiting.extend((*script, answer) for answer in ANSWERS)
                scripts.append(script)
            missing -= run
            known |= told
    return missing
