"""The hotline registers at Asterisk and at SIPp; phones register at the hotline."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop import scenario as sip
from tests.interop.asterisk_pbx import Asterisk
from tests.interop.audio import AGENT_HZ, seconds_in, tone_wav
from tests.interop.baresip import Baresip
from tests.interop.conftest import DIALPLAN, office_config
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline, events, free_port, running, wait_until


def trunk_of(hotline: Hotline) -> dict[str, Any]:
    """Return the only trunk as `voicebot trunks --json` tells of it."""
    command = [sys.executable, "-m", "voicebot", "trunks", "--json", "--config", str(hotline.config)]
    done = subprocess.run([*command, "--data", str(hotline.data)], capture_output=True, timeout=30)
    [found] = json.loads(done.stdout)["trunks"]
    assert done.returncode == (0 if found["state"] == "registered" and found["answers"] is not False else 1)
    return dict(found)


@pytest.fixture(scope="module")
def asterisk(asterisk_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    """To it the hotline is no trunk, which it would know by the port, but one of its extensions."""
    with Asterisk(asterisk_folder, tmp_path_factory.mktemp("asterisk"), free_port()) as each:
        yield each


@pytest.fixture(scope="module")
def config(asterisk: Asterisk) -> Config:
    os.environ["PBX_PASSWORD"] = "lab700"
    pbx = f"127.0.0.1:{asterisk.port}"
    account = {"user": "700", "password": "${PBX_PASSWORD}", "expires_seconds": 60}
    trunk = {"host": pbx, "register": account, "dialplan": "main", "dial": ["6XXX"], "ping_seconds": 2}
    return {"trunks": {"pbx": trunk}, "agents": {"one": {"uri": f"sip:6002@{pbx}"}}}


@pytest.fixture(scope="module")
def registered(hotline: Hotline) -> Hotline:
    wait_until(lambda: trunk_of(hotline)["state"] == "registered", 10.0, "registered")
    return hotline


@pytest.mark.feature(
    "Asterisk", "the hotline registers as an extension, with a challenge; `voicebot trunks` says so"
)
def test_the_hotline_registers_and_is_reached_by_its_extension(
    registered: Hotline, asterisk: Asterisk
) -> None:
    assert f"700@127.0.0.1:{registered.port}" in asterisk.cli("pjsip show contacts")
    wait_until(lambda: trunk_of(registered)["answers"] is True, 10.0, "Asterisk answers OPTIONS")
    before = registered.closed()
    asterisk.originate("700", "w:3", name="registered").wait()
    record = registered.new_record()
    assert record["trunk"] == "pbx"
    assert (record["from_number"], record["to_number"]) == ("5551234", "700")
    assert trunk_of(registered)["calls_in"] == before + 1


@pytest.mark.feature("Asterisk", "the registered hotline calls an extension: its INVITE is challenged")
def test_the_hotline_calls_as_its_extension(registered: Hotline, asterisk: Asterisk) -> None:
    asterisk.originate("702", "w:5", trunk="700", name="challenged").wait()
    record = registered.new_record()
    assert record["agent"] == "one"
    assert len(events(record, "agent_answered")) == 1
    assert trunk_of(registered)["calls_out"] >= 1


@pytest.mark.feature(
    "Asterisk",
    "a wrong password is told, and not tried again and again; the contact is taken back at the end",
)
def test_a_wrong_password_is_told_and_a_stopped_hotline_is_forgotten(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    account = {"user": "5001", "password": "opensesame"}
    trunk = {"host": f"127.0.0.1:{asterisk.port}", "register": account, "dialplan": "main"}
    with running(Hotline(tmp_path / "wrong", DIALPLAN, config={"trunks": {"pbx": trunk}})) as hotline:
        wait_until(lambda: trunk_of(hotline)["state"] == "refused", 10.0, "refused")
        found = trunk_of(hotline)
        assert "password" in found["last_problem"]
        assert found["retry_in"] > 200
        assert hotline.log_text().count("the registrar refuses us") == 1
        assert "opensesame" not in hotline.log_text()
    account = {"user": "5001", "password": "lab5001"}
    config = {"trunks": {"pbx": {**trunk, "register": account}}}
    with running(Hotline(tmp_path / "right", DIALPLAN, config=config)) as hotline:
        wait_until(lambda: trunk_of(hotline)["state"] == "registered", 10.0, "registered")
        assert f"5001@127.0.0.1:{hotline.port}" in asterisk.cli("pjsip show contacts")
    assert f"5001@127.0.0.1:{hotline.port}" not in asterisk.cli("pjsip show contacts")


# --- phones register at the hotline -------------------------------------------------------------------------------------


def status(hotline: Hotline) -> dict[str, Any]:
    """Return what `voicebot status --json` tells."""
    command = [sys.executable, "-m", "voicebot", "status", "--json", "--config", str(hotline.config)]
    done = subprocess.run(
        [*command, "--data", str(hotline.data)], capture_output=True, timeout=30, check=True
    )
    return dict(json.loads(done.stdout))


def agent_of(hotline: Hotline) -> dict[str, Any]:
    """Return the only agent."""
    [found] = status(hotline)["agents"]
    return dict(found)


def refused_strangers(hotline: Hotline) -> int:
    """Return how many requests of strangers were not answered."""
    guard = status(hotline)["guard"]
    return int(guard.get("stranger", 0))


def start(hotline: Hotline) -> None:
    """Start a server that answers no OPTIONS of ours: for it we are strangers until a phone has registered."""
    before = hotline.log_text().count("The hotline is on")
    hotline.launch()
    wait_until(lambda: hotline.log_text().count("The hotline is on") > before, 60.0, "the server is on")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Hotline]:
    nobody = {"nobody": {"networks": ["192.0.2.0/24"], "dialplan": "main"}}
    hotline = Hotline(tmp_path / "office", DIALPLAN, config=office_config() | {"trunks": nobody})
    try:
        start(hotline)
        yield hotline
        hotline.stop()
    finally:
        hotline.discard()


def phone(hotline: Hotline, folder: Path, password: str = "hush6001", **options: Any) -> Baresip:
    return Baresip(folder, "6001", registrar=f"127.0.0.1:{hotline.port}", password=password, **options)


@pytest.mark.feature(
    "baresip", "registers at the hotline; is rung as the agent; calls the hotline with its password"
)
def test_a_registered_phone_is_the_agents(office: Hotline, baresip_program: str, tmp_path: Path) -> None:
    assert agent_of(office)["status"] == "logged_out"
    says = tone_wav(tmp_path / "agent.wav", AGENT_HZ, 60)
    with phone(office, tmp_path / "agent", answers=True, says=says) as agent:
        assert agent_of(office)["status"] == "free"
        # Nobody but registered phones may call here: the caller is the same person's other phone.
        with phone(office, tmp_path / "caller") as caller:
            caller.dial(office.uri("702"), timeout=15)
            agent.wait_for("CALL_ESTABLISHED", timeout=15)
            caller.listen(2.0)
            caller.hang_up()
        record = office.wait_for_record(1)
        assert (record["agent"], record["trunk"]) == ("one", "registrar")
        assert seconds_in(caller.heard(), AGENT_HZ) > 1.0
    # Both phones take their contact back when they end.
    wait_until(lambda: agent_of(office)["status"] == "logged_out", 5.0, "the agent is not reachable any more")


@pytest.mark.feature("baresip", "a phone that registered is still known after a restart of the hotline")
def test_a_phone_is_known_after_a_restart(office: Hotline, baresip_program: str, tmp_path: Path) -> None:
    with phone(office, tmp_path / "agent", answers=True):
        office.stop()
        start(office)
        found = agent_of(office)
        assert (found["status"], found["phones"]["registered"]) == ("free", 1)


@pytest.mark.feature(
    "baresip", "with a wrong password neither registers nor calls; its storm of retries is soon not answered"
)
def test_a_stranger_neither_registers_nor_calls(
    office: Hotline, baresip_program: str, tmp_path: Path
) -> None:
    """baresip 1.0 tries again at once with every nonce that it gets, until it gets no answer."""
    with phone(office, tmp_path / "stranger", password="wrong", registered=False) as stranger:
        wait_until(lambda: refused_strangers(office) > 0, 5.0, "it is not answered any more")
        stranger.command("dial", office.uri())
        stranger.listen(3.0)
        assert not [each for each in stranger.events if each.get("type") == "CALL_ESTABLISHED"]
    assert agent_of(office)["phones"]["registered"] == 0
    assert office.calls() == []


# --- SIPp as a registrar ------------------------------------------------------------------------------------------------

CHALLENGE = 'WWW-Authenticate: Digest realm="sipp", nonce="9b2ad5c1a3e84b0f", algorithm=MD5, qop="auth"'


def final(line: str, *headers: str) -> str:
    """Return the step that answers a REGISTER."""
    lines = [
        f"SIP/2.0 {line}",
        "[last_Via:]",
        "[last_From:]",
        "[last_To:];tag=[pid]t[call_number]",
        "[last_Call-ID:]",
        "[last_CSeq:]",
        *headers,
        "Content-Length: 0",
    ]
    return "<send><![CDATA[\n" + "\n".join([*lines, "", ""]) + "\n]]></send>"


@pytest.mark.feature("SIPp", "as a registrar: 423, a challenge, a stale nonce; the contact is taken back")
def test_the_hotline_does_what_a_registrar_asks(sipp_program: str, tmp_path: Path) -> None:
    register = sip.recv("REGISTER")
    granted = final("200 OK", "[last_Contact:]", "Expires: 60")
    steps = [
        register,
        final("423 Interval Too Brief", "Min-Expires: 90"),
        sip.recv("REGISTER", sip.must_match("90", "hdr", "Expires:")),
        final("401 Unauthorized", CHALLENGE),
        sip.recv("REGISTER", sip.must_match('username="700"', "hdr", "Authorization:")),
        final("401 Unauthorized", CHALLENGE.replace("9b2a", "77aa") + ", stale=true"),
        sip.recv("REGISTER", sip.must_match("77aa", "hdr", "Authorization:")),
        granted,
        sip.recv("REGISTER", sip.must_match(" 0", "hdr", "Expires:")),
        final("200 OK"),
    ]
    registrar, port = Sipp(tmp_path / "sipp"), free_port()
    process = registrar.begin(steps, port=port)
    account = {"user": "700", "password": "${PBX_PASSWORD}", "expires_seconds": 60}
    trunk = {"host": f"127.0.0.1:{port}", "register": account, "dialplan": "main", "ping_seconds": 0}
    os.environ["PBX_PASSWORD"] = "lab700"
    with running(Hotline(tmp_path / "hotline", DIALPLAN, config={"trunks": {"pbx": trunk}})) as hotline:
        wait_until(lambda: trunk_of(hotline)["state"] == "registered", 10.0, "registered")
        assert trunk_of(hotline)["registered_for"] > 50
    registrar.end(process).check()
