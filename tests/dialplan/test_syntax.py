"""Files that are no YAML: the finding tells what an author did, and where."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialplan.helpers import BOTH, findings
from voicebot.dialplan.findings.translate import in_language
from voicebot.dialplan.source import SourceError, parse_source

FLOW = "flows:\n  main:\n"
COLLECT = (
    "    - collect:\n        slot: a\n        type: phone\n        prompt: Hello.\n        on_fail: main\n"
)
IN_QUOTES = "put a text that contains a comma in quotes"
COLUMN = "let lines that belong together begin in the same column"


def wide(sign: str, plain: str) -> tuple[str, str]:
    return f"the full-width character {sign} stands here", f"write {plain} as on an English keyboard"


def indented(own: int, others: str) -> tuple[str, str]:
    return f"this line is indented by {own}, its neighbours by {others}", COLUMN


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        (COLLECT.replace("        type", "         type"), 7, 10, indented(9, "8")),
        (COLLECT.replace("        type", "       type"), 7, 8, indented(7, "8")),
        (COLLECT.replace("        slot", "         slot"), 6, 10, indented(9, "8")),
        ("    - say: Hello.\n     - say: x\n    - hangup: {}\n", 6, 6, indented(5, "4")),
        ("    - say: Hello.\n   - hangup: {}\n", 6, 4, indented(3, "4")),
        ("    - hangup: {}\n   bye:\n    - hangup: {}\n", 6, 4, indented(3, "2")),
        ("    - hangup: {}\n bye:\n    - hangup: {}\n  end:\n    - hangup: {}\n", 6, 2, indented(1, "2")),
        ("    - hangup: {}\n vars:\n  a: b\nqueues: {}\n", 6, 2, indented(1, "0")),
        (
            COLLECT.replace("type: phone", "type:phone"),
            7,
            13,
            ("a space is missing after the colon", "write a space after type:"),
        ),
        ("    - say:hello\n", 5, 10, ("a space is missing after the colon", "write a space after say:")),
        (
            "    - say: {text:Hello., barge_in: none}\n",
            5,
            17,
            ("a space is missing after the colon", "write a space after text:"),
        ),
        (
            "    - say: {en: Sorry, that failed, zh: 抱歉}\n",
            5,
            24,
            ("a name without a value stands here", IN_QUOTES),
        ),
        (
            "    - say: {en: Hello {{ call.from }}, zh: 好}\n",
            5,
            23,
            ("a template stands here without quotes", 'put a template such as "{{ name }}" in quotes'),
        ),
        (
            '    - say: {en: "Hello, zh: 好}\n    - say: "x"\n',
            5,
            17,
            ("this quote is never closed", "put the same quote where the text ends"),
        ),
        (
            '    - say: "Hello\n',
            5,
            12,
            ("this quote is never closed", "put the same quote where the text ends"),
        ),
        (
            "    - say: {en: 'It's late', zh: 好}\n",
            5,
            21,
            (
                "a quote inside of the text has ended it before this",
                "put the text in quotes of the other kind",
            ),
        ),
        (
            '    - say: "Say "yes" now"\n',
            5,
            18,
            (
                "a quote inside of the text has ended it before this",
                "put the text in quotes of the other kind",
            ),
        ),
        (
            "    - say: {en: x, zh: 好\n    - hangup: {}\n",
            5,
            12,
            ("this bracket is never closed", "put } where it ends"),
        ),
        ("    - say：hello\n", 5, 10, wide("：", ":")),
        ("    - say: {en：Hello, zh: 好}\n", 5, 15, wide("：", ":")),
        ("    - say: {en: Hello， zh: 好}\n", 5, 22, wide("，", ",")),
        ('    - say: {en: "Hello"，zh: "好"}\n', 5, 24, wide("，", ",")),
        ("    - say: {en: “Hello, you”, zh: “好”}\n", 5, 28, wide("”", '"')),
        ("    - say: “Note: hello”\n", 5, 12, wide("“", '"')),
        ("    - hangup: {}\n  bye：\n    - hangup: {}\n", 6, 6, wide("：", ":")),
        (
            "    - hangup: {}\n  bye\n    - hangup: {}\n",
            6,
            6,
            ("a colon is missing here", "a name ends with a colon"),
        ),
        (
            "    - say: Note: we are open.\n",
            5,
            16,
            ("a second colon stands in this line", "put a text that contains ': ' in quotes"),
        ),
        (
            "    - say: x\n    hangup: {}\n",
            6,
            5,
            ("a '- ' is missing before this name", "here a list goes on"),
        ),
        ("    - say: @home\n", 5, 12, ("a text cannot begin with '@'", "put it in quotes")),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(
    text: str, line: int, column: int, told: tuple[str, str]
) -> None:
    """The cause is told alone: nothing that follows from it stands beside it."""
    (one,) = findings(BOTH + FLOW + text)
    assert (one.line, one.column, one.message, one.hint) == (line, column, *told)
    translated = in_language(one, "zh")
    assert translated.message != one.message
    assert translated.hint != one.hint


def test_what_follows_a_colon_is_not_told() -> None:
    """It may be a password."""
    for text in ("sip:\n  password:hidden\n  user: x\n", "trunks: {password:hidden, user: x}\n"):
        assert not any("hidden" in str(item) for item in findings(text))


PARTS = (
    "a",
    "b:",
    ": ",
    ", ",
    "{",
    "}",
    "{{ x }}",
    "[",
    "]",
    "- ",
    "  ",
    " ",
    "\n",
    "\x85",
    "\ufeff",
    '"',
    "'",
    "：",
    "，",
    "“",
    "#",
    "@",
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_whatever_is_no_yaml_is_told_as_a_finding(text: str) -> None:
    with contextlib.suppress(SourceError):
        parse_source(text)
