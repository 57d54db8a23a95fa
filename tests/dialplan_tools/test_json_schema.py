"""`voicebot schema`: what the loader takes the schema takes, key by key, and unknown keys are refused by both."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialplan.helpers import codes
from voicebot.dialplan.fields import keys_of
from voicebot.dialplan.loader import SECTIONS
from voicebot.dialplan.source import SourceError, load_source, parse_source, plain
from voicebot.dialplan.targets import VERBS
from voicebot.dialplan.tools.json_schema import DRAFT, json_schema
from voicebot.dialplan.tools.words import KEYS, STEPS

ROOT = Path(__file__).parent.parent.parent
GOOD = [
    *sorted((ROOT / "dialplans").rglob("*.yaml")),
    *sorted((ROOT / "tests" / "fixtures").rglob("dialplans/**/*.yaml")),
]
EN = "dialplan: 1\nhotline: {name: t, languages: [en], start: main}\n"


@cache
def validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


def refused(text: str) -> list[str]:
    return [error.message for error in validator().iter_errors(plain(parse_source(text)))]


def definitions() -> dict[str, Any]:
    found: dict[str, Any] = json_schema()["$defs"]
    return found


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_every_dialplan_that_we_ship_is_valid(path: Path) -> None:
    assert [error.message for error in validator().iter_errors(plain(load_source(path)))] == []


def good_dialplans() -> list[str]:
    """Return the dialplans that stand in the tests of the loader and of the steps, and have no error."""
    found = []
    for path in sorted((ROOT / "tests" / "dialplan").glob("test_*.py")):
        for text in re.findall(
            r'"""\\?\n?((?:dialplan|flows|links|hours|queues|services|intents|types|vars):.*?)"""',
            path.read_text(encoding="utf-8"),
            re.DOTALL,
        ):
            whole = text if text.startswith("dialplan") else EN + text
            both = whole.replace("[en]", "[en, zh]")
            found += [item for item in (whole, both) if not codes_of_reading(item)][:1]
    return found


def codes_of_reading(text: str) -> set[str]:
    return {code for code in codes(text) if code < "VB100"}


def test_the_good_dialplans_of_the_tests_are_valid() -> None:
    found = good_dialplans()
    assert len(found) > 10
    for text in found:
        assert refused(text) == [], text


def test_the_schema_has_every_step_and_every_section_and_no_other() -> None:
    assert set(definitions()["step"]["properties"]) == set(VERBS) == set(STEPS)
    assert set(json_schema()["properties"]) == set(SECTIONS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_step_has_the_keys_that_the_loader_takes(verb: str) -> None:
    declared = keys_of(VERBS[verb])
    found = definitions().get(verb, {"properties": {}})
    assert set(found["properties"]) == set(declared)
    assert set(found.get("required", ())) == {
        name for name, field in declared.items() if field.metadata["required"]
    }


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"set"}))
def test_a_key_that_no_step_has_is_refused_by_both(verb: str) -> None:
    text = EN + f"flows:\n  main:\n    - {verb}: {{colour: red}}\n    - hangup: done\n"
    assert refused(text) != []
    assert codes(text) & {"VB020", "VB021", "VB023", "VB025"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("colour: red\n", "$"),
        ("hotline: {name: t, languages: [en], start: main, colour: red}\n", "$.hotline"),
        ("queues: {a: {strategy: longest}}\n", "$.queues.a.strategy"),
        ("queues: {a: {max_wait: 10}}\n", "$.queues.a.max_wait"),
        ("hours: {a: {weekly: {monday: '09:00-17:00'}}}\n", "$.hours.a.weekly"),
        ("handlers: {silence: [{reprompt: full}]}\n", "$.handlers"),
        ("tests: [{name: x}]\n", "$.tests[0]"),
        ("flows: {a: [{hangup: x, goto: a}]}\n", "$.flows.a[0]"),
    ],
)
def test_an_editor_shows_where_it_is_wrong(text: str, path: str) -> None:
    errors = list(validator().iter_errors(plain(parse_source(text))))
    assert path in [error.json_path for error in errors]


def test_every_key_says_what_it_is_for_and_no_words_are_left_over() -> None:
    used: set[str] = set()
    for owner, found in [("file", json_schema()), *definitions().items()]:
        if owner == "step" or found.get("type") != "object":
            continue
        for name, content in found.get("properties", {}).items():
            assert content["description"].endswith("."), (owner, name)
            used |= {name, f"{owner}.{name}"}
    assert set(KEYS) - used <= set(definitions()["step"]["properties"]) | {"noinput", "nomatch", "hangup"}


def test_references_lead_somewhere() -> None:
    text = json.dumps(json_schema())
    assert json_schema()["$schema"] == DRAFT
    for name in set(re.findall(r'"#/\$defs/(\w+)"', text)):
        assert definitions()[name]


TOKENS = re.findall(
    r"[A-Za-z_]+|\"[^\"]*\"|[\[\]{}:,]|\n *- |\n *|.",
    (ROOT / "dialplans" / "examples" / "order_status.yaml").read_text(encoding="utf-8"),
)
PIECES = [
    *TOKENS,
    '"1"',
    "true",
    "1.5",
    "800ms",
    "[a, b]",
    "{en: x}",
    "{}",
    "[]",
    '"{{ call.from }}"',
    "return",
    "[5, 8]",
]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, len(TOKENS) - 1), st.sampled_from(PIECES)), min_size=1, max_size=2))
def test_the_schema_never_refuses_what_the_loader_takes(changes: list[tuple[int, str]]) -> None:
    tokens = list(TOKENS)
    for at, token in changes:
        tokens[at] = token
    text = "".join(tokens)
    if not codes_of_reading(text):
        assert refused(text) == []


def test_numbers_and_dates_of_yaml_1_1_never_reach_the_schema() -> None:
    with pytest.raises(SourceError):
        parse_source("hours: {a: {weekly: {mon: 09:00}}}")
