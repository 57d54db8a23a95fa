"""Registered phones are kept over a restart."""

import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from voicebot.config import load_config
from voicebot.phones import Phones, load, save
from voicebot.sip import Address, Binding
from voicebot.trunks import line_key

DESK = Binding(
    "sip:alice@10.0.0.5:5062;ob",
    Address("udp", "198.51.100.7", 40123),
    Address("udp", "192.0.2.2", 5060),
    1000.0 + 300.0,
    0.5,
    "call-id",
    7,
    ("<sip:edge;lr>",),
    "a phone",
)
SIX = replace(DESK, uri="sip:alice@[2001:db8::1]", source=Address("udp", "2001:db8::1", 5060), local=None)


def test_bindings_come_back_with_the_time_that_is_left(tmp_path: Path) -> None:
    file = tmp_path / "phones.json"
    save(file, {"alice": [DESK, SIX]}, now=1000.0, wall=5000.0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # 100 s later, in a process whose monotonic clock began anew.
    found = load(file, now=10.0, wall=5100.0)
    assert found == {"alice": [replace(each, expires_at=10.0 + 200.0) for each in (DESK, SIX)]}


def test_what_has_run_out_or_lost_its_connection_does_not_come_back(tmp_path: Path) -> None:
    file = tmp_path / "phones.json"
    connected = replace(DESK, source=Address("tcp", "198.51.100.7", 40123), expires_at=9000.0)
    save(file, {"alice": [DESK], "bob": [connected]}, now=1000.0, wall=5000.0)
    assert load(file, now=10.0, wall=5300.0) == {}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": [1]}', '{"a": [{"uri": "x"}]}', '{"a": 7}', "\x00"])
def test_a_file_that_makes_no_sense_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "phones.json"
    assert load(file, 0.0, 0.0) == {}
    file.write_text(text, "utf-8")
    assert load(file, 0.0, 0.0) == {}


def test_the_mark_of_our_contacts_survives_a_restart_and_is_ours_alone(tmp_path: Path) -> None:
    key = line_key(tmp_path)
    assert line_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "line.key").stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    assert line_key(tmp_path / "other") != key


def test_a_server_knows_its_phones_again_and_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "dialplans: {main: demo.yaml}\nregistrar: {dialplan: main}\n"
        'agents: {alice: {register: {password: "${P}"}}, bob: {register: {password: "${P}"}}, carol: {uri: "sip:c@pbx"}}\n',
        "utf-8",
    )
    config = load_config(file, environment={"P": "secret"})
    assert not Phones(config).knows("198.51.100.7")
    config.data.mkdir()
    now, wall = time.monotonic(), time.time()
    save(
        config.data / "phones.json",
        {"alice": [replace(DESK, expires_at=now + 300)], "gone": [DESK]},
        now,
        wall,
    )
    phones = Phones(config)
    assert phones.knows("198.51.100.7")
    assert not phones.knows("198.51.100.8")
    found = phones.of("sip:alice@registrar")
    assert found is not None
    assert [(each.uri, each.destination, each.local) for each in found] == [
        (DESK.uri, DESK.source, DESK.local)
    ]
    assert (phones.of("sip:bob@registrar"), phones.of("sip:c@pbx")) == ([], None)
    assert [phones.reachable(f"sip:{name}@registrar") for name in ("alice", "bob")] == [True, False]
    assert phones.state("alice") == {"user": "alice", "registered": 1, "silent": 0}
    assert phones.state("carol") is None
    assert (phones.dialplan_for("alice"), phones.dialplan_for("mallory"), phones.dialplan_for(None)) == (
        "main",
        None,
        None,
    )


def test_without_a_registrar_nobody_is_known(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("dialplans: {main: demo.yaml}\nagents: {carol: {uri: sip:c@pbx}}\n", "utf-8")
    phones = Phones(load_config(file, environment={}))
    assert (phones.registrar, phones.realm, phones.take_calls) == (None, None, False)
    assert not phones.knows("198.51.100.7")
    assert phones.of("sip:c@pbx") is None
