"""What the hotline shows of a call, read by programs of others: tshark (Wireshark) and sngrep."""

import base64
import contextlib
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.interop import scenario as sip
from tests.interop.conftest import install
from tests.interop.report import Report, features_of
from tests.interop.sipp import Run, Sipp
from tests.live.hotline import ROOT, Config, Hotline, events
from voicebot.cli.ladder import pcap
from voicebot.sip.captured import SipMessage

feature = features_of("tshark")

PASSWORD = "sesame-for-the-front-door"
CARD = "49315827"
KEYS = "1" + CARD
KEY = base64.b64encode(b"thirty octets of key and salt.").decode()
SRTP = [line.replace("RTP/AVP", "RTP/SAVP") for line in sip.PCMU]
SRTP.append(f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")
MESSAGES = ["INVITE", "401", "ACK", "INVITE", "200", "ACK", *["INFO", "200"] * len(KEYS), "BYE", "200"]
HOMER = ("127.0.0.1", 19060)


@pytest.fixture(scope="module")
def tshark(report: Report) -> str:
    install("tshark", "tshark")
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout
    report.version("tshark", version.split()[2].rstrip(".") if version else "")
    return "tshark"


@pytest.fixture(scope="module")
def dialplan() -> Path:
    """Key 1, then a card's number, which is sensitive."""
    return ROOT / "tests" / "privacy" / "hotline.yaml"


@pytest.fixture(scope="module")
def config(sipp_program: str) -> Config:
    return {
        "sip": {"auth": {"realm": "interop", "users": {"frontdoor": PASSWORD}}},
        "trunks": {"guarded": {"networks": ["127.0.0.0/8"], "dialplan": "main", "auth": True}},
        "homer": {"address": f"{HOMER[0]}:{HOMER[1]}", "capture_id": 77},
    }


class Told(NamedTuple):
    """A call that was challenged, encrypted, and keyed by INFO: what Homer was told, and what SIPp saw."""

    datagrams: list[bytes]
    run: Run

    def secrets(self) -> set[str]:
        """Return what nobody may read: digest responses, keys of both sides, digits."""
        found = set(re.findall(r'response="(\w+)"', self.run.messages))
        keys = set(re.findall(r"inline:([\w+/=]+)", self.run.messages))
        assert (len(found), len(keys)) == (1, 2)
        return found | keys | {"Signal=", PASSWORD}


@pytest.fixture(scope="module")
def told(hotline: Hotline, tmp_path_factory: pytest.TempPathFactory) -> Told:
    datagrams: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer:
        homer.bind(HOMER)
        homer.settimeout(0.2)
        credentials = f"[authentication username=frontdoor password={PASSWORD}]"
        steps = [
            sip.invite(sip.sdp(*SRTP)),
            sip.progress() + sip.recv(401, options='auth="true"') + sip.ack_refusal(),
            sip.request("INVITE", 2, sip.sdp(*SRTP), headers=[credentials], dialog=False),
            *[sip.answered(), sip.ack(2), sip.pause(0.5)],
        ]
        for cseq, key in enumerate(KEYS, start=3):
            body = f"Signal={key}\nDuration=160"
            steps += [sip.request("INFO", cseq, body, content_type="application/dtmf-relay"), sip.recv(200)]
            steps.append(sip.pause(0.5 if cseq == 3 else 0.1))
        steps += [sip.pause(1.0), sip.hang_up(3 + len(KEYS))]
        uri = ("-auth_uri", f"700@127.0.0.1:{hotline.port}")
        run = Sipp(tmp_path_factory.mktemp("sipp")).call(steps, hotline.port, options=uri)
        run.check()
        with contextlib.suppress(TimeoutError):
            while True:
                datagrams.append(homer.recv(65535))
    return Told(datagrams, run)


def fields(tshark: str, file: Path, decode: str, *names: str) -> list[list[str]]:
    """Return the named fields of each packet, as tshark reads them."""
    wanted = [part for name in names for part in ("-e", name)]
    command = [tshark, "-r", str(file), "-d", decode, "-T", "fields", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@feature("the call's messages as a capture file (`calls show --pcap`)")
def test_a_calls_messages_are_read_back(hotline: Hotline, told: Told, tshark: str, tmp_path: Path) -> None:
    record = hotline.wait_for_record(1)
    assert [each["sensitive"] for each in events(record, "keys") if "sensitive" in each]
    file = tmp_path / "call.pcap"
    deadline = time.monotonic() + 10.0
    while not file.exists() and time.monotonic() < deadline:  # written two seconds after the call
        command = [sys.executable, "-m", "voicebot", "calls", "show", record["uid"], "--pcap", str(file)]
        subprocess.run(
            [*command, "--config", str(hotline.config), "--data", str(hotline.data)],
            capture_output=True,
            timeout=30,
        )
    rows = fields(
        tshark, file, f"udp.port=={hotline.port},sip", "sip.Method", "sip.Status-Code", "_ws.expert.severity"
    )
    lines = [method or status for method, status, _ in rows]
    assert [each for each in lines if each != "100"] == MESSAGES  # only a slow machine says 100
    shown = file.read_bytes() + b"".join(told.datagrams)
    shown += (hotline.ladder(record["uid"]) + hotline.ladder(record["uid"], "--sip")).encode()
    assert {each for each in told.secrets() if each.encode() in shown} == set()
    assert (
        shown.count(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 ***") == 3 * 3
    )  # two offers, an answer; in three places
    answers = [
        row[0] for row in fields(tshark, file, f"udp.port=={hotline.port},sip", "sip.auth.digest.response")
    ]
    assert [each for each in answers if each] == ["***"]


@pytest.mark.feature("sngrep", "HEP3, as a Homer server would get it")
def test_homer_gets_every_message(told: Told, report: Report, tmp_path: Path) -> None:
    """sngrep unwraps HEP (-E) and finds one call in it; without -E it finds none."""
    install("sngrep", "sngrep")
    version = subprocess.run(["sngrep", "--version"], capture_output=True, text=True).stdout
    report.version("sngrep", version.split("\n")[0].removeprefix("sngrep - "))
    assert sum(b"SIP/2.0 100" not in each for each in told.datagrams) == len(MESSAGES)
    file = tmp_path / "hep.pcap"
    file.write_bytes(
        pcap(
            [
                SipMessage(1.0, True, "udp", "127.0.0.1:5", f"127.0.0.1:{HOMER[1]}", each)
                for each in told.datagrams
            ]
        )
    )
    for unwrap, dialogs in (["-E"], 1), ([], 0):
        command = ["sngrep", "-F", "-N", *unwrap, "-I", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        assert done.stdout.split()[-1] == str(dialogs), done.stdout
