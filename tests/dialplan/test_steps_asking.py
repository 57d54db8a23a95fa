"""The steps that ask (menu, collect, confirm, form), on a line without audio."""

import pytest

from tests.dialplan.fake_line import FakeLine, Keyed, Mumble, Nothing, Said
from tests.dialplan.helpers import BOTH, EN, dialled
from voicebot.dialplan.line import (
    Failed,
)

MENU = (
    EN
    + """
flows:
  main:
    - menu:
        prompt: "Balance, lost card, or fish?"
        choices:
          - {dtmf: "1", phrases: ["[my] balance"], set: {call.topic: money}, say: "Fine.", goto: money}
          - {dtmf: "12", phrases: ["fish"], goto: [{say: "Fish."}]}
          - {dtmf: "3", phrases: ["lost card"], call: sub}
        interdigit_timeout: 2s
    - say: "After."
    - hangup: after
  money: [{say: "{{ call.topic }}"}, {hangup: money}]
  sub: [{say: "Sub."}, {return: {}}]
"""
)


@pytest.mark.parametrize(
    ("act", "reason", "heard"),
    [
        (Said("my balance"), "money", "Fine. money"),
        (Keyed("1"), "money", "Fine. money"),
        (Keyed("12"), "after", "Fish. After."),
        (Keyed("3"), "after", "Sub. After."),
        (Said("um fish please"), "after", "Fish. After."),
    ],
)
def test_a_menu_takes_speech_and_keys(act: Said | Keyed, reason: str, heard: str) -> None:
    line = FakeLine([act])
    assert dialled(MENU, line) == reason
    assert line.heard.endswith(heard)


def test_low_confidence_is_confirmed_and_under_reject_is_nomatch() -> None:
    line = FakeLine([Said("lost card", confidence=0.5), Said("yes")])
    assert dialled(MENU, line) == "after"
    assert "lost card, right?" in line.heard
    line = FakeLine([Said("lost card", confidence=0.5), Keyed("2"), Keyed("1")])
    assert dialled(MENU, line) == "money"
    assert len(line.events_named("nomatch")) == 0
    line = FakeLine([Said("lost card", confidence=0.2), Keyed("1")])
    dialled(MENU, line)
    assert len(line.events_named("nomatch")) == 1
    assert "right?" not in line.heard


def test_a_tie_is_asked() -> None:
    plan = MENU.replace('["lost card"]', '["lost"]')
    line = FakeLine([Said("balance and lost"), Keyed("3")])
    assert dialled(plan, line) == "after"
    assert "balance, or lost?" in line.heard


COLLECT = (
    EN
    + """
links: [{dtmf: "0", phrases: ["operator"], goto: human}]
flows:
  main:
    - collect: {slot: pin, type: digits, length: 4, sensitive: true, prompt: "Your code?", confirm: CONFIRM, on_fail: failed}
    - say: "Got {{ slot.pin }}."
    - set: {call.copy: "{{ slot.pin }}"}
    - say: "Copy {{ call.copy | default('none') }}."
    - hangup: good
  failed: [{hangup: failed}]
  human: [{hangup: human}]
"""
)


def test_collect_digits_by_keys_and_by_speech() -> None:
    for act in (Keyed("4711"), Said("four seven one one")):
        line = FakeLine([act])
        assert dialled(COLLECT.replace("CONFIRM", "never"), line) == "good"
        assert "Got four seven double one." in line.heard


def test_a_sensitive_value_is_in_no_trace_and_marked_where_it_is_spoken() -> None:
    line = FakeLine([Said("four seven one one"), Said("yes")])
    assert dialled(COLLECT.replace("CONFIRM", "always"), line) == "good"
    assert "4711" not in repr(line.events)
    assert "four" not in repr(line.events)
    assert all(
        item.sensitive and not item.constant
        for item in line.said
        if "four" in item.text or "4711" in item.text
    )
    assert any("Copy 4711" in item.text for item in line.said)
    assert all(question.sensitive for question in line.questions)
    assert line.events_named("slot") == [
        {"step": "main.1", "line": 7, "name": "pin", "type": "digits", "sensitive": True}
    ]


def test_a_wrong_entry_of_a_sensitive_slot_is_not_traced() -> None:
    line = FakeLine(
        [
            Keyed("47#"),
            Said("my secret is fish"),
            Keyed("99999"),
        ]
    )
    assert dialled(COLLECT.replace("CONFIRM", "never"), line) == "good"
    assert "47" not in repr(line.events)
    assert "fish" not in repr(line.events)


def test_max_attempts_counts_silence_mumbling_and_refusals_together_and_runs_no_handler_at_the_end() -> None:
    line = FakeLine([Nothing(), Said("four seven one one"), Said("no"), Mumble()])
    assert dialled(COLLECT.replace("CONFIRM", "always"), line) == "failed"


def test_a_links_key_belongs_to_the_slot_while_it_can_and_alone_is_the_link() -> None:
    line = FakeLine([Keyed("0472")])
    assert dialled(COLLECT.replace("CONFIRM", "never"), line) == "good"
    assert dialled(COLLECT.replace("CONFIRM", "never"), FakeLine([Keyed("0")])) == "human"
    assert dialled(COLLECT.replace("CONFIRM", "never"), FakeLine([Keyed("0#")])) == "human"
    assert dialled(COLLECT.replace("CONFIRM", "never"), FakeLine([Said("operator")])) == "human"


def test_collect_choice_and_boolean() -> None:
    plan = (
        EN
        + """
flows:
  main:
    - collect: {slot: card, type: choice, values: {visa: {en: ["visa [card]"]}, amex: {en: ["american express"]}}, prompt: "Which?"}
    - collect: {slot: sure, type: boolean, prompt: "Sure?"}
    - switch: {value: slot.card, cases: {amex: [{say: "Amex."}]}, default: [{say: "Other."}]}
    - if: {when: slot.sure, then: [{say: "Sure."}], else: [{say: "Unsure."}]}
    - hangup: {}
"""
    )
    line = FakeLine([Said("american express"), Said("no")])
    dialled(plan, line)
    assert line.heard.endswith("Amex. Unsure.")
    line = FakeLine([Keyed("1"), Keyed("1")])
    dialled(plan, line)
    assert line.heard.endswith("Other. Sure.")


def test_confirm_by_speech_and_by_key() -> None:
    plan = (
        EN
        + 'flows:\n  main:\n    - confirm: {prompt: "More?", if_yes: main, if_no: [{hangup: no}]}\n    - hangup: end\n'
    )
    line = FakeLine([Said("yes please"), Keyed("1"), Said("no thanks")])
    assert dialled(plan, line) == "no"
    assert len(line.questions) == 3


def test_form_asks_each_slot_and_reads_all_back() -> None:
    plan = (
        EN
        + """
flows:
  main:
    - form:
        slots:
          - {slot: a, type: digits, length: 2, prompt: "A?"}
          - {slot: b, type: digits, length: 2, prompt: "B?"}
          - {slot: c, type: digits, length: 2, prompt: "C?", required: false}
        confirm: "{{ slot.a }} and {{ slot.b }}, right?"
    - hangup: done
"""
    )
    line = FakeLine([Keyed("12"), Keyed("34"), Keyed("2"), Keyed("56"), Keyed("78"), Keyed("1")])
    assert dialled(plan, line) == "done"
    assert "five six and seven eight, right?" in line.heard
    assert "C?" not in line.heard


def test_no_recogniser_and_no_keys_is_an_error() -> None:
    plan = EN + 'flows:\n  main:\n    - confirm: {prompt: "Ok?", input: speech}\n    - hangup: {}\n'
    line = FakeLine([Failed("no_recogniser")])
    assert dialled(plan, line) == "error"
    assert line.events_named("error")[0]["kind"] == "no_recogniser"


LANGUAGE = (
    BOTH
    + """
flows:
  main:
    - menu: {prompt: {all: ["English?", "中文？"]}, choices: [{phrases: ["english", "中文"]}]}
    - say: {en: "Hello.", zh: "您好。"}
    - hangup: {}
"""
)


def test_a_spoken_choice_sets_the_language_until_then_all_listen() -> None:
    plan = LANGUAGE.replace("{phrases:", '{dtmf: "1", phrases:')
    line = FakeLine([Said("中文", "zh")])
    dialled(plan, line)
    assert line.questions[0].languages == ("en", "zh")
    assert line.heard.endswith("您好。")
    line = FakeLine([Keyed("1")])
    dialled(plan, line)
    assert line.heard.endswith("Hello.")
    assert not line.events_named("language")


def test_the_other_recognisers_result_is_used_when_it_matches() -> None:
    line = FakeLine([Said("john when", "en", 0.6, (("zh", "中文", 0.9),))])
    dialled(LANGUAGE, line)
    assert line.heard.endswith("您好。")


def test_a_language_that_was_chosen_by_a_refused_match_is_forgotten() -> None:
    line = FakeLine([Said("中文", "zh", 0.5), Keyed("2"), Said("english")])
    dialled(LANGUAGE, line)
    assert "中文，对吗？" in line.heard
    assert line.questions[2].languages == ("en", "zh")
    assert line.heard.endswith("Hello.")
