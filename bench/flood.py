"""How calls are answered while somebody else floods: INVITEs from one address that is no trunk's."""

import asyncio
import sys

from bench.crowd import short_calls
from bench.figures import Figure, single, spread
from bench.plan import Plan
from bench.server import HOST, Server, ServerError

FLOODER = "127.0.0.66"
_CALLER = "127.0.0.9"
_FLOOD_RATE = 2000.0  # INVITEs a second
_CALLS_RATE = 10.0
_LEAD = 3.0  # seconds: the flood has used up its burst by then


async def run(plan: Plan) -> list[Figure]:
    with Server(plan.folder, networks=f"{_CALLER}/32") as server:
        number = plan.short_calls
        await short_calls(server.uri("load"), 10, _CALLS_RATE)
        plan.tell("flood: without")
        quiet = await short_calls(server.uri("load"), number, _CALLS_RATE)
        plan.tell("flood: with")
        seconds = number / _CALLS_RATE + _LEAD + 1
        command = [FLOODER, HOST, str(server.port), str(_FLOOD_RATE), str(seconds)]
        flooder = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.flooder", *command, stdout=asyncio.subprocess.PIPE
        )
        await asyncio.sleep(_LEAD)
        before = server.usage()
        loud = await short_calls(server.uri("load"), number, _CALLS_RATE)
        cpu = server.usage().cpu - before.cpu
        sent, _ = await flooder.communicate()
        if flooder.returncode:
            raise ServerError("the flooder failed; what it said stands above")
    return [
        spread("INVITE to 200 without a flood", quiet.answered_in),
        spread(f"INVITE to 200 while {_FLOOD_RATE:g} INVITEs/s come from another address", loud.answered_in),
        single("  not answered", quiet.failed + loud.failed),
        single("  INVITEs of the flood", int(sent)),
        single("  CPU of the server meanwhile", cpu * _CALLS_RATE / number * 100, "%", 1),
    ]
