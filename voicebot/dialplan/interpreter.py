"""The interpreter: one call through one version of a dialplan, from its first flow to its end."""

from collections.abc import Mapping

from voicebot.dialplan.control import End, Leave, StepError
from voicebot.dialplan.expressions import ExpressionError
from voicebot.dialplan.line import Line
from voicebot.dialplan.run import Run
from voicebot.dialplan.schema import Dialplan


class Interpreter:
    """One call. `call` holds what is known of it: `from`, `to`, `uid`, `headers` (a map), `priority`.

    `run` returns when the dialplan has ended the call, with the reason. When the caller hangs up, the awaited method
    of the line raises `asyncio.CancelledError`, which passes through; then `run_hangup_handlers` is called, once.
    """

    def __init__(self, dialplan: Dialplan, line: Line, call: Mapping[str, object]) -> None:
        self.run_state = Run(dialplan, line, call)
        self._dialplan = dialplan
        self._line = line

    @property
    def language(self) -> str:
        """Return the language that the caller is spoken to in."""
        return self.run_state.language

    async def run(self) -> str:
        """Run the dialplan from its start to its end; hang up, and return the reason."""
        run = self.run_state
        start = self._dialplan.hotline.start.name
        reason = "normal"
        try:
            run.trace("flow", flow=start)
            await run.enter(start)
        except End as end:
            reason = end.reason
        if reason not in ("transferred", "caller_left"):
            run.trace("hangup", reason=reason)
            await self._line.hang_up(reason)
        return reason

    async def run_hangup_handlers(self) -> None:
        """Run the `hangup` handlers after the caller has left: set, http and notify. The caller of this sets 5 s."""
        run = self.run_state
        run.arrive(None)
        for handler in self._dialplan.handlers.get("hangup", ()):
            run.trace_handler(handler, 1)
            try:
                if handler.set:
                    run.assign(handler.set)
                way = handler.way
                steps = way.steps.steps if way is not None and way.steps is not None else ()
                for step in steps:
                    run.arrive(step)
                    run.trace("step", verb=step.verb)
                    await step.run(run)
            except (StepError, ExpressionError) as error:
                run.trace("error", kind=error.kind, status=0, count=1)
            except Leave:
                return
