"""Errors that nothing handles: the caller would hear an apology, and the call would be over."""

from collections.abc import Iterator

from voicebot.dialplan.checks.callers import raises
from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.form import Form, FormSlot
from voicebot.dialplan.steps.http import Http
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import Step

_QUEUE = ("agent_done",)  # the others must be named
_BRIDGE = ("agent_done", "busy", "no_answer", "declined", "unreachable")
_BLIND = ("busy", "no_answer", "declined", "unreachable", "timeout")


def check_unhandled(dialplan: Dialplan) -> Iterator[Finding]:
    """VB114: an error of a step that nothing handles."""
    if dialplan.handlers.get("error"):
        return
    for item in everything(dialplan):
        if isinstance(item, Step) and not getattr(item, "error", ()) and (what := _unhandled(item)):
            message = f"{what} is an error here, and nothing handles it: the call ends with an apology"
            hint = "name it in the step, or add an error handler that goes to a human"
            yield finding("VB114", item.position, message, hint, "warning")


def _unhandled(step: Step) -> str:
    match step:
        case FormSlot():
            return ""  # the form's own on_fail counts
        case Collect(on_fail=None) | Form(on_fail=None):
            return "the last of max_attempts"
        case Http() if raises(step):
            return "a request that fails"
        case QueueStep():
            return _unnamed(step, _QUEUE)
        case Callback():
            return _unnamed(step, step.possible)
        case Transfer():
            return _unnamed(step, _BLIND if step.mode == "blind" else _BRIDGE)
        case _:
            return ""


def _unnamed(step: QueueStep | Transfer | Callback, names: tuple[str, ...]) -> str:
    missing = [name for name in names if name not in step.exits]
    return f"the exit {missing[0]!r}" if missing else ""
