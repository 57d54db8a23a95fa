"""Who calls in a test: numbers as the dialplan has them, headers that a call can bring, and what is wrong with the rest."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialplan.helpers import EN, findings, loaded
from voicebot.calls.identity import headers_of, number_of, user_part
from voicebot.dialplan.testcases import CallerTest
from voicebot.sip import Request, Uri

PLAN = (
    EN
    + """flows:
  main:
    - if: {when: "call.headers['X-Customer'] | default('') == 'gold'", goto: main}
    - hangup: normal
tests:
  - {name: one, GIVEN, caller: silence, expect: {}}
"""
)


def case(given: str) -> CallerTest:
    return loaded(PLAN.replace("GIVEN", given)).tests[0]


def told(given: str) -> list[tuple[str, int, int, str, str]]:
    found = findings(PLAN.replace("GIVEN", given))
    return [(item.code, item.line, item.column, item.message, item.hint) for item in found]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+49 30 123", "+4930123"),
        ("(030) 12-34/5.6", "030123456"),
        ("*21#", "*21#"),
        ("alice.smith", "alice.smith"),
        ("anonymous", "anonymous"),
    ],
)
def test_a_number_is_read_as_the_dialplan_has_it(written: str, number: str) -> None:
    found = case(f'from: "{written}", to: "{written}"')
    assert (found.from_number, found.to_number) == (number, number)


def test_a_test_that_does_not_say_who_calls_leaves_it_open() -> None:
    found = case("at: '2026-11-24 10:00'")
    assert (found.from_number, found.from_name, found.to_number, found.headers) == (None, "", None, None)


def test_headers_are_kept_as_they_are_written_without_spaces_around_them() -> None:
    found = case('from_name: " Ada ", headers: {x-Customer: " gold "}')
    assert (found.from_name, found.headers) == ("Ada", {"x-Customer": "gold"})


NUMBER = 'for example "+49 30 123", or anonymous'
PHONE = "X-..., Diversion and others that tell about the call can be sent"


@pytest.mark.parametrize(
    ("given", "code", "column", "message", "hint"),
    [
        ("from: 4930", "VB021", 23, "text is expected, not a number", 'write "4930"'),
        ("to: sip:a@b", "VB023", 21, "'sip:a@b' is no number to call from or to", NUMBER),
        ("from: ''", "VB023", 23, "'' is no number to call from or to", NUMBER),
        ("from: １２３", "VB023", 23, "'１２３' is no number to call from or to", NUMBER),
        ("headers: gold", "VB021", 26, "a map is expected, not text", ""),
        (
            "headers: {Contact: a}",
            "VB023",
            27,
            "the header 'Contact' is written by the phone that calls",
            PHONE,
        ),
        ("headers: {From: a}", "VB023", 27, "'From' is no header of a test", "write from beside headers"),
        (
            "headers: {Proxy-Authorization: a}",
            "VB023",
            27,
            "no dialplan can read the header 'Proxy-Authorization'",
            "leave it out",
        ),
        (
            "headers: {s: a}",
            "VB023",
            27,
            "'s' is no name of a header",
            "for example X-Customer or Diversion",
        ),
        (
            'headers: {X-Customer: "a\\nb"}',
            "VB021",
            39,
            "a header is one line of at most 512 characters",
            "",
        ),
        (
            "headers: {X-Customer: a, X-CUSTOMER: b}",
            "VB023",
            26,
            "a header stands here twice",
            "write it once, its values joined by commas",
        ),
    ],
)
def test_what_no_call_can_bring_is_found_where_it_stands(
    given: str, code: str, column: int, message: str, hint: str
) -> None:
    assert told(given) == [(code, 8, column, message, hint)]


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("X-Custommer", "did you mean 'x-customer'?"),
        ("Subject", "read it: call.headers['Subject'] | default('')"),
    ],
)
def test_a_header_that_nothing_reads_is_warned_of(header: str, hint: str) -> None:
    message = f"the test 'one' sends the header {header!r}, which nothing reads"
    assert told(f"headers: {{{header}: gold}}") == [("VB171", 8, 5, message, hint)]
    assert told("headers: {x-customer: gold}") == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=70), st.text(max_size=12))
def test_any_text_is_refused_or_is_on_the_wire_what_the_simulator_takes_it_for(
    party: str, value: str
) -> None:
    who, what = (json.dumps(text, ensure_ascii=False) for text in (party, value))
    text = PLAN.replace("GIVEN", f"from: {who}, headers: {{X-Customer: {what}}}")
    wrong = {item.code for item in findings(text)}
    if wrong:
        assert max(wrong) < "VB030"  # of reading, not of what it means
        return
    test = loaded(text).tests[0]
    assert test.from_number is not None
    assert test.headers is not None
    assert number_of(Uri.parse(f"sip:{user_part(test.from_number)}@127.0.0.1")) == test.from_number
    sent = Request("INVITE", "sip:700@127.0.0.1", [("x-customer", test.headers["X-Customer"])])
    assert headers_of(sent) == {"x-customer": test.headers["X-Customer"]}
