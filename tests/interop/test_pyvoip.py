"""pyVoIP, a telephone in Python: UDP, G.711 and 8-bit audio; it registers, calls and is called.

Its quirks: it needs a registrar and talks to nobody else; it answers a second late; it cannot send keys, nor hang up a call
that has not been answered; what it plays is cut into packets by a thread that sleeps, so they do not come regularly.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.interop.audio import AGENT_HZ, CALLER_HZ, loud_seconds, seconds_in, seconds_of, tone_wav
from tests.interop.baresip import Baresip
from tests.interop.conftest import office_config
from tests.interop.processes import ended
from tests.interop.report import features_of
from tests.live.hotline import Config, Hotline, free_port, wait_until
from tests.live.port_blocks import PHONES, claim
from voicebot.media.tones import tone

feature = features_of("pyVoIP")

PHONE = Path(__file__).parent / "pyvoip_phone.py"


class PyVoip:
    """One telephone process; see pyvoip_phone.py."""

    def __init__(
        self, python: Path, folder: Path, hotline: Hotline, says: float, seconds: float, number: str = ""
    ) -> None:
        folder.mkdir()
        self._heard = folder / "heard"
        self._log = folder / "log"
        words = folder / "says"  # not at once: a prompt stops when the caller is heard
        samples = np.concatenate([np.zeros(3 * 8000, np.int16), tone((says,), 60.0)])
        words.write_bytes(((samples.astype(np.int32) >> 8) + 128).astype(np.uint8).tobytes())
        names = [
            hotline.port,
            free_port(),
            *claim(self, PHONES),
            "6001",
            "hush6001",
            self._heard,
            words,
            seconds,
        ]
        self._command = [str(python), str(PHONE), *map(str, names), *([number] if number else [])]

    def __enter__(self) -> "PyVoip":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(self, *_: object) -> None:
        ended(self._process, 10)

    def wait_for(self, line: str, timeout: float = 20.0) -> None:
        wait_until(lambda: line in self.log_text().split(), timeout, f"pyVoIP: {line}")

    def log_text(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def heard(self) -> NDArray[np.int16]:
        found = np.frombuffer(self._heard.read_bytes(), np.uint8)
        return ((found.astype(np.int16) - 128) << 8).astype(np.int16)


@pytest.fixture(scope="module")
def config() -> Config:
    return office_config(ping_seconds=0)


@feature("registers (UDP, digest) and calls: hears the prompt, is heard, hangs up")
def test_it_calls_and_both_sides_are_heard(hotline: Hotline, pyvoip_python: Path, tmp_path: Path) -> None:
    with PyVoip(pyvoip_python, tmp_path / "phone", hotline, CALLER_HZ, 7.0, "700") as phone:
        try:
            phone.wait_for("ended", 40.0)
        except AssertionError:
            print(phone.log_text()[-3000:])
            raise
        record = hotline.new_record()
    assert record["ended_by"] == "caller"
    assert loud_seconds(phone.heard()) > 1.0
    assert seconds_in(Path(record["recording"]), CALLER_HZ) > 2.0


@feature("registers, and is rung as the agent: audio both ways; the caller hangs up")
def test_it_is_the_agents_phone(
    hotline: Hotline, pyvoip_python: Path, baresip_program: str, tmp_path: Path
) -> None:
    says = tone_wav(tmp_path / "caller.wav", CALLER_HZ, 60)
    agent = PyVoip(pyvoip_python, tmp_path / "phone", hotline, AGENT_HZ, 30.0)
    with agent, Baresip(tmp_path / "caller", says=says) as caller:
        try:
            agent.wait_for("registered")
            caller.dial(hotline.uri("702"))
            agent.wait_for("answered")
            caller.listen(7.0)
            caller.hang_up()
            agent.wait_for("ended")
        except AssertionError:
            print(agent.log_text()[-3000:])
            raise
        record = hotline.new_record()
    assert (record["agent"], record["ended_by"]) == ("one", "caller")
    assert seconds_of(agent.heard(), CALLER_HZ) > 2.5
    assert seconds_in(caller.heard(), AGENT_HZ) > 2.5
