"""What the configuration of a trunk decides about calls to it and from it."""

from pathlib import Path
from typing import cast

import pytest

from voicebot.calls.routing import Route
from voicebot.config import Config, load_config
from voicebot.config.dialling import dial_uri
from voicebot.config.model import KeyPair
from voicebot.runtime.net.signalling import SipSignalling
from voicebot.sip import Address, Request, Uri
from voicebot.sip.guard import Known
from voicebot.sip.message import parse
from voicebot.trunks import Trunks, client_certificates, unheard

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


@pytest.mark.parametrize(
    ("settings", "host", "proxy"),
    [
        ("", "sip:pbx.example", None),
        ("proxy: sbc.example", "sip:pbx.example", "<sip:sbc.example;lr>"),
        (
            "proxy: sbc.example, transport: tls",
            "sip:pbx.example;transport=tls",
            "<sip:sbc.example;transport=tls;lr>",
        ),
        ('proxy: "sbc.example:5060"', "sip:pbx.example", "<sip:sbc.example:5060;lr>"),
        ('proxy: "[2001:db8::1]"', "sip:pbx.example", "<sip:[2001:db8::1];lr>"),
    ],
)
def test_a_proxy_without_a_port_is_looked_up_as_a_host_is(
    tmp_path: Path, settings: str, host: str, proxy: str | None
) -> None:
    """RFC 3263 section 4: a port that is written asks no DNS for services, and 5060 is not that of TLS."""
    path = tmp_path / "config.yaml"
    entry = f"host: pbx.example, dialplan: main, dial: [6XXX]{', ' if settings else ''}{settings}"
    path.write_text(f"dialplans: {{main: main.yaml}}\ntrunks:\n  pbx: {{{entry}}}\n", "utf-8")
    config = load_config(path)
    trunks = Trunks(config, cast(SipSignalling, None), b"key")
    called = dial_uri("6001", config.trunks["pbx"], {})
    assert called == host.replace("sip:", "sip:6001@")
    assert trunks.way(Uri.parse(called)).routes == (() if proxy is None else (proxy,))


def test_a_port_that_is_written_is_called_and_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "dialplans: {main: main.yaml}\n"
        'trunks:\n  pbx: {host: "pbx.example:5060", register: {user: "700", password: "x"}, dialplan: main, dial: [6XXX]}\n',
        "utf-8",
    )
    config = load_config(path)
    way = Trunks(config, cast(SipSignalling, None), b"key").way(Uri.parse("sip:6001@pbx.example"))
    assert (way.trunk, way.from_uri) == ("pbx", "sip:700@pbx.example")
    assert dial_uri("6001", config.trunks["pbx"], {}) == "sip:6001@pbx.example:5060"


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        ("udp:127.0.0.1:0", ["two", "three"]),
        ("udp:127.0.0.1:0, tcp:127.0.0.1:0", ["three"]),
        ("tcp:127.0.0.1:0", ["three"]),
    ],
)
def test_trunks_that_are_called_by_a_transport_on_which_we_do_not_listen_are_told(
    tmp_path: Path, listen: str, told: list[str]
) -> None:
    """A PBX that hangs up connects to our Contact, unless it uses our connection again."""
    path = tmp_path / "config.yaml"
    trunks = ("one: {", "two: {transport: tcp, ", "three: {transport: tls, ")
    entries = "".join(f"  {each}host: {each[:3]}.example, dialplan: main}}\n" for each in trunks)
    path.write_text(
        f"dialplans: {{main: main.yaml}}\nsip: {{listen: [{listen}]}}\ntrunks:\n{entries}", "utf-8"
    )
    assert [each.name for each in unheard(load_config(path))] == told


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


ROAMING = """\
dialplans: {main: main.yaml}
sip: {auth: {users: {frontdoor: "x"}}}
trunks:
  roaming: {networks: ["0.0.0.0/0", "::/0"], auth: true, dialplan: main, calls_per_second: 5}
  branch: {networks: ["203.0.113.0/24", "fc00::/7"], auth: true, dialplan: main}
  lan: {networks: [10.0.0.0/8], dialplan: main}
"""


@pytest.mark.parametrize(
    ("host", "agreed", "owned"),
    [
        ("198.51.100.7", Known(5.0, by_password=True), False),
        ("2001:db8::7", Known(5.0, by_password=True), False),
        ("203.0.113.7", Known(), True),
        ("fd00::7", Known(), True),
        ("10.1.2.3", Known(), True),
    ],
)
def test_who_may_call_from_anywhere_is_known_by_a_password_not_by_the_address(
    tmp_path: Path, host: str, agreed: Known, owned: bool
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(ROAMING, "utf-8")
    trunks = Trunks(load_config(path), cast(SipSignalling, None), b"key")
    invite = parse(b"INVITE sip:700@192.0.2.1 SIP/2.0\r\n\r\n")
    assert isinstance(invite, Request)
    assert trunks.agreed(invite, Address("udp", host, 5060)) == agreed
    assert trunks.owns(host) is owned
