"""`voicebot fmt`: one form, stable, comments kept, meaning unchanged."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialplan.helpers import loaded
from voicebot.dialplan.fields import walk
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Position, SourceError, parse_source, plain
from voicebot.dialplan.targets import Step
from voicebot.dialplan.tools.formatting import FormatError, format_source, width
from voicebot.dialplan.tools.ordering import ordered

ROOT = Path(__file__).parent.parent.parent
DEMO = (ROOT / "dialplans" / "demo.yaml").read_text(encoding="utf-8")
ORDERS = (ROOT / "dialplans" / "examples" / "order_status.yaml").read_text(encoding="utf-8")
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))

HEAD = "dialplan: 1\nhotline: {name: t, languages: [en, zh], timezone: UTC, start: main}\nflows:\n  main:\n"


def content(dialplan: Dialplan) -> list[object]:
    """Return all that calls can notice of a dialplan: everything but where it stands."""
    flows = [item for item in walk(dict(dialplan.flows)) if not isinstance(item, Position)]
    return [
        [item for item in flows if isinstance(item, (str, int, float, bool))],
        [(item.id, item.verb) for item in flows if isinstance(item, Step)],
        sorted(dialplan.intents),
        dialplan.hours,
        dialplan.variables,
        dialplan.version,
    ]


@pytest.mark.parametrize("text", [DEMO, ORDERS], ids=["demo", "orders"])
def test_formatting_changes_neither_version_nor_content(text: str) -> None:
    assert content(loaded(format_source(text))) == content(loaded(text))


@pytest.mark.parametrize("path", sorted((ROOT / "dialplans").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_dialplan_that_we_ship_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(text) == text


@pytest.mark.parametrize("text", [DEMO, ORDERS], ids=["demo", "orders"])
@pytest.mark.parametrize("indent", [None, 4], ids=["one line", "indented"])
def test_a_dialplan_that_was_written_as_json_is_the_same_one(text: str, indent: int | None) -> None:
    formatted = format_source(json.dumps(plain(parse_source(text)), indent=indent))
    assert content(loaded(formatted)) == content(loaded(text))
    assert format_source(formatted) == formatted


def test_keys_come_in_the_order_of_the_reference() -> None:
    text = (
        HEAD + '    - collect: {prompt: {en: "PIN?", zh: "密码"}, sensitive: true, type: digits, slot: pin}\n'
    )
    assert format_source(text).splitlines()[-1] == (
        '    - collect: {slot: pin, type: digits, prompt: {en: "PIN?", zh: "密码"}, sensitive: true}'
    )


def test_a_version_does_not_depend_on_the_order_of_keys_but_on_that_of_steps() -> None:
    one = HEAD + "    - set: {call.a: 1}\n    - hangup: a\n"
    swapped = HEAD.replace("{name: t, languages: [en, zh]", "{languages: [en, zh], name: t")
    assert loaded(one).version == loaded(swapped + "    - set: {call.a: 1}\n    - hangup: a\n").version
    assert loaded(one).version != loaded(HEAD + "    - set: {call.b: 1}\n    - hangup: a\n").version


def test_keys_that_hold_steps_keep_their_order_since_steps_are_numbered() -> None:
    text = (
        HEAD
        + """\
    - if:
        else:
          - hangup: b
        then:
          - hangup: a
        when: call.priority > 1
"""
    )
    formatted = format_source(text)
    assert re.findall(r"(else|then|when):", formatted) == ["when", "else", "then"]
    assert content(loaded(formatted)) == content(loaded(text))


def test_names_are_plain_and_texts_are_quoted() -> None:
    text = (
        HEAD
        + """\
    - say: {en: Hello there, zh: '您好'}
    - say: {en: 'She said "hello"', zh: "它\\u0027s"}
    - 'goto': "main"
"""
    )
    assert format_source(text).splitlines()[-3:] == [
        '    - say: {en: "Hello there", zh: "您好"}',
        """    - say: {en: 'She said "hello"', zh: "它's"}""",
        "    - goto: main",
    ]


def test_choices_come_onto_one_line_where_they_fit_and_lists_of_them_do_not() -> None:
    text = (
        HEAD
        + """\
    - menu:
        choices: [{goto: main, dtmf: "1"}, {dtmf: "2", goto: main, say: {en: "%s", zh: "好"}}]
        prompt:
          en: One or two?
          zh: 一还是二？
"""
        % ("a" * 110)
    )
    assert format_source(text).splitlines()[4:] == [
        "    - menu:",
        '        prompt: {en: "One or two?", zh: "一还是二？"}',
        "        choices:",
        '          - {dtmf: "1", goto: main}',
        '          - dtmf: "2"',
        "            say:",
        f'              en: "{"a" * 110}"',
        '              zh: "好"',
        "            goto: main",
    ]


def test_comments_stay_with_what_they_are_about() -> None:
    text = """\
# the head


# about the hotline
dialplan: 1   # one
hotline: {name: t,  # why t
  languages: [en], start: main}
flows:
      # about main
      main:   # beside main
            - say: "x"  # beside x
            # above hangup


            - hangup: done
            # in main, at its end
      # in flows, at its end
# the end
"""
    assert (
        format_source(text)
        == """\
# the head

# about the hotline
dialplan: 1  # one
hotline:
  name: t  # why t
  languages: [en]
  start: main
flows:
  # about main
  main:  # beside main
    - say: "x"  # beside x
    # above hangup

    - hangup: done
    # in main, at its end
  # in flows, at its end
# the end
"""
    )


def test_long_texts_in_blocks_stay_blocks() -> None:
    text = (
        HEAD
        + """\
    - say:   # why
          en: |-
              one
                two
          zh: >
              a long
              line

              and more
"""
    )
    formatted = format_source(text)
    assert plain(parse_source(formatted)) == plain(parse_source(text))
    assert formatted.splitlines()[4:] == [
        "    - say:  # why",
        "        en: |-",
        "          one",
        "            two",
        "        zh: >",
        "          a long line",
        "",
        "          and more",
    ]


def test_anchors_and_their_aliases_stay() -> None:
    text = (
        HEAD
        + '    - menu: {prompt: &p {en: "a", zh: "b"}, brief: *p, choices: [{goto: main, dtmf: \'1\'}]}\n'
    )
    formatted = format_source(text)
    assert "&p {" in formatted
    assert "brief: *p" in formatted
    assert formatted == format_source(formatted)


def test_a_file_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(SourceError, match="VB004"):
        format_source("flows: [")


def test_no_line_that_could_be_broken_is_wider_than_120_columns() -> None:
    for line in format_source(DEMO).splitlines():
        assert width(line) <= 120 or re.match(r' *(- )?(say|prompt|en|zh|brief): "', line)


LINES = ORDERS.splitlines()
REMARKS = ["", "# note", "      # deeper", "            # far: {in}", "#"]


@QUICK
@given(
    st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.sampled_from(REMARKS)), max_size=8),
    st.lists(st.integers(0, len(LINES) - 1), max_size=4),
)
def test_comments_anywhere_are_kept_once_and_the_form_is_stable(
    inserted: list[tuple[int, str]], beside: list[int]
) -> None:
    lines = list(LINES)
    for number, line in enumerate(beside):
        lines[line] += f"  # beside {number}" if lines[line] and "#" not in lines[line] else ""
    for at, remark in inserted:
        lines[at] = f"{remark}\n{lines[at]}"
    _is_good("\n".join(lines) + "\n")


TOKENS = re.findall(r"[A-Za-z_]+|\"[^\"]*\"|[\[\]{}:,]|\n *- |\n *|.", ORDERS)
ODD = [
    "'a: b'",
    '"x, {y}"',
    "&a b",
    "|\n  x\n\n  y\n",
    "{}",
    "[]",
    "[1, [2, {a: b}]]",
    "a b",
    "# c\n",
    '"\\t\\u0007"',
    "? a",
]


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(0, len(TOKENS) - 1), st.one_of(st.sampled_from(ODD), st.sampled_from(TOKENS))),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_parses_is_formatted_without_a_change_or_refused(changes: list[tuple[int, str]]) -> None:
    tokens = list(TOKENS)
    for at, token in changes:
        tokens[at] = token
    with contextlib.suppress(SourceError, FormatError):
        _is_good("".join(tokens))


def _is_good(text: str) -> None:
    formatted = format_source(text)
    assert plain(ordered(parse_source(formatted))) == plain(ordered(parse_source(text)))
    assert format_source(formatted) == formatted
    assert sorted(re.findall(r"# (?:note|deeper|far|beside \d)", formatted)) == sorted(
        re.findall(r"# (?:note|deeper|far|beside \d)", text)
    )
