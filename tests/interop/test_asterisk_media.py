"""Asterisk 22 calls us and is called by us over every transport, with every codec, way of keying and encryption."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.interop.audio import AGENT_HZ, CALLER_HZ, loud_seconds, seconds_in
from tests.interop.conftest import DIALPLAN
from tests.interop.report import features_of
from tests.interop.wire import listening
from tests.live.hotline import Hotline, free_port, keys_of, log_on_failure, running, wait_until
from voicebot.media.wav import read_wav

feature = features_of("Asterisk")


@dataclass(frozen=True)
class Attached:
    """A hotline, and where Asterisk finds it over one transport."""

    hotline: Hotline
    target: str


def attached(
    asterisk: Asterisk, folder: Path, transport: str = "udp", srtp: str = "optional", login: str = "open"
) -> Iterator[Attached]:
    """Run a hotline whose only agent is extension 6003; it calls Asterisk by `transport`, as the user `login`."""
    port = free_port()
    ours = asterisk.authority.sign("hotline", "127.0.0.1")
    listen = [f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}", f"tls:127.0.0.1:{port + 1}"]
    files = {
        "certificate": str(ours.certificate),
        "key": str(ours.key),
        "ca": str(asterisk.authority.certificate),
    }
    pbx = f"127.0.0.1:{asterisk.tls_port if transport == 'tls' else asterisk.port}"
    way = "" if transport == "udp" else f";transport={transport}"
    trunk = {
        "networks": ["127.0.0.0/8"],
        "dialplan": "main",
        "host": pbx,
        "transport": transport,
        "login": {"user": login, "password": "trunk"},
    }
    config = {
        "sip": {"listen": listen, "tls": files},
        "media": {"codecs": ["PCMU", "PCMA", "G722", "OPUS"], "srtp": srtp},
        "trunks": {"pbx": trunk},
        "agents": {"one": {"uri": f"sip:6003@{pbx}{way}", "skills": {}}},
    }
    target = f"127.0.0.1:{port + 1 if transport == 'tls' else port}{way}"
    hotline = Hotline(folder, DIALPLAN, port=port, config=config)
    with running(hotline), log_on_failure(hotline):
        yield Attached(hotline, target)


def check_both_ways(asterisk: Asterisk, where: Attached, trunk: str, name: str) -> None:
    """Let Asterisk's caller be connected with its extension, by two calls through us: each hears the other's tone."""
    where.hotline.begin_test()
    asterisk.heard_by_6003.unlink(missing_ok=True)
    try:
        call = asterisk.originate("702", "w:4|p:caller|w:2", trunk=trunk, target=where.target, name=name)
        call.wait()
        record = where.hotline.new_record()
        assert (record["agent"], record["ended_by"]) == ("one", "caller")
        wait_until(lambda: asterisk.channels() == 0, 8.0, "no channel of Asterisk is left")
        assert seconds_in(call.heard, AGENT_HZ) > 3.0
        assert seconds_in(asterisk.heard_by_6003, CALLER_HZ) > 3.0
    except AssertionError:
        print(asterisk.log_text()[-4000:])
        raise


@pytest.fixture(scope="module")
def plain(asterisk: Asterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attached]:
    yield from attached(asterisk, tmp_path_factory.mktemp("plain"))


@feature("calls us and is called by us over UDP: audio both ways")
def test_both_ways_over_udp(asterisk: Asterisk, plain: Attached) -> None:
    """Asterisk has no encryption: that we offer keys on RTP/AVP has to be nothing to it."""
    check_both_ways(asterisk, plain, "open", "udp")


@feature("calls us and is called by us over TCP: audio both ways")
def test_both_ways_over_tcp(asterisk: Asterisk, tmp_path: Path) -> None:
    for where in attached(asterisk, tmp_path, "tcp"):
        check_both_ways(asterisk, where, "open", "tcp")


SECURE = {
    (
        "required",
        "sealed",
    ): "`srtp: required`, `media_encryption=sdes`: audio both ways, encrypted on the wire",
    (
        "optional",
        "sealed",
    ): "`srtp: optional`, `media_encryption=sdes`: audio both ways, encrypted on the wire",
    (
        "optional",
        "willing",
    ): "`srtp: optional`, `media_encryption_optimistic=yes`: audio both ways, encrypted on the wire",
    ("optional", "open"): "`srtp: optional`, no encryption at Asterisk: audio both ways",
}


@pytest.mark.parametrize(
    ("srtp", "trunk"),
    [
        pytest.param(*each, marks=feature(f"calls us and is called by us over TLS, {text}"))
        for each, text in SECURE.items()
    ],
)
def test_both_ways_over_tls(srtp: str, trunk: str, asterisk: Asterisk, tmp_path: Path) -> None:
    """Whoever listens on the line hears both tones on both legs where Asterisk has no encryption, else noise alone."""
    for where in attached(asterisk, tmp_path, "tls", srtp, trunk):
        with listening(where.hotline.rtp_ports, asterisk.rtp_ports) as wire:
            check_both_ways(asterisk, where, trunk, f"tls-{srtp}-{trunk}")
        for way in (wire.sent, wire.received):
            assert len(way.streams) >= 2, "the caller's leg and the agent's"
            clear = min(way.seconds_of(AGENT_HZ), way.seconds_of(CALLER_HZ))
            if trunk == "open":
                assert clear > 3.0
            else:
                assert way.seconds_of(AGENT_HZ) + way.seconds_of(CALLER_HZ) == 0.0
                assert way.authenticated == way.packets > 100


CODECS = {"alaw": "A-law", "g722": "G.722", "opus": "Opus"}


@pytest.mark.parametrize(
    "codec",
    [
        pytest.param(each, marks=feature(f"offers {name} alone: audio both ways, keys (RFC 4733)"))
        for each, name in CODECS.items()
    ],
)
def test_a_single_codec(codec: str, asterisk: Asterisk, plain: Attached) -> None:
    if codec == "opus" and "codec_opus" not in asterisk.cli("module show like codec_opus"):
        pytest.skip("this Asterisk has no codec_opus")
    assert keys_of(keyed(asterisk, plain, f"open-{codec}")) == "314159"


@feature("keys by INFO")
def test_keys_by_info(asterisk: Asterisk, plain: Attached) -> None:
    assert keys_of(keyed(asterisk, plain, "open-info")) == "314159"


@feature("keys in-band", means="not understood: keys have to come by RFC 4733 or INFO; the call goes on")
def test_keys_in_band_are_not_understood(asterisk: Asterisk, plain: Attached) -> None:
    assert keys_of(keyed(asterisk, plain, "open-inband", ended_by="caller")) == ""


def keyed(asterisk: Asterisk, where: Attached, trunk: str, ended_by: str = "bot") -> "dict[str, object]":
    """Let Asterisk's caller speak a tone and key a number; return the record, after the audio was measured."""
    where.hotline.begin_test()
    try:
        steps = "w:2|p:caller|d:314159|w:8"
        call = asterisk.originate("701", steps, trunk=trunk, target=where.target, name=f"keys-{trunk}")
        call.wait()
        record = where.hotline.new_record()
        wait_until(lambda: asterisk.channels() == 0, 8.0, "no channel of Asterisk is left")
        assert record["ended_by"] == ended_by
        assert loud_seconds(read_wav(call.heard)) > 1.5
        assert seconds_in(Path(record["recording"]), CALLER_HZ) > 2.5
    except AssertionError:
        print(asterisk.log_text()[-4000:])
        raise
    return record
