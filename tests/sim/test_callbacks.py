"""Callbacks, overflow and announcements of queues, in simulated calls."""

import datetime

from tests.dialplan.helpers import loaded
from voicebot.dialplan.testcases import Act
from voicebot.sim.hotline import CALLER_NUMBER, Hotline, Outcome, Scenario

HEAD = """dialplan: 1
hotline: {name: t, languages: [en], timezone: UTC, start: main}
"""
EXITS = "agent_done: bye, timeout: late, no_agents: late, full: late, callback_booked: bye"
BYE = """
  late:
    - hangup: {}
  bye:
    - hangup: {}
"""
AT = datetime.datetime(2026, 11, 24, 10, 0)


def offering(when: str, *acts: Act, queues: str = "desk: {max_wait: 120s, join_empty: true}") -> Outcome:
    text = (
        HEAD
        + f"queues: {{{queues}}}\nflows:\n  main:\n    - queue:\n        name: desk\n"
        + f'        offer_callback: {{when: "{when}", dtmf: "9"}}\n        exits: {{{EXITS}}}\n'
        + BYE
    )
    return Hotline(loaded(text)).run(Scenario(acts, AT, agents={"alice": "no_answer"}))


def exits(outcome: Outcome) -> list[object]:
    return [event.data["exit"] for event in outcome.events if event.kind == "queue_exit"]


def test_the_words_of_the_offer_take_it_and_the_number_is_read_back() -> None:
    outcome = offering("queue.position == 1", Act("say", "call me back"), Act("dtmf", "1"))
    assert exits(outcome) == ["callback_booked"]
    assert "Shall we call you on one three eight" in outcome.heard
    assert "You are booked" in outcome.heard


def test_another_number_can_be_keyed_and_is_read_back_too() -> None:
    acts = [Act("dtmf", keys) for keys in ("9", "2", "02088889999#", "1")]
    outcome = offering("queue.ewt > 60", *acts)
    assert exits(outcome) == ["callback_booked"]
    assert "Shall we call you on oh two oh" in outcome.heard
    assert not any("02088889999" in str(event.data) for event in outcome.events)


def test_nothing_is_offered_while_it_is_not_worth_it() -> None:
    outcome = offering("queue.ewt > 3000")
    assert exits(outcome) == ["timeout"]
    assert "call me back" not in outcome.heard


def test_who_does_not_answer_the_offer_goes_on_waiting() -> None:
    outcome = offering("queue.waited >= 0")
    assert exits(outcome) == ["timeout"]
    assert outcome.heard.count("or say: call me back") == 1  # the next one would come after 2 minutes
    assert outcome.problem == ""


def test_a_queue_that_gives_up_overflows_into_another_once() -> None:
    queues = "desk: {max_wait: 20s, overflow: spare}, spare: {max_wait: 30s, overflow: desk}"
    outcome = offering("queue.ewt > 9000", queues=queues)
    assert exits(outcome) == ["timeout", "timeout"]
    assert [event.data["queue"] for event in outcome.events if event.kind == "queue"] == ["desk", "spare"]
    assert 50.0 <= outcome.seconds <= 55.0


def test_always_tells_the_place_again_and_again() -> None:
    text = (
        HEAD
        + "queues: {desk: {max_wait: 65s, join_empty: true}}\nflows:\n  main:\n    - queue:\n        name: desk\n"
        + f"        announce: {{position: always, every: 20s}}\n        exits: {{{EXITS}}}\n"
        + BYE
    )
    outcome = Hotline(loaded(text)).run(Scenario((), AT))
    told = [event.at for event in outcome.events if event.kind == "queue_position"]
    assert [round(at, 1) for at in told] == [0.0, 20.0, 40.0, 60.0]


def booked(step: str) -> tuple[list[object], Outcome]:
    text = (
        HEAD
        + f"queues: {{desk: {{}}}}\nflows:\n  main:\n    - callback: {{{step}, exits: {{booked: bye, invalid: late, closed: late}}}}\n"
        + BYE
    )
    outcome = Hotline(loaded(text)).run(Scenario((), AT))
    return [event.data["exit"] for event in outcome.events if event.kind == "callback_exit"], outcome


def test_a_callback_is_booked_for_now_or_later_and_not_for_what_has_passed() -> None:
    assert booked("at: asap")[0] == ["booked"]
    assert booked('at: "2026-11-25 09:30"')[0] == ["booked"]
    assert booked('at: "2026-11-23 09:30"')[0] == ["closed"]
    assert booked('at: "2027-11-23 09:30"')[0] == ["closed"]
    assert booked("number: \"{{ 'call me' }}\"")[0] == ["invalid"]
    assert CALLER_NUMBER.isdigit()


def test_a_time_that_is_none_is_an_error_of_the_step() -> None:
    exit, outcome = booked("at: \"{{ 'tomorrow' }}\"")
    assert exit == []
    assert [event.data["kind"] for event in outcome.events if event.kind == "error"] == ["type"]
