"""Concurrent calls in which a prompt plays while the caller's audio is decoded and searched for a voice."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bench.crowd import Crowd, listeners_audio, talkers_audio
from bench.figures import Figure, single, spread
from bench.machine import busy_seconds
from bench.plan import Plan
from bench.processes import Usage, usage
from bench.server import Server
from voicebot.phone import Phone

_SETTLES = 2.0  # seconds after the last answer
_PING_EVERY = 0.1
_WARM_UP_CALLS = 5


async def run(plan: Plan) -> list[Figure]:
    """Listening callers, 1 to 100 at once; then callers who answer a question every six seconds."""
    figures: list[Figure] = []
    with Server(plan.folder) as server:
        listening, talking = listeners_audio(plan.folder), talkers_audio(plan.folder)
        await _warm_up(server, listening)
        idle = server.usage()
        for calls in plan.calls:
            figures += await measured(
                plan, server.uri("load"), server.pid, calls, listening, str(calls), idle=idle
            )
        figures += await measured(
            plan, server.uri("talk"), server.pid, plan.talkers, talking, f"{plan.talkers} talking", idle=idle
        )
    if plan.compare is not None:
        pid = plan.compare_pid
        idle = usage(pid)
        for calls in plan.calls:
            name = f"other server, {calls}"
            figures += await measured(plan, plan.compare, pid, calls, listening, name, idle=idle)
    return figures


async def measured(
    plan: Plan, uri: str, pid: int, calls: int, audio: Path, name: str, *, idle: Usage
) -> list[Figure]:
    """Hold so many calls to `uri` for the plan's time and return what they cost and how they sounded.

    `pid` is the server's process; `idle` what it used without calls.
    """
    plan.tell(f"load: {name} calls")
    async with Crowd(uri, calls, audio=audio) as crowd:
        await asyncio.sleep(_SETTLES)
        phone = Phone(user="ping")
        before, busy_before, callers_before = usage(pid), busy_seconds(), usage(crowd.pid).cpu
        start = time.monotonic()
        crowd.measure()
        await asyncio.sleep(plan.seconds)
        wall = time.monotonic() - start
        after, busy, callers = usage(pid), busy_seconds() - busy_before, usage(crowd.pid).cpu - callers_before
        round_trips = await _ping(phone, uri, plan.seconds / 2)  # only now: it costs the server, too
        heard = await crowd.stop()
        await phone.close()
    answered = len(crowd.answers.answered_in)
    cpu = after.cpu - before.cpu
    minutes = max(1, answered) * wall / 60
    return [
        single(f"CPU per call-minute, {name} calls", cpu / minutes, "s"),
        *(
            single(
                f"  of it {role}, {name} calls",
                (after.cpu_by_role[role] - before.cpu_by_role.get(role, 0.0)) / minutes,
                "s",
            )
            for role in sorted(after.cpu_by_role)
        ),
        Figure(
            f"RTP gap, {name} calls", "ms", {key: round(value, 2) for key, value in heard["gaps"].items()}
        ),
        Figure(
            f"RTP packets, {name} calls",
            "",
            {
                "per_second": round(heard["received"] / heard["seconds"] / max(1, answered), 2),
                "lost": heard["lost"],
                "left_out": heard["skipped"],
                "of_ours_lost": heard["reported_lost"],
            },
        ),
        spread(f"INVITE to 200 while they come, {name} calls", crowd.answers.answered_in),
        spread(f"OPTIONS round trip, {name} calls", round_trips, (50, 99)),
        Figure(
            f"memory per call, {name} calls",
            "kB",
            {
                "value": round((after.own_kb - idle.own_kb) / max(1, answered)),
                **{
                    role: round((own - idle.own_by_role[role]) / max(1, answered))
                    for role, own in sorted(after.own_by_role.items())
                },
            },
        ),
        Figure(
            f"  circumstances, {name} calls",
            "",
            {
                "not_answered": crowd.answers.failed,
                "ended_early": heard["ended_early"],
                "callers_late_ms": round(heard["callers_late_ms"], 1),
                "callers_cpu_percent": round(callers / wall * 100, 1),
                "server_cpu_percent": round(cpu / wall * 100, 1),
                "machine_cpu_percent": round(busy / wall * 100, 1),
            },
        ),
    ]


async def _ping(phone: Phone, uri: str, seconds: float) -> Sequence[float]:
    """Ask OPTIONS ten times a second; return the round trips: how late the control process's loop is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    times: list[float] = []
    while loop.time() < end:
        start = loop.time()
        if await phone.ping(uri) != 408:
            times.append(loop.time() - start)
        await asyncio.sleep(max(0.0, min(start + _PING_EVERY, end) - loop.time()))
    return times


async def _warm_up(server: Server, audio: Path) -> None:
    """What the first calls load for good is no cost of the calls."""
    for number in ("load", "talk"):
        async with Crowd(server.uri(number), _WARM_UP_CALLS, audio=audio) as crowd:
            crowd.measure()
            await asyncio.sleep(1.0)
            await crowd.stop()
    await asyncio.sleep(1.0)
