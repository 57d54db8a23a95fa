"""Expressions and templates: the subset, its types, its bounds."""

import contextlib
import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.dialplan.expressions import (
    MAX_OUTPUT,
    ExpressionError,
    TemplateFault,
    Unset,
    parse_expression,
    parse_template,
)
from voicebot.dialplan.variables import Variables

SCOPE = Variables(
    zone=ZoneInfo("Asia/Shanghai"),
    hours={},
    clock=lambda: datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC),
    call={"from": "139", "priority": 5, "headers": {"x": "1"}},
    var={"rate": 1.5, "big": "x" * 3000},
    slot={"pin": "4711", "count": 3, "flag": True},
    saved={"acct": {"balance": 105, "name": None}},
)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("call.priority", 5),
        ("call.priority > 4", True),
        ("1 < slot.count <= 3", True),
        ("slot.count == 3 and not slot.flag", False),
        ("slot.flag or missing.name", True),
        ("call.from in ['138', '139']", True),
        ("acct.balance", 105),
        ("acct.name | default('x')", "x"),
        ("missing.name | default('none')", "none"),
        ("call.headers.x", "1"),
        ("call.headers['X']", "1"),
        ("call.headers['X-Tag'] | default('none')", "none"),
        ("-1", -1),
        ("true", True),
        ("'a'", "a"),
    ],
)
def test_values(source: str, value: object) -> None:
    assert parse_expression(source).evaluate(SCOPE, "en") == value


@pytest.mark.parametrize(
    "source",
    [
        "call.__class__",
        "call.priority + 1",
        "''.join(['a'])",
        "call['from']",
        "call.headers[1]",
        "call.headers[x]",
        "call.headers['x']['y']",
        "range(10)",
        "x | upper",
        "x if y else z",
        "x is defined",
        "x ~ y",
        "open(name)",
        "open('a', 'b')",
        "x | currency",
        "x | default(y)",
        "{'a': 1}",
        "(" * 300 + "1" + ")" * 300,
        "not " * 60 + "x",
        "x y",
        "",
        "{{ x }}",
        "lambda: 1",
        "[x]",
    ],
)
def test_what_is_not_of_the_subset_is_refused(source: str) -> None:
    with pytest.raises(TemplateFault):
        parse_expression(source)


@pytest.mark.parametrize("source", ["{% for a in b %}{% endfor %}", "{{ a", "{{ a.b() }}", "{{ 'a' * 9 }}"])
def test_statements_and_calls_are_refused_in_templates(source: str) -> None:
    with pytest.raises(TemplateFault):
        parse_template(source)


def test_one_lone_expression_keeps_its_type() -> None:
    assert parse_template("{{ acct.balance }}").value(SCOPE, "en") == 105
    assert parse_template("{{ acct.balance }} yuan").value(SCOPE, "en") == "105 yuan"
    assert parse_template("{{ slot.flag }}").text(SCOPE, "en") == "true"


def test_filters_speak_in_the_language() -> None:
    assert parse_template("{{ acct.balance | currency('CNY') }}").speech(SCOPE, "zh") == "一百零五元"
    assert parse_template("{{ slot.pin | digits }}").speech(SCOPE, "en") == "four seven double one"


def test_output_is_bounded() -> None:
    template = parse_template("{{ var.big }}{{ var.big }}")
    with pytest.raises(ExpressionError) as caught:
        template.text(SCOPE, "en")
    assert caught.value.kind == "too_long"
    assert MAX_OUTPUT == 4096


def test_an_unset_variable_is_named_without_any_value() -> None:
    with pytest.raises(Unset) as caught:
        parse_expression("acct.limit").evaluate(SCOPE, "en")
    assert str(caught.value) == "acct.limit is not set"


@pytest.mark.parametrize(
    "source", ["call.from < 3", "call.priority in 5", "slot.pin | currency('XYZ')", "'x' | date"]
)
def test_wrong_types_are_an_error_of_their_kind(source: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(source).evaluate(SCOPE, "en")
    assert caught.value.kind == "type"
    assert "4711" not in str(caught.value)


def test_references_know_whether_they_are_guarded() -> None:
    found = {
        (item.name, item.guarded) for item in parse_expression("a.b | default('x') == call.from").references
    }
    assert found == {("a.b", True), ("call.from", False)}


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab.{}|()'\"%#[]<>=!~+- 01,:\\\n{}", max_size=40))
def test_garbage_is_checked_or_refused(source: str) -> None:
    for parse in (parse_expression, parse_template):
        with contextlib.suppress(TemplateFault, ExpressionError):
            parsed = parse(source)
            if hasattr(parsed, "evaluate"):
                parsed.evaluate(SCOPE, "en")
            else:
                parsed.text(SCOPE, "en")
