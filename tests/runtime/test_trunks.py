"""What the configuration of a trunk decides about calls to it and from it."""

from pathlib import Path
from typing import cast

import pytest

from voicebot.calls.routing import Route
from voicebot.config import Config, load_config
from voicebot.config.model import KeyPair
from voicebot.runtime.net.signalling import SipSignalling
from voicebot.sip import Uri
from voicebot.trunks import Trunks, client_certificates

CONFIG = """\
dialplans: {main: main.yaml}
media: {srtp: optional}
trunks:
  office: {host: "192.0.2.1:5080", dialplan: main, srtp: "off"}
  carrier:
    host: sip.Carrier.example
    proxy: "sbc.carrier.example:5061"
    dialplan: main
    srtp: required
    tls: {certificate: acme.pem, key: acme.key}
  lan: {networks: [10.0.0.0/8], dialplan: main}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, "utf-8")
    return load_config(path)


@pytest.mark.parametrize(
    ("came_by", "uri", "policy"),
    [
        ("office", "", "off"),
        ("carrier", "", "required"),
        ("lan", "", "optional"),
        ("registrar", "", "optional"),
        ("carrier", "sip:6001@192.0.2.1:5080", "off"),
        ("office", "sip:6001@192.0.2.1", "optional"),
        ("office", "sip:0123@sip.Carrier.example", "required"),
    ],
)
def test_each_leg_is_encrypted_as_its_own_trunk_says(
    config: Config, came_by: str, uri: str, policy: str
) -> None:
    trunks = Trunks(config, cast(SipSignalling, None), b"key")
    assert trunks.srtp(came_by, Route(uri) if uri else None) == policy


def test_a_trunks_certificate_is_for_its_host_and_its_proxy(config: Config) -> None:
    pair = KeyPair(config.file.parent / "acme.pem", config.file.parent / "acme.key")
    assert client_certificates(config) == {"sip.carrier.example": pair, "sbc.carrier.example": pair}


TWO_ACCOUNTS = """\
dialplans: {main: main.yaml}
trunks:
  sales: {host: sip.carrier.example, dialplan: main, login: {user: sales, password: "x"}, dial: ["0."]}
  support:
    host: sip.carrier.example
    dialplan: main
    register: {user: support, password: "y"}
    dial: ["6XXX", {to: "0.", via: [support, backup]}]
  backup: {host: "192.0.2.7:5080", dialplan: main}
"""


@pytest.fixture
def two_accounts(tmp_path: Path) -> Trunks:
    path = tmp_path / "config.yaml"
    path.write_text(TWO_ACCOUNTS, "utf-8")
    return Trunks(load_config(path), cast(SipSignalling, None), b"key")


@pytest.mark.parametrize(
    ("wanted", "trunk", "user"),
    [
        ("sales", "sales", "sales"),
        ("support", "support", "support"),
        ("backup", "sales", "sales"),
        ("", "sales", "sales"),
    ],
)
def test_of_two_accounts_at_one_host_a_call_leaves_by_the_one_that_it_came_by(
    two_accounts: Trunks, wanted: str, trunk: str, user: str
) -> None:
    way = two_accounts.way(Uri.parse("sip:0123@sip.carrier.example"), wanted)
    assert way.trunk == trunk
    assert way.credentials is not None
    assert way.credentials.username == user


@pytest.mark.parametrize(
    ("came_by", "uri", "routes"),
    [
        (
            "support",
            "sip:0123@sip.carrier.example",
            [("sip:0123@sip.carrier.example", "support"), ("sip:0123@192.0.2.7:5080", "backup")],
        ),
        ("support", "sip:0123@192.0.2.7:5080", [("sip:0123@192.0.2.7:5080", "backup")]),
        ("support", "sip:6001@sip.carrier.example", [("sip:6001@sip.carrier.example", "support")]),
        ("support", "sip:0123@elsewhere.example", [("sip:0123@elsewhere.example", "support")]),
        ("sales", "sip:0123@sip.carrier.example", [("sip:0123@sip.carrier.example", "sales")]),
        ("registrar", "sip:6001@192.0.2.9", [("sip:6001@192.0.2.9", "registrar")]),
    ],
)
def test_a_number_goes_on_by_the_next_trunk_of_its_pattern(
    two_accounts: Trunks, came_by: str, uri: str, routes: list[tuple[str, str]]
) -> None:
    assert [route[:2] for route in two_accounts.routes(came_by, uri)] == routes


def test_a_trunk_that_does_not_answer_options_comes_last(two_accounts: Trunks) -> None:
    uri = "sip:0123@sip.carrier.example"
    two_accounts._health["support"].answered = False
    assert [route.trunk for route in two_accounts.routes("support", uri)] == ["backup", "support"]
    two_accounts._health["backup"].answered = False
    assert [route.trunk for route in two_accounts.routes("support", uri)] == ["support", "backup"]
