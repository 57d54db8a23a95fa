"""docs/pbx/asterisk.md, word for word: the hotline as a trunk, as an extension, encrypted; agents, transfer, the doctor."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.interop.audio import AGENT_HZ, CALLER_HZ, loud_seconds, seconds_in, tone_wav
from tests.interop.baresip import Baresip
from tests.interop.pages import NETWORK, Page, PageHotline
from tests.interop.report import features_of
from tests.live.hotline import Hotline, keys_of, log_on_failure, options, running, wait_until
from tests.runtime.certificates import Authority
from voicebot.media.wav import read_wav

feature = features_of("Asterisk", "asterisk.md")
TIMING = {"answer", "gaps", "jitter", "round-trip"}  # a busy machine may bend these
PBX, HOTLINE = f"{NETWORK}10", f"{NETWORK}20"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if options(PBX, 5060, 0.3) or options(HOTLINE, 5060, 0.3):
        pytest.skip("port 5060 of all addresses is taken by another SIP server")
    asterisk, hotline = tmp_path_factory.mktemp("pbx"), tmp_path_factory.mktemp("voicebot")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    (asterisk / "etc" / "keys").mkdir(parents=True)
    for folder, host in ((asterisk / "etc" / "keys", PBX), (hotline, HOTLINE)):
        signed = authority.sign(host, host)
        for source, name in (
            (signed.certificate, "cert"),
            (signed.key, "key"),
            (authority.certificate, "ca"),
        ):
            shutil.copy(source, folder / f"{name}.pem")
    return {"asterisk": asterisk / "etc", "voicebot": hotline}


@pytest.fixture(scope="module")
def page(folders: dict[str, Path]) -> Page:
    return Page("asterisk.md", folders)


def asterisk_of(page: Page, folders: dict[str, Path], root: Path, *parts: str) -> Asterisk:
    files = {
        "pjsip.conf": page.file("pjsip.conf", *parts),
        "extensions.conf": page.file("extensions.conf", *parts),
    }
    return Asterisk(root, folders["asterisk"].parent, 1, host=PBX, files=files)


def phone(folder: Path, user: str, *, answers: bool = False, says: Path | None = None) -> Baresip:
    return Baresip(
        folder, user, registrar=f"{PBX}:5060", password=f"CHANGE-ME-{user}", answers=answers, says=says
    )


@pytest.fixture(scope="class")
def hotline(page: Page, folders: dict[str, Path]) -> Iterator[Hotline]:
    with running(PageHotline(folders["voicebot"], page.file("config.yaml", "trunk"), HOTLINE)) as each:
        yield each


@pytest.fixture(scope="class")
def asterisk(
    hotline: Hotline, page: Page, folders: dict[str, Path], asterisk_folder: Path
) -> Iterator[Asterisk]:
    with asterisk_of(page, folders, asterisk_folder, "trunk", "tls") as each:
        yield each


@pytest.mark.usefixtures("asterisk")
class TestTrunk:
    @feature("a phone calls the hotline; prompt, keys, audio both ways")
    def test_a_phone_calls_the_hotline(
        self, hotline: Hotline, asterisk: Asterisk, baresip_program: str, tmp_path: Path
    ) -> None:
        wait_until(lambda: asterisk.reaches("voicebot"), 15.0, "the trunk is available")
        with phone(tmp_path / "caller", "6002", says=tone_wav(tmp_path / "t.wav", CALLER_HZ, 60)) as caller:
            caller.dial(f"sip:701@{PBX}:5060")
            caller.listen(1.5)
            caller.keys("314159")
            caller.wait_for("CALL_CLOSED", timeout=20)
        record = hotline.new_record()
        assert keys_of(record) == "314159"
        assert (record["trunk"], record["from_number"]) == ("pbx", "6002")
        assert loud_seconds(read_wav(caller.heard())) > 0.5
        assert seconds_in(Path(record["recording"]), CALLER_HZ) > 1.0

    @feature("a caller of the queue is connected with an agent's phone of the PBX")
    def test_an_agents_extension_is_rung(
        self, hotline: Hotline, baresip_program: str, tmp_path: Path
    ) -> None:
        says = tone_wav(tmp_path / "agent.wav", AGENT_HZ, 60)
        with (
            phone(tmp_path / "agent", "6001", answers=True, says=says) as agent,
            phone(tmp_path / "caller", "6002") as caller,
        ):
            caller.dial(f"sip:702@{PBX}:5060")
            agent.wait_for("CALL_ESTABLISHED", timeout=15)
            caller.listen(2.0)
            caller.hang_up()
            agent.wait_for("CALL_CLOSED", timeout=10)
        record = hotline.new_record()
        assert (record["agent"], record["ended_by"]) == ("alice", "caller")
        assert seconds_in(caller.heard(), AGENT_HZ) > 1.0

    @feature("blind transfer (REFER) to an extension of the PBX")
    def test_a_caller_is_transferred(self, hotline: Hotline, baresip_program: str, tmp_path: Path) -> None:
        says = tone_wav(tmp_path / "agent.wav", AGENT_HZ, 60)
        with (
            phone(tmp_path / "agent", "6001", answers=True, says=says) as agent,
            phone(tmp_path / "caller", "6002") as caller,
        ):
            caller.dial(f"sip:703@{PBX}:5060")
            caller.listen(1.5)
            caller.keys("6001")
            agent.wait_for("CALL_ESTABLISHED", timeout=15)
            record = hotline.new_record()
            caller.listen(2.0)
            caller.hang_up()
        assert record["release_cause"] == "transferred"
        assert seconds_in(caller.heard(), AGENT_HZ) > 1.0

    @feature("TLS and SRTP")
    def test_a_phone_calls_the_hotline_encrypted(
        self, hotline: Hotline, baresip_program: str, tmp_path: Path
    ) -> None:
        with phone(tmp_path / "caller", "6002") as caller:
            caller.dial(f"sip:720@{PBX}:5060")
            caller.listen(3.0)
            caller.hang_up()
        record = hotline.new_record()
        assert (record["trunk"], record["ended_by"]) == ("pbx", "caller")
        assert loud_seconds(read_wav(caller.heard())) > 0.5
        ladder = hotline.ladder(str(record["uid"]), "--sip")
        assert "SIP/2.0/TLS" in ladder
        assert "RTP/SAVP" in ladder

    @feature("`voicebot doctor` with an echo extension, and through the PBX to the hotline")
    @pytest.mark.parametrize("number", ["600", "700"])
    def test_the_doctor_finds_nothing(self, number: str) -> None:
        code, found = doctor(f"sip:{number}@{PBX}")
        bad = {each["name"]: each["text"] for each in found.values() if each["verdict"] in ("warn", "fail")}
        assert {name: text for name, text in bad.items() if name not in TIMING} == {}
        assert code == (1 if bad else 0)
        assert found["authentication"]["text"].startswith("password accepted")
        assert found["hold"]["verdict"] == found["audio-sent"]["verdict"] == "ok"
        if number == "600":
            assert found["echo"]["verdict"] == found["transcoding"]["verdict"] == "ok"

    @feature(
        "`voicebot doctor --refer`: an extension that answers, one that is missing, a call that is not bridged"
    )
    @pytest.mark.parametrize(
        ("number", "target", "verdict", "text"),
        [
            ("700", "600", "ok", "a NOTIFY says 200"),
            ("700", "5404", "fail", "404"),
            ("600", "700", "fail", "400"),
        ],
    )
    def test_the_doctor_transfers(
        self, hotline: Hotline, asterisk: Asterisk, number: str, target: str, verdict: str, text: str
    ) -> None:
        _, found = doctor(f"sip:{number}@{PBX}", "--refer", f"sip:{target}@{PBX}")
        assert found["refer"]["verdict"] == verdict
        assert text in found["refer"]["text"]
        asterisk.cli("channel request hangup all")  # whom it transferred goes on with the echo


# Mistakes of the page's readers: what stands behind the settings that all phones share, the line that finds it, its text,
# and the setting that it names.
MISTAKES = {
    "6003": ("dtmf_mode = inband", "dtmf", "fail", "no telephone-event", "dtmf_mode=rfc4733"),
    "6004": ("allow = !all,ulaw:40", "ptime", "warn", "a=ptime:40", "allow=ulaw:20,alaw:20"),
    "6005": ("media_address = 10.9.8.7\nbind_rtp_to_media_address = no", "sdp-address", "fail", "10.9.8.7", "external_media_address"),
    "6006": ("allow = !all,g722", "codec", "fail", "488", "allow=ulaw,alaw"),
}  # fmt: skip


def mistaken(user: str) -> str:
    return (
        f"[{user}](phone)\nauth = {user}\n{MISTAKES[user][0]}\n"
        f"[{user}]\ntype = auth\nauth_type = userpass\nusername = {user}\npassword = CHANGE-ME-6002\n"
    )


@pytest.mark.feature(
    "Asterisk",
    "`voicebot doctor` with wrong settings of Asterisk (keys, ptime, address, codec): it names each",
)
def test_the_doctor_names_the_setting_that_is_wrong(
    page: Page, folders: dict[str, Path], asterisk_folder: Path
) -> None:
    files = {
        "pjsip.conf": page.file("pjsip.conf") + "".join(map(mistaken, MISTAKES)),
        "extensions.conf": page.file("extensions.conf", "trunk"),
    }
    with (
        Asterisk(asterisk_folder, folders["asterisk"].parent, 1, host=PBX, files=files),
        ThreadPoolExecutor() as at_once,
    ):
        reports = at_once.map(lambda user: doctor(f"sip:600@{PBX}", user=user), MISTAKES)
    for (_, name, verdict, text, setting), (code, found) in zip(MISTAKES.values(), reports, strict=True):
        assert (code, found[name]["verdict"]) == (1, verdict), found[name]
        assert text in found[name]["text"]
        assert setting in found[name]["settings"]["Asterisk"]


def doctor(uri: str, *options: str, user: str = "6002") -> tuple[int, dict[str, dict[str, Any]]]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "voicebot",
            "doctor",
            uri,
            "--user",
            user,
            "--password-env",
            "PASSWORD",
            "--json",
            *options,
        ],
        capture_output=True,
        timeout=90,
        env=os.environ | {"PASSWORD": "CHANGE-ME-6002"},
    )
    assert done.returncode in (0, 1), done.stderr.decode()
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["findings"]}


@feature("the hotline as an extension: registered, called, and calling its agents")
def test_the_hotline_is_an_extension(
    page: Page, folders: dict[str, Path], asterisk_folder: Path, baresip_program: str, tmp_path: Path
) -> None:
    os.environ["PBX_PASSWORD"] = "CHANGE-ME-710"
    hotline = PageHotline(folders["voicebot"], page.file("config.yaml", "extension"), HOTLINE)
    with asterisk_of(page, folders, asterisk_folder, "extension") as pbx, running(hotline):
        wait_until(lambda: f"710@{HOTLINE}" in pbx.cli("pjsip show contacts"), 10.0, "registered")
        hotline.begin_test()  # its data are those of the hotline before
        with phone(tmp_path / "caller", "6002") as caller, log_on_failure(hotline):
            caller.dial(f"sip:710@{PBX}:5060")
            caller.listen(3.0)
            caller.hang_up()
            record = hotline.new_record()
    assert (record["trunk"], record["from_number"], record["to_number"]) == ("pbx", "6002", "710")
    assert loud_seconds(read_wav(caller.heard())) > 0.5
