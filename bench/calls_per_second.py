"""How many short calls a second: SIPp calls this server, then Asterisk, at rising rates until a call fails or is refused, then once with half as many again as it can.

A short call is answered by the dialplan, hears 200 ms of prompt, is hung up on, and has its record. A call has failed
if SIPp says so, if less than 200 ms of sound came to it, or if it has no record.
"""

import asyncio
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from sqlalchemy import create_engine, func, select

from bench.asterisk_beside import Asterisk
from bench.figures import Figure, single
from bench.plan import Plan
from bench.processes import Usage
from bench.server import Server
from bench.sipp_calls import Calls, Sipp
from voicebot.media.wav import encode_wav
from voicebot.storage.database import calls as call_rows

_HERE = Path(__file__).parent
_PROMPT_SECONDS = 0.2
_RECORDS_WITHIN = 10.0
_WARM_UP = 50
_OVERLOAD = 1.5  # times the highest rate without a refusal


class Callee(Protocol):
    """A server that is called: ours, or Asterisk."""

    def uri(self, number: str) -> str: ...

    def usage(self) -> Usage: ...

    def records(self) -> int: ...


class OurServer(Server):
    """Our server on 10,000 pairs of ports: one rests for 10 s after its call."""

    def __init__(self, folder: Path, flow: str, audio: Path) -> None:
        super().__init__(
            folder, _HERE / f"{flow}.yaml", extra=f'media: {{ports: "10000-29999"}}\nprompts: {audio}\n'
        )

    def records(self) -> int:
        """Return how many calls have a record that is complete."""
        engine = create_engine(f"sqlite:///{self.folder / 'voicebot.db'}")
        with engine.connect() as connection:
            wanted = call_rows.c.ended_at.is_not(None), call_rows.c.release_cause == "normal"
            found: int = connection.execute(select(func.count()).where(*wanted)).scalar_one()
        engine.dispose()
        return found


async def run(plan: Plan) -> list[Figure]:
    """Both kinds of calls, into both servers."""
    audio = prompts(plan.folder)
    figures: list[Figure] = []
    with Sipp(plan.folder) as sipp:
        for flow, rates in (("short", plan.short_rates), ("answer", plan.answer_rates)):
            folder = plan.folder / flow
            folder.mkdir()
            with OurServer(folder, flow, audio) as server:
                figures += await _rising(plan, sipp, server, flow, rates, "voicebot")
            with Asterisk(folder, audio) as asterisk:
                figures += await _rising(plan, sipp, asterisk, flow, rates, "Asterisk")
    return figures


async def _rising(
    plan: Plan, sipp: Sipp, callee: Callee, flow: str, rates: Sequence[float], name: str
) -> list[Figure]:
    figures: list[Figure] = []
    best = 0.0
    await _measured(plan, sipp, callee, flow, _WARM_UP, _WARM_UP)
    for rate in rates:
        plan.tell(f"calls_per_second: {flow} calls to {name}, {rate:g} a second")
        found, failed = await _measured(plan, sipp, callee, flow, round(rate * plan.sipp_seconds), rate)
        figures.append(Figure(f"{name}, {flow} calls at {rate:g}/s", "", found))
        if failed or found["refused"]:
            break
        best = rate
    plan.tell(f"calls_per_second: {flow} calls to {name}, more than it can")
    rate = (best or rates[0]) * _OVERLOAD
    found, _ = await _measured(plan, sipp, callee, flow, round(rate * plan.sipp_seconds), rate)
    figures.append(Figure(f"{name}, {flow} calls at {rate:g}/s, {_OVERLOAD:g} times as many", "", found))
    return [*figures, single(f"{name}, {flow} calls: the highest rate tried with 0 failed", best, "/s")]


async def _measured(
    plan: Plan, sipp: Sipp, callee: Callee, flow: str, number: int, rate: float
) -> tuple[Mapping[str, float], int]:
    """Return the figures of one run, and how many calls failed."""
    before, records = callee.usage().cpu_by_role, callee.records()
    calls: Calls = await asyncio.to_thread(sipp.call, callee.uri(flow), calls=number, rate=rate)
    admitted = number - calls.refused
    written = await _until(lambda: callee.records() - records, admitted)
    after = callee.usage().cpu_by_role
    cpu = {role: round((after[role] - before.get(role, 0.0)) / number * 1000, 2) for role in sorted(after)}
    silent = max(0, admitted - calls.with_prompt) if flow == "short" else 0
    failed = max(calls.failed, silent, admitted - written)
    told = {
        "calls": number,
        "admitted": admitted,
        "refused": calls.refused,
        "failed": calls.failed,
        "without_prompt": silent,
        "without_record": admitted - written,
        "per_second": round(number / max(calls.seconds, 0.001), 1),
        "retransmissions": calls.retransmissions,
        "answer_ms": round(calls.mean_answer * 1000, 1),
        "cpu_ms_a_call": round(sum(cpu.values()), 2),
        **{f"cpu_{role}": value for role, value in cpu.items()},
        "cpu_callers": round(calls.callers_cpu / number * 1000, 2),
        "load": round(os.getloadavg()[0], 1),
    }
    return told, failed


async def _until(count: Callable[[], int], wanted: int) -> int:
    """Wait until `count` says `wanted`, for a while; return what it says."""
    end = time.monotonic() + _RECORDS_WITHIN
    while (found := count()) < wanted and time.monotonic() < end:
        await asyncio.sleep(0.2)
    return found


def prompts(folder: Path) -> Path:
    """Write the prompt; return the folder that it is in."""
    audio = folder / "prompts"
    audio.mkdir()
    at = np.arange(round(8000 * _PROMPT_SECONDS))
    tone = (8000 * np.sin(2 * math.pi * 440 * at / 8000)).astype(np.int16)
    (audio / "tone.wav").write_bytes(encode_wav(tone))
    return audio
