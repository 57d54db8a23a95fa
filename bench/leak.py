"""What the server keeps of calls that are over: 10,000 short ones by SIPp, and what it held before and after."""

import asyncio
from collections.abc import Mapping

from bench.calls_per_second import OurServer, prompts
from bench.figures import Figure, single
from bench.plan import Plan
from bench.processes import Usage
from bench.sipp_calls import Sipp
from voicebot.runtime.control.socket import ask

_RATE = 100.0
_SETTLES = (
    36.0  # seconds: RFC 3261's timers B, F, H and J hold transactions for 32, and the last call has to end
)
_HELD = ("calls", "legs", "media_ports", "sip_sessions", "sip_dialogs", "sip_transactions")


async def run(plan: Plan) -> list[Figure]:
    audio = prompts(plan.folder)
    with Sipp(plan.folder) as sipp, OurServer(plan.folder, "short", audio) as server:
        plan.tell("leak: warming up")
        # As long as transactions are held: from then on as many go as come, and memory has reached its height.
        warm_up = round(min(_SETTLES * _RATE, plan.leak_calls))
        await asyncio.to_thread(sipp.call, server.uri("short"), calls=warm_up, rate=_RATE)
        await asyncio.sleep(_SETTLES)
        before, held_before = server.usage(), await _held(server)
        plan.tell(f"leak: {plan.leak_calls} short calls")
        calls = await asyncio.to_thread(sipp.call, server.uri("short"), calls=plan.leak_calls, rate=_RATE)
        peak = server.usage()
        await asyncio.sleep(_SETTLES)
        after, held = server.usage(), await _held(server)
    return [
        Figure("held before", "", {**held_before, **_usage(before)}),
        Figure("held at the end of the last call", "", _usage(peak)),
        Figure(
            f"held {_SETTLES:g} s after {plan.leak_calls} calls that are over", "", {**held, **_usage(after)}
        ),
        single("  failed calls", calls.failed),
        single("  kept of a call", (after.own_kb - before.own_kb) / plan.leak_calls, "kB", 3),
        *(
            single(f"  of it {role}", after.own_by_role[role] - before.own_by_role[role], "kB in all")
            for role in sorted(after.own_by_role)
        ),
    ]


def _usage(usage: Usage) -> Mapping[str, float]:
    return {"descriptors": usage.descriptors, "threads": usage.threads, "memory_kb": usage.own_kb}


async def _held(server: OurServer) -> Mapping[str, float]:
    status = await asyncio.to_thread(ask, server.folder, {"command": "status"}, 10.0)
    return {name: status["metrics"][name] for name in _HELD}
