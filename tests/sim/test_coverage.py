"""Coverage counts what the tests have run and taken, by step and by way."""

from pathlib import Path

from tests.sim.hotlines import DEMO, written
from voicebot.dialplan.loader import load
from voicebot.sim.coverage import Coverage
from voicebot.sim.hotline import Hotline, Scenario

EXAMPLES = DEMO.parent / "examples"


def covered(dialplan_path: Path, names: tuple[str, ...] = ()) -> Coverage:
    plan = load(dialplan_path)
    hotline, coverage = Hotline(plan), Coverage(plan)
    for test in plan.tests:
        if not names or test.name in names:
            coverage.add(hotline.run(Scenario.of(test)).events)
    return coverage


def test_steps_and_choices_of_the_demo() -> None:
    coverage = covered(DEMO, ("an English caller hears the opening hours",))
    times = {(edge.step, edge.name, edge.line): coverage.times(edge) for edge in coverage.all_edges()}
    by_step = {step: count for (step, name, _), count in times.items() if name in ("then", "if_no")}
    assert coverage.steps["opening_hours.2"] == 1
    assert coverage.steps["lost_card.1"] == 0
    assert by_step["opening_hours.2"] == 1
    assert by_step["anything_else.1"] == 1
    taken = [
        line
        for (step, name, line), count in times.items()
        if step == "main.1" and name.startswith("choice") and count
    ]
    assert len(taken) == 1


def test_every_kind_of_way_is_counted(tmp_path: Path) -> None:
    written(
        tmp_path,
        """
    - menu:
        prompt: "Say one thing or key two."
        choices: [{dtmf: "1", phrases: [one thing], goto: ask}, {dtmf: "2", goto: human}]
  ask:
    - collect: {slot: code, type: digits, length: 2, max_attempts: 1, prompt: "Code?", on_fail: bye}
    - switch: {value: slot.code, cases: {"11": [{say: "Eleven."}]}, default: bye}
    - http: {service: core, get: /x, timeout: 1s, on_error: {"404": bye, else: bye}}
    - goto: bye
  human:
    - queue: {name: agents, exits: {agent_done: bye, timeout: bye, no_agents: bye, full: bye}}
tests:
  - {name: a, caller: [{dtmf: "1"}, {dtmf: "11"}], stub: {core: {"*": {status: 404}}}, expect: {}}
  - {name: b, caller: [{dtmf: "1"}, {dtmf: "22"}], expect: {}}
  - {name: c, caller: [{dtmf: "1"}], expect: {}}
  - {name: d, caller: [{dtmf: "2"}], agents: {bob: answers}, expect: {}}
  - {name: e, caller: silence, expect: {}}
""",
    )
    coverage = covered(tmp_path / "main.yaml")
    times = {f"{edge.step} {edge.name}": coverage.times(edge) for edge in coverage.all_edges()}
    assert times["ask.1 filled"] == 2
    assert times["ask.1 on_fail"] == 1
    assert times["ask.2 11"] == 1
    assert times["ask.2 default"] == 1
    assert times["ask.4 on_error 404"] == 1
    assert times["ask.4 2xx"] == 0
    assert times["human.1 agent_done"] == 1
    assert times["human.1 full"] == 0
    assert times["main.1 choice 1"] == 3
    assert times["main.1 choice 2"] == 1
    assert times[" noinput 1"] == 1
    assert times[" nomatch 1"] == 0


def test_the_slots_of_a_form_are_ways_through_it() -> None:
    coverage = covered(EXAMPLES / "form.yaml")
    assert [step.id for step in coverage.all_steps() if not coverage.steps[step.id]] == ["sorry.1", "sorry.2"]
    asked = {edge.name: coverage.times(edge) for edge in coverage.all_edges() if edge.step == "booking.1"}
    assert asked == {"slot guests": 1, "slot day": 1}
