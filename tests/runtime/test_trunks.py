"""What the configuration of a trunk decides about calls to it and from it."""

from pathlib import Path
from typing import cast

import pytest

from voicebot.config import Config, load_config
from voicebot.config.model import KeyPair
from voicebot.runtime.net.signalling import SipSignalling
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
    assert trunks.srtp(came_by, uri) == policy


def test_a_trunks_certificate_is_for_its_host_and_its_proxy(config: Config) -> None:
    pair = KeyPair(config.file.parent / "acme.pem", config.file.parent / "acme.key")
    assert client_certificates(config) == {"sip.carrier.example": pair, "sbc.carrier.example": pair}
