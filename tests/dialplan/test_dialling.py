"""Numbers, times and targets that are written out: what can never work is told before a caller meets it."""

from pathlib import Path

import pytest

from tests.dialplan.helpers import EN
from voicebot.config import load_config
from voicebot.dialplan.loader import check
from voicebot.runtime.render.around import around_of

CONFIG = """
sip: {listen: ["udp:127.0.0.1:5060"]}
trunks:
  pbx: {networks: ["127.0.0.0/8"], host: "127.0.0.1:5070", dialplan: main, dial: ["0XXXXXXX.", "sip:2XX@pbx.example.com"]}
  deaf: {networks: ["10.0.0.0/8"], dialplan: main, dial: ["+."]}
dialplans: {main: main.yaml}
agents: {maria: {uri: "sip:6001@127.0.0.1:5062;transport=tcp"}}
"""
HEAD = EN + (
    "queues: {desk: {}}\n"
    "hours: {desk: {weekly: {mon-sun: '09:00-18:00'}}}\n"
    "handlers: {noinput: [{goto: bye}], nomatch: [{goto: bye}], error: [{goto: bye}]}\n"
    "flows:\n"
    "  bye: [{hangup: {}}]\n"
)
CALLBACK = HEAD + (
    "  main:\n"
    "    - collect: {slot: phone, type: phone, prompt: Number?, on_fail: bye}\n"
    "    - callback: {NUMBER, AT, exits: {booked: bye, invalid: bye, closed: bye}}\n"
    "    - goto: bye\n"
)
TRANSFER = HEAD + (
    "  main:\n"
    "    - transfer: {to: TO, exits: {agent_done: bye, busy: bye, no_answer: bye, declined: bye,"
    " unreachable: bye, timeout: bye}}\n"
)


def told(text: str, folder: Path, *, configured: bool = True) -> list[tuple[str, str, str]]:
    """Return code, message and hint of what is no mere info."""
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    path = folder / "main.yaml"
    path.write_text(text, encoding="utf-8")
    around = around_of(load_config(folder / "config.yaml", environment={})) if configured else None
    found = check(path, around=around)[1]
    return [(item.code, item.message, item.hint) for item in found if item.code in ("VB109", "VB135")]


@pytest.mark.parametrize(
    ("number", "at", "message", "hint"),
    [
        ("slot.phone", "asap", "'slot.phone' is no number that can be called back", '"{{ slot.phone }}"'),
        ("call.from", "asap", "'call.from' is no number that can be called back", '"{{ call.from }}"'),
        ("none", "asap", "'none' is no number that can be called back", "digits"),
        (
            "'03012345678'",
            "next_open('desk')",
            "\"next_open('desk')\" is no time",
            "\"{{ next_open('desk') }}\"",
        ),
        ("'03012345678'", "soon", "'soon' is no time", "asap"),
    ],
)
def test_an_expression_without_braces_is_found(
    number: str, at: str, message: str, hint: str, tmp_path: Path
) -> None:
    text = CALLBACK.replace("NUMBER", f"number: {number}").replace("AT", f"at: {at}")
    found = told(text, tmp_path, configured=False)
    assert [item[:2] for item in found] == [("VB109", message)]
    assert hint in found[0][2]


@pytest.mark.parametrize("at", ["asap", "'2026-11-24 10:00'", "\"{{ next_open('desk') }}\""])
def test_numbers_and_times_that_can_be_meant_are_no_finding(at: str, tmp_path: Path) -> None:
    for number in ("'03012345678'", '"{{ slot.phone }}"', '"0{{ slot.phone }}"'):
        text = CALLBACK.replace("NUMBER", f"number: {number}").replace("AT", f"at: {at}")
        assert told(text, tmp_path) == []


@pytest.mark.parametrize(
    "to", ["maria", "'6001'", "'03012345678'", "sip:6001@127.0.0.1:5062", "sip:201@pbx.example.com"]
)
def test_who_can_be_dialled_is_no_finding(to: str, tmp_path: Path) -> None:
    assert told(TRANSFER.replace("TO", to), tmp_path) == []


@pytest.mark.parametrize(
    ("to", "message", "hint"),
    [
        ("mary", "there is no agent 'mary'", "did you mean 'maria'?"),
        ("reception", "there is no agent 'reception'", "agents are declared in the configuration"),
        ("'6002'", "no trunk lets '6002' be dialled", "let a pattern under `dial` of the trunk fit it"),
        (
            "'+4930123'",
            "no trunk lets '+4930123' be dialled",
            "let a pattern under `dial` of the trunk fit it",
        ),
    ],
    ids=["misspelt", "unknown", "no pattern", "a trunk that leads nowhere"],
)
def test_who_cannot_be_dialled_is_told_where_the_configuration_is_known(
    to: str, message: str, hint: str, tmp_path: Path
) -> None:
    text = TRANSFER.replace("TO", to)
    assert told(text, tmp_path) == [("VB135", message, hint)]
    assert told(text, tmp_path, configured=False) == []


def test_a_callback_to_a_number_that_no_trunk_dials_is_told(tmp_path: Path) -> None:
    text = CALLBACK.replace("NUMBER", "number: '112'").replace("AT", "at: asap")
    assert [item[:2] for item in told(text, tmp_path)] == [("VB135", "no trunk lets '112' be dialled")]
