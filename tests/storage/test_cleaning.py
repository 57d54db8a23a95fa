"""What peers send comes into a database whatever bytes it had."""

import datetime
import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.storage.cleaning import clean_text, to_json


@pytest.mark.parametrize(
    ("text", "clean"),
    [("", ""), ("Alice", "Alice"), ("您好", "您好"), ("a\0b", "ab"), ("您\udce9\0", "您?"), ("\ud83d", "?")],
)
def test_text_loses_only_what_no_database_takes(text: str, clean: str) -> None:
    assert clean_text(text) == clean
    assert json.loads(to_json({text: [text, (text,)]})) == {clean: [clean, [clean]]}


def test_what_json_does_not_know_is_text() -> None:
    value = {
        "at": datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
        "set": frozenset({1}),
        "map": MappingProxyType({"a\0": b"\xff"}),
        "none": None,
        "yes": True,
    }
    assert json.loads(to_json(value)) == {
        "at": "2026-11-22 00:00:00+00:00",
        "set": [1],
        "map": {"a": "b'\\xff'"},
        "none": None,
        "yes": True,
    }


_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@given(st.recursive(_TEXT, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=10))
def test_whatever_it_is_it_can_be_stored(value: object) -> None:
    written = to_json(value)
    assert "\0" not in written
    assert "\\u0000" not in written.replace("\\\\", "")
    json.loads(written.encode())
