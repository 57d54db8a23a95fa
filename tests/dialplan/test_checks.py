"""Each code of the checker: one dialplan that has it, at its place, and one that does not."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.dialplan.helpers import BOTH, EN, codes, findings, loaded, places
from voicebot.dialplan.loader import DialplanError, check

GOOD = EN + "flows:\n  main: [{hangup: {}}]\n"
SERVICE = 'services: {core: {base_url: "http://x"}}\n'
Q = "queues: {a: {}}\n"
EXITS = "exits: {timeout: main, no_agents: main, full: main, agent_done: main}"


def main(steps: str, head: str = "", language: str = EN) -> str:
    """Return a dialplan whose flow `main` has `steps` (one line, from line 4 + lines of `head`)."""
    return f"{language}{head}flows:\n  main: [{steps}, {{hangup: {{}}}}]\n"


CASES: list[tuple[str, str, str, tuple[int, int]]] = [
    ("VB020", main("{sai: x}"), main("{say: x}"), (4, 11)),
    ("VB020", main("{say: {text: x, barge: none}}"), main("{say: {text: x, barge_in: none}}"), (4, 26)),
    ("VB020", GOOD + "flow: {}\n", GOOD, (5, 1)),
    ("VB021", main("{menu: x}"), main("{say: x}"), (4, 17)),
    (
        "VB022",
        main("{collect: {slot: a, type: digits}}"),
        main('{collect: {slot: a, type: digits, prompt: "A?"}}'),
        (4, 20),
    ),
    ("VB022", "dialplan: 1\nflows: {}\n", GOOD, (1, 1)),
    (
        "VB023",
        main("{confirm: {prompt: A, input: voice}}"),
        main("{confirm: {prompt: A, input: speech}}"),
        (4, 39),
    ),
    (
        "VB024",
        main("{confirm: {prompt: A, timeout: 5}}"),
        main("{confirm: {prompt: A, timeout: 5s}}"),
        (4, 41),
    ),
    ("VB025", main("{say: {fr: bonjour}}"), main("{say: {en: hello}}"), (4, 17)),
    ("VB027", main("{say: x, barge_in: none}"), main("{say: x}"), (4, 19)),
    ("VB028", main("{set: {queue.x: 1}}"), main("{set: {call.x: 1}}"), (4, 17)),
    ("VB028", main("{set: {call.from: a}}"), main("{set: {call.x: a}}"), (4, 17)),
    ("VB030", main('{say: "{{ a + 1 }}"}'), main('{say: "{{ call.from }}"}'), (4, 16)),
    (
        "VB030",
        main('{if: {when: "{{ call.from }}", then: main}}'),
        main("{if: {when: call.from, then: main}}"),
        (4, 22),
    ),
    (
        "VB031",
        main('{menu: {prompt: A, choices: [{phrases: ["[a"]}]}}'),
        main('{menu: {prompt: A, choices: [{phrases: ["[a] b"]}]}}'),
        (4, 51),
    ),
    ("VB101", main("{goto: mian}"), main("{goto: main}"), (4, 17)),
    ("VB101", EN.replace("start: main", "start: x") + "flows:\n  main: [{hangup: {}}]\n", GOOD, (2, 69)),
    (
        "VB102",
        main(f"{{queue: {{name: b, {EXITS}}}}}", Q),
        main(f"{{queue: {{name: a, {EXITS}}}}}", Q),
        (5, 25),
    ),
    (
        "VB103",
        main("{menu: {prompt: A, choices: [{intent: pay}]}}"),
        main("{menu: {prompt: A, choices: [{intent: pay}]}}", 'intents: {pay: {en: ["pay"]}}\n'),
        (4, 48),
    ),
    (
        "VB104",
        main("{http: {service: cor, get: /}}", SERVICE),
        main("{http: {service: core, get: /}}", SERVICE),
        (5, 27),
    ),
    (
        "VB105",
        main("{if: {when: \"open('x')\", then: main}}"),
        main("{if: {when: \"open('x')\", then: main}}", 'hours: {x: {weekly: {mon: "09:00-10:00"}}}\n'),
        (4, 11),
    ),
    (
        "VB106",
        main('{say: "{{ acct.x }}"}'),
        main('{http: {service: core, get: /, save: acct}}, {say: "{{ acct.x }}"}', SERVICE),
        (4, 16),
    ),
    (
        "VB106",
        main('{say: "{{ call.reson }}"}'),
        main('{set: {call.reson: a}}, {say: "{{ call.reson }}"}'),
        (4, 16),
    ),
    (
        "VB107",
        main('{say: "{{ slot.pim }}"}'),
        main('{collect: {slot: pim, type: digits, prompt: A}}, {say: "{{ slot.pim }}"}'),
        (4, 16),
    ),
    ("VB110", EN + "flows:\n  main: [{say: x}]\n", GOOD, (4, 11)),
    ("VB111", GOOD + "  lost: [{hangup: {}}]\n", GOOD, (5, 3)),
    (
        "VB112",
        EN + "flows:\n  main: [{return: {}}]\n",
        EN + "flows:\n  main: [{call: sub}, {hangup: {}}]\n  sub: [{return: {}}]\n",
        (4, 3),
    ),
    ("VB113", main("{goto: main}"), main("{if: {when: call.from, goto: main}}"), (4, 25)),
    (
        "VB115",
        main("{say: {en: hello}}", language=BOTH),
        main("{say: {en: hello, zh: 你好}}", language=BOTH),
        (4, 16),
    ),
    (
        "VB116",
        main(
            "{menu: {prompt: {en: A, zh: 你好}, choices: [{intent: pay}]}}",
            'intents: {pay: {en: ["pay"]}}\n',
            BOTH,
        ),
        main(
            "{menu: {prompt: {en: A, zh: 你好}, choices: [{intent: pay}]}}",
            'intents: {pay: {en: ["pay"], zh: ["付款"]}}\n',
            BOTH,
        ),
        (3, 11),
    ),
    ("VB117", main("{play: a.wav}"), main("{say: x}"), (4, 17)),
    (
        "VB120",
        main('{menu: {prompt: A, choices: [{dtmf: "1"}, {dtmf: "1"}]}}'),
        main('{menu: {prompt: A, choices: [{dtmf: "1"}, {dtmf: "2"}]}}'),
        (4, 52),
    ),
    (
        "VB121",
        main('{menu: {prompt: A, choices: [{dtmf: "1"}, {dtmf: "12"}]}}'),
        main('{menu: {prompt: A, interdigit_timeout: 2s, choices: [{dtmf: "1"}, {dtmf: "12"}]}}'),
        (4, 39),
    ),
    (
        "VB130",
        main("{collect: {slot: a, type: digit, prompt: A}}"),
        main("{collect: {slot: a, type: digits, prompt: A}}"),
        (4, 11),
    ),
    (
        "VB131",
        main("{collect: {slot: a, type: choice, prompt: A}}"),
        main("{collect: {slot: a, type: choice, values: [red], prompt: A}}"),
        (4, 11),
    ),
    (
        "VB132",
        main("{queue: {name: a, exits: {agent_done: main, full: main, timeout: main}}}", Q),
        main(f"{{queue: {{name: a, {EXITS}}}}}", Q),
        (5, 11),
    ),
    (
        "VB150",
        main(
            '{collect: {slot: a, type: digits, sensitive: true, prompt: A}}, {http: {service: core, get: "/{{ slot.a }}"}}',
            SERVICE,
        ),
        main(
            '{collect: {slot: a, type: digits, sensitive: true, prompt: A}}, {http: {service: core, post: /, json: "{{ slot.a }}"}}',
            SERVICE,
        ),
        (5, 75),
    ),
    (
        "VB150",
        main(
            '{collect: {slot: a, type: digits, sensitive: true, prompt: A}}, {set: {call.b: "{{ slot.a }}"}}, {transfer: {to: "{{ call.b }}", exits: {timeout: main}}}'
        ),
        main('{transfer: {to: "6001", exits: {timeout: main}}}'),
        (4, 108),
    ),
    (
        "VB132",
        main("{transfer: {to: a, mode: attended, exits: {busy: main}}}"),
        main("{transfer: {to: a, mode: attended, exits: {timeout: main}}}"),
        (4, 11),
    ),
    (
        "VB190",
        main("{form: {prompt: A, slots: [{slot: d, type: date, prompt: B}]}}"),
        main("{form: {slots: [{slot: d, type: date, prompt: B}]}}"),
        (4, 26),
    ),
    (
        "VB102",
        main("{callback: {exits: {booked: main}}}"),
        main("{callback: {exits: {booked: [{hangup: normal}], invalid: main}}}", Q),
        (4, 11),
    ),
    (
        "VB022",
        main(f'{{queue: {{name: a, offer_callback: {{when: "true", dtmf: "9"}}, {EXITS}}}}}', Q),
        main(f"{{queue: {{name: a, {EXITS}}}}}", Q),
        (5, 11),
    ),
    (
        "VB191",
        main(f"{{queue: {{name: a, while_waiting: [{{goto: main}}], {EXITS}}}}}", Q),
        main(f"{{queue: {{name: a, while_waiting: [{{say: x}}], {EXITS}}}}}", Q),
        (5, 45),
    ),
    (
        "VB192",
        main("{say: x}", "handlers: {hangup: [{say: bye}]}\n"),
        main("{say: x}", "handlers: {hangup: [{set: {call.x: 1}}]}\n"),
        (3, 21),
    ),
    (
        "VB193",
        main("{say: x}", 'links: [{dtmf: "0", event: operator}]\n'),
        main("{say: x}", 'handlers: {operator: [{dtmf: "0", goto: main}]}\n'),
        (3, 9),
    ),
    ("VB007", main("{goto: ~}"), main("{goto: main}"), (4, 17)),
    (
        "VB009",
        main("{menu: {prompt: A, choices: [{dtmf: 1}]}}"),
        main('{menu: {prompt: A, choices: [{dtmf: "1"}]}}'),
        (4, 46),
    ),
]


@pytest.mark.parametrize(("code", "faulty", "good", "place"), CASES)
def test_a_code_is_found_at_its_place_and_not_in_a_good_dialplan(
    code: str, faulty: str, good: str, place: tuple[int, int]
) -> None:
    assert (code, *place) in places(faulty)
    assert code not in codes(good)
    assert not [item for item in findings(good) if item.severity == "error"]


def test_all_findings_are_reported_not_only_the_first() -> None:
    text = (
        EN
        + "flows:\n  main:\n    - sai: x\n    - say: {text: x, bargein: none}\n    - goto: 0123\n    - hangup: {}\n"
    )
    assert places(text) == [("VB020", 5, 7), ("VB020", 6, 22), ("VB009", 7, 13)]
    with pytest.raises(DialplanError) as caught:
        loaded(text)
    assert len(caught.value.findings) == 3
    assert "did you mean 'barge_in'?" in str(caught.value)


def test_a_flow_that_is_called_and_never_returns_makes_what_follows_unreachable() -> None:
    text = EN + "flows:\n  main: [{call: sub}, {say: x}, {hangup: {}}]\n  sub: [{hangup: {}}]\n"
    assert places(text) == [("VB113", 4, 24)]


def test_returning_through_goto_counts_as_returning() -> None:
    text = EN + "flows:\n  main: [{call: sub}, {hangup: {}}]\n  sub: [{goto: tail}]\n  tail: [{return: {}}]\n"
    assert places(text) == []


def test_a_handler_that_leaves_does_not_end_the_flow_but_one_with_steps_may() -> None:
    text = (
        EN
        + "flows:\n  main: [{confirm: {prompt: A, if_yes: main, if_no: main, noinput: [{goto: [{say: x}]}]}}]\n"
    )
    assert codes(text) == {"VB110"}
    text = (
        EN + "flows:\n  main: [{confirm: {prompt: A, if_yes: main, if_no: main, noinput: [{goto: main}]}}]\n"
    )
    assert codes(text) == set()


def test_includes_are_merged_and_a_name_given_twice_is_an_error() -> None:
    text = EN + "include: [more.yaml]\nflows:\n  main: [{goto: other}]\n"
    more = "flows:\n  other: [{hangup: {}}]\n"
    assert loaded(text, {"more.yaml": more}).flows.keys() == {"main", "other"}
    assert places(text, {"more.yaml": more + "  main: [{hangup: {}}]\n"})[0][0] == "VB006"
    assert [code for code, _, _ in places(text)] == ["VB001"]  # what it holds is not missed
    assert "VB029" in {code for code, _, _ in places(text, {"more.yaml": more + "include: [main.yaml]\n"})}
    assert "VB029" in {code for code, _, _ in places(text, {"more.yaml": more + "hotline: {}\n"})}


def test_the_circle_of_callers_whom_nobody_answers_is_named() -> None:
    ways = "timeout: sorry, no_agents: sorry, full: sorry"
    text = (
        EN
        + "handlers: {noinput: [{goto: human}], nomatch: [{goto: human}], error: [{goto: bye}]}\n"
        + "queues: {sales: {}}\nflows:\n"
        + "  main: [{confirm: {prompt: Sales?, if_yes: human, if_no: human}}]\n"
        + f"  human: [{{queue: {{name: sales, exits: {{agent_done: bye, {ways}}}}}}}]\n"
        + "  sorry: [{say: Nobody is there.}, {goto: main}]\n  bye: [{hangup: {}}]\n"
    )
    told = [item.message.partition(": ")[2] for item in findings(text, skip=()) if item.code == "VB165"]
    assert told == ["main → human → sorry → main", "human → sorry → main → human"]


def test_a_text_of_two_languages_is_told_how_both_are_spoken() -> None:
    text = BOTH + 'flows:\n  main: [{say: "English, 中文"}, {say: 中文}, {hangup: {}}]\n'
    hint = "to speak several languages one after the other, write {all: [...]}"
    assert [(item.code, item.hint) for item in findings(text)] == [("VB115", hint), ("VB115", "")]


def test_what_follows_from_an_error_in_the_same_place_is_not_told() -> None:
    """A flow or an entry of hours that cannot be used is not missed by all that name it."""
    text = GOOD + "  bye: [{hangup: {}}]\n  more: [{goto: bye}]\n  more: [{goto: lost}]\n"
    assert places(text) == [("VB006", 7, 3)]
    text = (
        EN
        + "hours: {desk: {weekly: {fri: 9:00}}}\nflows:\n  main: [{if: {when: \"open('desk')\", goto: main}}]\n"
    )
    assert places(text) == [("VB008", 3, 30)]


def test_an_include_does_not_lead_out_of_the_folder_of_the_main_file(tmp_path: Path) -> None:
    folder, below = tmp_path / "plans", tmp_path / "plans" / "below"
    below.mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text("vars: {pin: hidden}\n", "utf-8")
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (folder / "more.yaml").write_text("vars: {a: b}\n", "utf-8")
    (below / "again.yaml").write_text("include: [../more.yaml, ../../secret.yaml]\n", "utf-8")
    main = folder / "main.yaml"
    names = ("../secret.yaml", "../none.yaml", f"{tmp_path}/secret.yaml", "link.yaml", "below/again.yaml")
    main.write_text(EN + f"include: [{', '.join(names)}]\nflows:\n  main: [{{hangup: {{}}}}]\n", "utf-8")
    told = check(main)[1]
    assert {(item.code, item.message.partition(" does ")[2]) for item in told} == {
        ("VB029", "not lie in the folder of the main file")
    }
    assert [Path(item.file).name for item in told] == ["again.yaml"] + ["main.yaml"] * 4


def test_a_folder_of_links_to_files_of_one_folder_is_served(tmp_path: Path) -> None:
    """As container platforms mount files."""
    real, mounted = tmp_path / "..data", tmp_path
    real.mkdir()
    (real / "main.yaml").write_text(EN + "include: more.yaml\nflows:\n  main: [{goto: other}]\n", "utf-8")
    (real / "more.yaml").write_text("flows:\n  other: [{hangup: {}}]\n", "utf-8")
    for name in ("main.yaml", "more.yaml"):
        (mounted / name).symlink_to(real / name)
    assert check(mounted / "main.yaml")[1] == ()


def test_files_that_include_each_other_twice_over_are_read_once_each() -> None:
    """Thirty files in a chain, each naming the next one twice, are 2^30 ways through them."""
    text = EN + "include: [f0.yaml]\nflows:\n  main: [{hangup: {}}]\n"
    chain = {f"f{i}.yaml": f"include: [f{i + 1}.yaml, f{i + 1}.yaml]\n" for i in range(30)}
    told = places(text, {**chain, "f30.yaml": "vars: {x: a}\n"})
    assert [code for code, _, _ in told] == ["VB029"] * 30


def test_a_file_name_that_no_file_can_have_is_a_finding() -> None:
    text = EN + "include: [%s]\nflows:\n  main: [{hangup: {}}]\n"
    assert places(text % '"a\\0b"')[0][0] == "VB003"
    with TemporaryDirectory() as folder:
        loop = Path(folder) / "loop.yaml"
        loop.symlink_to(loop)
        main = Path(folder) / "main.yaml"
        main.write_text(text % "loop.yaml", encoding="utf-8")
        assert [item.code for item in check(main)[1]] == ["VB001"]
        assert [item.code for item in check(loop)[1]] == ["VB001"]


def test_the_version_changes_with_the_content_of_any_file_and_not_with_comments() -> None:
    text = EN + "include: [more.yaml]\nflows:\n  main: [{goto: other}]\n"
    one = loaded(text, {"more.yaml": "flows:\n  other: [{hangup: a}]\n"}).version
    two = loaded(text, {"more.yaml": "flows:\n  other: [{hangup: b}]\n"}).version
    three = loaded("# x\n" + text, {"more.yaml": "flows:\n  other: [{hangup: a}]\n"}).version
    assert one == three
    assert one != two


def test_tests_are_validated() -> None:
    head = "tests: [{name: a, caller: CALLER, expect: {flow: main}}]\n"
    assert codes(GOOD + head.replace("CALLER", '[{say: x}, {dtmf: "1"}, {silence: 6s}, hangup]')) == set()
    assert codes(GOOD + head.replace("CALLER", "silence")) == set()
    assert codes(GOOD + head.replace("CALLER", "[{sai: x}]")) == {"VB023"}
    assert codes(GOOD + head.replace("CALLER", "[{dtmf: 1}]")) == {"VB009"}


@pytest.mark.parametrize(
    "text", ["", "[]", "dialplan: 1\n", "dialplan: 2\nhotline: 3\nflows: 4\n", "x", "dialplan: true\n"]
)
def test_what_is_no_dialplan_is_an_error(text: str) -> None:
    with pytest.raises(DialplanError):
        loaded(text)


UNSET = (
    EN
    + """
services: {core: {base_url: "http://x"}}
HEAD
flows:
  main:
STEPS
    - say: "{{ slot.a }} {{ call.b }}"
    - hangup: {}
  sub: [{set: {call.b: 1}}, {return: {}}]
  no: [{hangup: {}}]
"""
)
FILL = '    - collect: {slot: a, type: digits, prompt: "A?", on_fail: no}\n'


@pytest.mark.parametrize(
    ("head", "steps", "unset"),
    [
        ("", FILL + "    - set: {call.b: 1}\n", set()),
        ("", FILL + "    - call: sub\n", set()),
        ("", FILL + "    - if: {when: call.from, call: sub}\n", {"call.b"}),
        ("", FILL + "    - if: {when: call.from, call: sub, else: [{set: {call.b: 2}}]}\n", set()),
        ("", FILL + "    - if: {when: call.from, call: sub, else: no}\n", set()),
        ("", FILL.replace("on_fail: no", "on_fail: [{call: sub}]") + "    - call: sub\n", {"slot.a"}),
        ("handlers: {noinput: [{goto: [{say: x}]}]}", FILL + "    - call: sub\n", {"slot.a"}),
        ("handlers: {noinput: [{goto: no}], error: [{goto: no}]}", FILL + "    - call: sub\n", set()),
        ("handlers: {noinput: [{goto: main}]}", FILL + "    - call: sub\n", set()),
        (
            "",
            FILL + '    - menu: {prompt: B, choices: [{dtmf: "1", set: {call.b: 1}}, {dtmf: "2"}]}\n',
            {"call.b"},
        ),
        (
            "",
            FILL
            + '    - menu: {prompt: B, choices: [{dtmf: "1", set: {call.b: 1}}, {dtmf: "2", goto: no}]}\n',
            set(),
        ),
    ],
)
def test_a_variable_that_is_not_set_on_every_path(head: str, steps: str, unset: set[str]) -> None:
    text = UNSET.replace("HEAD\n", head + "\n").replace("STEPS\n", steps)
    found = {item.message.split()[0] for item in findings(text) if item.code == "VB108"}
    assert found == unset


def test_what_an_error_of_http_leaves_unset_needs_a_default() -> None:
    text = main(
        '{http: {service: core, get: /, save: acct, on_error: [{say: Oh}]}}, {say: "{{ acct.x }}"}', SERVICE
    )
    assert codes(text) == {"VB108"}
    assert codes(text.replace("acct.x }}", "acct.x | default('nothing') }}")) == set()
    assert codes(text.replace("[{say: Oh}]", "main")) == set()


def test_a_form_reads_back_its_own_slots() -> None:
    slot = "{slot: a, type: digits, prompt: A, required: true}"
    text = main(f'{{form: {{slots: [{slot}], confirm: "{{{{ slot.a }}}}?"}}}}, {{say: "{{{{ slot.a }}}}"}}')
    assert codes(text) == set()
    assert codes(text.replace("required: true", "required: false")) == {"VB108"}


def test_handlers_whose_steps_raise_their_own_event_are_checked_to_an_end() -> None:
    head = (
        "handlers: {noinput: [{goto: [{confirm: {prompt: B}}]}], error: [{goto: [{say: x}, {hangup: {}}]}]}\n"
    )
    assert codes(main("{confirm: {prompt: A}}", head)) == set()
