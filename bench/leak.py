"""What the server keeps of calls that are over: memory and descriptors before and after many short calls."""

import asyncio

from bench.crowd import short_calls
from bench.figures import Figure
from bench.plan import Plan
from bench.server import Server

_RATE = 20.0
_SETTLES = 35.0  # seconds: RFC 3261's timers B, F, H and J hold transactions for 32


async def run(plan: Plan) -> list[Figure]:
    with Server(plan.folder) as server:
        plan.tell("leak: warming up")
        await short_calls(server.uri("load"), plan.short_calls, _RATE)
        await asyncio.sleep(_SETTLES)
        before = server.usage()
        plan.tell(f"leak: {plan.short_calls} short calls")
        answers = await short_calls(server.uri("load"), plan.short_calls, _RATE)
        await asyncio.sleep(_SETTLES)
        after = server.usage()
    kept = after.own_kb - before.own_kb
    return [
        Figure(
            f"kept after {answers.calls} calls that are over",
            "",
            {
                "kB_per_call": round(kept / answers.calls, 2),
                "kB": kept,
                "descriptors": after.descriptors - before.descriptors,
                "threads": after.threads - before.threads,
            },
        ),
        *(
            Figure(f"  of it {role}", "kB", {"value": after.own_by_role[role] - before.own_by_role[role]})
            for role in sorted(after.own_by_role)
        ),
    ]
