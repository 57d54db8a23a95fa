"""Strict YAML: every trap has its own code, at file:line:column."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from voicebot.dialplan.model import build
from voicebot.dialplan.source import (
    MAX_BYTES,
    Finding,
    Mapping,
    SourceError,
    load_source,
    nearest,
    parse_source,
    plain,
)


def found(data: bytes | str) -> list[tuple[str, int, int]]:
    try:
        parse_source(data, "x.yaml")
    except SourceError as error:
        return [(item.code, item.line, item.column) for item in error.findings]
    return []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: on", {"a": "on"}),
        ("on: yes", {"on": "yes"}),
        ("a: [y, n, no, off]", {"a": ["y", "n", "no", "off"]}),
        ("a: true", {"a": True}),
        ("a: 12", {"a": 12}),
        ("a: -1.5", {"a": -1.5}),
        ("a: 5s", {"a": "5s"}),
        ('a: "0123"', {"a": "0123"}),
        ("a: '9:00'", {"a": "9:00"}),
        ('a: ""', {"a": ""}),
        ("a: 余额", {"a": "余额"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: >\n  b\n  c\n", {"a": "b c\n"}),
        ("404: x", {"404": "x"}),
    ],
)
def test_what_a_scalar_means(text: str, value: object) -> None:
    assert plain(parse_source(text)) == value


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("a: b\nc: 9:00", [("VB008", 2, 4)]),
        ("c: 08:30-20:00", [("VB008", 1, 4)]),
        ("c: 2026-10-01", [("VB008", 1, 4)]),
        ("c: 2026-10-01..2026-10-07", [("VB008", 1, 4)]),
        ("c: 0123", [("VB009", 1, 4)]),
        ("c: 1_000", [("VB009", 1, 4)]),
        ("c: 0x1F", [("VB009", 1, 4)]),
        ("c: .inf", [("VB009", 1, 4)]),
        ("x: 1\nc:\nd: ~", [("VB007", 2, 1), ("VB007", 3, 4)]),
        ("c: [null]", [("VB007", 1, 5)]),
        ("a: 1\nb: 2\na: 3", [("VB006", 3, 1)]),
        ("a:\n\tb: 1", [("VB005", 2, 1)]),
        ("a: b: c", [("VB004", 1, 5)]),
        ("a: [1, 2", [("VB004", 1, 9)]),
        ("", [("VB004", 1, 1)]),
        ("a: !python/object 1", [("VB010", 1, 4)]),
        ("a: &x [*x]", [("VB010", 1, 8)]),
        ("--- 1\n--- 2", [("VB010", 2, 1)]),
        ("%YAML 1.1\n---\na: 1", [("VB010", 2, 1)]),
        ("a: 1\n<<: {b: 1}", [("VB010", 2, 1)]),
        ("a: {{ x }}", [("VB010", 1, 5)]),
        ("a: 1\nb: x\x00y", [("VB003", 2, 5)]),
        ('a: 1\nb: "x\\0y"', [("VB003", 2, 4)]),
        ('a: "\\ud800"', [("VB003", 1, 4)]),
    ],
)
def test_each_trap_is_found_where_it_stands(text: str, findings: list[tuple[str, int, int]]) -> None:
    assert found(text) == findings


def test_a_byte_order_mark_and_windows_line_ends_do_not_move_positions() -> None:
    assert plain(parse_source(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")) == {"a": 1, "b": 2}
    assert found(b"\xef\xbb\xbfa: 1\r\nb: 0123\r\n") == [("VB009", 2, 4)]


def test_gb18030_bytes_are_named_as_such() -> None:
    with pytest.raises(SourceError) as caught:
        parse_source("a: ok\nb: 您好，请稍等".encode("gb18030"), "x.yaml")
    (one,) = caught.value.findings
    assert (one.code, one.line, one.column) == ("VB003", 2, 4)
    assert "GB18030" in one.hint
    assert "UTF-8" in one.hint


def test_an_alias_bomb_is_refused() -> None:
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    ((code, _, _),) = found("\n".join(rows))
    assert code == "VB010"


def test_deep_nesting_and_large_files_are_refused() -> None:
    assert found("[" * 5000)[0][0] == "VB010"
    assert found(b"a: " + b"x" * MAX_BYTES) == [("VB002", 1, 1)]


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        load_source(tmp_path / "none.yaml")
    assert caught.value.findings[0].code == "VB001"
    with pytest.raises(SourceError):
        load_source(tmp_path)


def test_nodes_know_their_positions() -> None:
    tree = parse_source("a:\n  b: [x, {c: 1}]\n", "f.yaml")
    assert isinstance(tree, Mapping)
    inner = tree.get("a")
    assert isinstance(inner, Mapping)
    key, value = inner.key("b"), inner.get("b")
    assert key is not None
    assert value is not None
    assert (str(key.position), str(value.position)) == ("f.yaml:2:3", "f.yaml:2:6")


def test_nearest_names() -> None:
    assert nearest("timout", ["timeout", "prompt"]) == "did you mean 'timeout'?"
    assert nearest("max-wait", ["max_wait"]) == "did you mean 'max_wait'?"
    assert nearest("zebra", ["timeout"]) == ""
    assert nearest("no", ["noinput", "if_yes", "if_no"]) == "did you mean 'if_no'?"
    assert nearest("by", ["ended_by", "led_by"]) == ""


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("ab:{}[]-&*!|>'\"#%@`,?\\\n\t 01_.~x"), max_size=60)
    | st.binary(max_size=60)
)
def test_garbage_parses_or_raises_source_error(data: str | bytes) -> None:
    with contextlib.suppress(SourceError):
        parse_source(data)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    listen: list[str] = []
    port: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    sip: Inner
    name: str


def findings_of(text: str) -> list[Finding]:
    findings: list[Finding] = []
    assert build(Outer, parse_source(text, "c.yaml"), findings) is None
    return findings


def test_a_model_names_unknown_keys_with_the_nearest_name() -> None:
    (one,) = findings_of("name: x\nsip:\n  lisen: [a]\n")
    assert (one.code, one.line, one.column) == ("VB020", 3, 3)
    assert one.hint == "did you mean 'listen'?"


def test_a_model_reports_wrong_types_and_missing_keys_with_positions() -> None:
    found_ = findings_of("sip: {port: secret, listen: [1]}\n")
    assert {(f.code, f.line, f.column) for f in found_} == {
        ("VB021", 1, 13),
        ("VB021", 1, 30),
        ("VB022", 1, 1),
    }
    assert not any("secret" in str(f) for f in found_)


def test_a_model_is_built_from_a_good_tree() -> None:
    findings: list[Finding] = []
    model = build(Outer, parse_source("name: x\nsip: {port: 1}\n"), findings)
    assert model == Outer(name="x", sip=Inner(port=1))
    assert not findings
