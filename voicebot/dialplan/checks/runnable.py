"""What the language knows and this version does not run: said here, so that it is never a surprise in a call."""

from collections.abc import Iterator

from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, Position, Severity, finding
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.http import Http, Request
from voicebot.dialplan.steps.play import Play
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.say import Say
from voicebot.dialplan.steps.set import Set
from voicebot.dialplan.targets import Steps

MEANWHILE = (Say, Play, Set)


def _not_run(position: Position, what: str, hint: str = "", severity: Severity = "error") -> Finding:
    return finding("VB190", position, f"this version does not run {what}", hint, severity)


def check_runnable(dialplan: Dialplan) -> Iterator[Finding]:
    """VB190: an error where a call would go wrong, a warning where something is merely left out; VB191-VB193."""
    for item in everything(dialplan):
        match item:
            case Callback():
                yield _not_run(item.position, "callback")
            case QueueStep():
                yield from _queue_step(item)
            case _:
                pass
    for queue in dialplan.queues.values():
        for name in ("ageing", "sticky", "overflow"):
            if getattr(queue, name) is not None:
                yield _not_run(queue.position, f"{name} of a queue", "it is ignored", "warning")
    yield from _handlers(dialplan)


def _queue_step(step: QueueStep) -> Iterator[Finding]:
    if step.offer_callback is not None:
        yield _not_run(step.position, "offer_callback", "callers are not offered one", "warning")
    if step.whisper is not None and any(
        item.path[:2] in (("queue", "ewt"), ("queue", "position")) for item in step.whisper.references
    ):
        what = "queue.ewt and queue.position in a whisper"
        yield _not_run(step.whisper.position, what, "queue.waited is known")
    if step.while_waiting is not None:
        for inner in step.while_waiting.steps:
            if not isinstance(inner, MEANWHILE):
                message = f"{inner.verb} cannot run while waiting"
                yield finding("VB191", inner.position, message, "say, play and set can")


def _handlers(dialplan: Dialplan) -> Iterator[Finding]:
    for handler in dialplan.handlers.get("hangup", ()):
        inner = handler.goto.steps if isinstance(handler.goto, Steps) else ()
        allowed = (Set, Request)
        good = all(isinstance(step, allowed) for step in inner) and not any(
            isinstance(step, Http) and step.filler for step in inner
        )
        if (handler.goto is not None and not isinstance(handler.goto, Steps)) or not good:
            hint = "give goto a list of set, http and notify steps"
            yield finding(
                "VB192", handler.position, "a handler of hangup runs set, http and notify only", hint
            )
        if handler.say is not None or handler.play is not None or handler.call is not None:
            yield finding(
                "VB192", handler.position, "nobody hears a handler of hangup", "remove say, play, call"
            )
    raised = {link.event for link in dialplan.all_links()} | {
        link.event for item in everything(dialplan) if isinstance(item, Collect) for link in item.all_links()
    }
    if "operator" in raised and "operator" not in dialplan.handlers:
        at = next(link.position for link in dialplan.all_links() if link.event == "operator")
        yield finding("VB193", at, "a link raises operator, but no handler leads anywhere")
