"""What this version runs in a plain form only, or cannot run: said here, so that it is never a surprise in a call."""

from collections.abc import Iterator

from voicebot.dialplan.checks.callers import longest_answer
from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.inputs import Handler
from voicebot.dialplan.schema import Dialplan, Service
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.steps.answer import AnswerStep
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.form import Form
from voicebot.dialplan.steps.http import Http, Request
from voicebot.dialplan.steps.play import Play
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.say import Say
from voicebot.dialplan.steps.set import Set
from voicebot.dialplan.targets import Step, Steps
from voicebot.dialplan.texts import Text

DEAD_AIR = 10.0  # seconds in which callers hear nothing; then they take the line for dead
MEANWHILE = (Say, Play, Set)


def check_runnable(dialplan: Dialplan) -> Iterator[Finding]:
    """VB167: long silence; VB190: the plain form of something; VB191-VB194. Keys that a step needs beside another: VB022, VB102."""
    unheard = {id(step) for handler in dialplan.handlers.get("hangup", ()) for step in _inner(handler)}
    for item in everything(dialplan):
        match item:
            case Callback(queue=None) if len(dialplan.queues) != 1:
                hint = (
                    f"there are {', '.join(dialplan.queues)}"
                    if dialplan.queues
                    else "declare one under queues"
                )
                yield finding("VB102", item.position, "callback does not say which queue calls back", hint)
            case Form(prompt=Text() as prompt):
                message = "this version does not fill a form from one utterance"
                hint = "the prompt is spoken, then each slot is asked"
                yield finding("VB190", prompt.position, message, hint, "info")
            case QueueStep():
                yield from _queue_step(item)
            case AnswerStep() if dialplan.hotline.answer == "at_once":
                hint = "add answer: by_step to hotline, or remove the step"
                yield finding(
                    "VB194", item.position, "the call is answered at once, before its first step", hint
                )
            case Http(service=pointer) if id(item) not in unheard:
                yield from _silence(item, dialplan.services.get(pointer.name))
            case _:
                pass
    yield from _handlers(dialplan)


def _silence(step: Http, service: Service | None) -> Iterator[Finding]:
    if service is None:
        return
    longest = longest_answer(step, service)
    heard = min(longest, step.filler.after) if step.filler is not None else longest
    if heard > DEAD_AIR:
        message = f"while {service.name!r} does not answer, callers hear nothing for {heard:g} s"
        hint = 'shorten the timeout, or add filler: {after: 800ms, say: "One moment, please."}'
        yield finding("VB167", step.position, message, hint, "warning")


def _queue_step(step: QueueStep) -> Iterator[Finding]:
    offered = step.offer_callback
    if offered is not None and "callback_booked" not in step.exits:
        hint = "where does the call go on when one was booked?"
        yield finding("VB022", step.position, "offer_callback needs the exit callback_booked", hint)
    if step.while_waiting is not None:
        for inner in step.while_waiting.steps:
            if not isinstance(inner, MEANWHILE):
                message = f"{inner.verb} cannot run while waiting"
                yield finding("VB191", inner.position, message, "say, play and set can")


def _inner(handler: Handler) -> tuple[Step, ...]:
    return handler.goto.steps if isinstance(handler.goto, Steps) else ()


def _handlers(dialplan: Dialplan) -> Iterator[Finding]:
    for handler in dialplan.handlers.get("hangup", ()):
        inner = _inner(handler)
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
