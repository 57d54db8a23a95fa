"""Fifty calls at once into the demo hotline: none is lost, and the audio of each leaves as regularly as a clock."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from tests.interop import scenario as sip
from tests.interop.audio import ulaw_file
from tests.interop.report import Report
from tests.interop.rtp_gaps import capturing, figures
from tests.interop.sipp import Sipp
from tests.live.hotline import DEMO, Hotline, log_on_failure, running
from voicebot.phone.voice import speak

CALLS, SECONDS, RATE = 50, 60, 10
LARGEST_P99_MS = 25.0
IDLE_LOAD = 0.5  # 1-minute load average per processor before the run, below which the machine counts as idle


def caller_audio() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return 20 s of a caller who chooses the language once, and is silent otherwise."""
    speech = speak("english please", "en-us+f3")
    return np.concatenate(
        [np.zeros(10 * 8000, np.int16), speech, np.zeros(10 * 8000 - len(speech), np.int16)]
    )


@pytest.mark.feature("SIPp", "50 calls at once for 60 s into the demo hotline, with G.711 both ways")
def test_fifty_calls_at_once_lose_nothing(sipp: Sipp, report: Report, tmp_path: Path) -> None:
    audio = ulaw_file(tmp_path / "caller.ulaw", caller_audio())
    begun = sip.connect(sip.sdp(port="rtpstream_audio_port"))
    steps = [begun, sip.action(rtp_stream=f"{audio},-1,0"), sip.pause(SECONDS), sip.hang_up()]
    load = os.getloadavg()[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(
            ("127.0.0.1", 0)
        )  # an agent's phone that never answers: who asks for a human waits, with music
        config = {"agents": {"alice": {"uri": f"sip:6001@127.0.0.1:{nobody.getsockname()[1]}", "skills": {}}}}
        with running(Hotline(tmp_path / "hotline", DEMO, config=config)) as hotline, log_on_failure(hotline):
            with capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture:
                run = sipp.call(steps, hotline.port, calls=CALLS, rate=RATE, limit=SECONDS + 40)
            run.check(CALLS)
            hotline.wait_for_record(CALLS)
            records = hotline.calls()
    sent = figures(capture.streams())
    kept = "met" if sent.p99 <= LARGEST_P99_MS else "not met"
    busy = f"load {load:.1f} on {os.cpu_count()} processors before the run"
    report.figure("50 calls of 60 s, RTP sent by the hotline", f"{sent}; p99 <= 25 ms {kept} ({busy})")
    assert len(records) == CALLS
    assert {each["ended_by"] for each in records} == {"caller"}
    assert (sent.streams, sent.lost) == (CALLS, 0)
    assert sum(each["counters"]["send_errors"] for each in records) == 0
    assert sent.packets_per_second == pytest.approx(50.0, abs=0.05)
    if load / (os.cpu_count() or 1) < IDLE_LOAD:
        assert sent.p99 <= LARGEST_P99_MS
