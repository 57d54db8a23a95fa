"""Nobody makes calls at the owner's expense."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.config import AgentConfig, Trunk, dial_uri, may_dial
from voicebot.config.dialling import check_pattern, outgoing

AGENTS = {"alice": AgentConfig("alice", "sip:6001@127.0.0.1:5070")}


@pytest.mark.parametrize(
    ("target", "pattern", "allowed"),
    [
        ("6001", "6XXX", True),
        ("600", "6XXX", False),
        ("60011", "6XXX", False),
        ("0211234", "0Z.", True),
        ("0011234", "0Z.", False),
        ("02", "0Z.", False),
        ("02", "0Z!", True),
        ("1", "N", False),
        ("62", "6[1-3]", True),
        ("64", "6[1-3]", False),
        ("+8613812345678", "+861NXXXXXXXXX", True),
        ("8613812345678", "+861NXXXXXXXXX", False),
        ("*97", "*97", True),
        ("sip:6001@pbx.example.com", "sip:6XXX@pbx.example.com", True),
        ("sip:6001@PBX.example.com", "sip:6XXX@pbx.example.com", True),
        ("sip:6001@elsewhere.example.com", "sip:6XXX@pbx.example.com", False),
        ("sip:6001@pbx.example.com:5080", "sip:6XXX@pbx.example.com", False),
        ("sip:6001@pbx.example.com", "6XXX", False),
        ("6001", "sip:6XXX@pbx.example.com", False),
    ],
)
def test_pattern(target: str, pattern: str, allowed: bool) -> None:
    assert check_pattern(pattern) is None
    assert may_dial(target, [pattern]) is allowed


@pytest.mark.parametrize(
    "target",
    [
        "6001\r\nContact: <sip:evil>",
        "6001\n",
        "6001;phone-context=+1900",
        "sip:6001@127.0.0.1:5070;maddr=1.2.3.4",
        "sip:6001@127.0.0.1:5070?Replaces=x",
        "<sip:6001@127.0.0.1:5070>",
        "sip:6001:password@127.0.0.1",
        " 6001",
        "६००१",
        "",
    ],
)
def test_nothing_but_a_plain_number_or_uri_is_dialled(target: str) -> None:
    everything = ["!", "X!", "sip:!@127.0.0.1:5070"]
    assert not may_dial(target, everything, ["sip:6001@127.0.0.1:5070"])
    assert dial_uri(target, Trunk("t", "main", host="pbx", dial=tuple(everything)), AGENTS) is None


@pytest.mark.parametrize(
    "pattern", ["", "call", "6.1", "sip:6XXX", "6XXX;x=y", "[9", "sip:@h", "6 1", "_6XXX"]
)
def test_wrong_pattern_is_found(pattern: str) -> None:
    assert check_pattern(pattern) is not None


def test_agents_may_always_be_dialled_and_nobody_else_without_a_pattern() -> None:
    trunk = Trunk("office", "main", host="pbx.example.com")
    for target in ("alice", "6001", "sip:6001@127.0.0.1:5070"):
        assert dial_uri(target, trunk, AGENTS) == "sip:6001@127.0.0.1:5070"
        assert dial_uri(target, None, AGENTS) == "sip:6001@127.0.0.1:5070"
    assert dial_uri("6002", trunk, AGENTS) is None


def test_an_agents_transport_comes_from_the_configuration_alone() -> None:
    agents = {"alice": AgentConfig("alice", "sip:6001@127.0.0.1:5070;transport=tcp")}
    for target in ("alice", "6001", "sip:6001@127.0.0.1:5070"):
        assert dial_uri(target, None, agents) == "sip:6001@127.0.0.1:5070;transport=tcp"
    assert dial_uri("sip:6001@127.0.0.1:5070;transport=tls", None, agents) is None


def test_a_trunk_is_called_over_its_transport() -> None:
    trunk = Trunk("office", "main", host="pbx.example.com", dial=("6XXX",), transport="tls")
    assert dial_uri("6002", trunk, {}) == "sip:6002@pbx.example.com;transport=tls"


def test_allowed_number_goes_to_the_trunks_host() -> None:
    trunk = Trunk("office", "main", host="pbx.example.com", port=5080, dial=("6XXX", "*9X#"))
    assert dial_uri("6002", trunk, AGENTS) == "sip:6002@pbx.example.com:5080"
    assert dial_uri("*97#", trunk, AGENTS) == "sip:*97%23@pbx.example.com:5080"
    assert dial_uri("6002", Trunk("lan", "main", dial=("6XXX",)), AGENTS) is None


@given(st.text(), st.text(max_size=12))
def test_any_text_is_judged_and_control_characters_never_pass(target: str, pattern: str) -> None:
    allowed = may_dial(target, [pattern, "."])
    assert not (allowed and set(target) - set("0123456789*#+"))
    check_pattern(pattern)


def test_a_tel_uri_is_the_number_in_it() -> None:
    """RFC 3966: visual separators and parameters are not part of it."""
    trunk = Trunk("office", "main", host="pbx.example.com", dial=("6XXX", "+1."))
    assert dial_uri("tel:+1-(201)-555.0123", trunk, {}) == "sip:+12015550123@pbx.example.com"
    assert dial_uri("tel:6005;phone-context=example.com", trunk, {}) == "sip:6005@pbx.example.com"
    assert dial_uri("tel:7005", trunk, {}) is None
    assert dial_uri("tel:6005?body=x", trunk, {}) is None


@pytest.mark.parametrize("number", ["112", "911", "0110", "9911", "000", "+112"])
def test_emergency_numbers_are_dialled_only_where_they_are_spelled_out(number: str) -> None:
    assert not may_dial(number, ["XXX", "XXXX", ".", "+."])
    assert not may_dial(f"sip:{number}@pbx", ["sip:.@pbx", "sip:+.@pbx"])
    assert may_dial(number, ["XXX", number])
    assert may_dial(f"sip:{number}@pbx", [f"sip:{number}@pbx"])


def test_a_trunk_names_the_emergency_numbers_of_its_country() -> None:
    vienna = Trunk(
        "vienna", "main", host="pbx.example", dial=("1XX", "01XX", "144"), emergency=("133", "144")
    )
    assert [dial_uri(number, vienna, {}) for number in ("133", "0133", "tel:+133")] == [None] * 3
    assert dial_uri("144", vienna, {}) == "sip:144@pbx.example", "spelled out"
    assert dial_uri("134", vienna, {}) == "sip:134@pbx.example"
    assert dial_uri("133", replace(vienna, emergency=()), {}) == "sip:133@pbx.example"


def test_the_emergency_numbers_of_a_trunk_hold_for_calls_that_leave_by_it() -> None:
    carrier = Trunk("carrier", "main", host="carrier.example", emergency=("133", "144"))
    pbx = Trunk(
        "pbx",
        "main",
        host="pbx.example",
        dial=("1XX", "144"),
        via={"1XX": ("carrier",), "144": ("carrier",)},
    )
    trunks = {"carrier": carrier, "pbx": pbx}
    assert dial_uri("133", pbx, {}, trunks) is None
    assert dial_uri("144", pbx, {}, trunks) == "sip:144@carrier.example", "spelled out"
    assert dial_uri("134", pbx, {}, trunks) == "sip:134@carrier.example"


def test_numbers_that_only_begin_like_an_emergency_are_ordinary() -> None:
    assert may_dial("1125", ["XXXX"])
    assert may_dial("9112", ["XXXX"]) is False  # 9 for a line, then 112


def test_a_number_leaves_by_the_first_trunk_that_its_pattern_names() -> None:
    carrier = Trunk("carrier", "main", host="carrier.example", transport="tls")
    backup = Trunk("backup", "main", host="192.0.2.7", port=5080)
    lan = Trunk("lan", "main")
    trunks = {each.name: each for each in (carrier, backup, lan)}
    pbx = Trunk(
        "pbx",
        "main",
        host="pbx.example",
        dial=("6XXX", "00.", "0.", "*1"),
        via={"00.": ("backup", "carrier"), "0.": ("carrier",), "*1": ("lan",)},
    )
    assert dial_uri("6005", pbx, AGENTS, trunks) == "sip:6005@pbx.example"
    assert dial_uri("0049", pbx, AGENTS, trunks) == "sip:0049@192.0.2.7:5080"
    assert dial_uri("0123", pbx, AGENTS, trunks) == "sip:0123@carrier.example;transport=tls"
    assert dial_uri("*1", pbx, AGENTS, trunks) is None, "by that trunk no number can leave"
    assert dial_uri("7000", pbx, AGENTS, trunks) is None
    assert [each.name for each in outgoing("0049", pbx, trunks)] == ["backup", "carrier"]
    assert outgoing("112", Trunk("t", "main", host="x", dial=("1XX",)), {}) == ()
