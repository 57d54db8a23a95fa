"""The hotline over TCP, TLS and IPv6, called by SIPp and baresip and calling them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.audio import CALLER_HZ, loud_seconds, seconds_in, tone_wav
from tests.interop.baresip import Baresip
from tests.interop.conftest import DIALPLAN
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline, free_port, keys_of, running
from tests.runtime.certificates import Authority
from voicebot.media.wav import read_wav


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def config(authority: Authority, port: int, agent_port: int) -> Config:
    ours = authority.sign("hotline", "127.0.0.1")
    listen = [f"{kind}:{port}" for kind in ("udp:127.0.0.1", "tcp:127.0.0.1", "udp:[::1]", "tcp:[::1]")]
    files = {"certificate": str(ours.certificate), "key": str(ours.key), "ca": str(authority.certificate)}
    return {
        "sip": {"listen": [*listen, f"tls:127.0.0.1:{port + 1}"], "tls": files},
        "trunks": {"local": {"networks": ["127.0.0.0/8", "::1"], "dialplan": "main"}},
        "agents": {"one": {"uri": f"sip:6001@127.0.0.1:{agent_port};transport=tcp", "skills": {}}},
    }


@pytest.fixture(scope="module")
def secure_hotline(
    authority: Authority, agent_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hotline]:
    """It asks peers for certificates, and its agent is called over TLS."""
    port = free_port()
    ours = authority.sign("secure", "127.0.0.1")
    config = {
        "sip": {
            "listen": [f"udp:127.0.0.1:{port}", f"tls:127.0.0.1:{port + 1}"],
            "tls": {
                "certificate": str(ours.certificate),
                "key": str(ours.key),
                "ca": str(authority.certificate),
                "client_certificate": "required",
            },
        },
        "agents": {"one": {"uri": f"sip:6001@127.0.0.1:{agent_port + 1};transport=tls", "skills": {}}},
    }
    folder = tmp_path_factory.mktemp("secure")
    with running(Hotline(folder, DIALPLAN, port=port, config=config)) as each:
        yield each


@pytest.mark.feature("SIPp", "calls over TCP, one connection for all")
def test_calls_over_one_tcp_connection(hotline: Hotline, sipp: Sipp) -> None:
    sipp.call("uac", hotline.port, calls=10, options=("-t", "t1")).check(10)
    hotline.new_record(calls=10)


@pytest.mark.feature("SIPp", "calls over TCP, a connection for each")
def test_calls_over_a_tcp_connection_each(hotline: Hotline, sipp: Sipp) -> None:
    sipp.call("uac", hotline.port, calls=10, options=("-t", "tn")).check(10)


@pytest.mark.feature("SIPp", "calls over IPv6, UDP and TCP")
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_calls_over_ipv6(hotline: Hotline, sipp_program: str, tmp_path: Path, transport: str) -> None:
    run = Sipp(tmp_path, "::1").call("uac", hotline.port, calls=5, options=("-t", transport))
    run.check(5)
    assert "IN IP6 ::1" in run.messages


@pytest.mark.feature("baresip", "calls over IPv6; prompt, keys and audio both ways")
def test_a_caller_by_ipv6_hears_and_is_heard(hotline: Hotline, baresip_program: str, tmp_path: Path) -> None:
    says = tone_wav(tmp_path / "says.wav", CALLER_HZ, 30)
    with Baresip(tmp_path / "caller", says=says, host="::1") as caller:
        caller.dial(f"sip:701@[::1]:{hotline.port}")
        caller.listen(2.0)
        caller.keys("141421")
        caller.wait_for("CALL_CLOSED", timeout=15)
    record = hotline.new_record()
    assert keys_of(record) == "141421"
    assert seconds_in(Path(record["recording"]), CALLER_HZ) > 1.2
    assert loud_seconds(read_wav(caller.heard())) > 0.5


@pytest.mark.feature("SIPp", "is called as an agent over TCP")
def test_an_agent_is_called_over_tcp(
    hotline: Hotline, sipp_program: str, agent_port: int, tmp_path: Path
) -> None:
    agent = Sipp(tmp_path / "agent")
    answering = agent.begin("uas", port=agent_port, options=("-t", "t1"))
    Sipp(tmp_path / "caller").call("uac", hotline.port, number="702", options=("-d", "4000")).check()
    run = agent.end(answering)
    run.check()
    assert "SIP/2.0/TCP" in run.messages
    assert "SIP/2.0/UDP" not in run.messages


@pytest.mark.feature("baresip", "calls over TLS with our own CA; prompt and keys")
def test_a_caller_over_tls_hears_and_is_understood(
    hotline: Hotline, authority: Authority, baresip_program: str, tmp_path: Path
) -> None:
    with Baresip(tmp_path / "caller", transport="tls", ca=authority.certificate) as caller:
        caller.dial(f"sip:701@127.0.0.1:{hotline.port + 1};transport=tls")
        caller.listen(1.0)
        caller.keys("271828")
        caller.wait_for("CALL_CLOSED", timeout=15)
    record = hotline.new_record()
    assert keys_of(record) == "271828"
    assert loud_seconds(read_wav(caller.heard())) > 0.5


@pytest.mark.feature("baresip", "is called as an agent over TLS, both sides with certificates")
def test_an_agent_is_called_over_tls(
    secure_hotline: Hotline, authority: Authority, agent_port: int, baresip_program: str, tmp_path: Path
) -> None:
    signed = authority.sign("agent", "127.0.0.1")
    both = tmp_path / "agent.pem"
    both.write_bytes(signed.certificate.read_bytes() + signed.key.read_bytes())
    ca = authority.certificate
    agent = Baresip(
        tmp_path / "agent", "6001", answers=True, port=agent_port, transport="tls", ca=ca, certificate=both
    )
    with agent, Baresip(tmp_path / "caller", transport="tls", ca=ca, certificate=both) as caller:
        caller.dial(f"sip:702@127.0.0.1:{secure_hotline.port + 1};transport=tls")
        agent.wait_for("CALL_ESTABLISHED", timeout=15)
        caller.listen(1.0)
        caller.hang_up()
        agent.wait_for("CALL_CLOSED")
