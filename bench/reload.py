"""New versions of the dialplan while calls go on: what callers, the control process's loop and its memory notice.

Every reload is a real one: another text is rendered, the file is checked and compiled, new calls get the new version.
The same load is measured without reloads first, and for as long.
"""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.crowd import Crowd, listeners_audio
from bench.figures import Figure, single, spread
from bench.plan import Plan
from bench.processes import usage
from bench.reaction import Reaction, key_reactions
from bench.server import Server
from voicebot.runtime.control.socket import ask

_SETTLES = 2.0  # seconds
_WARM_UP = 10  # reloads: the child has started, caches of what is common to all versions are filled
_TEXTS = 20  # versions of one prompt: after that the prompts come from the disk, as the most of them do in practice
_KEY_CALLERS = 4
_WORDS = ("harbour", "ferry", "island", "morning", "window", "garden", "letter", "silver", "yellow", "summer")
_ANSWERS = 30.0
_EVERY = (
    0.25  # seconds: far more often than anybody edits; back to back they only show what a full processor does
)


async def run(plan: Plan) -> list[Figure]:
    dialplan = plan.folder / "dialplan.yaml"
    source = Path(__file__).with_name("dialplan.yaml").read_text("utf-8")
    dialplan.write_text(source, "utf-8")
    with Server(plan.folder, dialplan=dialplan) as server:
        calls = min(50, max(plan.calls))
        async with Crowd(server.uri("load"), calls, audio=listeners_audio(plan.folder)) as crowd:
            plan.tell(f"reload: {calls} calls, warming up")
            for number in range(_WARM_UP):
                await _reload(server, dialplan, source, number)
            await asyncio.sleep(_SETTLES)
            plan.tell(f"reload: {plan.reloads} reloads under {calls} calls")
            memory = usage(server.pid).own_by_role
            await _status(server, forget=True)
            crowd.measure()
            begin = time.monotonic()
            with_reloads, took, half = await _busy(server, dialplan, source, plan.reloads)
            seconds = time.monotonic() - begin
            lag = (await _status(server))["metrics"]
            after = usage(server.pid).own_by_role
            heard = await crowd.stop()
        plan.tell(f"reload: the same without reloads, {seconds:.0f} s")
        async with Crowd(server.uri("load"), calls, audio=listeners_audio(plan.folder)) as crowd:
            await asyncio.sleep(_SETTLES)
            await _status(server, forget=True)
            crowd.measure()
            without = await _until(server, begin=time.monotonic(), seconds=min(seconds, 60.0))
            quiet = (await _status(server))["metrics"]
            unheard = await crowd.stop()
    return [
        single(f"reloads under {calls} calls", plan.reloads),
        spread("  each took", took, (50, 99)),
        _gaps("RTP gap without reloads", unheard),
        _gaps("RTP gap with reloads", heard),
        spread("key to bot without reloads", _seconds(without)),
        spread("key to bot with reloads", _seconds(with_reloads)),
        _lag("loop lag without reloads", quiet),
        _lag("loop lag with reloads", lag),
        *(
            Figure(
                f"memory of {role}",
                "kB",
                {"before": memory[role], "half-way": half[role], "after": after[role]},
            )
            for role in sorted(after)
        ),
    ]


async def _busy(
    server: Server, dialplan: Path, source: str, reloads: int
) -> tuple[list[Reaction], list[float], Mapping[str, int]]:
    """Reload again and again while a few callers press keys.

    Return the reactions to keys, how long each reload took, and the memory by role (kB) when half of them were done.
    """
    stop = asyncio.Event()
    keys = asyncio.ensure_future(key_reactions(server.uri("react"), _KEY_CALLERS, stop))
    took: list[float] = []
    half: Mapping[str, int] = {}
    due = time.monotonic()
    for number in range(reloads):
        if number == reloads // 2:
            half = await asyncio.to_thread(lambda: usage(server.pid).own_by_role)
        start = time.monotonic()
        await _reload(server, dialplan, source, _WARM_UP + number)
        took.append(time.monotonic() - start)
        due += _EVERY
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    stop.set()
    return await keys, took, half


async def _until(server: Server, *, begin: float, seconds: float) -> list[Reaction]:
    stop = asyncio.Event()
    keys = asyncio.ensure_future(key_reactions(server.uri("react"), _KEY_CALLERS, stop))
    await asyncio.sleep(begin + seconds - time.monotonic())
    stop.set()
    return await keys


async def _reload(server: Server, dialplan: Path, source: str, number: int) -> None:
    """Make a version that was never there before, and have it taken."""
    await asyncio.to_thread(dialplan.write_text, version(source, number), "utf-8")
    answer = await asyncio.to_thread(ask, server.folder, {"command": "reload"}, _ANSWERS)
    if not answer.get("done"):
        raise RuntimeError(f"the reload was refused: {answer}")


def version(source: str, number: int) -> str:
    """Return the dialplan with another prompt, and another link that every question listens for."""
    said = f"  goodbye:\n    - say: This is version {number % _TEXTS}.\n"
    words = " ".join(_WORDS[digit] for digit in map(int, str(number)))
    link = f'links: [{{phrases: ["say {words}"], call: farewell}}]\n'
    return link + source.replace("  goodbye:\n", said) + "  farewell:\n    - return: {}\n"


async def _status(server: Server, *, forget: bool = False) -> Mapping[str, Any]:
    return await asyncio.to_thread(ask, server.folder, {"command": "status", "forget": forget}, _ANSWERS)


def _seconds(reactions: list[Reaction]) -> list[float]:
    return [item.seconds for item in reactions if item.seconds is not None]


def _gaps(name: str, heard: Mapping[str, Any]) -> Figure:
    gaps = {key: round(value, 2) for key, value in heard["gaps"].items()}
    return Figure(name, "ms", {**gaps, "lost": heard["lost"], "ended_early": heard["ended_early"]})


def _lag(name: str, metrics: Mapping[str, float]) -> Figure:
    lag: NDArray[np.float64] = np.array([metrics["loop_lag_p99_ms"], metrics["loop_lag_max_ms"]]).round(2)
    return Figure(name, "ms", {"p99": float(lag[0]), "max": float(lag[1])})
