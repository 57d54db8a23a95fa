"""Each step, on a line without audio."""

import asyncio

import pytest

from tests.dialplan.fake_line import FakeLine, Keyed, Mumble, Nothing, Said
from tests.dialplan.helpers import BOTH, EN, codes, dialled, findings, loaded
from voicebot.dialplan.interpreter import Interpreter
from voicebot.dialplan.line import (
    Entry,
    Failed,
    FetchResult,
    QueueResult,
    QueueView,
    QueueWait,
    TransferResult,
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


QUEUE = (
    BOTH
    + """
queues: {agents: {strategy: longest_idle, max_wait: 5m, require: ["lang:{{ call.language }}"]}}
handlers:
  operator: [{dtmf: "0", say: {en: "Soon.", zh: "马上。"}}]
links: [{dtmf: "9", goto: voicemail}]
flows:
  main:
    - queue:
        name: agents
        announce: {position: true, ewt: {every: 30s}}
        whisper: {en: "Waited {{ queue.waited }}.", zh: "等了{{ queue.waited }}。"}
        exits: {agent_done: survey, timeout: voicemail, no_agents: voicemail, full: voicemail}
  survey: [{hangup: survey}]
  voicemail: [{record_message: {max: 30s, save: msg}}, {say: "{{ msg.seconds }}"}, {hangup: voicemail}]
"""
)


def test_queue_exits_and_what_the_line_is_told() -> None:
    line = FakeLine(queue_results=[QueueResult("agent_done", 12.0, "alice")])
    assert dialled(QUEUE, line) == "survey"
    (wait,) = line.waits
    assert (wait.name, wait.max_wait, wait.require, wait.announce_every) == (
        "agents",
        300.0,
        ("lang:en",),
        30.0,
    )
    assert wait.announce_position is not None
    assert wait.announce_wait is not None
    assert [item.text for item in wait.announce_position(2)] == ["You are number two in the queue."]
    assert [item.text for item in wait.announce_wait(130.0)] == [
        "The estimated waiting time is three minutes."
    ]
    assert wait.speak_whisper is not None
    assert "thirty seconds" in wait.speak_whisper(QueueView(30.0))[0].text
    line = FakeLine(queue_results=[QueueResult("timeout")])
    assert dialled(QUEUE, line) == "voicemail"
    assert line.messages == [30.0]


def test_links_while_queueing_lead_away_or_go_on_waiting() -> None:
    class Pressing(FakeLine):
        async def wait_in_queue(self, wait: QueueWait) -> QueueResult:
            self.waits.append(wait)
            key = "0" if len(self.waits) == 1 else "9"
            assert wait.keys is not None
            return QueueResult("link", 1.0, judgement=wait.keys.judge((Entry("keys", key),)))

    line = Pressing()
    assert dialled(QUEUE, line) == "voicemail"
    assert line.said[0].text == "Soon."
    assert len(line.waits) == 2


def test_an_unnamed_exit_raises_error() -> None:
    plan = QUEUE.replace("agent_done: survey, ", "") + "  extra: [{hangup: x}]\n"
    line = FakeLine(queue_results=[QueueResult("agent_done")])
    assert dialled(plan, line) == "error"


def test_transfer_bridge_and_blind() -> None:
    plan = (
        EN
        + """
flows:
  main:
    - transfer: {to: "{{ call.from }}", timeout: 5s, exits: {busy: main2, timeout: main2, agent_done: main2}}
  main2:
    - transfer: {to: "sip:7000@pbx", mode: blind, exits: {no_answer: lost}}
  lost: [{hangup: lost}]
"""
    )
    line = FakeLine(transfer_results=[TransferResult("busy", 486), TransferResult("transferred")])
    assert dialled(plan, line) == "transferred"
    assert line.hung_up is None
    assert [(item.to, item.mode, item.timeout) for item in line.transfers] == [
        ("13912345678", "bridge", 5.0),
        ("sip:7000@pbx", "blind", 30.0),
    ]


def test_headers_of_a_dialled_leg_are_one_line_whatever_a_variable_holds() -> None:
    plan = (
        EN
        + """
flows:
  main:
    - set: {call.note: "a\\r\\nRoute: <sip:evil>"}
    - transfer:
        to: "6001"
        headers:
          X-Note: "{{ call.note }}"
          user-to-user: "{{ call.headers['User-To-User'] | default('') }}"
          Diversion: "<sip:{{ call.to }}@example.com>"
        exits: {timeout: done, agent_done: done}
  done: [{hangup: done}]
"""
    )
    line = FakeLine(transfer_results=[TransferResult("agent_done")])
    dialled(plan, line)
    assert line.transfers[0].headers == {
        "X-Note": "a Route: <sip:evil>",
        "Diversion": "<sip:4000@example.com>",
    }


@pytest.mark.parametrize(
    "name",
    [
        "Via",
        "Contact",
        "Route",
        "Record-Route",
        "From",
        "Authorization",
        "Replaces",
        "Require",
        "X-Voicebot-Call",
        "X-",
    ],
)
def test_headers_of_the_protocol_cannot_be_set(name: str) -> None:
    text = (
        EN
        + f"""
flows:
  main:
    - transfer: {{to: "6001", headers: {{"{name}": "x"}}, exits: {{timeout: done}}}}
  done: [{{hangup: done}}]
"""
    )
    [found] = [item for item in findings(text) if item.code == "VB023"]
    assert "cannot be set" in found.message


def test_a_header_of_two_lines_and_one_that_may_be_missing_are_found() -> None:
    text = (
        EN
        + """
flows:
  main:
    - queue: {name: agents, headers: {X-A: "a\\nb"}, exits: {timeout: done, no_agents: done, full: done}}
    - say: "{{ call.headers['X-Customer'] }}"
  done: [{hangup: done}]
queues: {agents: {}}
"""
    )
    assert {"VB021"} <= codes(text)
    assert "VB108" in codes(text.replace("a\\nb", "b"))
    good = text.replace("a\\nb", "b").replace("'] }}", "'] | default('') }}")
    assert not {"VB021", "VB108"} & codes(good)


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


def test_no_recogniser_and_no_keys_is_an_error() -> None:
    plan = EN + 'flows:\n  main:\n    - confirm: {prompt: "Ok?", input: speech}\n    - hangup: {}\n'
    line = FakeLine([Failed("no_recogniser")])
    assert dialled(plan, line) == "error"
    assert line.events_named("error")[0]["kind"] == "no_recogniser"


def test_a_spoken_choice_sets_the_language_until_then_all_listen() -> None:
    plan = (
        BOTH
        + """
flows:
  main:
    - menu: {prompt: {all: ["English?", "中文？"]}, choices: [{dtmf: "1", phrases: ["english", "中文"]}]}
    - say: {en: "Hello.", zh: "您好。"}
    - hangup: {}
"""
    )
    line = FakeLine([Said("中文", "zh")])
    dialled(plan, line)
    assert line.questions[0].languages == ("en", "zh")
    assert line.heard.endswith("您好。")
    line = FakeLine([Keyed("1")])
    dialled(plan, line)
    assert line.heard.endswith("Hello.")
    assert not line.events_named("language")


def test_the_other_recognisers_result_is_used_when_it_matches() -> None:
    plan = (
        BOTH
        + """
flows:
  main:
    - menu: {prompt: {all: ["English?", "中文？"]}, choices: [{phrases: ["english", "中文"]}]}
    - say: {en: "Hello.", zh: "您好。"}
    - hangup: {}
"""
    )
    line = FakeLine([Said("john when", "en", 0.6, (("zh", "中文", 0.9),))])
    dialled(plan, line)
    assert line.heard.endswith("您好。")


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


def test_a_language_that_was_chosen_by_a_refused_match_is_forgotten() -> None:
    plan = (
        BOTH
        + """
flows:
  main:
    - menu: {prompt: {all: ["English?", "中文？"]}, choices: [{phrases: ["english", "中文"]}]}
    - say: {en: "Hello.", zh: "您好。"}
    - hangup: {}
"""
    )
    line = FakeLine([Said("中文", "zh", 0.5), Keyed("2"), Said("english")])
    dialled(plan, line)
    assert "中文，对吗？" in line.heard
    assert line.questions[2].languages == ("en", "zh")
    assert line.heard.endswith("Hello.")


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
