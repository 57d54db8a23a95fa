"""Handlers and their counting: principle 6 of the language."""

import pytest

from tests.dialplan.fake_line import FakeLine, Keyed, Mumble, Nothing, Said
from tests.dialplan.helpers import BOTH, EN, dialled

PLAN = (
    EN
    + """
handlers:
  noinput: [{count: 1, say: "Top one.", reprompt: full}, {count: 3, say: "Top three.", goto: human}]
  nomatch: [{count: 1, say: "Pardon."}, {count: 2, say: "Keys.", input: [dtmf], reprompt: none}]
  help: [{phrases: ["help"], say: "Help.", reprompt: full}]
  operator: [{phrases: ["operator"], dtmf: "0", set: {call.reason: asked}, goto: human}]
links: [{phrases: ["again"], dtmf: "*", event: repeat}, {phrases: ["hours"], call: hours}]
flows:
  main:
    - menu: {prompt: "Long?", brief: "Short?", choices: [{dtmf: "1", phrases: ["fish"]}], STEP}
    - menu: {prompt: "Second?", choices: [{dtmf: "1", phrases: ["fish"], goto: good}]}
    - hangup: passed
  good: [{hangup: good}]
  human: [{say: "Human."}, {hangup: human}]
  hours: [{say: "Nine to five."}, {return: {}}]
"""
)
NO_STEP = PLAN.replace(", STEP", "")


def test_the_highest_count_that_is_reached_wins() -> None:
    line = FakeLine([Nothing(), Nothing(), Nothing()])
    assert dialled(NO_STEP, line) == "human"
    assert line.heard == "Long? Top one. Long? Top one. Long? Top three. Human."
    assert [event["count"] for event in line.events_named("handler")] == [1, 2, 3]


def test_each_event_counts_alone_and_a_new_step_counts_anew() -> None:
    line = FakeLine([Nothing(), Mumble(), Nothing(), Said("fish"), Nothing(), Nothing(), Keyed("1")])
    assert dialled(NO_STEP, line) == "good"
    assert line.heard == (
        "Long? Top one. Long? Pardon. Short? Top one. Long? Second? Top one. Second? Top one. Second?"
    )


def test_the_steps_own_entry_wins_a_tie_but_not_against_a_higher_count() -> None:
    plan = PLAN.replace("STEP", 'noinput: [{say: "Own.", reprompt: brief}]')
    line = FakeLine([Nothing(), Nothing(), Nothing()])
    assert dialled(plan, line) == "human"
    assert line.heard == "Long? Own. Short? Own. Short? Top three. Human."


def test_a_handlers_input_holds_until_the_step_ends() -> None:
    line = FakeLine([Mumble(), Mumble(), Said("fish"), Keyed("1"), Said("fish")])
    assert dialled(NO_STEP, line) == "good"
    assert [question.matcher.accepts_speech() for question in line.questions] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert "Keys. Top one. Long? Second?" in line.heard  # reprompt: none


def test_help_repeat_and_operator_are_raised_by_links() -> None:
    line = FakeLine([Said("help"), Keyed("*"), Said("operator")])
    assert dialled(NO_STEP, line) == "human"
    assert line.heard == "Long? Help. Long? Long? Human."


def test_a_link_that_calls_is_a_digression() -> None:
    line = FakeLine([Said("hours"), Keyed("1"), Keyed("1")])
    assert dialled(NO_STEP, line) == "good"
    assert line.heard == "Long? Nine to five. Short? Second?"


def test_a_steps_own_choice_wins_over_a_link() -> None:
    plan = NO_STEP.replace('{dtmf: "1", phrases: ["fish"]}', '{dtmf: "0", phrases: ["operator"]}')
    assert dialled(plan, FakeLine([Keyed("0"), Keyed("1")])) == "good"
    assert dialled(plan, FakeLine([Said("operator"), Keyed("1")])) == "good"


def test_a_handler_that_calls_goes_on_after_its_step() -> None:
    plan = PLAN.replace("STEP", "noinput: [{call: hours}]")
    line = FakeLine([Nothing(), Keyed("1")])
    assert dialled(plan, line) == "good"
    assert line.heard == "Long? Nine to five. Second?"


def test_a_handler_with_steps_ends_its_step() -> None:
    plan = PLAN.replace("STEP", 'noinput: [{goto: [{say: "Never mind."}]}]')
    line = FakeLine([Nothing(), Keyed("1")])
    assert dialled(plan, line) == "good"
    assert line.heard == "Long? Never mind. Second?"


def test_without_handlers_the_question_is_asked_again_until_twelve_events() -> None:
    plan = (
        EN
        + 'flows:\n  main:\n    - menu: {prompt: "Long?", brief: "Short?", choices: [{dtmf: "1"}]}\n    - hangup: {}\n'
    )
    line = FakeLine([Nothing(), Mumble(), Keyed("1")])
    assert dialled(plan, line) == "normal"
    assert line.heard == "Long? Long? Sorry, I did not understand. Short?"
    line = FakeLine([Nothing()] * 12)
    assert dialled(plan, line) == "loop"
    assert len(line.questions) == 12
    assert line.heard.endswith("Goodbye.")
    shorter = plan.replace("flows:", "defaults: {max_events: 3}\nflows:")
    line = FakeLine([Nothing()] * 3)
    assert dialled(shorter, line) == "loop"


ERRORS = (
    EN
    + """
handlers: {error: [{say: "Busy.", goto: TARGET}]}
flows:
  main: [{say: "{{ call.from | currency('XYZ') }}"}, {hangup: main}]
  other: [{menu: {prompt: "Go on?", choices: [{dtmf: "1", goto: main}, {dtmf: "2", goto: bad}]}}, {hangup: other}]
  bad: [{say: "{{ call.from | currency('XYZ') }}"}, {hangup: bad}]
"""
)


def test_an_error_leaves_by_its_handler_and_the_third_of_a_call_ends_it() -> None:
    plan = ERRORS.replace("TARGET", "other")
    line = FakeLine([Keyed("1"), Keyed("1")])
    assert dialled(plan, line) == "loop"
    assert [event["count"] for event in line.events_named("error")] == [1, 2, 3]
    assert line.events_named("error")[0]["kind"] == "type"


def test_an_error_inside_the_target_of_an_error_handler_ends_the_call() -> None:
    line = FakeLine()
    assert dialled(ERRORS.replace("TARGET", "bad"), line) == "loop"
    assert len(line.events_named("error")) == 2
    line = FakeLine()
    inline = ERRORS.replace("TARGET", "[{say: \"{{ call.to | currency('XYZ') }}\"}, {hangup: x}]")
    assert dialled(inline, line) == "loop"


def test_without_an_error_handler_the_caller_hears_an_apology() -> None:
    line = FakeLine()
    assert (
        dialled(
            EN + "flows:\n  main: [{say: \"{{ call.to | currency('XYZ') }}\"}, {hangup: x}]\n",
            line,
        )
        == "error"
    )
    assert "something went wrong" in line.heard


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Sorry, I did not understand."), ("zh", "抱歉，我没有听懂。")]
)
def test_built_in_texts_follow_the_language(language: str, said: str) -> None:
    plan = BOTH + (
        f"flows:\n  main:\n    - language: {language}\n"
        '    - menu: {prompt: {en: "One?", zh: "一？"}, choices: [{dtmf: "1"}]}\n    - hangup: {}\n'
    )
    line = FakeLine([Mumble(), Keyed("1")])
    dialled(plan, line)
    assert said in line.heard


def test_every_event_of_the_timeline_names_step_and_line() -> None:
    line = FakeLine([Nothing(), Said("fish"), Keyed("1")])
    dialled(NO_STEP, line)
    for name in ("step", "noinput", "heard", "keys", "handler", "goto"):
        assert line.events_named(name), name
        assert all({"step", "line"} <= set(fields) for fields in line.events_named(name) if name != "goto")
    heard = line.events_named("heard")[0]
    assert (heard["text"], heard["language"], heard["tier"], heard["confidence"]) == (
        "fish",
        "en",
        "template",
        1.0,
    )
