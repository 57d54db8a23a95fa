"""Calls by SIPp, the SIP protocol tester, with their media going to one sink that listens to every stream."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from bench.crowd import CrowdError
from bench.server import free_port

_SCENARIO = Path(__file__).with_name("sipp") / "server_hangs_up.xml"
PROMPT_PACKETS = 10  # 200 ms
_HOST = "127.0.0.31"
_SETTLES = 12.0  # seconds after the last call began
_ENDS_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Calls:
    """A run of SIPp. `with_prompt`: streams in which at least 200 ms of sound came."""

    made: int
    failed: int
    refused: int  # by 503, at once: those did not fail
    retransmissions: int
    seconds: float  # from the first INVITE until all calls were over
    mean_answer: float  # seconds from INVITE to 200
    streams: int
    with_prompt: int
    callers_cpu: float  # seconds, of SIPp


class SippError(CrowdError):
    """SIPp is not there, or says that something is wrong with the run."""


class Sipp:
    """Between `with` and its end the sink is there. `folder` takes SIPp's files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "sipp"
        self._folder.mkdir(exist_ok=True)
        self._runs = 0

    def __enter__(self) -> "Sipp":
        if shutil.which("sipp") is None:
            raise SippError("SIPp is not installed: apt-get install sip-tester")
        self._sink = subprocess.Popen(
            [sys.executable, "-m", "bench.rtp_sink", _HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._port = self._told()["port"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._sink.stdin is not None
        assert self._sink.stdout is not None
        self._sink.stdin.close()
        self._sink.wait()
        self._sink.stdout.close()

    def call(self, uri: str, *, calls: int, rate: float) -> Calls:
        """Place `calls` calls, `rate` a second; return when all are over."""
        number, host, port = _parts(uri)
        self._runs += 1
        stem = self._folder / f"{self._runs}"
        screen, statistics = stem.with_suffix(".screen"), stem.with_suffix(".csv")
        command = ["sipp", "-sf", str(_SCENARIO), f"{host}:{port}", "-s", number]
        command += ["-i", _HOST, "-p", str(free_port(_HOST)), "-key", "sink_port", str(self._port)]
        command += ["-r", f"{rate:g}", "-rp", "1000", "-m", str(calls), "-l", str(round(rate * 20))]
        limit = calls / rate + _SETTLES
        command += ["-nostdin", "-skip_rlimit", "-timeout", f"{limit:.0f}s"]
        command += ["-trace_stat", "-stf", str(statistics), "-fd", "1"]
        command += ["-trace_err", "-error_file", str(stem.with_suffix(".errors"))]
        before = os.times().children_user + os.times().children_system
        with screen.open("wb") as out:
            code = self._run(command, out, limit + _ENDS_WITHIN)
        cpu = os.times().children_user + os.times().children_system - before
        if not statistics.exists():
            raise SippError(f"SIPp ended with {code}: {screen.read_text(errors='replace')[-500:]}")
        with statistics.open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        heard = self._heard()
        return Calls(
            int(last["TotalCallCreated"]),
            calls - int(last["SuccessfulCall(C)"]),
            int(last["refused(C)"]),
            int(last["Retransmissions(C)"]),
            _seconds(last["ElapsedTime(C)"]),
            _seconds(last["ResponseTimeanswer(C)"]),
            len(heard["packets"]),
            sum(packets >= PROMPT_PACKETS for packets in heard["audible"]),
            cpu,
        )

    def _run(self, command: Sequence[str], out: BinaryIO, limit: float) -> int:
        """Run SIPp; one that does not end is ended, and what it has written until then counts."""
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self._folder
        ) as process:
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()

    def _heard(self) -> dict[str, Any]:
        assert self._sink.stdin is not None
        self._sink.stdin.write(b"\n")
        self._sink.stdin.flush()
        return self._told()

    def _told(self) -> dict[str, Any]:
        assert self._sink.stdout is not None
        line = self._sink.stdout.readline()
        if not line:
            raise SippError("the sink of the media ended; what it said stands above")
        told: dict[str, Any] = json.loads(line)
        return told


def _parts(uri: str) -> Sequence[str]:
    match = re.fullmatch(r"sip:([^@]+)@([^:]+):(\d+)", uri)
    if match is None:
        raise SippError(f"`{uri}` is not sip:NUMBER@ADDRESS:PORT")
    return match.groups()


def _seconds(text: str) -> float:
    """Return what SIPp writes as HH:MM:SS or HH:MM:SS:MICROSECONDS."""
    hours, minutes, seconds, *fraction = text.split(":")
    return (
        int(hours) * 3600 + int(minutes) * 60 + float(seconds) + (int(fraction[0]) / 1e6 if fraction else 0)
    )
