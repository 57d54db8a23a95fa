"""Each step that neither asks nor connects, on a line without audio."""

import asyncio

import pytest

from tests.dialplan.fake_line import FakeLine
from tests.dialplan.helpers import BOTH, EN, codes, dialled, loaded
from voicebot.dialplan.interpreter import Interpreter
from voicebot.dialplan.line import (
    FetchResult,
)


def test_say_speaks_in_the_callers_language_and_splits_off_sentences_with_variables() -> None:
    line = FakeLine()
    plan = BOTH + (
        "flows:\n  main:\n    - language: zh\n"
        '    - say: {en: "Hello.", zh: "您好。您的号码是{{ call.from | digits }}。再见。"}\n'
        "    - hangup: {}\n"
    )
    assert dialled(plan, line) == "normal"
    assert [(item.text, item.constant) for item in line.said] == [
        ("您好。", True),
        ("您的号码是幺三九幺二三四五六七八。", False),
        ("再见。", True),
    ]
    assert line.hung_up == "normal"


def test_all_speaks_every_item_each_in_the_language_of_its_script() -> None:
    line = FakeLine()
    dialled(BOTH + 'flows:\n  main:\n    - say: {all: ["Hello.", "您好。"]}\n    - hangup: {}\n', line)
    assert [(item.text, item.language) for item in line.said] == [("Hello.", "en"), ("您好。", "zh")]


def test_play_takes_the_file_of_the_language() -> None:
    line = FakeLine()
    plan = loaded(
        BOTH + "flows:\n  main:\n    - language: zh\n    - play: {en: a.wav, zh: b.wav}\n    - hangup: {}\n",
        {"prompts/a.wav": "a tone", "prompts/b.wav": "a tone"},
    )
    dialled(plan, line)
    assert [item.file for item in line.said] == ["b.wav"]


def test_set_if_and_goto_and_call_and_return() -> None:
    plan = (
        EN
        + """
vars: {limit: 10}
flows:
  main:
    - set: {call.priority: 10, call.reason: "lost"}
    - if: {when: "call.priority >= var.limit and call.reason == 'lost'", call: sub, else: [{say: "No."}]}
    - goto: last
  sub: [{say: "Sub."}, {goto: tail}]
  tail: [{say: "Tail."}, {return: {}}]
  last: [{hangup: last}]
"""
    )
    line = FakeLine()
    assert dialled(plan, line) == "last"
    assert line.heard == "Sub. Tail."
    assert line.flows == ["main", "sub", "tail", "last"]


def test_too_deep_calls_and_too_many_steps_end_in_an_apology() -> None:
    deep = EN + "flows:\n  main: [{call: main}, {return: {}}]\n  other: [{goto: main}]\n"
    deep = EN.replace("start: main", "start: first") + (
        "flows:\n  first: [{call: main}, {hangup: x}]\n  main: [{say: a}, {if: {when: 'true', call: main}}, {return: {}}]\n"
    )
    line = FakeLine()
    assert dialled(deep, line) == "loop"
    assert len([f for f in line.flows if f == "main"]) == 16
    assert "something went wrong" in line.heard
    line = FakeLine()
    assert dialled(EN + "flows:\n  main: [{say: a}, {goto: main}]\n", line) == "loop"
    assert len(line.events_named("step")) == 200


def test_http_saves_a_body_and_takes_the_way_of_its_status() -> None:
    plan = (
        EN
        + """
services: {core: {base_url: "http://127.0.0.1:1"}}
flows:
  main:
    - http: {service: core, post: "/c/{{ call.from }}", json: {n: "{{ call.priority }}", l: ["a"]}, save: acct, on_error: {"404": none, else: other}}
    - say: "{{ acct.balance | number }}"
    - hangup: good
  none: [{hangup: none}]
  other: [{say: "{{ error.status }}"}, {hangup: other}]
"""
    )
    line = FakeLine(fetch_results=[FetchResult(200, {"balance": 12})])
    assert dialled(plan, line) == "good"
    assert (line.fetches[0].method, line.fetches[0].path, line.fetches[0].json) == (
        "POST",
        "/c/13912345678",
        {"n": 0, "l": ["a"]},
    )
    assert dialled(plan, FakeLine(fetch_results=[FetchResult(404)])) == "none"
    line = FakeLine(fetch_results=[FetchResult(500)])
    assert dialled(plan, line) == "other"
    assert line.heard == "500"


def test_record_announces_first_and_notify_changes_nothing() -> None:
    plan = (
        EN
        + """
services: {core: {base_url: "http://127.0.0.1:1"}}
flows:
  main:
    - record: {mode: always, announce: "Recorded."}
    - record: pause
    - notify: {service: core, post: /x, json: {a: 1}}
    - hangup: {}
"""
    )
    line = FakeLine(fetch_results=[FetchResult(0, kind="timeout")])
    assert dialled(plan, line) == "normal"
    assert line.recording == ["start", "pause"]


def test_hangup_passes_through_and_its_handlers_run_after() -> None:
    plan = loaded(
        EN + 'services: {core: {base_url: "http://x"}}\n'
        "handlers: {hangup: [{set: {call.left: true}, goto: [{notify: {service: core, post: /left, json: {left: '{{ call.left }}'}}}]}]}\n"
        "flows:\n  main: [{say: a}, {hangup: {}}]\n"
    )

    class Leaving(FakeLine):
        async def say(self, *args: object, **kwargs: object) -> None:
            raise asyncio.CancelledError

    line = Leaving(fetch_results=[FetchResult(200)])

    async def story() -> None:
        interpreter = Interpreter(plan, line, {})
        with pytest.raises(asyncio.CancelledError):
            await interpreter.run()
        await interpreter.run_hangup_handlers()

    asyncio.run(story())
    assert line.fetches[0].json == {"left": True}


def test_answer_rings_for_as_long_as_it_says_and_else_answers_at_once() -> None:
    by_step = (
        "dialplan: 1\nhotline: {name: test, languages: [en], start: main, answer: by_step}\nflows:\n  main:\n"
    )
    line = FakeLine()
    assert (
        dialled(by_step + "    - answer: {after: 4s}\n    - answer: {}\n    - hangup: {}\n", line) == "normal"
    )
    assert line.answered_after == [4.0, 0.0]
    assert "VB023" in codes(by_step + "    - answer: {after: 3m}\n    - hangup: {}\n")
