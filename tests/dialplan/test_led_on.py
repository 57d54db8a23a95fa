"""Callers who are led from human to human for ever: what is found is what the simulator shows, and nothing else."""

import pytest

from tests.dialplan.helpers import EN, findings, loaded
from tests.dialplan.simulated import answering
from voicebot.sim.fuzz import Fuzz
from voicebot.sim.hotline import Hotline, Outcome, Scenario

HEAD = EN + (
    "queues: {desk: {}}\n"
    "handlers:\n"
    "  noinput: [{count: 2, goto: bye}]\n"
    "  nomatch: [{count: 2, goto: bye}]\n"
    "  error: [{goto: human}]\n"
    '  operator: [{dtmf: "0", goto: human}]\n'
)
CLOSED = "timeout: bye, no_agents: bye, full: bye"
HUMAN = f"  human:\n    - queue: {{name: desk, exits: {{agent_done: after, {CLOSED}}}}}\n"
BYE = "  bye:\n    - hangup: {}\n"
ENDLESS = {
    "the same queue again": "  after: [{say: Hello again.}, {goto: human}]\n",
    "inside of a target": (
        "  after:\n    - transfer: {to: '6001', exits: {agent_done: [{say: Hello again.}], busy: bye, no_answer: bye,"
        " declined: bye, unreachable: bye, timeout: bye}}\n    - goto: human\n"
    ),
    "after a flow that returns": "  after: [{call: sub}, {goto: human}]\n  sub: [{say: Hello again.}, {return: {}}]\n",
    "a flow called from itself": "  after: [{call: human}]\n",
    "after voicemail": "  after: [{record_message: {max: 5s}}, {goto: human}]\n",
    "a branch": "  after:\n    - if: {when: \"call.from == '1'\", goto: bye}\n    - goto: human\n",
    "a form that asks nothing": (
        "  after:\n    - form: {slots: [{slot: a, type: boolean, required: false, prompt: A?}], on_fail: bye}\n"
        "    - goto: human\n"
    ),
}
ENDING = {
    "a hang-up": "  after: [{goto: bye}]\n",
    "a survey and a hang-up": (
        '  after:\n    - collect: {slot: csat, type: integer, range: [1, 5], on_fail: bye, prompt: "How was it?"}\n'
        "    - goto: bye\n"
    ),
    "a question": '  after:\n    - confirm: {prompt: "Anything else?", if_yes: human, if_no: bye}\n',
    "a question in a flow that returns": (
        "  after: [{call: ask}, {goto: human}]\n"
        '  ask:\n    - confirm: {prompt: "Anything else?", if_no: bye}\n    - return: {}\n'
    ),
    "a flow that does not return": "  after: [{call: last}]\n  last: [{say: Thank you.}, {hangup: {}}]\n",
    "a branch on what the circle sets": (
        "  after:\n    - if: {when: \"call.again | default('')\", goto: bye}\n"
        "    - set: {call.again: true}\n    - goto: human\n"
    ),
    "the same flow called twice": (
        "  after: [{call: sub}, {call: sub}, {goto: bye}]\n  sub: [{say: Thank you.}, {return: {}}]\n"
    ),
}


def text(after: str) -> str:
    return HEAD + "flows:\n  main: [{say: Hello.}, {goto: human}]\n" + HUMAN + after + BYE


SURVEY = (
    '  after:\n    - collect: {slot: csat, type: integer, range: [1, 5], on_fail: bye, OWN prompt: "How was it?"}\n'
    "    - goto: bye\n"
)


@pytest.mark.parametrize(
    ("own", "general", "found"),
    [
        ("", "[{count: 2, goto: human}]", ["VB169"]),
        ("", "[{count: 1, reprompt: full}, {count: 3, goto: human}]", []),
        ("noinput: [{count: 1, reprompt: full}],", "[{count: 2, goto: human}]", ["VB169"]),
        ("max_attempts: 4,", "[{count: 1, reprompt: full}, {count: 3, goto: human}]", ["VB169"]),
        ("noinput: [{goto: bye}],", "[{count: 2, goto: human}]", []),
        ("max_attempts: 1,", "[{count: 2, goto: human}]", []),
        ("", "[{count: 2, goto: bye}]", []),
    ],
)
def test_silence_after_a_talk_that_leads_back_to_it_is_found(
    own: str, general: str, found: list[str]
) -> None:
    plan = text(SURVEY.replace("OWN", own)).replace("noinput: [{count: 2, goto: bye}]", f"noinput: {general}")
    told = [item for item in findings(plan, skip=()) if item.severity != "info"]
    assert [item.code for item in told] == found
    assert all(plan.splitlines()[item.line - 1].lstrip().startswith("- collect") for item in told)
    dialplan = loaded(plan, skip=())
    talks = sum(
        event.kind == "bridged"
        for event in Hotline(dialplan).run(Scenario("silence", agents=answering(dialplan))).events
    )
    assert (talks > 1) is bool(found), "the simulator shows the same"


def silent_call(after: str) -> Outcome:
    plan = loaded(text(after), skip=())
    return Hotline(plan).run(Scenario("silence", agents=answering(plan)))


@pytest.mark.parametrize("after", ENDLESS.values(), ids=ENDLESS)
def test_a_circle_of_humans_is_found_and_the_simulator_shows_it(after: str) -> None:
    found = [item for item in findings(text(after), skip=()) if item.severity != "info"]
    assert [(item.code, item.severity) for item in found] == [("VB168", "warning")]
    outcome = silent_call(after)
    talks = sum(event.kind == "bridged" for event in outcome.events)
    assert outcome.trouble == "stuck" or (outcome.record["release_cause"] == "loop" and talks > 10)


@pytest.mark.parametrize("after", ENDING.values(), ids=ENDING)
def test_what_asks_or_ends_is_no_finding_and_ends_in_the_simulator(after: str) -> None:
    assert [item for item in findings(text(after), skip=()) if item.severity != "info"] == []
    outcome = silent_call(after)
    assert outcome.problem == ""
    assert sum(event.kind == "bridged" for event in outcome.events) <= 2


def test_the_finding_stands_at_the_first_human_of_the_circle() -> None:
    found = findings(text(ENDLESS["the same queue again"]), skip=())
    line = text("").split("\n").index(HUMAN.split("\n")[1]) + 1
    assert [(item.code, item.line, item.column) for item in found] == [("VB168", line, 7)]


def test_random_callers_find_such_a_circle_as_well() -> None:
    """A caller who says nothing at all comes to 1,800 s: no event ever ends the call."""
    plan = loaded(text(ENDLESS["the same queue again"]), skip=())
    kinds = {found.trouble.kind for found in Fuzz(plan, seed=1).callers(20)}
    assert kinds == {"stuck"}
