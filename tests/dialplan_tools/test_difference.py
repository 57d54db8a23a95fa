"""`voicebot diff`: what callers notice, and nothing else."""

import re
from pathlib import Path

import pytest

from tests.dialplan.helpers import loaded
from voicebot.dialplan.source import parse_source
from voicebot.dialplan.tools.difference import Change, Version, difference
from voicebot.dialplan.tools.formatting import format_source

ROOT = Path(__file__).parent.parent.parent
DEMO = (ROOT / "dialplans" / "demo.yaml").read_text(encoding="utf-8")


def version(text: str) -> Version:
    return Version(loaded(text), parse_source(text, "main.yaml"))


OLD = version(DEMO)


def changes(old: str, new: str, *more: tuple[str, str]) -> list[Change]:
    text = DEMO
    for one, other in ((old, new), *more):
        assert one in text
        text = text.replace(one, other, 1)
    return list(difference(OLD, version(text)))


def told(old: str, new: str, *more: tuple[str, str]) -> list[str]:
    return [item.text for item in changes(old, new, *more)]


def line_of(text: str, source: str = DEMO) -> int:
    return source[: source.index(text)].count("\n") + 1


def test_comments_form_and_order_of_flows_are_no_difference() -> None:
    head, flows = DEMO.split("\nflows:\n")
    body, tests = flows.split("\ntests:\n")
    parts = re.split(r"\n\n(?=  \w+:\n)", body)
    swapped = f"# new\n{head}\nflows:\n" + "\n\n".join(reversed(parts)) + f"\ntests:\n{tests}"
    assert difference(OLD, version(swapped)) == ()
    assert difference(OLD, version(format_source(DEMO))) == ()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "Is there anything else that I can do for you?",
            "Anything else?",
            'anything_else, confirm: prompt (en) was "Is there anything else that I can do for you?" and is "Anything else?"',
        ),
        (
            "We are open right now.",
            "Come in.",
            'opening_hours, say: text (en) was "We are open right now." and is "Come in."',
        ),
        (
            '{dtmf: "4", intent: branch',
            '{dtmf: "5", intent: branch',
            'main, menu: the key of the intent branch was "4" and is "5"',
        ),
        ("if_no: survey", "if_no: goodbye", "anything_else, no: it led to survey and leads to goodbye"),
        ("max_wait: 10m", "max_wait: 5m", "the queue agents: max_wait was 10m and is 5m"),
        ("timeout: 5s", "timeout: 800ms", "defaults: timeout was 5s and is 800ms"),
        ('"2027-01-01"]', '"2027-01-02"]', "the hours branch, 2027-01-01: was closed and is not named"),
        ('"09:00-12:00"]', '"09:00-24:00"]', "the hours branch, sat: was 09:00-12:00 and is 09:00-24:00"),
        (
            '"opening times"',
            '"when open"',
            'the intent opening_hours (en) is no longer meant by "opening times"',
        ),
        (
            "{count: 3, goto: human}",
            "{count: 4, goto: human}",
            "everywhere, noinput 3: no longer leads to human",
        ),
        ('"还有多少钱"', '"余额"', 'the intent balance (zh) is now meant by "余额"'),
        ("timezone: Asia/Shanghai", "timezone: UTC", "the hotline's timezone was Asia/Shanghai and is UTC"),
        ("ring_timeout: 15s", "ring_timeout: 20s", "the queue agents: ring_timeout was 15s and is 20s"),
        ("length: 4", "length: 6", "identify, collect: length was 4 and is 6"),
        ("{max: 60s", "{max: 2m", "message, record_message: max was 1m and is 2m"),
        ('to: "6001"', 'to: "6009"', 'duty_manager, transfer: to was "6001" and is "6009"'),
    ],
)
def test_an_edit_is_told_in_a_sentence(old: str, new: str, text: str) -> None:
    assert text in told(old, new)


def test_a_change_names_its_lines_in_both_files() -> None:
    [change] = changes("We are open right now.", "Come in.", ("dialplan: 1", "\ndialplan: 1"))
    assert change.old is not None
    assert change.new is not None
    assert change.old.line == line_of("We are open right now.")
    assert change.new.line == change.old.line + 1
    assert str(change).startswith(f"{change.old.file}:{change.old.line} -> ")


def test_a_way_that_closed_and_one_that_opened_are_told() -> None:
    found = told(
        '          - {dtmf: "4", intent: branch, goto: branch}\n',
        "",
        ("    - goto: anything_else\n\n  balance", "    - goto: branch\n\n  balance"),
    )
    assert "main, menu: the key 4, the intent branch is gone" in found
    assert "main, branch: no longer leads to branch" in found
    assert "opening_hours now leads to branch" in found


def test_a_new_flow_and_a_new_step_are_told_once() -> None:
    found = told(
        "  goodbye:\n    - say:",
        '  extra:\n    - say: {en: "More.", zh: "还有。"}\n    - goto: goodbye\n\n  goodbye:\n    - say: {en: "By the way.", zh: "顺便。"}\n    - say:',
        ("    - goto: goodbye\n", "    - goto: extra\n"),
    )
    assert found.count("the flow extra is new") == 1
    assert 'goodbye: say "By the way." / "顺便。" is new' in found
    assert not any("Thank you for calling" in text for text in found)
    assert any(text.endswith("leads to extra") for text in found)


SMALL = """\
dialplan: 1
hotline: {name: t, languages: [en], timezone: UTC, start: main}
flows:
  main:
    - if: {when: call.priority > 1, then: vip}
    - say: "Hello."
    - hangup: done
  vip:
    - hangup: vip
"""


def small(old: str, new: str) -> list[str]:
    assert old in SMALL
    return [item.text for item in difference(version(SMALL), version(SMALL.replace(old, new)))]


def test_a_condition_that_changed_is_told_once() -> None:
    assert small("> 1", "> 5") == ['main, if: when was "call.priority > 1" and is "call.priority > 5"']


def test_a_branch_that_leads_elsewhere_is_told_by_its_condition() -> None:
    assert small("then: vip", "then: main") == ["main, call.priority > 1: it led to vip and leads to main"]


def test_a_step_that_is_gone_is_told_with_its_words() -> None:
    assert small('    - say: "Hello."\n', "") == ['main: say "Hello." is gone']


def test_another_reason_of_the_record_is_told_once() -> None:
    assert small("hangup: done", "hangup: over") == ['main, hangup: reason was "done" and is "over"']


def test_a_call_that_is_no_longer_ended_is_told() -> None:
    assert small("    - hangup: done\n", "    - goto: vip\n") == [
        "main no longer leads to hang up",
        "main now leads to vip",
    ]
