"""How fast calls are set up: INVITE to 200, and calls a second that answer and hang up."""

from bench.crowd import short_calls
from bench.figures import Figure, percentile, single, spread
from bench.plan import Plan
from bench.server import Server

_SLOW = 0.5  # seconds, RFC 3261's T1: an answer that takes longer makes the caller repeat its INVITE
_ONE_BY_ONE = 5.0  # calls a second: none waits for another


async def run(plan: Plan) -> list[Figure]:
    with Server(plan.folder) as server:
        uri = server.uri("load")
        await short_calls(uri, 10, _ONE_BY_ONE)
        plan.tell("setup: one call after the other")
        alone = await short_calls(uri, plan.short_calls // 2, _ONE_BY_ONE)
        figures = [
            spread("INVITE to 200, one after the other", alone.answered_in),
            single("  not answered", alone.failed),
        ]
        sustained = 0.0
        for rate in plan.rates:
            plan.tell(f"setup: {rate:g} calls a second")
            before = server.usage().cpu_by_role
            answers = await short_calls(uri, round(rate * plan.rate_seconds), rate)
            after = server.usage().cpu_by_role
            cpu = {
                role: round((after[role] - before.get(role, 0.0)) / answers.calls * 1000, 2)
                for role in sorted(after)
            }
            figures += [
                spread(f"INVITE to 200 at {rate:g} calls/s", answers.answered_in),
                Figure(
                    f"  CPU per call at {rate:g} calls/s", "ms", {"value": round(sum(cpu.values()), 2), **cpu}
                ),
                single(f"  not answered at {rate:g} calls/s", answers.failed),
            ]
            if not answers.failed and percentile(answers.answered_in, 95) < _SLOW:
                sustained = rate
        figures.append(
            single("calls/s set up, all answered, p95 under 500 ms (of the rates tried)", sustained)
        )
    return figures
