"""The middle of every call's story, on a telephone and in the simulator: the dialplan runs until the call is over."""

import asyncio
import contextlib
from collections.abc import Mapping

from voicebot.calls.call import Call
from voicebot.calls.leg import Leg
from voicebot.calls.racing import first_of
from voicebot.dialplan.interpreter import Interpreter

HANGUP_HANDLERS_WITHIN = 5.0  # seconds, dialplan language, principle 6


async def converse(call: Call, leg: Leg, interpreter: Interpreter, call_seconds: float) -> None:
    """Run the dialplan until it ends, the caller is gone, or the call has lasted `call_seconds`.

    Hang-up cancels the step in progress, once; then the `hangup` handlers run. An error of a step is raised.
    """
    steps = asyncio.get_running_loop().create_task(interpreter.run(), name=f"steps {call.uid}")
    try:
        await first_of(steps, leg.gone, timeout=call_seconds)
        if not steps.done() and not leg.gone.done():
            call.releases("too_long", "bot")
        elif steps.done():
            await leg.last_word()  # a BYE would cut the goodbye
    finally:
        if not steps.done():
            steps.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await steps
    if leg.gone.done():
        gone = leg.gone.result()
        call.releases(gone.cause, "caller" if gone.by_peer else "server")
    if not steps.cancelled():
        steps.result()  # an error of a step is this call's error
    if call.ended_by == "caller":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANGUP_HANDLERS_WITHIN):
                await interpreter.run_hangup_handlers()
    call.releases("normal", "bot")  # a step has said so already, but for `transferred`


def summary(call: Call, counters: Mapping[str, float]) -> Mapping[str, object]:
    """Return the fields of the record that are known at the end."""
    return {
        "language": call.language,
        "release_cause": call.release_cause,
        "ended_by": call.ended_by,
        "queue": call.queue,
        "queue_seconds": round(call.queue_seconds, 3),
        "agent": call.agent,
        "talk_seconds": round(call.talk_seconds, 3),
        "recording": call.recording,
        "recording_problem": call.recording_problem,
        "counters": dict(counters),
    }
