"""Tests of the file: what they expect must be there, and what needs the hour names it."""

import pytest

from tests.dialplan.helpers import EN, findings

PLAN = (
    EN
    + """hours: {desk: {weekly: {mon: "9:00-17:00"}}}
queues: {desk: {}}
flows:
  main:
    - menu: {prompt: A or B?, choices: [{phrases: [alpha], goto: desk}, {phrases: [beta], goto: bye}]}
  desk:
    - if: {when: "open('desk')", goto: talk}
    - goto: booking
  talk:
    - transfer: {to: alice, exits: {agent_done: bye, busy: bye, no_answer: bye, declined: bye, unreachable: bye}}
  booking:
    - callback: {number: "13800138000", at: asap, exits: {booked: bye, invalid: bye, closed: bye}}
  bye:
    - hangup: {}
tests:
  - {name: one, caller: [{say: alpha}], expect: {EXPECTED}}
"""
)


def told(expected: str, at: str = "") -> list[tuple[str, str, str]]:
    text = PLAN.replace("EXPECTED", expected).replace("caller:", f"{at}caller:")
    return [(item.code, item.message, item.hint) for item in findings(text) if "the test" in item.message]


@pytest.mark.parametrize("expected", ["flow: desk", "flow: booking", "exit: booked", "exit: agent_done"])
def test_a_test_that_must_ask_the_clock_on_its_way_needs_the_hour(expected: str) -> None:
    message = "the test 'one' comes to open() in the flow 'desk' and has no `at`"
    assert told(expected) == [("VB170", message, 'add at: "2026-11-24 10:00"')]
    assert told(expected, 'at: "2026-11-23 10:00", ') == []


@pytest.mark.parametrize("expected", ["flow: bye", "flow: main", "heard: A or B"])
def test_a_test_that_has_another_way_needs_none(expected: str) -> None:
    assert told(expected) == []


def test_a_flow_or_an_exit_that_is_expected_and_does_not_exist_is_found() -> None:
    assert told("flow: bokking, exit: boooked", 'at: "2026-11-23 10:00", ') == [
        (
            "VB023",
            "the test 'one' expects the exit 'boooked', which no step has",
            "did you mean 'booked'?",
        ),
        (
            "VB101",
            "the test 'one' expects the flow 'bokking', which does not exist",
            "did you mean 'booking'?",
        ),
    ]
